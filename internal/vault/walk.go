package vault

import (
	"bytes"
	"container/heap"
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
	f.Expr, f.Want = b.expr(), f.Want|store.WantCard
	found, err := v.store.Find(ctx, f, func(row record.Row) error {
		p := b.of(row.Class)
		if p == nil || row.Deleted {
			return fault.Wrap(fault.Internal, "vault.walk", errSwapped)
		}
		opened, err := v.openCard(ctx, p.typ, row)
		if err != nil {
			return err
		}
		if !p.exact {
			if ok, err := p.matches(opened); err != nil || !ok {
				return err
			}
		}
		return visit(candidate{part: p, row: row, opened: opened})
	})
	return found, err
}

// inOrder fills a page in the order of commits.
func (v *Vault) inOrder(ctx context.Context, b bound, r SearchRequest, result *SearchResult) error {
	if b.certain() {
		return v.whole(ctx, b, r, result)
	}
	var page []Record
	found, err := v.walk(ctx, b, store.Find{After: r.After.Position}, func(c candidate) error {
		page = append(page, c.bodiless())
		if len(page) > r.Limit {
			return store.ErrStop
		}
		return nil
	})
	if err != nil {
		return err
	}
	result.At = found.At
	if len(page) > r.Limit {
		page = page[:r.Limit]
		result.Next = &Cursor{Position: page[len(page)-1].Position}
	} else if r.After.Position == 0 {
		result.Total = len(page)
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
			if ok, err := c.part.matches(c.opened); err != nil || !ok {
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

// sorted fills a page by a heap of the best candidates behind the cursor; it
// has seen every match on the way, so the total comes free.
func (v *Vault) sorted(ctx context.Context, b bound, r SearchRequest, result *SearchResult) error {
	best := &worstFirst{}
	total := 0
	found, err := v.walk(ctx, b, store.Find{}, func(c candidate) error {
		total++
		key, err := c.part.plan.SortKey(c.opened.Card)
		if err != nil {
			return err
		}
		s := sortable{key: key, position: c.row.Position}
		if r.After.Position != 0 && s.compare(sortable{key: r.After.Key, position: r.After.Position}) <= 0 {
			return nil
		}
		if best.Len() > r.Limit {
			if s.compare((*best)[0]) >= 0 {
				return nil
			}
			heap.Pop(best)
		}
		s.record = c.bodiless()
		heap.Push(best, s)
		return nil
	})
	if err != nil {
		return err
	}
	result.At, result.Total = found.At, total
	page := *best
	slices.SortFunc(page, sortable.compare)
	if len(page) > r.Limit {
		page = page[:r.Limit]
		last := page[len(page)-1]
		result.Next = &Cursor{Position: last.position, Key: last.key}
	}
	records := make([]Record, len(page))
	for i, s := range page {
		records[i] = s.record
	}
	result.Records, err = v.fillPage(ctx, records)
	if n := len(result.Records); err == nil && n < len(page) {
		result.Next = &Cursor{Position: page[n-1].position, Key: page[n-1].key}
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
		refs[i] = store.Ref{Key: r.Key, Version: r.Version}
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
		if page[i], err = v.open(ctx, page[i].TypeID, row); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// sortable orders matches by sort key, then position.
type sortable struct {
	key      []byte
	position record.Position
	record   Record
}

func (s sortable) compare(o sortable) int {
	if c := bytes.Compare(s.key, o.key); c != 0 {
		return c
	}
	switch {
	case s.position < o.position:
		return -1
	case s.position > o.position:
		return 1
	}
	return 0
}

// worstFirst is a heap with the last in order on top.
type worstFirst []sortable

func (h worstFirst) Len() int           { return len(h) }
func (h worstFirst) Less(i, j int) bool { return h[i].compare(h[j]) > 0 }
func (h worstFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *worstFirst) Push(x any)        { *h = append(*h, x.(sortable)) }
func (h *worstFirst) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
