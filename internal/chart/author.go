package chart

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// maxAuthors is of how many records the authors are told at a time.
const maxAuthors = 100

// Authors tells who may read the audit trail, by their ids, which person or program
// recorded Consents, and is one entry. What is not in the trail yet, or not shown to
// the actor, is left out.
func (c *Chart) Authors(ctx context.Context, actor Actor, ids []string) (map[string]string, error) {
	req := c.begin(actor, "view", "who recorded consents")
	authors, err := c.authors(ctx, req, ids)
	if err := req.finish(ctx, err); err != nil {
		return nil, err
	}
	return authors, nil
}

func (c *Chart) authors(ctx context.Context, req *request, ids []string) (map[string]string, error) {
	if len(ids) > maxAuthors {
		return nil, fault.New(fault.Invalid, "chart.Authors", "That is too many.")
	}
	if _, err := c.reach(req.actor, authz.Search, "AuditEvent"); err != nil {
		return nil, err
	}
	authors := map[string]string{}
	for _, id := range ids {
		res, err := c.read(ctx, req.actor, authz.Read, vault.Ref{TypeID: typeIDOf("Consent", id)})
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Gone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		f := audit.Filter{Record: res.key, Version: 1, Outcome: audit.OutcomeSuccess, Limit: 1}
		if err := c.log.Search(ctx, f, func(r *audit.Record) error {
			if authors[id] = r.Actor; r.Altered {
				delete(authors, id)
			}
			return store.ErrStop
		}); err != nil {
			return nil, err
		}
	}
	return authors, nil
}
