package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"time"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// reader is what a snapshot and the database itself have in common.
type reader interface {
	Get(key []byte) ([]byte, io.Closer, error)
	NewIter(o *lsm.IterOptions) (*lsm.Iterator, error)
}

// view reads one consistent state. It is the posting.Source of that state.
type view struct {
	r    reader
	last record.Position
	done func() error
	buf  []byte // scratch for keys

	lists   *lsm.Iterator // over all posting lists; nil while no cursor is open
	cursors int           // that share it

	absent *absent // nil: none is asked
	age    uint64
	often  *often // nil: nothing is kept
	amends uint64
}

var _ posting.Source = (*view)(nil)

// findLast learns the highest position of the state.
func (v *view) findLast() error {
	it, err := v.iter([]byte{tagRow})
	if err != nil {
		return err
	}
	if it.Last() {
		v.last = positionOf(it.Key())
	}
	return errors.Join(it.Error(), it.Close())
}

// iter opens an iterator over the keys with the prefix.
func (v *view) iter(prefix []byte) (*lsm.Iterator, error) {
	return v.r.NewIter(&lsm.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
}

// get calls use with the value of v.buf as key; false if there is none.
func (v *view) get(key []byte, use func([]byte) error) (bool, error) {
	b, closer, err := v.r.Get(key)
	if errors.Is(err, lsm.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, errors.Join(use(b), closer.Close())
}

// head returns the current version of a record; its version is 0 if there is
// none.
func (v *view) head(k record.Key) (h head, err error) {
	v.buf = headKey(v.buf[:0], k)
	_, err = v.get(v.buf, func(b []byte) (err error) {
		h, err = openHead(b)
		return err
	})
	return h, err
}

// heads returns a lookup of heads for keys in ascending order. Unlike Get, it
// asks the filters of the lowest level too: most of a batch's keys are new, and
// a filter says so without reading a block.
func (v *view) heads() (*heads, error) {
	it, err := v.r.NewIter(&lsm.IterOptions{LowerBound: []byte{tagHead}, UpperBound: []byte{tagHead + 1}, UseL6Filters: true})
	return &heads{it: it}, err
}

type heads struct {
	it  *lsm.Iterator
	key []byte
}

func (h *heads) get(k record.Key) (head, error) {
	h.key = headKey(h.key[:0], k)
	if !h.it.SeekPrefixGE(h.key) {
		return head{}, h.it.Error()
	}
	b, err := h.it.ValueAndErr()
	if err != nil {
		return head{}, err
	}
	return openHead(b)
}

func (h *heads) close() error { return h.it.Close() }

// older returns the position of a version that is not current, 0 if there is
// none.
func (v *view) older(k record.Key, version uint64) (p record.Position, err error) {
	v.buf = olderKey(v.buf[:0], k, version)
	_, err = v.get(v.buf, func(b []byte) error {
		if len(b) != 8 {
			return damaged("older version")
		}
		p = record.Position(binary.BigEndian.Uint64(b))
		return nil
	})
	return p, err
}

func positionOf(key []byte) record.Position {
	return record.Position(binary.BigEndian.Uint64(key[1:]))
}

// timeOf returns the commit time of a position that exists.
func (v *view) timeOf(p record.Position) (t time.Time, err error) {
	v.buf = positionKey(v.buf[:0], tagRow, p)
	ok, err := v.get(v.buf, func(b []byte) error {
		r, err := openRow(b, p)
		t = r.Time
		return err
	})
	if err == nil && !ok {
		err = damaged("a row is missing")
	}
	return t, err
}

// Dead implements posting.Source.
func (v *view) Dead(c posting.Chunk, into *posting.Set) error {
	into.Reset()
	v.buf = deadKey(v.buf[:0], c)
	_, err := v.get(v.buf, into.Decode)
	return err
}

// Heads implements posting.Source.
func (v *view) Heads(ctx context.Context, keys []record.Key, add func(record.Position)) error {
	for i, k := range keys {
		if i%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		h, err := v.head(k)
		if err != nil {
			return err
		}
		if h.version > 0 {
			add(h.at)
		}
	}
	return nil
}

// checkEvery is how many steps a loop makes between looks at its context.
const checkEvery = 1024

// Keys implements posting.Source.
func (v *view) Keys(ctx context.Context, ps []record.Position) ([]record.Key, error) {
	rows, err := v.rows(0)
	if err != nil {
		return nil, err
	}
	keys := make([]record.Key, 0, len(ps))
	for i, p := range ps {
		if i%checkEvery == 0 && ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), rows.close())
		}
		r, err := rows.at(p)
		if err != nil {
			return nil, errors.Join(err, rows.close())
		}
		keys = append(keys, r.Key)
	}
	return keys, rows.close()
}

// Referrers implements posting.Source. Keys are taken in order, so that the
// iterator only moves forward.
func (v *view) Referrers(ctx context.Context, rel record.Token, keys []record.Key, from posting.Chunk, add func(posting.Chunk, []byte) error) error {
	slices.SortFunc(keys, func(a, b record.Key) int { return slices.Compare(a[:], b[:]) })
	relation := binary.BigEndian.AppendUint64([]byte{tagEdge}, uint64(rel))
	it, err := v.iter(relation)
	if err != nil {
		return err
	}
	prefix := make([]byte, 0, 32)
	for i := range keys {
		if i%checkEvery == 0 && ctx.Err() != nil {
			return errors.Join(ctx.Err(), it.Close())
		}
		prefix = append(append(prefix[:0], relation...), keys[i][:]...)
		for ok := it.SeekGE(appendChunk(prefix, from)); ok && len(it.Key()) == len(prefix)+chunkBytes && string(it.Key()[:len(prefix)]) == string(prefix); ok = it.Next() {
			box, err := it.ValueAndErr()
			if err == nil {
				err = add(chunkOf(it.Key()), box)
			}
			if err != nil {
				return errors.Join(err, it.Close())
			}
		}
	}
	return errors.Join(it.Error(), it.Close())
}

// Referred implements posting.Source.
func (v *view) Referred(ctx context.Context, rel record.Token, add func(record.Key, posting.Chunk, []byte) error) error {
	relation := binary.BigEndian.AppendUint64([]byte{tagEdge}, uint64(rel))
	it, err := v.iter(relation)
	if err != nil {
		return err
	}
	var key record.Key
	n := 0
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		if n++; n%checkEvery == 0 && ctx.Err() != nil {
			return errors.Join(ctx.Err(), it.Close())
		}
		if len(it.Key()) != len(relation)+len(key)+chunkBytes {
			return errors.Join(damaged("posting key"), it.Close())
		}
		var box []byte
		if box, err = it.ValueAndErr(); err == nil {
			copy(key[:], it.Key()[len(relation):])
			err = add(key, chunkOf(it.Key()), box)
		}
	}
	return errors.Join(err, it.Error(), it.Close())
}

// First implements posting.Source. Commit times never fall as positions rise,
// so no index of times is kept.
func (v *view) First(t time.Time) (record.Position, error) {
	lo, hi := record.Position(1), v.last+1 // the answer lies in [lo, hi]
	for lo < hi {
		mid := lo + (hi-lo)/2
		at, err := v.timeOf(mid)
		if err != nil {
			return 0, err
		}
		if at.Before(t) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, nil
}

// Last implements posting.Source.
func (v *view) Last() record.Position { return v.last }
