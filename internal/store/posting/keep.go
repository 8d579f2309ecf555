package posting

import (
	"encoding/binary"
	"slices"
	"sort"
)

// few is up to how many members a set is struck out by looking each of them up in what
// several lists make together, without decoding these. In one list they always are.
const few = 256

// keep leaves in a set what lies in chunk c of a node, too.
func keep(n node, c Chunk, set, tmp *Set) error {
	if f, ok := n.(*fixed); ok {
		f.keep(c, set)
		return nil
	}
	if l, ok := n.(*leaf); ok && !set.dense {
		return l.keep(c, set)
	}
	if set.dense || len(set.arr) > few {
		if err := n.load(c, tmp); err != nil {
			return err
		}
		set.Intersect(tmp)
		return nil
	}
	switch n := n.(type) {
	case *and:
		for _, k := range n.kids {
			if err := keep(k, c, set, &n.tmp); err != nil || set.Len() == 0 {
				return err
			}
		}
		return nil
	case *or:
		return n.keep(c, set)
	case *minus:
		if err := keep(n.of, c, set, &n.tmp); err != nil || set.Len() == 0 {
			return err
		}
		return strike(n.without, c, set, &n.tmp)
	}
	if err := n.load(c, tmp); err != nil {
		return err
	}
	set.Intersect(tmp)
	return nil
}

// strike takes out of a set what lies in chunk c of a node.
func strike(n node, c Chunk, set, tmp *Set) error {
	if f, ok := n.(*fixed); ok {
		if s := f.sets[c]; s != nil {
			set.Subtract(s)
		}
		return nil
	}
	if set.dense || len(set.arr) > few {
		if err := n.load(c, tmp); err != nil {
			return err
		}
		set.Subtract(tmp)
		return nil
	}
	if o, ok := n.(*or); ok {
		for _, k := range o.kids {
			if err := strike(k, c, set, tmp); err != nil || set.Len() == 0 {
				return err
			}
		}
		return nil
	}
	var both Set
	both.Union(set)
	if err := keep(n, c, &both, tmp); err != nil {
		return err
	}
	set.Subtract(&both)
	return nil
}

func (f *fixed) keep(c Chunk, set *Set) {
	if s := f.sets[c]; s != nil {
		set.Intersect(s)
	} else {
		set.Reset()
	}
}

func (l *leaf) keep(c Chunk, set *Set) error {
	at, ok, err := l.seek(c)
	if err != nil {
		return err
	}
	if !ok || at != c {
		set.Reset()
		return nil
	}
	return set.keepIn(l.box)
}

// keep asks each kid about what none before it has.
func (o *or) keep(c Chunk, set *Set) error {
	var left, found Set
	left.Union(set)
	set.Reset()
	for _, k := range o.kids {
		found.Reset()
		found.Union(&left)
		if err := keep(k, c, &found, &o.tmp); err != nil {
			return err
		}
		set.Union(&found)
		if left.Subtract(&found); left.Len() == 0 {
			return nil
		}
	}
	return nil
}

// keepIn leaves in an array what the container b holds, too.
func (s *Set) keepIn(b []byte) error {
	if len(b) == 0 {
		return damaged("no kind")
	}
	kind, b := b[0], b[1:]
	switch {
	case kind == kindArray && len(b)%2 == 0 && len(b) <= 2*ChunkSize:
		s.keepEntries(b, 2, 0)
	case kind == kindRuns && len(b)%4 == 0 && len(b) <= bitmapBytes:
		s.keepEntries(b, 4, 2)
	case kind == kindBitmap && len(b) == bitmapBytes:
		s.arr = slices.DeleteFunc(s.arr, func(v uint16) bool { return b[v>>3]&(1<<(v&7)) == 0 })
	default:
		return damaged("unknown kind or wrong length")
	}
	return nil
}

// keepEntries leaves what lies in entries of width bytes, each of which begins with the
// first place it holds, and has the last one at an offset. Of many entries it looks
// for few members by halves, else it goes through both.
func (s *Set) keepEntries(b []byte, width, last int) {
	keep, halves := s.arr[:0], 8*len(s.arr) < len(b)/width
	for _, v := range s.arr {
		if halves {
			left := b
			b = b[width*sort.Search(len(left)/width, func(i int) bool {
				return binary.LittleEndian.Uint16(left[width*i+last:]) >= v
			}):]
		}
		for len(b) > 0 && binary.LittleEndian.Uint16(b[last:]) < v {
			b = b[width:]
		}
		if len(b) == 0 {
			break
		}
		if binary.LittleEndian.Uint16(b) <= v {
			keep = append(keep, v)
		}
	}
	s.arr = keep
}
