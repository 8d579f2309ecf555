package vault

import (
	"bytes"
	"container/heap"
	"context"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// sorted fills a page with the records that come first behind the cursor. Where
// the index tells the order, it stops as soon as nothing better can follow; else
// it sees every match on the way, so that the total comes free.
func (v *Vault) sorted(ctx context.Context, b bound, r SearchRequest, result *SearchResult) error {
	p := &sorting{vault: v, bound: b, request: r, result: result, seen: map[record.Key]bool{}}
	var err error
	if desc, ok := r.Query.ByUpdated(); ok {
		err = p.byUpdated(ctx, desc)
	} else if slices := b[0].plan.Slices(names{v}); slices != nil {
		err = p.bySlices(ctx, slices)
	} else {
		err = p.byAll(ctx)
	}
	if err != nil {
		return err
	}
	return p.page(ctx)
}

// sorting is the making of one page.
type sorting struct {
	vault   *Vault
	bound   bound
	request SearchRequest
	result  *SearchResult
	best    worstFirst
	seen    map[record.Key]bool // of several walks, so that none is shown twice
}

// take keeps a candidate if it is among the best so far.
func (p *sorting) take(c candidate) error {
	key, err := c.part.plan.SortKey(c.opened.Card)
	if err != nil {
		return err
	}
	s := sortable{key: key, position: c.row.Position}
	after := p.request.After
	if after.Position != 0 && s.compare(sortable{key: after.Key, position: after.Position}) <= 0 {
		return nil
	}
	if p.best.Len() > p.request.Limit {
		if s.compare(p.best[0]) >= 0 {
			return nil
		}
		heap.Pop(&p.best)
	}
	s.record = c.bodiless()
	heap.Push(&p.best, s)
	return nil
}

// full reports whether the page is full of what comes before bound.
func (p *sorting) full(bound []byte) bool {
	return p.best.Len() > p.request.Limit && bytes.Compare(p.best[0].key, bound) < 0
}

// passed reports whether all that comes before bound was on pages before.
func (p *sorting) passed(bound []byte) bool {
	return p.request.After.Position != 0 && bytes.Compare(p.request.After.Key, bound) >= 0
}

func (p *sorting) byAll(ctx context.Context) error {
	total := 0
	found, err := p.vault.walk(ctx, p.bound, store.Find{}, func(c candidate) error {
		total++
		return p.take(c)
	})
	p.result.At, p.result.Total = found.At, total
	return err
}

// byUpdated walks commits. A version's own time lies up to MaxSkew before that
// of its commit.
func (p *sorting) byUpdated(ctx context.Context, desc bool) error {
	expr := p.bound.expr()
	if t, ok := search.UpdatedOf(p.request.After.Key, desc); ok && desc {
		expr = store.And{store.During{Until: t.Add(record.MaxSkew + time.Microsecond)}, expr}
	} else if ok {
		expr = store.And{store.During{From: t}, expr}
	}
	found, err := p.vault.walkPart(ctx, p.bound, store.Find{Expr: expr, Newest: desc}, func(row record.Row) error {
		t := row.Time
		if !desc {
			t = t.Add(-record.MaxSkew)
		}
		if p.full(p.request.Query.UpdatedBound(t)) {
			return store.ErrStop
		}
		return nil
	}, p.take)
	p.result.At = found.At
	return err
}

// Up to sliceOpen records are opened rather than cut into slices.
const sliceOpen = 1000

// bySlices walks slice by slice, cutting those that hold much. Each walk sees a
// state of its own: a record that changes meanwhile may be shown or not, one
// that does not is shown once.
func (p *sorting) bySlices(ctx context.Context, slices []search.Slice) error {
	whole, err := p.vault.store.Find(ctx, store.Find{Expr: p.bound.expr(), CountOnly: true}, nil)
	if err != nil || whole.Count <= sliceOpen {
		if err == nil {
			err = p.byAll(ctx)
		}
		return err
	}
	p.result.At = whole.At
	return p.cut(ctx, slices)
}

func (p *sorting) cut(ctx context.Context, slices []search.Slice) error {
	for _, s := range slices {
		if s.Bound != nil && p.passed(s.Bound) {
			continue
		}
		expr := p.bound.expr()
		switch {
		case s.In != nil:
			expr = store.And{expr, s.In}
		case s.Out != nil:
			expr = store.Minus{Of: expr, Without: s.Out}
		}
		if parts := s.Parts(); parts != nil {
			found, err := p.vault.store.Find(ctx, store.Find{Expr: expr, CountOnly: true}, nil)
			if err != nil {
				return err
			}
			if found.Count > sliceOpen {
				if err := p.cut(ctx, parts); err != nil {
					return err
				}
				if p.full(s.Bound) {
					return nil
				}
				continue
			}
		}
		_, err := p.vault.walkPart(ctx, p.bound, store.Find{Expr: expr}, p.once, p.take)
		if err != nil || s.Bound != nil && p.full(s.Bound) {
			return err
		}
	}
	return nil
}

// once passes by records that an earlier walk has opened.
func (p *sorting) once(row record.Row) error {
	if p.seen[row.Key] {
		return errSkip
	}
	p.seen[row.Key] = true
	return nil
}

// page opens the bodies of the best.
func (p *sorting) page(ctx context.Context) error {
	page := p.best
	slices.SortFunc(page, sortable.compare)
	if len(page) > p.request.Limit {
		page = page[:p.request.Limit]
		last := page[len(page)-1]
		p.result.Next = &Cursor{Position: last.position, Key: last.key}
	}
	records := make([]Record, len(page))
	for i, s := range page {
		records[i] = s.record
	}
	var err error
	p.result.Records, err = p.vault.fillPage(ctx, records)
	if n := len(p.result.Records); err == nil && n < len(page) {
		p.result.Next = &Cursor{Position: page[n-1].position, Key: page[n-1].key}
	}
	return err
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
