package posting

import (
	"maps"
	"slices"

	"github.com/wardkeep/wardkeep/internal/record"
)

// between is every position from lo to hi, both inclusive.
type between struct {
	lo, hi record.Position
	dir    direction
}

func (b *between) seek(c Chunk) (Chunk, bool, error) {
	lo, _ := Locate(b.lo)
	hi, _ := Locate(b.hi)
	switch {
	case b.hi < b.lo:
		return 0, false, nil
	case bool(b.dir):
		return min(c, hi), c >= lo, nil
	default:
		return max(c, lo), c <= hi, nil
	}
}

func (b *between) load(c Chunk, into *Set) error {
	into.Reset()
	lo, hi := max(b.lo, c.Position(0)), min(b.hi, c.Position(ChunkSize-1))
	if lo <= hi {
		_, first := Locate(lo)
		_, last := Locate(hi)
		into.AddRange(first, last)
	}
	return nil
}

func (b *between) weight() int  { return ChunkSize }
func (b *between) close() error { return nil }

// fixed is a set that was worked out before the walk.
type fixed struct {
	sets map[Chunk]*Set
	dir  direction

	order []Chunk // keys of sets in the order walked, once begun
	next  int     // index of the chunk that seek returned last
}

func newFixed(dir direction) *fixed {
	return &fixed{sets: make(map[Chunk]*Set), dir: dir}
}

// in returns the set of a chunk, to be added to before the walk begins.
func (f *fixed) in(c Chunk) *Set {
	s := f.sets[c]
	if s == nil {
		s = new(Set)
		f.sets[c] = s
	}
	return s
}

func (f *fixed) seek(c Chunk) (Chunk, bool, error) {
	if f.order == nil {
		f.order = slices.Sorted(maps.Keys(f.sets))
		if f.dir {
			slices.Reverse(f.order)
		}
	}
	for f.next < len(f.order) && f.dir.before(f.order[f.next], c) {
		f.next++
	}
	if f.next == len(f.order) {
		return 0, false, nil
	}
	return f.order[f.next], true, nil
}

func (f *fixed) load(c Chunk, into *Set) error {
	into.Reset()
	if s := f.sets[c]; s != nil {
		into.Union(s)
	}
	return nil
}

func (f *fixed) weight() int {
	if f.next < len(f.order) {
		return f.sets[f.order[f.next]].Len()
	}
	return 0
}

func (f *fixed) close() error { return nil }
