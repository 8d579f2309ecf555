package authz

import (
	"fmt"
	"slices"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// Term is one way to be in reach: all of Relations hold, the record bears none of
// Without, and is one of Rows.
type Term struct {
	Relations []Relation // empty: every record
	Without   []Label
	Rows      *Rows // nil: every record
}

// Reach is the part of a type that an actor may act on: the records for which
// some term holds. No terms: nothing. A search is narrowed to it; the decision
// on each opened record is a second check, and MUST agree.
type Reach struct {
	Terms []Term
}

// None reports whether nothing is in reach: then the request is denied whole.
func (r Reach) None() bool { return len(r.Terms) == 0 }

// All reports whether everything is in reach: then nothing is narrowed.
func (r Reach) All() bool {
	for _, t := range r.Terms {
		if len(t.Relations) == 0 && len(t.Without) == 0 && t.Rows == nil {
			return true
		}
	}
	return false
}

// Holds reports whether a record with these relations and labels, and of these
// rows, is in reach. bears may be nil.
func (r Reach) Holds(rels []Relation, marks []Label, bears func(*Rows) bool) bool {
	have, ok := relationSet(rels)
	bear, ok2 := labelSet(marks)
	if !ok || !ok2 {
		return false
	}
	for _, t := range r.Terms {
		need, _ := relationSet(t.Relations)
		avoid, _ := labelSet(t.Without)
		if have&need == need && bear&avoid == 0 && (t.Rows == nil || bears != nil && bears(t.Rows)) {
			return true
		}
	}
	return false
}

type reachResult struct {
	reach Reach
	err   error
}

const (
	everyRelation = 1<<len(relations) - 1
	everyLabel    = 1<<len(labels) - 1
)

// Reach returns what of a type the actor may act on. It asks each rule about every
// set of relations and labels there is, so it cannot say anything that Decide does
// not. An error means that nothing is in reach: a word is unknown, a rule stumbles,
// or the rules give more to a record for bearing a label or lacking a relation,
// which no search can be narrowed to.
func (p *Policy) Reach(actor identity.Actor, action, typ string) (Reach, error) {
	q, wrong := p.question(Request{Actor: actor, Action: action, Type: typ})
	if wrong != "" {
		return Reach{}, fmt.Errorf("authz.Reach: %s", wrong)
	}
	if !covered(actor, action, typ) {
		return Reach{}, nil
	}
	roles := p.rolesOf(actor)
	if len(roles) == 1 {
		q.role = roles[0]
		return p.reachOf(q, p.Rows(q.role, typ))
	}
	var all Reach
	for _, role := range roles {
		q.role = role
		one, err := p.reachOf(q, p.Rows(role, typ))
		if err != nil {
			return Reach{}, err
		}
		for _, t := range one.Terms {
			if !slices.ContainsFunc(all.Terms, t.within) {
				all.Terms = append(slices.DeleteFunc(all.Terms, func(o Term) bool { return o.within(t) }), t)
			}
		}
	}
	return all, nil
}

// within reports whether all that is in reach by t is so by o.
func (t Term) within(o Term) bool {
	in := func(list []Relation) func(Relation) bool {
		return func(r Relation) bool { return !slices.Contains(list, r) }
	}
	out := func(l Label) bool { return !slices.Contains(t.Without, l) }
	return !slices.ContainsFunc(o.Relations, in(t.Relations)) && !slices.ContainsFunc(o.Without, out) && (o.Rows == nil || o.Rows == t.Rows)
}

// reached is what the rules say to one role, of some rows.
type reached struct {
	question
	rows *Rows
}

func (p *Policy) reachOf(q question, rows *Rows) (Reach, error) {
	name := reached{q, rows}
	p.mu.RLock()
	r, ok := p.reached[name]
	p.mu.RUnlock()
	if ok {
		return r.reach, r.err
	}
	r.reach, r.err = p.enumerate(q)
	for i := range r.reach.Terms {
		r.reach.Terms[i].Rows = rows
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.reached) >= remembered {
		clear(p.reached)
	}
	p.reached[name] = r
	return r.reach, r.err
}

type lattice [everyRelation + 1][everyLabel + 1]bool

func (p *Policy) enumerate(q question) (Reach, error) {
	var permitted, forbidden lattice
	fit := p.slice(q)
	if !fit.permit() {
		return Reach{}, nil
	}
	for _, r := range fit {
		into := &permitted
		if !r.permits() {
			into = &forbidden
		}
		if err := p.tabulate(q, r, into); err != nil {
			return Reach{}, err
		}
	}
	for rel := range permitted {
		for lab := range permitted[rel] {
			permitted[rel][lab] = permitted[rel][lab] && !forbidden[rel][lab]
		}
	}
	if !permitted.monotone() {
		return Reach{}, fmt.Errorf("authz.Reach: the rules for this type cannot narrow a search")
	}
	return Reach{Terms: permitted.terms()}, nil
}

// tabulate marks the sets for which a rule is met. Words that the rule does not
// name are all the same to it: of sets that differ in those alone, one of each
// number of them is asked about.
func (p *Policy) tabulate(q question, r rule, into *lattice) error {
	var met lattice
	for _, rel := range r.relations.asked() {
		for _, lab := range r.labels.asked() {
			q.relations, q.labels = rel, lab
			_, why := p.authorize(q, rules{r})
			if len(why.Errors) != 0 {
				return fmt.Errorf("authz.Reach: rule %s: %s", why.Errors[0].PolicyID, why.Errors[0].Message)
			}
			met[rel][lab] = len(why.Reasons) != 0
		}
	}
	for rel := range into {
		from := &met[r.relations.likes[rel]]
		for lab := range into[rel] {
			into[rel][lab] = into[rel][lab] || from[r.labels.likes[lab]]
		}
	}
	return nil
}

// monotone reports whether one more relation never takes away, and one more
// label never gives.
func (l *lattice) monotone() bool {
	for rel := range uint16(everyRelation + 1) {
		for lab := range uint16(everyLabel + 1) {
			if !l[rel][lab] {
				continue
			}
			for i := range len(relations) {
				if !l[rel|1<<i][lab] {
					return false
				}
			}
			for i := range len(labels) {
				if !l[rel][lab&^(1<<i)] {
					return false
				}
			}
		}
	}
	return true
}

// terms returns the least relations and the most labels that are allowed: each
// pair that no other pair covers.
func (l *lattice) terms() []Term {
	var out []Term
	for rel := range uint16(everyRelation + 1) {
		for lab := range uint16(everyLabel + 1) {
			if l[rel][lab] && l.extreme(rel, lab) {
				out = append(out, Term{Relations: relationsOf(rel), Without: labelsOf(everyLabel &^ lab)})
			}
		}
	}
	return out
}

// extreme reports whether neither dropping a relation nor adding a label keeps
// it allowed.
func (l *lattice) extreme(rel, lab uint16) bool {
	for i := range len(relations) {
		if rel&(1<<i) != 0 && l[rel&^(1<<i)][lab] {
			return false
		}
	}
	for i := range len(labels) {
		if lab&(1<<i) == 0 && l[rel][lab|1<<i] {
			return false
		}
	}
	return true
}
