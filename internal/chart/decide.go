package chart

import (
	"context"
	"errors"
	"slices"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// reach is the coarse decision: may the actor do this to any record of the type
// at all? A refusal here depends on nothing stored, so it may be told plainly.
func (c *Chart) reach(actor Actor, action, typ string) (authz.Reach, error) {
	if err := c.mayStateIt(actor); err != nil {
		return authz.Reach{}, err
	}
	reach, err := c.policy.Reach(actor, action, typ)
	if err != nil {
		return reach, &fault.Error{Kind: fault.Denied, Op: "chart.reach", Err: err}
	}
	if reach.None() && c.policy.StepUp(actor, action, typ) {
		if err := identity.DemandFresh(actor, c.clock.Now()); err != nil {
			return reach, err
		}
	}
	if reach.None() {
		return reach, fault.New(fault.Denied, "chart.reach", "You may not do this with records of this type.")
	}
	if ways, all := c.ways(actor, action, typ); !all && len(ways) == 0 {
		return reach, fault.New(fault.Denied, "chart.reach", "The scopes of this access token do not reach this.")
	}
	return reach, nil
}

// Reaches reports whether the actor may look for records of the type, perhaps after a
// fresh proof. It depends on nothing stored.
func (c *Chart) Reaches(actor Actor, typ string) bool {
	_, err := c.reach(actor, authz.Search, typ)
	return err == nil || errors.Is(err, identity.ErrStepUp)
}

// holding says to which of a record's patients a relation has to hold.
type holding func(vault.PatientSet, []record.Key) bool

var (
	anyOf holding = vault.PatientSet.HasAny
	allOf holding = vault.PatientSet.HasAll
)

// permit is the decision on an opened version, with its true relations and marks,
// and returns it as the actor may see it. To look at a record, a relation to any of
// its patients will do: it is about each of them; but for those of which
// authz.Relation.OfAll holds. To change one, the relation must hold to all:
// otherwise whoever cares for one patient could write into the chart of another by
// naming both.
func (s *standing) permit(ctx context.Context, action string, res Resource) (Resource, bool, error) {
	roles, allowed, err := s.decide(ctx, action, res, res.patients, anyOf)
	if err != nil || !allowed {
		return Resource{}, false, err
	}
	if res, err = s.shown(s.actor, res, roles); err == nil {
		res, err = s.handOut(ctx, s.actor, res)
	}
	return res, err == nil, err
}

func (s *standing) permitChange(ctx context.Context, action string, res Resource) (bool, error) {
	_, allowed, err := s.decide(ctx, action, res, res.patients, allOf)
	return allowed, err
}

// decide returns whether an action is allowed, and by which of the actor's roles.
func (s *standing) decide(ctx context.Context, action string, res Resource, patients []record.Key, holds holding) (roles []string, allowed bool, err error) {
	if ok, err := s.inScope(ctx, s.actor, action, res, patients, holds); err != nil || !ok {
		return nil, false, err
	}
	// What is in reach with any relations and marks, or none, needs none of them
	// looked up: Reach has asked the rules about every set there is.
	if len(s.actor.Roles) < 2 && s.all(action, res.TypeID.Type) {
		return s.actor.Roles, true, nil
	}
	told, err := s.telling(ctx, res)
	if err != nil {
		return nil, false, err
	}
	relations, err := s.relations(ctx, told, patients, holds)
	if err != nil {
		return nil, false, err
	}
	marks, err := s.marks(ctx, told, patients)
	if err != nil {
		return nil, false, err
	}
	decision := s.policy.Decide(ctx, authz.Request{
		Actor: s.actor, Action: action, Type: res.TypeID.Type, Relations: relations, Labels: marks,
		Bears: func(rows *authz.Rows) bool { return rows.Has(told.Resource) },
	})
	if len(decision.Errors) > 0 {
		s.slog.ErrorContext(ctx, "policy error: denied", "type", res.TypeID.Type, "action", action)
	}
	return decision.Roles, decision.Allow && len(decision.Errors) == 0, nil
}

// ownMarks are the marks of the record's own labels.
func (c *Chart) ownMarks(ctx context.Context, res Resource) ([]authz.Label, error) {
	res, err := c.telling(ctx, res)
	if err != nil {
		return nil, err
	}
	if res.Resource == nil {
		return nil, nil
	}
	return labelsOf(res.Resource), nil
}

// telling returns the version that says what a version is. A tombstone says nothing
// itself: what it hides does.
func (c *Chart) telling(ctx context.Context, res Resource) (Resource, error) {
	if !res.Deleted || res.Version < 2 {
		return res, nil
	}
	records, err := c.vault.Read(ctx, []vault.Ref{{TypeID: res.TypeID, Version: res.Version - 1}})
	if err != nil {
		return Resource{}, err
	}
	hidden, err := open(records[0])
	if err != nil || !records[0].Exists() || hidden.Deleted {
		return Resource{}, fault.Wrap(fault.Internal, "chart.telling", errors.Join(errTombstone, err))
	}
	return hidden, nil
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
	for _, mark := range before {
		if !slices.Contains(after, mark) {
			return fault.New(fault.Unprocessable, "chart.keepsMarks",
				"The record bears a security label (meta.security) that this version lacks. Send all labels that it has; an update takes none off.")
		}
	}
	return nil
}

// compartmentMarks are the marks that spread from a patient to his records.
var compartmentMarks = [...]authz.Label{authz.LabelVIP, authz.LabelEmployee, authz.LabelRestricted, authz.LabelOwn}

// narrow returns what a search of the actor is confined to: the records for
// which some term of his reach holds.
func (c *Chart) narrow(actor Actor) vault.NarrowFunc {
	s := c.stand(actor)
	return func(ctx context.Context, typ string) (vault.Narrow, error) {
		reach, err := c.reach(actor, authz.Search, typ)
		if err != nil {
			return vault.Narrow{}, err
		}
		n := vault.Narrow{All: reach.All()}
		for _, term := range reach.Terms {
			if n.All {
				break
			}
			confined, err := s.confine(ctx, typ, term)
			if err != nil {
				return vault.Narrow{}, err
			}
			for _, one := range confined {
				if !one.Empty() {
					n.Any = append(n.Any, one)
				}
			}
		}
		return c.scoped(ctx, actor, typ, n)
	}
}

// confine returns the ways in which a record of a type may fit a term.
func (s *standing) confine(ctx context.Context, typ string, term authz.Term) ([]vault.Confine, error) {
	by, err := s.consented(ctx, typ)
	if err != nil {
		return nil, err
	}
	held, err := s.held(ctx, typ)
	if err != nil {
		return nil, err
	}
	ways := []vault.Confine{{}}
	if slices.Contains(term.Relations, authz.RelationConsent) {
		ways = slices.Clone(by.granted)
	}
	for i := range ways {
		if err := s.narrowTo(ctx, &ways[i], term); err != nil {
			return nil, err
		}
		if slices.Contains(term.Without, authz.LabelWithheld) {
			ways[i].Except = slices.Concat(ways[i].Except, by.withheld)
		}
		if slices.Contains(term.Without, authz.LabelHeld) {
			ways[i].Except = slices.Concat(ways[i].Except, held)
		}
	}
	return ways, nil
}

// narrowTo adds to a way what a term asks for, consents apart.
func (s *standing) narrowTo(ctx context.Context, way *vault.Confine, term authz.Term) error {
	for _, panel := range s.related(ctx) {
		switch {
		case !slices.Contains(term.Relations, panel.of) || panel.of == authz.RelationConsent:
			continue
		case panel.err != nil:
			return panel.err
		case panel.of.OfAll():
			way.Whole = append(slices.Clone(way.Whole), panel.patients)
		default:
			way.Within = append(way.Within, panel.patients)
		}
	}
	if term.Rows != nil {
		q, err := s.rowsQuery(term.Rows)
		if err != nil {
			return err
		}
		way.Matching = append(slices.Clone(way.Matching), q)
	}
	for _, mark := range term.Without {
		way.Without = append(way.Without, s.Chart.marked[mark]...)
	}
	for _, mark := range s.bearing(ctx) {
		if !slices.Contains(term.Without, mark.of) {
			continue
		}
		if mark.err != nil {
			return mark.err
		}
		way.Outside = append(way.Outside, mark.patients)
	}
	return nil
}
