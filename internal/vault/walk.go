package vault

import (
	"context"
	"errors"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/store"
)

// candidate is a record whose card was opened and matches. The row's bytes are
// gone once the walk moves on.
type candidate struct {
	part   *part
	row    record.Row
	opened *seal.Opened
}

// entries is how many entries of the answer the candidate makes.
func (c candidate) entries() (int, error) { return c.part.plan.Entries(c.opened.Card) }

// bodiless is what is kept of a candidate until its body is opened. It has no id
// yet.
func (c candidate) bodiless() Record {
	return Record{
		TypeID: TypeID{Type: c.part.typ}, Key: c.row.Key, Version: c.row.Version,
		Position: c.row.Position, Current: c.row.Current, Time: c.row.Time,
		Patients: slices.Clone(c.opened.Subjects),
	}
}

// walk visits the records of a plan, each opened and, unless the plan is exact,
// rechecked.
func (v *Vault) walk(ctx context.Context, b bound, f store.Find, visit func(candidate) error) (store.Found, error) {
	f.Expr = b.expr()
	return v.walkPart(ctx, b, f, nil, visit)
}

// walkPart is walk for a part of what a plan finds. before, if it is given, sees
// each row before it is opened; errSkip passes it by.
func (v *Vault) walkPart(ctx context.Context, b bound, f store.Find, before func(record.Row) error, visit func(candidate) error) (store.Found, error) {
	f.Want |= b.wants()
	found, err := v.store.Find(ctx, f, func(row record.Row) error {
		p := b.of(row.Class)
		if p == nil || row.Deleted {
			return fault.Wrap(fault.Internal, "vault.walk", errSwapped)
		}
		if before != nil {
			if err := before(row); err != nil {
				return skipped(err)
			}
		}
		opened, err := v.openCard(ctx, p.typ, row)
		if err != nil {
			return err
		}
		if !p.exact {
			if ok, err := p.matches(row, opened, p.spend); err != nil || !ok {
				return err
			}
		}
		return visit(candidate{part: p, row: row, opened: opened})
	})
	return found, err
}

var errSkip = errors.New("a row is passed by")

func skipped(err error) error {
	if errors.Is(err, errSkip) {
		return nil
	}
	return err
}

// inOrder fills a page in the order of commits.
func (v *Vault) inOrder(ctx context.Context, b bound, r SearchRequest, result *SearchResult) error {
	if b.certain() {
		return v.whole(ctx, b, r, result)
	}
	var page []Record
	entries := 0
	found, err := v.walk(ctx, b, store.Find{After: r.After.Position}, func(c candidate) error {
		page = append(page, c.bodiless())
		if len(page) > r.Limit {
			return store.ErrStop
		}
		n, err := c.entries()
		entries += n
		return err
	})
	if err != nil {
		return err
	}
	result.At = found.At
	if len(page) > r.Limit {
		page = page[:r.Limit]
		result.Next = &Cursor{Position: page[len(page)-1].Position}
	} else if r.After.Position == 0 {
		result.Total = entries
	}
	result.Records, err = v.fillPage(ctx, page)
	if n := len(result.Records); err == nil && n < len(page) {
		result.Next = &Cursor{Position: page[n-1].Position}
	}
	return err
}

// whole is inOrder for a plan of which every candidate matches: bodies are read
// with the cards. A card that says otherwise is not what the store was asked for.
func (v *Vault) whole(ctx context.Context, b bound, r SearchRequest, result *SearchResult) error {
	size := 0
	find := store.Find{After: r.After.Position, Want: store.WantBody}
	found, err := v.walk(ctx, b, find, func(c candidate) error {
		n := len(result.Records)
		if n < r.Limit {
			if ok, err := c.part.matches(c.row, c.opened, nil); err != nil || !ok {
				return fault.Wrap(fault.Internal, "vault.whole", errors.Join(errSwapped, err))
			}
			rec, err := v.openBody(TypeID{Type: c.part.typ}, c.row, c.opened)
			if err != nil {
				return err
			}
			if size += len(rec.Body); size <= pageBytes || n == 0 {
				result.Records = append(result.Records, rec)
				return nil
			}
		}
		result.Next = &Cursor{Position: result.Records[n-1].Position}
		return store.ErrStop
	})
	result.At = found.At
	if err == nil && result.Next == nil && r.After.Position == 0 {
		result.Total = len(result.Records)
	}
	return err
}

// Bounds of what one page carries: of large records it carries fewer.
const (
	pageBytes = 64 << 20
	fillRun   = 32 // bodies read at a time
)

// fillPage opens the bodies of a page up to its bounds, of one record at least.
func (v *Vault) fillPage(ctx context.Context, page []Record) ([]Record, error) {
	size := 0
	for from := 0; from < len(page); from += fillRun {
		run, err := v.fill(ctx, page[from:min(from+fillRun, len(page))])
		if err != nil {
			return nil, err
		}
		for i, r := range run {
			if size += len(r.Body); size > pageBytes && from+i > 0 {
				return page[:from+i], nil
			}
		}
	}
	return page, nil
}

// fill opens the bodies of a page. They are asked for by version, so a record
// changed meanwhile is still shown as the search saw it.
func (v *Vault) fill(ctx context.Context, page []Record) ([]Record, error) {
	if len(page) == 0 {
		return nil, nil
	}
	refs := make([]store.Ref, len(page))
	for i, r := range page {
		refs[i] = store.Ref{Key: r.Key, Version: r.Version, At: r.Position}
	}
	rows, err := v.store.Get(ctx, refs, store.WantCard|store.WantBody)
	if err != nil {
		return nil, err
	}
	if err := v.prefetch(ctx, rows); err != nil {
		return nil, err
	}
	for i, row := range rows {
		if row.Key != refs[i].Key || row.Version != refs[i].Version {
			return nil, fault.Wrap(fault.Internal, "vault.fill", errSwapped)
		}
		row.Current = page[i].Current
		if page[i], err = v.open(ctx, page[i].TypeID, row); err != nil {
			return nil, err
		}
	}
	return page, nil
}
