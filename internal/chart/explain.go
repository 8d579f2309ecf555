package chart

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Explanation says why somebody may do something with a record, or may not. It
// holds nothing of the record but its marks.
type Explanation struct {
	authz.Explanation
	Relations []authz.Relation // that hold between the person and the record's patients
	Labels    []authz.Label    // marks of the record and of its patients
	Roles     []string         // by which it is allowed
	Hidden    []string         // elements that these roles are not shown; parts after a dot
	Rows      []string         // search parameters by whose codes a role is confined to records
}

// Explain tells the operator how policy decides on what actor asks: of a record,
// or with id "" of a type. It is an entry of the audit trail in who's name; the
// actor it speaks of does nothing.
func (c *Chart) Explain(ctx context.Context, who, actor Actor, action, typ, id string) (Explanation, error) {
	req := c.begin(who, "explain", typ)
	if req.event.Query = action + " " + typ; id != "" {
		req.event.Query += "/" + id
	}
	e, err := c.explain(ctx, actor, action, typ, id)
	return e, req.finish(ctx, err)
}

func (c *Chart) explain(ctx context.Context, actor Actor, action, typ, id string) (Explanation, error) {
	var e Explanation
	ask := authz.Request{Actor: actor, Action: action, Type: typ}
	if !slices.Contains(c.policy.Actions(), action) || !slices.Contains(c.policy.Types(), typ) {
		return e, fault.New(fault.Invalid, "chart.Explain", "There is no such action, or no such type of record.")
	}
	for _, role := range c.policy.Working(actor) {
		if rows := c.policy.Rows(role, typ); rows != nil {
			e.Rows = append(e.Rows, rows.Param)
		}
	}
	if id != "" {
		rec, err := c.vault.Get(ctx, typeIDOf(typ, id))
		if err == nil && !rec.Exists() {
			err = fault.New(fault.NotFound, "chart.Explain", "There is no such record.")
		}
		if err != nil {
			return e, err
		}
		if err := c.circumstances(ctx, rec, &ask); err != nil {
			return e, err
		}
	} else {
		ask.Bears = func(*authz.Rows) bool { return true }
	}
	e.Explanation = c.policy.Explain(ctx, ask)
	e.Relations, e.Labels, e.Roles = ask.Relations, ask.Labels, c.policy.Decide(ctx, ask).Roles
	slices.Sort(e.Labels)
	roles := e.Roles
	if len(roles) == 0 {
		roles = c.policy.Working(actor)
	}
	e.Hidden = c.hiddenFrom(roles, typ)
	return e, nil
}

// circumstances fills a question with what holds of a record.
func (c *Chart) circumstances(ctx context.Context, rec vault.Record, ask *authz.Request) error {
	res, err := open(rec)
	if err != nil {
		return err
	}
	holds := anyOf
	if !slices.Contains(looks, ask.Action) {
		holds = allOf
	}
	told, err := c.telling(ctx, res)
	if err != nil {
		return err
	}
	standing := c.stand(ask.Actor)
	if ask.Relations, err = standing.relations(ctx, told, res.patients, holds); err != nil {
		return err
	}
	ask.Labels, err = standing.marks(ctx, told, res.patients)
	ask.Bears = func(rows *authz.Rows) bool { return rows.Has(told.Resource) }
	return err
}

// looks are the actions for which a relation to one of a record's patients will do.
var looks = []string{authz.Read, authz.VRead, authz.Search, authz.History, authz.HistoryType}

// hiddenFrom lists the elements of a type that roles are not shown.
func (c *Chart) hiddenFrom(roles []string, typ string) []string {
	view := c.policy.View(roles, typ)
	t := r4.ResourceByName(typ)
	if view == nil || t == 0 {
		return nil
	}
	var hidden []string
	for m, end := t.Members(); m < end; m++ {
		name := m.Name()
		if !slices.Contains([]string{"id", "meta", "implicitRules"}, name) && !view.Shows(name) && !slices.Contains(hidden, name) {
			hidden = append(hidden, name)
		}
	}
	return hidden
}
