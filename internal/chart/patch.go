package chart

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Patch makes the next state of a record of the current one. It is called anew
// if another writer came first, and MUST depend on nothing but its argument.
type Patch func(*fhir.Resource) (*fhir.Resource, error)

// Patch applies a patch to the current state of a record (FHIR R4 3.1.0.6). It is
// decided on like an update, on the state before and on the state after.
func (c *Chart) Patch(ctx context.Context, actor Actor, typ, id string, apply Patch, cond Condition) (Outcome, error) {
	return c.change(ctx, actor, authz.Patch, typ, aim{name: typ + "/" + id}, func(*request) (plan, error) {
		return c.planPatch(ctx, actor, typ, id, apply, cond)
	})
}

// PatchWhere patches the one record the search finds; none is fault.NotFound,
// several are fault.Precondition.
func (c *Chart) PatchWhere(ctx context.Context, actor Actor, typ string, where []search.Param, apply Patch, cond Condition) (Outcome, error) {
	return c.change(ctx, actor, authz.Patch, typ, aim{where: queryText(where)}, func(req *request) (plan, error) {
		match, _, err := c.match(ctx, req, typ, where)
		if err != nil {
			return plan{}, err
		}
		if match == nil {
			return plan{}, fault.New(fault.NotFound, "chart.PatchWhere", "The condition finds no record.")
		}
		return c.planPatch(ctx, actor, typ, match.TypeID.ID, apply, cond)
	})
}

func (c *Chart) planPatch(ctx context.Context, actor Actor, typ, id string, apply Patch, cond Condition) (plan, error) {
	old, err := c.before(ctx, actor, authz.Patch, typ, id)
	switch {
	case err != nil:
		return plan{}, err
	case old == nil:
		return plan{}, fault.New(fault.NotFound, "chart.planPatch", "")
	case old.Deleted:
		return plan{}, fault.New(fault.Gone, "chart.planPatch", "")
	}
	// Who patches learns from the outcome what was there: he must be one who may
	// read it.
	if err := c.mayRead(ctx, actor, *old); err != nil {
		return plan{}, err
	}
	if err := cond.check(old); err != nil {
		return plan{}, err
	}
	// A patch is made of what its author sees: it must not tell him of the rest.
	seen, err := c.own(ctx, actor, *old)
	if err != nil {
		return plan{}, err
	}
	res, err := apply(seen.Resource)
	if err != nil {
		return plan{}, err
	}
	if res.Type() != typ || res.ID() != id {
		return plan{}, fault.New(fault.Unprocessable, "chart.planPatch", "A patch cannot change the type or the id of a record.")
	}
	return c.planNext(ctx, actor, authz.Patch, res, *old)
}

// mayRead refuses a change whose answer would show its author more than he sent,
// of a record that he may not read.
func (c *Chart) mayRead(ctx context.Context, actor Actor, res Resource) error {
	if _, err := c.reach(actor, authz.Read, res.TypeID.Type); err != nil {
		return err
	}
	_, seen, err := c.stand(actor).permit(ctx, authz.Read, res)
	if err == nil && !seen {
		err = fault.New(fault.NotFound, "chart.mayRead", "")
	}
	return err
}

// planNext plans a new version behind the current one.
func (c *Chart) planNext(ctx context.Context, actor Actor, action string, res *fhir.Resource, old Resource) (plan, error) {
	var roles []string
	var masked bool
	res, err := c.localise(old.Resource, res)
	if err == nil {
		res, masked, err = c.keepsNumbers(actor, old.Resource, res)
	}
	if err == nil {
		res, roles, err = c.keepsHidden(ctx, actor, old, res)
	}
	if err != nil {
		return plan{}, err
	}
	next, err := c.permitNew(ctx, actor, action, old.Resource, res, old.TypeID.ID)
	if err == nil {
		err = c.keepsMarks(ctx, actor, old, next)
	}
	if err != nil {
		return plan{}, err
	}
	return c.mandated(ctx, actor, &old, plan{
		change:  vault.Change{TypeID: old.TypeID, Expect: old.Version, Resource: res},
		revived: old.Deleted, shownBy: roles, masked: masked,
	})
}
