package chart

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// standing is how an actor stands to patients. Each part is counted when it is
// first asked for, once for all records that are decided on together. It is for one
// request and not safe for concurrent use.
type standing struct {
	*Chart
	actor  Actor
	panels []counted[authz.Relation]
	marked []counted[authz.Label]
	asked  struct { // what was asked last of Reach
		action, typ string
		all         bool
	}
}

// counted are the patients of whom something holds.
type counted[T any] struct {
	of       T
	patients vault.PatientSet
	err      error
}

func (c *Chart) stand(actor Actor) *standing { return &standing{Chart: c, actor: actor} }

// related returns the patients the actor has each relation to.
func (s *standing) related(ctx context.Context) []counted[authz.Relation] {
	if s.panels == nil {
		s.panels = count(allRelations, func(r authz.Relation) (vault.PatientSet, error) { return s.census.panel(ctx, s.actor, r) })
	}
	return s.panels
}

// bearing returns the patients who bear each mark that spreads.
func (s *standing) bearing(ctx context.Context) []counted[authz.Label] {
	if s.marked == nil {
		s.marked = count(compartmentMarks[:], func(l authz.Label) (vault.PatientSet, error) { return s.census.marked(ctx, s.actor, l) })
	}
	return s.marked
}

func count[T any](list []T, patients func(T) (vault.PatientSet, error)) []counted[T] {
	out := make([]counted[T], len(list))
	for i, of := range list {
		out[i].of = of
		out[i].patients, out[i].err = patients(of)
	}
	return out
}

// all reports whether whatever is of a type is in the actor's reach.
func (s *standing) all(action, typ string) bool {
	if s.asked.action != action || s.asked.typ != typ {
		reach, err := s.policy.Reach(s.actor, action, typ)
		s.asked.action, s.asked.typ, s.asked.all = action, typ, err == nil && reach.All()
	}
	return s.asked.all
}

// relations returns every relation that holds between the actor and the patients:
// to any of them, or to all, as holds says and the relation itself.
func (s *standing) relations(ctx context.Context, patients []record.Key, holds holding) (held []authz.Relation, err error) {
	if len(patients) == 0 {
		return nil, nil
	}
	for _, panel := range s.related(ctx) {
		if panel.err != nil {
			return nil, panel.err
		}
		if holds(panel.patients, patients) && (!panel.of.OfAll() || panel.patients.HasAll(patients)) {
			held = append(held, panel.of)
		}
	}
	return held, nil
}

var allRelations = authz.Relations()

// marks are the sensitivity marks of a record: those its own security labels
// stand for, and those its patients' records bear for all of their compartment.
func (s *standing) marks(ctx context.Context, res Resource, patients []record.Key) ([]authz.Label, error) {
	marks, err := s.ownMarks(ctx, res)
	if err != nil {
		return nil, err
	}
	for _, mark := range s.bearing(ctx) {
		if mark.err != nil {
			return nil, mark.err
		}
		if mark.patients.HasAny(patients) && !slices.Contains(marks, mark.of) {
			marks = append(marks, mark.of)
		}
	}
	return marks, nil
}
