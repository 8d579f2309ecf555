package pebble

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, refs []store.Ref, want store.Want) ([]record.Row, error) {
	v, err := s.snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("pebble.Get: %w", err)
	}
	out := make([]record.Row, len(refs))
	for i, ref := range refs {
		if out[i], err = v.version(ref, want); err != nil {
			break
		}
	}
	if err = errors.Join(damage(err), v.done()); err != nil {
		return nil, fmt.Errorf("pebble.Get: %w", err)
	}
	return out, nil
}

// version returns one version with its own memory, a zero row if there is none.
func (v *view) version(ref store.Ref, want store.Want) (record.Row, error) {
	if ref.At != 0 {
		return v.copyAt(ref.At, ref, want)
	}
	h, err := v.head(ref.Key)
	if err != nil || h.version == 0 {
		return record.Row{}, err
	}
	p := h.at
	if ref.Version != 0 && ref.Version != h.version {
		if p, err = v.older(ref.Key, ref.Version); err != nil || p == 0 {
			return record.Row{}, err
		}
	}
	row, err := v.copyAt(p, ref, want)
	row.Current = p == h.at
	return row, err
}

// copyAt returns the version at a position with its own memory.
func (v *view) copyAt(p record.Position, ref store.Ref, want store.Want) (row record.Row, err error) {
	v.buf = positionKey(v.buf[:0], tagRow, p)
	ok, err := v.get(v.buf, func(b []byte) (err error) {
		row, err = openRow(b, p)
		return err
	})
	if err == nil && (!ok || row.Key != ref.Key || ref.Version != 0 && row.Version != ref.Version) {
		err = damaged("a version is missing")
	}
	if err != nil {
		return record.Row{}, err
	}
	if want&store.WantCard != 0 {
		row.Card = bytes.Clone(row.Card)
	} else {
		row.Card = nil
	}
	if want&store.WantBody != 0 {
		v.buf = positionKey(v.buf[:0], tagBody, p)
		ok, err = v.get(v.buf, func(b []byte) error {
			row.Body = bytes.Clone(b)
			return nil
		})
		if err == nil && !ok {
			err = damaged("a body is missing")
		}
	}
	return row, err
}

// Cells implements store.Store.
func (s *Store) Cells(ctx context.Context, space record.Space, names [][]byte) ([][]byte, error) {
	v, err := s.snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("pebble.Cells: %w", err)
	}
	out := make([][]byte, len(names))
	for i, name := range names {
		if out[i], err = s.cell(v, space, name); err != nil {
			break
		}
	}
	if err = errors.Join(damage(err), v.done()); err != nil {
		return nil, fmt.Errorf("pebble.Cells: %w", err)
	}
	return out, nil
}

// cell returns a copy of a cell's value, nil if there is none now.
func (s *Store) cell(v *view, space record.Space, name []byte) (value []byte, err error) {
	v.buf = cellKey(v.buf[:0], space, name)
	_, err = v.get(v.buf, func(b []byte) error {
		b, ok, err := openCell(b, s.clock.Now())
		if ok {
			value = append([]byte{}, b...)
		}
		return err
	})
	return value, err
}

// Scan implements store.Store.
func (s *Store) Scan(ctx context.Context, space record.Space, prefix, beyond []byte, visit func(name, value []byte) error) error {
	v, err := s.snapshot(ctx)
	if err != nil {
		return fmt.Errorf("pebble.Scan: %w", err)
	}
	err = errors.Join(s.scan(ctx, v, space, prefix, beyond, visit), v.done())
	if err != nil {
		return fmt.Errorf("pebble.Scan: %w", damage(err))
	}
	return nil
}

func (s *Store) scan(ctx context.Context, v *view, space record.Space, prefix, beyond []byte, visit func(name, value []byte) error) error {
	it, err := v.iter(cellKey(nil, space, prefix))
	if err != nil {
		return err
	}
	from := cellKey(nil, space, prefix)
	if len(beyond) > 0 && bytes.Compare(beyond, prefix) >= 0 {
		from = append(cellKey(nil, space, beyond), 0)
	}
	now, n := s.clock.Now(), 0
	for ok := it.SeekGE(from); ok && err == nil; ok = it.Next() {
		if n++; n%checkEvery == 0 && ctx.Err() != nil {
			err = ctx.Err()
			break
		}
		var b []byte
		if b, err = it.ValueAndErr(); err != nil {
			break
		}
		value, live, bad := openCell(b, now)
		if err = bad; err == nil && live {
			err = visit(it.Key()[2:], value)
		}
	}
	if errors.Is(err, store.ErrStop) {
		err = nil
	}
	return errors.Join(err, it.Error(), it.Close())
}

// Log implements store.Store. A limit of 0 means all.
func (s *Store) Log(ctx context.Context, shard, from uint64, limit int) ([]store.Entry, error) {
	v, err := s.snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("pebble.Log: %w", err)
	}
	out, err := v.log(ctx, shard, from, limit)
	if err = errors.Join(damage(err), v.done()); err != nil {
		return nil, fmt.Errorf("pebble.Log: %w", err)
	}
	return out, nil
}

// maxRoom bounds the memory that entries share.
const maxRoom = 64 << 10

func (v *view) log(ctx context.Context, shard, from uint64, limit int) ([]store.Entry, error) {
	key := logKey(nil, shard, from)
	it, err := v.iter(key[:9])
	if err != nil {
		return nil, err
	}
	var out []store.Entry
	var room []byte // several entries share a piece of memory
	for ok := it.SeekGE(key); ok && (limit <= 0 || len(out) < limit); ok = it.Next() {
		counter := binary.BigEndian.Uint64(it.Key()[9:])
		if counter != from+uint64(len(out)) {
			break
		}
		if len(out)%checkEvery == 0 && ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), it.Close())
		}
		b, err := it.ValueAndErr()
		if err != nil {
			return nil, errors.Join(err, it.Close())
		}
		if len(b) > cap(room)-len(room) {
			room = make([]byte, 0, max(len(b), min(len(out)*len(b), maxRoom)))
		}
		at := len(room)
		room = append(room, b...)
		out = append(out, store.Entry{Counter: counter, Bytes: room[at:len(room):len(room)]})
	}
	return out, errors.Join(it.Error(), it.Close())
}
