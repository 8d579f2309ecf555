package posting

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Keeper is a Source that keeps what store.Often found between queries. What it
// keeps MUST be forgotten once a version up to Kept.Until was amended.
type Keeper interface {
	Kept(name [32]byte) *Kept // nil: nothing is kept
	Keep(name [32]byte, found *Kept)
}

// Kept is what an expression found, dead versions included. Many queries read it;
// it never changes.
type Kept struct {
	Until record.Position // of what came later nothing is said
	Bytes int             // of memory, about
	sets  map[Chunk]*Set
	order []Chunk // ascending
}

// often answers from what is kept, and finds anew only what was written since.
func (c compiler) often(ctx context.Context, e store.Often) (node, error) {
	keeper, ok := c.src.(Keeper)
	if !ok {
		return c.node(ctx, e.Of)
	}
	kept, last := keeper.Kept(e.Name), c.src.Last()
	if kept == nil || kept.Until < last {
		var err error
		if kept, err = c.gather(ctx, e.Of, kept); err != nil {
			return nil, err
		}
		keeper.Keep(e.Name, kept)
	}
	f := &fixed{sets: kept.sets, dir: c.dir, order: kept.order}
	if c.dir {
		f.order = slices.Clone(kept.order)
		slices.Reverse(f.order)
	}
	if kept.Until > last { // by a later query; this one's snapshot ends before
		return &and{kids: []node{f, &between{lo: 1, hi: last, dir: c.dir}}, dir: c.dir}, nil
	}
	return f, nil
}

// gather adds to what was found before, which may be nil, what came since.
func (c compiler) gather(ctx context.Context, e store.Expr, before *Kept) (*Kept, error) {
	out := &Kept{Until: c.src.Last(), sets: map[Chunk]*Set{}}
	if before != nil {
		c.from, _ = Locate(before.Until + 1)
		out.sets = maps.Clone(before.sets)
	}
	c.dir = false
	root, err := c.node(ctx, e)
	if err != nil {
		return nil, err
	}
	for at, ok := c.from, true; ok; at, ok = c.dir.next(at) {
		if at, ok, err = root.seek(at); err == nil {
			err = ctx.Err()
		}
		if err != nil || !ok {
			break
		}
		set := new(Set)
		if err = root.load(at, set); err != nil {
			break
		}
		out.sets[at] = set
	}
	for _, set := range out.sets {
		out.Bytes += set.bytes()
	}
	out.order = slices.Sorted(maps.Keys(out.sets))
	return out, errors.Join(err, root.close())
}

// bytes is about what a set takes in memory.
func (s *Set) bytes() int { return 2*cap(s.arr) + len(s.words)*8 + 64 }
