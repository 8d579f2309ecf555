package storetest

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Hostile is a store whose administrator has turned against its owner. It is
// honest until told otherwise, writes honestly, and lies on every road that
// reads. Tests of vault and audit use it to show what is detected, and what is
// detected only by the audit log.
type Hostile struct {
	store.Store

	mu    sync.Mutex
	rows  []func(context.Context, record.Row, store.Want) (record.Row, bool)
	cells map[record.Space]map[string][]byte
	log   []func(shard uint64, es []store.Entry) []store.Entry
}

// NewHostile returns a hostile store that keeps its data in s.
func NewHostile(s store.Store) *Hostile {
	return &Hostile{Store: s, cells: make(map[record.Space]map[string][]byte)}
}

// Calm makes h honest again.
func (h *Hostile) Calm() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rows, h.log, h.cells = nil, nil, make(map[record.Space]map[string][]byte)
}

func (h *Hostile) tamper(f func(context.Context, record.Row, store.Want) (record.Row, bool)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rows = append(h.rows, f)
}

// Swap hands out the sealed parts of a under the name of b, and the other way
// round.
func (h *Hostile) Swap(a, b record.Key) {
	other := map[record.Key]record.Key{a: b, b: a}
	h.tamper(func(ctx context.Context, row record.Row, want store.Want) (record.Row, bool) {
		if k, ok := other[row.Key]; ok {
			from := h.row(ctx, store.Ref{Key: k}, want)
			row.Card, row.Body = from.Card, from.Body
		}
		return row, true
	})
}

// Exchange hands out the whole row of a when b is meant, name and all, and the
// other way round.
func (h *Hostile) Exchange(a, b record.Key) {
	other := map[record.Key]record.Key{a: b, b: a}
	h.tamper(func(ctx context.Context, row record.Row, want store.Want) (record.Row, bool) {
		if k, ok := other[row.Key]; ok {
			return h.row(ctx, store.Ref{Key: k}, want), true
		}
		return row, true
	})
}

// Stale hands out the version before the current one of k as the current one.
func (h *Hostile) Stale(k record.Key) {
	h.tamper(func(ctx context.Context, row record.Row, want store.Want) (record.Row, bool) {
		if row.Key == k && row.Current && row.Version > 1 {
			row = h.row(ctx, store.Ref{Key: k, Version: row.Version - 1}, want)
			row.Current = true
		}
		return row, true
	})
}

// Relabel hands out the sealed parts of the version before the current one of
// k under the current version's number.
func (h *Hostile) Relabel(k record.Key) {
	h.tamper(func(ctx context.Context, row record.Row, want store.Want) (record.Row, bool) {
		if row.Key == k && row.Current && row.Version > 1 {
			old := h.row(ctx, store.Ref{Key: k, Version: row.Version - 1}, want)
			row.Card, row.Body = old.Card, old.Body
		}
		return row, true
	})
}

// Undelete hands out the version before a tombstone of k as if it had never
// been deleted.
func (h *Hostile) Undelete(k record.Key) {
	h.tamper(func(ctx context.Context, row record.Row, want store.Want) (record.Row, bool) {
		if row.Key == k && row.Deleted {
			row = h.row(ctx, store.Ref{Key: k, Version: row.Version - 1}, want)
			row.Current = true
		}
		return row, true
	})
}

// Truncate cuts the last n bytes off the sealed parts of k.
func (h *Hostile) Truncate(k record.Key, n int) {
	h.edit(k, func(b []byte) []byte { return b[:max(len(b)-n, 0)] })
}

// Flip inverts one bit of the sealed parts of k, counted from the start.
func (h *Hostile) Flip(k record.Key, bit int) {
	h.edit(k, func(b []byte) []byte {
		b = bytes.Clone(b)
		if len(b) > 0 {
			b[bit/8%len(b)] ^= 1 << (bit % 8)
		}
		return b
	})
}

