package chart

import (
	"context"
	"errors"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// reach is the coarse decision: may the actor do this to any record of the type
// at all? A refusal here depends on nothing stored, so it may be told plainly.
func (c *Chart) reach(actor Actor, action, typ string) (authz.Reach, error) {
	reach, err := c.policy.Reach(actor, action, typ)
	if err != nil {
		return reach, &fault.Error{Kind: fault.Denied, Op: "chart.reach", Err: err}
	}
	if reach.None() {
		return reach, fault.New(fault.Denied, "chart.reach", "You may not do this with records of this type.")
	}
	return reach, nil
}

// permit is the decision on an opened version, with its true relations and marks.
// To look at a record, a relation to any of its patients will do: it is about
// each of them. To change one, the relation must hold to all: otherwise whoever
// cares for one patient could write into the chart of another by naming both.
func (c *Chart) permit(ctx context.Context, actor Actor, action string, res Resource) (bool, error) {
	return c.permitFor(ctx, actor, action, res, res.patients, vault.PatientSet.HasAny)
}

func (c *Chart) permitChange(ctx context.Context, actor Actor, action string, res Resource) (bool, error) {
	return c.permitFor(ctx, actor, action, res, res.patients, vault.PatientSet.HasAll)
}

func (c *Chart) permitFor(ctx context.Context, actor Actor, action string, res Resource, patients []record.Key, holds func(vault.PatientSet, []record.Key) bool) (bool, error) {
	// What is in reach with any relations and marks, or none, needs none of them
	// looked up: Reach has asked the rules about every set there is.
	if reach, err := c.policy.Reach(actor, action, res.TypeID.Type); err == nil && reach.All() {
		return true, nil
	}
	relations, err := c.census.relations(ctx, actor, patients, holds)
	if err != nil {
		return false, err
	}
	marks, err := c.marks(ctx, actor, res, patients)
	if err != nil {
		return false, err
	}
	decision := c.policy.Decide(ctx, authz.Request{
		Actor: actor, Action: action, Type: res.TypeID.Type, Relations: relations, Labels: marks,
	})
	if len(decision.Errors) > 0 {
		c.slog.ErrorContext(ctx, "policy error: denied", "type", res.TypeID.Type, "action", action)
	}
	return decision.Allow && len(decision.Errors) == 0, nil
}

// marks are the sensitivity marks of a record: those its own security labels
// stand for, and those its patients' records bear for all of their compartment.
func (c *Chart) marks(ctx context.Context, actor Actor, res Resource, patients []record.Key) ([]authz.Label, error) {
	set, err := c.ownMarks(ctx, res)
	if err != nil {
		return nil, err
	}
	for _, mark := range compartmentMarks {
		marked, err := c.census.marked(ctx, actor, mark)
		if err != nil {
			return nil, err
		}
		for _, p := range patients {
			if _, ok := marked[p]; ok {
				set[mark] = true
			}
		}
	}
	return set.list(), nil
}

// ownMarks are the marks of the record's own labels. A tombstone says nothing
// itself: it bears those of the version it hides.
func (c *Chart) ownMarks(ctx context.Context, res Resource) (markSet, error) {
	if res.Deleted && res.Version > 1 {
		records, err := c.vault.Read(ctx, []vault.Ref{{TypeID: res.TypeID, Version: res.Version - 1}})
		if err != nil {
			return nil, err
		}
		hidden, err := open(records[0])
		if err != nil || !records[0].Exists() || hidden.Deleted {
			return nil, fault.Wrap(fault.Internal, "chart.ownMarks", errors.Join(errTombstone, err))
		}
		res = hidden
	}
	if res.Resource == nil {
		return markSet{}, nil
	}
	return labelsOf(res.Resource), nil
}

var errTombstone = errors.New("the version before a tombstone is missing")

// keepsMarks refuses a version that lacks a mark of the version before it. Who
// may write a record may not thereby open it to others, least of all by leaving
// out what he never looked at. Imports are the operator's, who may.
func (c *Chart) keepsMarks(ctx context.Context, actor Actor, old, next Resource) error {
	if actor.Kind == identity.KindSystem {
		return nil
	}
	before, err := c.ownMarks(ctx, old)
	if err != nil {
		return err
	}
	after, err := c.ownMarks(ctx, next)
	if err != nil {
		return err
	}
	for mark := range before {
		if !after[mark] {
			return fault.New(fault.Unprocessable, "chart.keepsMarks",
				"The record bears a security label (meta.security) that this version lacks. Send all labels that it has; an update takes none off.")
		}
	}
	return nil
}

// compartmentMarks are the marks that spread from a patient to his records.
var compartmentMarks = [...]authz.Label{authz.LabelVIP, authz.LabelRestricted, authz.LabelOwn}

type markSet map[authz.Label]bool

func (s markSet) list() []authz.Label {
	var list []authz.Label
	for mark := range s {
		list = append(list, mark)
	}
	return list
}

// narrow returns what a search of the actor is confined to: the records for
// which some term of his reach holds.
func (c *Chart) narrow(actor Actor) vault.NarrowFunc {
	return func(ctx context.Context, typ string) (vault.Narrow, error) {
		reach, err := c.reach(actor, authz.Search, typ)
		if err != nil || reach.All() {
			return vault.Narrow{All: true}, err
		}
		var n vault.Narrow
		for _, term := range reach.Terms {
			confined, err := c.confine(ctx, actor, term)
			if err != nil {
				return vault.Narrow{}, err
			}
			n.Any = append(n.Any, confined)
		}
		return n, nil
	}
}

func (c *Chart) confine(ctx context.Context, actor Actor, term authz.Term) (vault.Confine, error) {
	var out vault.Confine
	for _, relation := range term.Relations {
		panel, err := c.census.panel(ctx, actor, relation)
		if err != nil {
			return vault.Confine{}, err
		}
		out.Within = append(out.Within, panel)
	}
	for _, mark := range term.Without {
		out.Without = append(out.Without, c.marked[mark]...)
		if !mark.OfPatient() {
			continue
		}
		marked, err := c.census.marked(ctx, actor, mark)
		if err != nil {
			return vault.Confine{}, err
		}
		out.Outside = append(out.Outside, marked)
	}
	return out, nil
}
