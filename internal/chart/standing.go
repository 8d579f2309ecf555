package chart

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
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
	told   *said
	young  []younger // nil: not asked yet
	asked  struct {  // what was asked last of Reach
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

// mayFind refuses what no relation to the patients reaches: who sees a patient by one
// role, and this type of others' patients by another, would else read that there is none.
func (s *standing) mayFind(ctx context.Context, typ string, patients []record.Key) error {
	reach, err := s.reach(s.actor, authz.Search, typ)
	if err != nil || reach.All() {
		return err
	}
	var held []authz.Relation
	for _, panel := range s.related(ctx) {
		if panel.err != nil {
			return panel.err
		}
		if panel.patients.HasAny(patients) {
			held = append(held, panel.of)
		}
	}
	by, err := s.consented(ctx, typ)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(by.granted, func(one vault.Confine) bool {
		return !slices.ContainsFunc(one.Within, func(set vault.PatientSet) bool { return !set.HasAny(patients) })
	}) {
		held = append(held, authz.RelationConsent)
	}
	if !reach.Holds(held, nil, func(*authz.Rows) bool { return true }) {
		return fault.New(fault.Denied, "chart.mayFind", "This part of the record is not shown to your role.")
	}
	return nil
}

// consented returns what patients' consents say to the actor about a type.
func (s *standing) consented(ctx context.Context, typ string) (*confined, error) {
	told, err := s.heard(ctx)
	if err != nil {
		return nil, err
	}
	return told.of(typ, s.kind)
}

func (s *standing) heard(ctx context.Context) (told *said, err error) {
	if s.told == nil {
		s.told, err = s.census.saidTo(ctx, s.actor)
	}
	return s.told, err
}

// all reports whether whatever is of a type is in the actor's reach.
func (s *standing) all(action, typ string) bool {
	if s.asked.action != action || s.asked.typ != typ {
		reach, err := s.policy.Reach(s.actor, action, typ)
		s.asked.action, s.asked.typ, s.asked.all = action, typ, err == nil && reach.All()
	}
	return s.asked.all
}

// relations returns every relation that holds between the actor and the patients of
// a record: to any of them, or to all, as holds says and the relation itself.
func (s *standing) relations(ctx context.Context, res Resource, patients []record.Key, holds holding) (held []authz.Relation, err error) {
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
	by, err := s.consented(ctx, res.TypeID.Type)
	if err != nil || len(by.granted) == 0 {
		return held, err
	}
	granted, err := s.falls(res, patients, by.granted)
	if granted {
		held = append(held, authz.RelationConsent)
	}
	return held, err
}

var allRelations = authz.Relations()

// marks are the sensitivity marks of a record, by the version that tells of it: those
// its own security labels stand for, those its patients' records bear for all of their
// compartment, and whether a patient's Consent, a hold or
// a minor's age keeps it from the actor.
func (s *standing) marks(ctx context.Context, res Resource, patients []record.Key) ([]authz.Label, error) {
	var marks []authz.Label
	if res.Resource != nil {
		marks = labelsOf(res.Resource)
	}
	for _, mark := range s.bearing(ctx) {
		if mark.err != nil {
			return nil, mark.err
		}
		if mark.patients.HasAny(patients) && !slices.Contains(marks, mark.of) {
			marks = append(marks, mark.of)
		}
	}
	by, err := s.consented(ctx, res.TypeID.Type)
	if err != nil {
		return nil, err
	}
	held, err := s.held(ctx, res.TypeID.Type)
	if err != nil {
		return nil, err
	}
	for _, kept := range []struct {
		of authz.Label
		by []vault.Confine
	}{{authz.LabelWithheld, by.withheld}, {authz.LabelHeld, held}} {
		falls, err := s.falls(res, patients, kept.by)
		if err != nil {
			return nil, err
		}
		if falls {
			marks = append(marks, kept.of)
		}
	}
	if tells, err := s.tellsItself(ctx, res, patients); err != nil {
		return nil, err
	} else if tells && !slices.Contains(marks, authz.LabelHeld) {
		marks = append(marks, authz.LabelHeld)
	}
	return marks, nil
}
