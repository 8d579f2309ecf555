package authz

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// Actions of the schema that requests are made of.
const (
	Read        = "read"
	VRead       = "vread"
	Search      = "search"
	History     = "history"      // of one record
	HistoryType = "history-type" // of a type, or of everything
	Create      = "create"
	Update      = "update"
	Patch       = "patch"
	Delete      = "delete"
	ResetMFA    = "reset-mfa"
	Operate     = "operate"
)

// scopeOf is the SMART interaction an action needs.
var scopeOf = map[string]identity.Access{
	Read: identity.AccessRead, VRead: identity.AccessRead, History: identity.AccessRead,
	Search: identity.AccessSearch, HistoryType: identity.AccessSearch,
	Create: identity.AccessCreate, Update: identity.AccessUpdate, Patch: identity.AccessUpdate,
	Delete: identity.AccessDelete,
}

// Request asks whether Actor may do Action on a record of a type. Relations and
// Labels are those of the stored record, and before a write also of what would
// be stored: both must be allowed.
//
// To look, a relation to any patient of the record counts: mother and baby. To
// write, only a relation to every one of them does; else whoever has one patient
// of his own could name him beside a stranger and write into the stranger's
// chart, or put himself into the stranger's care team. And a relation MUST NOT
// be taken from what the actor is about to write.
type Request struct {
	Actor     identity.Actor
	Action    string
	Type      string
	Relations []Relation
	Labels    []Label // all that mark the record, or any patient of it
}

// Decision is the answer. Its slices are shared and MUST NOT be changed.
type Decision struct {
	Allow    bool
	Policies []string // @id of the rules that decided; none if no rule spoke
	Errors   []string // why a rule or the question itself could not be used
}

// question is everything a decision can depend on; rules cannot name people.
type question struct {
	kind      identity.Kind
	mfa       bool
	scoped    bool
	roles     string // sorted, comma
	action    string
	typ       string
	relations uint8
	labels    uint8
}

// remembered bounds the answers kept. There are far fewer questions in practice.
const remembered = 1 << 16

// Decide answers a request. It takes no time to speak of and never blocks.
func (p *Policy) Decide(_ context.Context, r Request) Decision {
	q, wrong := p.question(r)
	if wrong != "" {
		return Decision{Errors: []string{wrong}}
	}
	return p.answer(q)
}

func (p *Policy) answer(q question) Decision {
	p.mu.RLock()
	d, ok := p.decided[q]
	p.mu.RUnlock()
	if ok {
		return d
	}
	d = p.evaluate(q)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.decided) >= remembered {
		clear(p.decided)
	}
	p.decided[q] = d
	return d
}

// question checks every word. A word nobody knows is not worth an opinion.
func (p *Policy) question(r Request) (q question, wrong string) {
	q = question{kind: r.Actor.Kind, mfa: r.Actor.MFA == identity.AssuranceMulti, action: r.Action, typ: p.alike[r.Type]}
	if r.Actor.IsZero() {
		return q, "no actor"
	}
	if !p.actions[r.Action] {
		return q, "unknown action"
	}
	if q.typ == "" {
		return q, "unknown type"
	}
	switch r.Actor.Kind {
	case identity.KindPerson, identity.KindSystem:
		if q.roles, wrong = p.roleKey(r.Actor.Roles); wrong != "" {
			return q, wrong
		}
	case identity.KindClient:
		if len(r.Actor.Roles) != 0 {
			return q, "a program has no roles"
		}
		need, ok := scopeOf[r.Action]
		q.scoped = ok && r.Actor.Scopes.Access(r.Type)&need == need
	default:
		return q, "unknown kind of actor"
	}
	var ok bool
	if q.relations, ok = relationSet(r.Relations); !ok {
		return q, "unknown relation"
	}
	if q.labels, ok = labelSet(r.Labels); !ok {
		return q, "unknown label"
	}
	return q, ""
}

