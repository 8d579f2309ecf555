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
func (c *Chart) match(ctx context.Context, actor Actor, typ string, where []search.Param) (*Resource, []vault.Absent, error) {
	q, err := search.Parse(typ, where, search.Options{})
	if err != nil {
		return nil, nil, err
	}
	if q.Filters() == 0 {
		return nil, nil, fault.New(fault.Invalid, "chart.match", "A condition needs at least one search parameter.")
	}
	result, err := c.vault.Search(ctx, vault.SearchRequest{Query: q, Narrow: c.narrow(actor), Limit: 2})
	if err != nil {
		return nil, nil, err
	}
	switch len(result.Records) {
	case 0:
		return nil, []vault.Absent{{Tokens: result.Necessary, After: result.At}}, nil
	case 1:
		res, err := open(result.Records[0])
		return &res, nil, err
	}
	return nil, nil, fault.New(fault.Precondition, "chart.match", "The condition finds more than one record.")
}
