package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// Find implements store.Store.
func (s *Store) Find(ctx context.Context, f store.Find, visit store.Visit) (store.Found, error) {
	v, err := s.snapshot(ctx)
	if err != nil {
		return store.Found{}, fmt.Errorf("pebble.Find: %w", err)
	}
	found, err := v.find(ctx, f, visit)
	if err = errors.Join(damage(err), v.done()); err != nil {
		return store.Found{}, fmt.Errorf("pebble.Find: %w", err)
	}
	return found, nil
}

func (v *view) find(ctx context.Context, f store.Find, visit store.Visit) (store.Found, error) {
	found := store.Found{At: v.last}
	q, err := posting.Compile(ctx, v, f.Expr, f.Newest && !f.CountOnly)
	if err != nil {
		return found, err
	}
	if f.CountOnly {
		found.Count, err = q.Count(ctx)
		return found, errors.Join(err, q.Close())
	}
	r, err := v.rows(f.Want)
	if err != nil {
		return found, errors.Join(err, q.Close())
	}
	for p, err := range q.Positions(ctx, f.After) {
		var row record.Row
		if err == nil {
			row, err = r.at(p)
		}
		if err == nil {
			row.Current = true
			found.Count++
			err = visit(row)
		}
		if errors.Is(err, store.ErrStop) {
			break
		}
		if err != nil {
			return found, errors.Join(err, r.close(), q.Close())
		}
		if found.Count == f.Limit {
			break
		}
	}
	return found, errors.Join(r.close(), q.Close())
}

// History implements store.Store.
func (s *Store) History(ctx context.Context, span store.Span, visit store.Visit) error {
	v, err := s.snapshot(ctx)
	if err != nil {
		return fmt.Errorf("pebble.History: %w", err)
	}
	if err = errors.Join(v.history(ctx, span, visit), v.done()); err != nil {
		return fmt.Errorf("pebble.History: %w", damage(err))
	}
	return nil
}

func (v *view) history(ctx context.Context, span store.Span, visit store.Visit) error {
	lo, hi, err := v.bounds(span)
	if err != nil || lo > hi {
		return err
	}
	r, err := v.rows(span.Want)
	if err != nil {
		return err
	}
	n := 0
	err = v.walk(ctx, span, lo, hi, func(p record.Position) error {
		row, err := r.version(p)
		if err != nil {
			return err
		}
		if span.Key != nil && span.Class != nil && row.Class != *span.Class {
			return nil
		}
		n++
		if err := visit(row); err != nil || n != span.Limit {
			return err
		}
		return store.ErrStop
	})
	if errors.Is(err, store.ErrStop) {
		err = nil
	}
	return errors.Join(err, r.close())
}

// bounds returns the lowest and the highest position of a span.
func (v *view) bounds(span store.Span) (lo, hi record.Position, err error) {
	lo, hi = 1, v.last
	low, high := span.After, span.Until // as if walked upwards
	if span.Newest {
		if span.After > 0 {
			hi = min(hi, span.After-1)
		}
		lo = max(lo, span.Until)
	} else {
		lo = low + 1
		if high > 0 {
			hi = min(hi, high)
		}
	}
	if !span.Since.IsZero() {
		first, err := v.First(span.Since)
		if err != nil {
			return 0, 0, err
		}
		lo = max(lo, first)
	}
	return lo, hi, nil
}

// walk calls step with the positions of a span from lo to hi, in its order.
func (v *view) walk(ctx context.Context, span store.Span, lo, hi record.Position, step func(record.Position) error) error {
	switch {
	case span.Key != nil:
		return v.walkKey(*span.Key, span.Newest, lo, hi, step)
	case span.Class != nil:
		return v.walkClass(ctx, *span.Class, span.Newest, lo, hi, step)
	}
	for n := record.Position(0); n <= hi-lo; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		p := lo + n
		if span.Newest {
			p = hi - n
		}
		if err := step(p); err != nil {
			return err
		}
	}
	return nil
}

func (v *view) walkClass(ctx context.Context, class record.Token, newest bool, lo, hi record.Position, step func(record.Position) error) error {
	q, err := posting.Versions(v, class, newest)
	if err != nil {
		return err
	}
	from := lo - 1
	if newest {
		from = hi + 1
	}
	for p, err := range q.Positions(ctx, from) {
		if err == nil && (p < lo || p > hi) {
			break
		}
		if err == nil {
			err = step(p)
		}
		if err != nil {
			return errors.Join(err, q.Close())
		}
	}
	return q.Close()
}

func (v *view) walkKey(k record.Key, newest bool, lo, hi record.Position, step func(record.Position) error) error {
	ps, err := v.versions(k)
	if err != nil {
		return err
	}
	if newest {
		slices.Reverse(ps)
	}
	for _, p := range ps {
		if p < lo || p > hi {
			continue
		}
		if err := step(p); err != nil {
			return err
		}
	}
	return nil
}

// versions returns the positions of a record's versions, oldest first.
func (v *view) versions(k record.Key) ([]record.Position, error) {
	h, err := v.head(k)
	if err != nil || h.version == 0 {
		return nil, err
	}
	it, err := v.iter(olderKey(nil, k, 0)[:1+len(k)])
	if err != nil {
		return nil, err
	}
	var ps []record.Position
	for ok := it.First(); ok; ok = it.Next() {
		b, err := it.ValueAndErr()
		if err == nil && len(b) != 8 {
			err = damaged("older version")
		}
		if err != nil {
			return nil, errors.Join(err, it.Close())
		}
		ps = append(ps, record.Position(binary.BigEndian.Uint64(b)))
	}
	return append(ps, h.at), errors.Join(it.Error(), it.Close())
}
