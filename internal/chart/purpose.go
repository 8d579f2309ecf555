package chart

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Purpose reports whether a code is one of HL7's value set v3-PurposeOfUse, but for
// those that only group others.
func Purpose(code string) bool { return authz.PurposeGroup(code) != "" }

// PurposeGroup returns the group that such a code belongs to, "" of what is none.
func PurposeGroup(code string) string { return authz.PurposeGroup(code) }

// mayStateIt refuses a person who states a purpose that is none of his roles' work. It
// depends on nothing stored.
func (c *Chart) mayStateIt(actor Actor) error {
	if actor.Kind == identity.KindPerson && len(actor.Roles) > 0 && len(c.policy.Working(actor)) == 0 {
		return fault.New(fault.Denied, "chart.mayStateIt", "Your role does not work for the purpose that was stated. State none, or one that is part of your work.")
	}
	return nil
}

// atWork returns the actor with the roles that count for what he states, for what is
// allowed by a role beside the rules. What is denied to one is denied whatever he states.
func (c *Chart) atWork(actor Actor) Actor {
	actor.Roles = c.policy.Working(actor)
	return actor
}

// WorksFor is what a person may work for, as codes of v3-PurposeOfUse, that first which
// follows from his roles.
func (c *Chart) WorksFor(actor Actor) []string {
	if actor.Kind != identity.KindPerson {
		return nil
	}
	return c.policy.Purposes(actor.Roles)
}

// AsksPurpose returns what the actor may open a patient's chart for, if there is more than
// one such purpose and nothing tells which: she comes to the chart by a role whose work
// is of many kinds, and the patient is not in her care, in an emergency, herself or
// somebody she acts for. Of a patient whom nobody knows the answer is the same.
func (c *Chart) AsksPurpose(ctx context.Context, actor Actor, patient string) ([]string, error) {
	const op = "chart.AsksPurpose"
	actor.Purpose = "" // all that she may work for is asked about
	ask := authz.Request{Actor: actor, Action: authz.Read, Type: "Patient", Bears: func(*authz.Rows) bool { return false }}
	decision := c.policy.Decide(ctx, ask)
	purposes := c.policy.Purposes(decision.Roles)
	if !decision.Allow || len(purposes) < 2 || !slices.ContainsFunc(decision.Roles, c.policy.AsksPurpose) {
		return nil, nil
	}
	keys, err := c.vault.Keys(ctx, []vault.TypeID{typeIDOf("Patient", patient)})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	alone := decision.Roles
	for _, panel := range c.stand(actor).related(ctx) {
		if panel.err != nil {
			return nil, fault.Wrap(fault.Internal, op, panel.err)
		}
		if panel.patients.HasAny(keys) {
			ask.Relations = append(ask.Relations, panel.of)
		}
	}
	if by := c.policy.Decide(ctx, ask).Roles; slices.ContainsFunc(by, func(role string) bool { return !slices.Contains(alone, role) }) {
		return nil, nil
	}
	return purposes, nil
}
