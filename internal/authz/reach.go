package authz

import (
	"fmt"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// Term is one way to be in reach: all of Relations hold, and the record bears
// none of Without.
type Term struct {
	Relations []Relation // empty: every record
	Without   []Label
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
		if len(t.Relations) == 0 && len(t.Without) == 0 {
			return true
		}
	}
	return false
}

// Holds reports whether a record with these relations and labels is in reach.
func (r Reach) Holds(rels []Relation, marks []Label) bool {
	have, ok := relationSet(rels)
	bear, ok2 := labelSet(marks)
	if !ok || !ok2 {
		return false
	}
	for _, t := range r.Terms {
		need, _ := relationSet(t.Relations)
		avoid, _ := labelSet(t.Without)
		if have&need == need && bear&avoid == 0 {
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

// Reach returns what of a type the actor may act on. It asks the rules about
// every set of relations and labels there is, so it cannot say anything that
// Decide does not. An error means that nothing is in reach: a word is unknown,
// a rule stumbles, or the rules give more to a record for bearing a label or
// lacking a relation, which no search can be narrowed to.
func (p *Policy) Reach(actor identity.Actor, action, typ string) (Reach, error) {
	q, wrong := p.question(Request{Actor: actor, Action: action, Type: typ})
	if wrong != "" {
		return Reach{}, fmt.Errorf("authz.Reach: %s", wrong)
	}
	p.mu.RLock()
	r, ok := p.reached[q]
	p.mu.RUnlock()
	if ok {
		return r.reach, r.err
	}
	r.reach, r.err = p.enumerate(q)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.reached) >= remembered {
		clear(p.reached)
	}
	p.reached[q] = r
	return r.reach, r.err
}

type lattice [everyRelation + 1][everyLabel + 1]bool

func (p *Policy) enumerate(q question) (Reach, error) {
	var allowed lattice
	fit := p.slice(q)
	if !fit.permit() {
		return Reach{}, nil
	}
	for rel := range uint8(everyRelation + 1) {
		for lab := range uint8(everyLabel + 1) {
			q.relations, q.labels = rel, lab
			d := p.ask(q, fit)
			if len(d.Errors) != 0 {
				return Reach{}, fmt.Errorf("authz.Reach: %s", d.Errors[0])
			}
			allowed[rel][lab] = d.Allow
		}
	}
	if !allowed.monotone() {
		return Reach{}, fmt.Errorf("authz.Reach: the rules for this type cannot narrow a search")
	}
	return Reach{Terms: allowed.terms()}, nil
}

// monotone reports whether one more relation never takes away, and one more
// label never gives.
func (l *lattice) monotone() bool {
	for rel := range uint8(everyRelation + 1) {
		for lab := range uint8(everyLabel + 1) {
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
	for rel := range uint8(everyRelation + 1) {
		for lab := range uint8(everyLabel + 1) {
			if l[rel][lab] && l.extreme(rel, lab) {
				out = append(out, Term{Relations: relationsOf(rel), Without: labelsOf(everyLabel &^ lab)})
			}
		}
	}
	return out
}

// extreme reports whether neither dropping a relation nor adding a label keeps
// it allowed.
func (l *lattice) extreme(rel, lab uint8) bool {
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
