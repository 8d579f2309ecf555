// Package authz decides what an actor may do, by the Cedar rules in folder
// policies, and fails closed: what no rule permits, what a rule forbids, what
// no rule knows a word for, and what a rule stumbles over is denied.
//
// The same rules narrow searches: Reach asks the engine about every relation
// and every mark a record can have, so that what a search leaves out is what
// Decide would deny.
package authz

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/cedar-policy/cedar-go"
	publicast "github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// Policy is a set of rules, ready to decide. It never changes and is safe for
// concurrent use.
type Policy struct {
	rules    rules
	entities types.EntityMap // types and actions
	roles    map[string]bool
	actions  map[string]bool                  // that can be asked for
	words    map[string]bool                  // actions and groups of actions
	types    map[string][]string              // groups of each type, its family first
	named    map[string]bool                  // types that some rule names
	alike    map[string]string                // see kindred
	views    map[string]map[string]*fhir.Mask // role → type
	rows     map[string]map[string]*Rows
	numbers  *fhir.Numbers        // that are masked
	drugs    map[string][]string  // codes of the results that go with a drug
	confided map[string]*Category // what minors may keep to themselves
	serves   map[string][]string  // what each role may work for
	asked    []string             // roles that are asked what for
	clock    clock.Clock
	version  string

	mu      sync.RWMutex
	sliced  map[question]rules
	fit     map[question][]bool
	decided map[question]Decision
	reached map[reached]reachResult
}

// rule is one statement with the name and the sentence its author gave it.
type rule struct {
	id     types.PolicyID
	says   string
	policy *cedar.Policy
	scope  [3]*cedar.Policy // the same without its conditions, each with one part of its scope

	relations, labels alphabet
}

func (r rule) permits() bool { return r.policy.Effect() == cedar.Permit }

// rules is evaluated in a fixed order, so that decisions read alike.
type rules []rule

// All implements cedar.PolicyIterator.
func (r rules) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for i := range r {
			if !yield(r[i].id, r[i].policy) {
				return
			}
		}
	}
}

// permit reports whether any of the rules permits anything.
func (r rules) permit() bool {
	return slices.ContainsFunc(r, rule.permits)
}

const (
	schemaFile = "wardkeep.cedarschema"
	typesFile  = "types.txt"
)

// New reads the rules, with the system's clock. See NewAt.
func New(files fs.FS) (*Policy, error) { return NewAt(files, clock.System{}) }

// NewAt reads the rules. It refuses a rule without name and sentence, a name used
// twice, a rule that does not hold to the schema, and an empty set. The clock tells
// how old a proof of identity is.
func NewAt(files fs.FS, c clock.Clock) (*Policy, error) {
	p := &Policy{
		clock: c,
		named: map[string]bool{}, sliced: map[question]rules{}, fit: map[question][]bool{}, decided: map[question]Decision{}, reached: map[reached]reachResult{},
	}
	digest := sha256.New()
	read := func(name string) ([]byte, error) {
		b, err := fs.ReadFile(files, name)
		fmt.Fprintf(digest, "%s %d\n", name, len(b))
		digest.Write(b)
		return b, err
	}
	words, err := readSchema(read)
	if err != nil {
		return nil, fmt.Errorf("authz.New: schema: %w", err)
	}
	p.takeSchema(words)
	groups := enumNames(words, entityGroup)
	src, err := read(typesFile)
	if err == nil {
		p.types, err = parseTypes(src, groups)
	}
	if err != nil {
		return nil, fmt.Errorf("authz.New: types: %w", err)
	}
	maps.Copy(p.entities, typeEntities(p.types))

	names, err := fs.Glob(files, "*.cedar")
	if err != nil {
		return nil, fmt.Errorf("authz.New: %w", err)
	}
	slices.Sort(names)
	check := validate.New(words, validate.WithStrict())
	for _, name := range names {
		if src, err = read(name); err == nil {
			err = p.addFile(name, src, check, groups)
		}
		if err != nil {
			return nil, fmt.Errorf("authz.New: %s: %w", name, err)
		}
	}
	if len(p.rules) == 0 {
		return nil, errors.New("authz.New: no rules")
	}
	if err := p.readFields(read); err != nil {
		return nil, fmt.Errorf("authz.New: %w", err)
	}
	p.alike = p.kindred()
	p.version = hex.EncodeToString(digest.Sum(nil)[:8])
	return p, nil
}

