package vault

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// count finds the size of the whole set: from the posting lists alone for what
// is exact or sure, by opening cards for the rest.
func (v *Vault) count(ctx context.Context, b bound, result *SearchResult) error {
	lists, rest := v.parted(b)
	for range maxCounts {
		total, same, err := v.countBoth(ctx, lists, rest)
		if err != nil {
			return err
		}
		if same {
			result.Total = total
			return nil
		}
	}
	total, err := v.countOpened(ctx, b, nil)
	result.Total = total
	return err
}

// maxCounts is how often a count is begun anew because a commit came between its
// two halves, before every card is opened in one walk.
const maxCounts = 3

// parted splits what can be counted from what has to be opened.
func (v *Vault) parted(b bound) (lists store.Or, rest bound) {
	for _, p := range b {
		switch {
		case p.exact:
			lists = append(lists, p.expr)
			continue
		case p.plan.Sure != nil && v.sealer.Exact():
			sure := v.narrowed(store.And{store.All{Class: p.class}, p.plan.Sure}, p.narrow, true)
			lists = append(lists, sure)
			p.expr = store.Minus{Of: p.expr, Without: sure}
		}
		rest = append(rest, p)
	}
	return lists, rest
}

// countBoth counts both halves; same tells whether of one state of the store.
func (v *Vault) countBoth(ctx context.Context, lists store.Or, rest bound) (total int, same bool, err error) {
	var at record.Position
	if rest != nil {
		if total, err = v.countOpened(ctx, rest, &at); err != nil {
			return 0, false, err
		}
	}
	if lists == nil {
		return total, true, nil
	}
	found, err := v.store.Find(ctx, store.Find{Expr: lists, CountOnly: true}, nil)
	return total + found.Count, rest == nil || found.At == at, err
}

func (v *Vault) countOpened(ctx context.Context, b bound, at *record.Position) (total int, err error) {
	found, err := v.walk(ctx, b, store.Find{}, func(c candidate) error {
		n, err := c.entries()
		total += n
		return err
	})
	if at != nil {
		*at = found.At
	}
	return total, err
}
