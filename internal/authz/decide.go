package authz

import (
	"context"
	"fmt"
	"slices"

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
	Locate      = "locate"      // whether somebody is known here
	BreakGlass  = "break-glass" // open a chart in an emergency
	Unmask      = "unmask"      // show the whole of masked numbers
)

// scopeOf is the SMART interaction an action needs.
var scopeOf = map[string]identity.Access{
	Read: identity.AccessRead, VRead: identity.AccessRead, History: identity.AccessRead,
	Search: identity.AccessSearch, HistoryType: identity.AccessSearch,
	Create: identity.AccessCreate, Update: identity.AccessUpdate, Patch: identity.AccessUpdate,
	Delete: identity.AccessDelete,
	Unmask: identity.AccessRead,
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
	// Bears reports whether the record is one of those rows. A role confined to
	// rows is refused without it.
	Bears func(*Rows) bool
}

// Decision is the answer. Its slices are shared and MUST NOT be changed.
type Decision struct {
	Allow    bool
	Roles    []string // of the actor's, those that allow it; "" for who has none
	Policies []string // @id of the rules that decided; none if no rule spoke
	Errors   []string // why a rule or the question itself could not be used
}

// question is everything a decision can depend on; rules cannot name people. It
// is about one role: each of an actor's is asked alone, so that no role profits
// from what another one is exempt from.
type question struct {
	kind      identity.Kind
	mfa       bool
	fresh     bool
	scoped    bool
	role      string
	action    string
	typ       string
	relations uint16
	labels    uint16
}

// remembered bounds the answers kept. There are far fewer questions in practice.
const remembered = 1 << 16

// Decide answers a request: what any of the actor's roles allows. It takes no time
// to speak of and never blocks.
func (p *Policy) Decide(_ context.Context, r Request) Decision {
	q, wrong := p.question(r)
	if wrong != "" {
		return Decision{Errors: []string{wrong}}
	}
	if !covered(r.Actor, r.Action, r.Type) {
		return Decision{}
	}
	var all Decision
	for i, role := range p.rolesOf(r.Actor) {
		q.role = role
		one := p.answer(q)
		if rows := p.Rows(role, r.Type); one.Allow && rows != nil && (r.Bears == nil || !r.Bears(rows)) {
			one = Decision{Policies: rows.policy}
		}
		if i == 0 {
			all = one
			continue
		}
		all = all.or(one)
	}
	all.Allow = all.Allow && len(all.Errors) == 0
	return all
}

// or joins the answers to two roles of one actor. Only the rules that decided for
// the better answer are told of.
func (d Decision) or(other Decision) Decision {
	errs := slices.Concat(d.Errors, other.Errors)
	switch {
	case d.Allow && other.Allow, !d.Allow && !other.Allow:
		d.Roles, d.Policies = slices.Concat(d.Roles, other.Roles), slices.Concat(d.Policies, other.Policies)
	case other.Allow:
		d = other
	}
	d.Errors = errs
	return d
}

var noRole = []string{""}

// rolesOf returns the roles that are asked, each alone.
func (p *Policy) rolesOf(a identity.Actor) []string {
	if roles := p.Working(a); len(roles) > 0 {
		return roles
	}
	return noRole
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
	q.fresh = r.Actor.Kind == identity.KindPerson && identity.Fresh(r.Actor, p.clock.Now())
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
		for _, role := range r.Actor.Roles {
			if !p.roles[role] {
				return q, "unknown role"
			}
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
	d := settle(p.authorize(q, p.slice(q)))
	if d.Allow {
		d.Roles = []string{q.role}
	}
	return d
}

// slice returns the rules whose scope (who, what, on which type) fits the
// question. A rule whose scope does not fit is neither met nor stumbles, so
// leaving it out changes no decision; the engine itself says which fit, for each
// part of the scope on its own.
func (p *Policy) slice(q question) rules {
	q.relations, q.labels, q.scoped, q.mfa, q.fresh = 0, 0, false, false, false
	p.mu.RLock()
	fit, ok := p.sliced[q]
	p.mu.RUnlock()
	if ok {
		return fit
	}
	for i, r := range p.rules {
		if p.fits(whoScope, question{kind: q.kind, role: q.role}, q)[i] && p.fits(actionScope, question{action: q.action}, q)[i] && p.fits(typeScope, question{typ: q.typ}, q)[i] {
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

// Parts of a rule's scope.
const (
	whoScope = iota
	actionScope
	typeScope
)

// fits returns which rules' scopes fit a question in one part, which is all that
// name tells of it.
func (p *Policy) fits(part int, name, q question) []bool {
	p.mu.RLock()
	fit := p.fit[name]
	p.mu.RUnlock()
	if fit != nil {
		return fit
	}
	fit = make([]bool, len(p.rules))
	for i, r := range p.rules {
		d, why := p.authorize(q, rules{{id: r.id, policy: r.scope[part]}})
		fit[i] = d == cedar.Allow || len(why.Reasons) != 0 || len(why.Errors) != 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fit[name] = fit
	return fit
}

func (p *Policy) authorize(q question, among rules) (cedar.Decision, cedar.Diagnostic) {
	principal := types.Entity{UID: types.NewEntityUID(principalTypes[q.kind], principalID)}
	if q.role != "" {
		principal.Parents = types.NewEntityUIDSet(types.NewEntityUID(entityRole, types.String(q.role)))
	}
	if q.kind == identity.KindPerson {
		principal.Attributes = types.NewRecord(types.RecordMap{"mfa": types.Boolean(q.mfa), "fresh": types.Boolean(q.fresh)})
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