func readSchema(read func(string) ([]byte, error)) (*resolved.Schema, error) {
	src, err := read(schemaFile)
	if err != nil {
		return nil, err
	}
	var s schema.Schema
	s.SetFilename(schemaFile)
	if err := s.UnmarshalCedar(src); err != nil {
		return nil, err
	}
	return s.Resolve()
}

// takeSchema learns the roles and actions. A group of actions is a word for
// rules; nobody can ask for it.
func (p *Policy) takeSchema(s *resolved.Schema) {
	p.roles = enumNames(s, entityRole)
	p.actions, p.words = map[string]bool{}, map[string]bool{}
	p.entities = types.EntityMap{}
	for uid, action := range s.Actions {
		p.entities[uid] = action.Entity
		p.words[string(uid.ID)] = true
		if action.AppliesTo != nil {
			p.actions[string(uid.ID)] = true
		}
	}
}

func enumNames(s *resolved.Schema, name types.EntityType) map[string]bool {
	out := map[string]bool{}
	for _, uid := range s.Enums[name].Values {
		out[string(uid.ID)] = true
	}
	return out
}

func (p *Policy) addFile(name string, src []byte, check *validate.Validator, groups map[string]bool) error {
	list, err := cedar.NewPolicyListFromBytes(name, src)
	if err != nil {
		return err
	}
	for _, one := range list {
		notes := one.Annotations()
		r := rule{id: types.PolicyID(notes["id"]), says: string(notes["says"]), policy: one}
		where := fmt.Sprintf("line %d", one.Position().Line)
		switch {
		case r.id == "" || strings.TrimSpace(r.says) == "":
			return fmt.Errorf("%s: a rule needs @id and @says", where)
		case slices.ContainsFunc(p.rules, func(o rule) bool { return o.id == r.id }):
			return fmt.Errorf("%s: @id is used twice", where)
		}
		tree := (*ast.Policy)(one.AST())
		if err := errors.Join(check.Policy(string(r.id), tree), p.checkWords(one, groups)); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		r.scope = scopesOf(tree)
		if r.relations, r.labels, err = alphabets(one); err != nil {
			return err
		}
		p.rules = append(p.rules, r)
	}
	return nil
}

// scopesOf returns a rule without conditions three times: for everything but the
// principals, the actions, and the types that it is for.
func scopesOf(tree *ast.Policy) (out [3]*cedar.Policy) {
	for part := range out {
		bare := *tree
		bare.Conditions = nil
		if part != whoScope {
			bare.Principal = ast.ScopeTypeAll{}
		}
		if part != actionScope {
			bare.Action = ast.ScopeTypeAll{}
		}
		if part != typeScope {
			bare.Resource = ast.ScopeTypeAll{}
		}
		out[part] = cedar.NewPolicyFromAST((*publicast.Policy)(&bare))
	}
	return out
}

// Version names these rules: a digest of their files.
func (p *Policy) Version() string { return p.version }

// Roles, Actions and Types return the words a Request may use, sorted.
func (p *Policy) Roles() []string { return sortedKeys(p.roles) }

// Actions returns the actions that can be asked for.
func (p *Policy) Actions() []string { return sortedKeys(p.actions) }

// Types returns the types that are in some family.
func (p *Policy) Types() []string { return sortedKeys(p.types) }

// Family returns the family a type is in, "" if it is unknown.
func (p *Policy) Family(typ string) string {
	if groups := p.types[typ]; groups != nil {
		return groups[0]
	}
	return ""
}