func (h *Hostile) edit(k record.Key, f func([]byte) []byte) {
	h.tamper(func(_ context.Context, row record.Row, _ store.Want) (record.Row, bool) {
		if row.Key == k {
			row.Card, row.Body = f(row.Card), f(row.Body)
		}
		return row, true
	})
}

// Drop pretends that k never existed.
func (h *Hostile) Drop(k record.Key) {
	h.tamper(func(_ context.Context, row record.Row, _ store.Want) (record.Row, bool) { return row, row.Key != k })
}

// Cell answers for a cell with a value of the liar's choice; nil denies it.
func (h *Hostile) Cell(space record.Space, name, value []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cells[space] == nil {
		h.cells[space] = make(map[string][]byte)
	}
	h.cells[space][string(name)] = value
}

// EditLog changes, adds or drops entries of a shard before they are read.
func (h *Hostile) EditLog(shard uint64, f func([]store.Entry) []store.Entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, func(s uint64, es []store.Entry) []store.Entry {
		if s == shard {
			return f(es)
		}
		return es
	})
}

// row reads honestly. A row that cannot be read is a zero one.
func (h *Hostile) row(ctx context.Context, ref store.Ref, want store.Want) record.Row {
	rows, err := h.Store.Get(ctx, []store.Ref{ref}, want)
	if err != nil {
		return record.Row{}
	}
	return rows[0]
}

// lie passes a row through all that was asked for.
func (h *Hostile) lie(ctx context.Context, row record.Row, want store.Want) (record.Row, bool) {
	h.mu.Lock()
	lies := slices.Clone(h.rows)
	h.mu.Unlock()
	ok := true
	for _, f := range lies {
		if ok {
			row, ok = f(ctx, row, want)
		}
	}
	return row, ok
}

// Get implements store.Store.
func (h *Hostile) Get(ctx context.Context, refs []store.Ref, want store.Want) ([]record.Row, error) {
	rows, err := h.Store.Get(ctx, refs, want)
	for i, row := range rows {
		if row.Version == 0 {
			continue
		}
		var ok bool
		if rows[i], ok = h.lie(ctx, row, want); !ok {
			rows[i] = record.Row{}
		}
	}
	return rows, err
}

// Find implements store.Store.
func (h *Hostile) Find(ctx context.Context, f store.Find, visit store.Visit) (store.Found, error) {
	return h.Store.Find(ctx, f, h.visit(ctx, f.Want, visit))
}

// History implements store.Store.
func (h *Hostile) History(ctx context.Context, s store.Span, visit store.Visit) error {
	return h.Store.History(ctx, s, h.visit(ctx, s.Want, visit))
}

func (h *Hostile) visit(ctx context.Context, want store.Want, visit store.Visit) store.Visit {
	return func(row record.Row) error {
		row, ok := h.lie(ctx, row, want)
		if !ok {
			return nil
		}
		return visit(row)
	}
}

// Cells implements store.Store.
func (h *Hostile) Cells(ctx context.Context, space record.Space, names [][]byte) ([][]byte, error) {
	values, err := h.Store.Cells(ctx, space, names)
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range values {
		if v, ok := h.cells[space][string(names[i])]; ok {
			values[i] = v
		}
	}
	return values, err
}

// Scan implements store.Store. It hides and changes cells, and invents none.
func (h *Hostile) Scan(ctx context.Context, space record.Space, prefix, after []byte, visit func(name, value []byte) error) error {
	return h.Store.Scan(ctx, space, prefix, after, func(name, value []byte) error {
		h.mu.Lock()
		lie, ok := h.cells[space][string(name)]
		h.mu.Unlock()
		if ok && lie == nil {
			return nil
		}
		if ok {
			value = lie
		}
		return visit(name, value)
	})
}

// Log implements store.Store.
func (h *Hostile) Log(ctx context.Context, shard, from uint64, limit int) ([]store.Entry, error) {
	es, err := h.Store.Log(ctx, shard, from, limit)
	h.mu.Lock()
	lies := slices.Clone(h.log)
	h.mu.Unlock()
	for _, f := range lies {
		es = f(shard, es)
	}
	return es, err
}