func (p *Policy) roleKey(roles []string) (key, wrong string) {
	for _, role := range roles {
		if !p.roles[role] {
			return "", "unknown role"
		}
	}
	switch len(roles) {
	case 0:
		return "", ""
	case 1:
		return roles[0], ""
	}
	sorted := slices.Clone(roles)
	slices.Sort(sorted)
	return strings.Join(slices.Compact(sorted), ","), ""
}

// asker is the entity getter of one question: the shared entities and one
// principal. All principals of a kind have the same name, so that no rule can
// be about one person.
type asker struct {
	shared    types.EntityMap
	principal types.Entity
}

// Get implements types.EntityGetter.
func (a asker) Get(uid types.EntityUID) (types.Entity, bool) {
	if uid == a.principal.UID {
		return a.principal, true
	}
	e, ok := a.shared[uid]
	return e, ok
}

const principalID = "asker"

var principalTypes = map[identity.Kind]types.EntityType{
	identity.KindPerson: entityPerson, identity.KindClient: entityClient, identity.KindSystem: entitySystem,
}

func (p *Policy) evaluate(q question) Decision {
	return p.ask(q, p.slice(q))
}

// slice returns the rules whose scope (who, what, on which type) fits the
// question. A rule whose scope does not fit is neither met nor stumbles, so
// leaving it out changes no decision; the engine itself says which fit.
func (p *Policy) slice(q question) rules {
	q.relations, q.labels, q.scoped, q.mfa = 0, 0, false, false
	p.mu.RLock()
	fit, ok := p.sliced[q]
	p.mu.RUnlock()
	if ok {
		return fit
	}
	for _, r := range p.rules {
		alone := rules{{id: r.id, policy: r.scope}}
		if d, why := p.authorize(q, alone); d == cedar.Allow || len(why.Reasons) != 0 || len(why.Errors) != 0 {
			fit = append(fit, r)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.sliced) >= remembered {
		clear(p.sliced)
	}
	p.sliced[q] = fit
	return fit
}

func (p *Policy) ask(q question, among rules) Decision { return settle(p.authorize(q, among)) }

func (p *Policy) authorize(q question, among rules) (cedar.Decision, cedar.Diagnostic) {
	principal := types.Entity{UID: types.NewEntityUID(principalTypes[q.kind], principalID)}
	if q.roles != "" {
		var parents []types.EntityUID
		for _, role := range strings.Split(q.roles, ",") {
			parents = append(parents, types.NewEntityUID(entityRole, types.String(role)))
		}
		principal.Parents = types.NewEntityUIDSet(parents...)
	}
	if q.kind == identity.KindPerson {
		principal.Attributes = types.NewRecord(types.RecordMap{"mfa": types.Boolean(q.mfa)})
	}
	return cedar.Authorize(among, asker{p.entities, principal}, cedar.Request{
		Principal: principal.UID,
		Action:    types.NewEntityUID(entityAction, types.String(q.action)),
		Resource:  types.NewEntityUID(entityType, types.String(q.typ)),
		Context: types.NewRecord(types.RecordMap{
			"relations": stringSet(relationsOf(q.relations)),
			"labels":    stringSet(labelsOf(q.labels)),
			"scoped":    types.Boolean(q.scoped),
		}),
	})
}

// settle denies whenever any rule could not be evaluated: the engine skips such
// a rule, even if it forbids.
func settle(decision cedar.Decision, why cedar.Diagnostic) Decision {
	d := Decision{Allow: decision == cedar.Allow && len(why.Errors) == 0}
	for _, reason := range why.Reasons {
		d.Policies = append(d.Policies, string(reason.PolicyID))
	}
	for _, e := range why.Errors {
		d.Errors = append(d.Errors, fmt.Sprintf("rule %s: %s", e.PolicyID, e.Message))
	}
	return d
}

func stringSet[S ~string](in []S) types.Set {
	values := make([]types.Value, len(in))
	for i, s := range in {
		values[i] = types.String(s)
	}
	return types.NewSet(values...)
}
