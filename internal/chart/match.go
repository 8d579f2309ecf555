package chart

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// match finds the one record a condition names, among those the actor may see.
// It returns nil if there is none, with what must still be absent at the commit,
// and fault.Precondition if there are several.
func (c *Chart) match(ctx context.Context, req *request, typ string, where []search.Param) (*Resource, []vault.Absent, error) {
	q, err := search.Parse(typ, where, c.options(req.actor))
	if err != nil {
		return nil, nil, err
	}
	if q, err = q.Resolve(ctx, c.lexicon); err != nil {
		return nil, nil, err
	}
	if q.Filters() == 0 {
		return nil, nil, fault.New(fault.Invalid, "chart.match", "A condition needs at least one search parameter.")
	}
	turn, err := c.vault.Turn(ctx, typ+"?"+queryText(where))
	if err != nil {
		return nil, nil, err
	}
	var result *vault.SearchResult
	found, err := settled(req, func() ([]Resource, error) {
		var err error
		if result, err = c.vault.Search(ctx, vault.SearchRequest{Query: q, Narrow: c.narrow(req.actor), Limit: 2}); err != nil {
			return nil, err
		}
		return c.admitted(ctx, req, result.Records)
	})
	if err != nil {
		return nil, nil, err
	}
	if result.Necessary != nil {
		turn = vault.Turn{} // the tokens stop all that a turn would
	}
	switch len(found) {
	case 0:
		withholds(ctx)
		return nil, []vault.Absent{{Tokens: result.Necessary, After: result.At, Turn: turn}}, nil
	case 1:
		return &found[0], nil, nil
	}
	return nil, nil, fault.New(fault.Precondition, "chart.match", "The condition finds more than one record.")
}
