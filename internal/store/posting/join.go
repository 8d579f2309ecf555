package posting

import (
	"context"
	"errors"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// is gathers where the named records are.
func (c compiler) is(ctx context.Context, keys []record.Key) (node, error) {
	f := newFixed(c.dir)
	err := c.src.Heads(ctx, keys, func(p record.Position) {
		at, low := Locate(p)
		f.in(at).Add(low)
	})
	return f, err
}

// join gathers who points to the live members of e.Of, chunk by chunk.
func (c compiler) join(ctx context.Context, e store.Join) (node, error) {
	of, err := Compile(ctx, c.src, e.Of, false)
	if err != nil {
		return nil, err
	}
	f := newFixed(c.dir)
	var ps []record.Position
	for part, err := range of.chunks(ctx, 0) {
		if err != nil {
			return nil, errors.Join(err, of.Close())
		}
		ps = ps[:0]
		for low := range part.set.All() {
			ps = append(ps, part.at.Position(low))
		}
		keys, err := c.src.Keys(ctx, ps)
		if err == nil {
			err = c.refer(ctx, f, e.Rel, keys)
		}
		if err != nil {
			return nil, errors.Join(err, of.Close())
		}
	}
	return f, of.Close()
}

// refer adds to f all that points through rel to any of keys.
func (c compiler) refer(ctx context.Context, f *fixed, rel record.Token, keys []record.Key) error {
	return c.src.Referrers(ctx, rel, keys, c.from, func(at Chunk, box []byte) error {
		return f.in(at).Or(box)
	})
}

// targets gathers what live members of e.Of point to. A row does not say what
// it points to, so every list of the relation is held against e.Of: the work
// grows with the number of different targets (docs/adr/0008-reverse-joins.md).
func (c compiler) targets(ctx context.Context, e store.Targets) (node, error) {
	of, err := Compile(ctx, c.src, e.Of, false)
	if err != nil {
		return nil, err
	}
	members := newFixed(false)
	for part, err := range of.chunks(ctx, 0) {
		if err != nil {
			return nil, errors.Join(err, of.Close())
		}
		members.in(part.at).Union(part.set)
	}
	if err := of.Close(); err != nil || len(members.sets) == 0 {
		return none{}, err
	}
	var keys []record.Key
	var tmp Set
	err = c.src.Referred(ctx, e.Rel, func(key record.Key, at Chunk, box []byte) error {
		of := members.sets[at]
		if of == nil || len(keys) > 0 && keys[len(keys)-1] == key {
			return nil
		}
		if err := tmp.Decode(box); err != nil {
			return err
		}
		if tmp.Intersect(of); tmp.Len() > 0 {
			keys = append(keys, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.is(ctx, keys)
}
