package posting

import (
	"iter"
	"math/bits"
	"slices"
)

const (
	words    = ChunkSize / 64
	maxArray = 4096 // above it a bitmap is smaller than an array
)

// Set is a set of places within one chunk. The zero Set is empty. It keeps its
// memory between uses and is not safe for concurrent use.
type Set struct {
	arr   []uint16       // ascending; in use unless dense
	words *[words]uint64 // in use if dense
	n     int            // members, if dense
	dense bool
}

// Reset empties s.
func (s *Set) Reset() {
	s.arr, s.dense, s.n = s.arr[:0], false, 0
}

// Len returns the number of members.
func (s *Set) Len() int {
	if s.dense {
		return s.n
	}
	return len(s.arr)
}

// Contains reports whether v is a member.
func (s *Set) Contains(v uint16) bool {
	if s.dense {
		return s.words[v>>6]&(1<<(v&63)) != 0
	}
	_, ok := slices.BinarySearch(s.arr, v)
	return ok
}

// Add makes v a member. It is cheapest in ascending order.
func (s *Set) Add(v uint16) {
	switch {
	case s.dense:
		w := &s.words[v>>6]
		if *w&(1<<(v&63)) == 0 {
			*w |= 1 << (v & 63)
			s.n++
		}
	case len(s.arr) == 0 || s.arr[len(s.arr)-1] < v:
		s.arr = append(s.arr, v)
		if len(s.arr) > maxArray {
			s.makeDense()
		}
	default:
		if i, ok := slices.BinarySearch(s.arr, v); !ok {
			s.arr = slices.Insert(s.arr, i, v)
			if len(s.arr) > maxArray {
				s.makeDense()
			}
		}
	}
}

// AddRange makes every place from lo to hi, both inclusive, a member.
func (s *Set) AddRange(lo, hi uint16) {
	if lo > hi {
		return
	}
	if !s.dense && len(s.arr)+int(hi-lo)+1 <= maxArray {
		if len(s.arr) == 0 || s.arr[len(s.arr)-1] < lo {
			for v := int(lo); v <= int(hi); v++ {
				s.arr = append(s.arr, uint16(v))
			}
			return
		}
		for v := int(lo); v <= int(hi); v++ {
			s.Add(uint16(v))
		}
		return
	}
	s.makeDense()
	first, last := lo>>6, hi>>6
	for w := first; w <= last; w++ {
		mask := ^uint64(0)
		if w == first {
			mask &= ^uint64(0) << (lo & 63)
		}
		if w == last {
			mask &= ^uint64(0) >> (63 - hi&63)
		}
		s.n += bits.OnesCount64(mask &^ s.words[w])
		s.words[w] |= mask
	}
}

// makeDense turns an array into a bitmap.
func (s *Set) makeDense() {
	if s.dense {
		return
	}
	if s.words == nil {
		s.words = new([words]uint64)
	} else {
		clear(s.words[:])
	}
	for _, v := range s.arr {
		s.words[v>>6] |= 1 << (v & 63)
	}
	s.n, s.dense = len(s.arr), true
	s.arr = s.arr[:0]
}

// Union adds the members of t.
func (s *Set) Union(t *Set) {
	switch {
	case t.dense:
		s.makeDense()
		n := 0
		for i, w := range t.words {
			s.words[i] |= w
			n += bits.OnesCount64(s.words[i])
		}
		s.n = n
	case s.dense:
		for _, v := range t.arr {
			s.Add(v)
		}
	default:
		s.unionArray(t.arr)
	}
}

// unionArray merges the ascending b into an array s.
func (s *Set) unionArray(b []uint16) {
	a := s.arr
	switch {
	case len(b) == 0:
		return
	case len(a)+len(b) > maxArray:
		s.makeDense()
		for _, v := range b {
			s.Add(v)
		}
		return
	case len(a) == 0 || a[len(a)-1] < b[0]:
		s.arr = append(a, b...)
		return
	}
	// Merge from the end, so that no second array is needed.
	i, j := len(a)-1, len(b)-1
	a = slices.Grow(a, len(b))[:len(a)+len(b)]
	at := len(a)
	for j >= 0 {
		switch {
		case i < 0 || a[i] < b[j]:
			at--
			a[at] = b[j]
			j--
		case a[i] == b[j]:
			j-- // the copy in a is kept
		default:
			at--
			a[at] = a[i]
			i--
		}
	}
	// What is left of a lies at its place already; close the gap that
	// duplicates left.
	s.arr = slices.Delete(a, i+1, at)
}

// Intersect keeps the members that t has too.
func (s *Set) Intersect(t *Set) {
	switch {
	case s.dense && t.dense:
		n := 0
		for i, w := range t.words {
			s.words[i] &= w
			n += bits.OnesCount64(s.words[i])
		}
		s.n = n
	case s.dense: // t is the small one
		keep := s.arr[:0]
		for _, v := range t.arr {
			if s.words[v>>6]&(1<<(v&63)) != 0 {
				keep = append(keep, v)
			}
		}
		s.arr, s.dense, s.n = keep, false, 0
	case t.dense:
		s.arr = slices.DeleteFunc(s.arr, func(v uint16) bool { return t.words[v>>6]&(1<<(v&63)) == 0 })
	default:
		s.intersectArray(t.arr)
	}
}

// intersectArray keeps the members of an array s that lie in b.
func (s *Set) intersectArray(b []uint16) {
	keep, j := s.arr[:0], 0
	for _, v := range s.arr {
		j = gallop(b, j, v)
		if j == len(b) {
			break
		}
		if b[j] == v {
			keep = append(keep, v)
		}
	}
	s.arr = keep
}

// gallop returns the index of the first value of b at or after from that is
// not below v, in time that grows with the logarithm of the distance.
func gallop(b []uint16, from int, v uint16) int {
	if from == len(b) || b[from] >= v {
		return from
	}
	step := 1
	for from+step < len(b) && b[from+step] < v {
		step <<= 1
	}
	lo, hi := from+step>>1, min(from+step, len(b))
	i, _ := slices.BinarySearch(b[lo:hi], v)
	return lo + i
}

// Subtract takes the members of t out.
func (s *Set) Subtract(t *Set) {
	switch {
	case s.dense && t.dense:
		n := 0
		for i, w := range t.words {
			s.words[i] &^= w
			n += bits.OnesCount64(s.words[i])
		}
		s.n = n
	case s.dense:
		for _, v := range t.arr {
			if w := &s.words[v>>6]; *w&(1<<(v&63)) != 0 {
				*w &^= 1 << (v & 63)
				s.n--
			}
		}
	case t.dense:
		s.arr = slices.DeleteFunc(s.arr, func(v uint16) bool { return t.words[v>>6]&(1<<(v&63)) != 0 })
	case len(t.arr) > 0:
		j := 0
		s.arr = slices.DeleteFunc(s.arr, func(v uint16) bool {
			j = gallop(t.arr, j, v)
			return j < len(t.arr) && t.arr[j] == v
		})
	}
}

// All yields the members in ascending order.
func (s *Set) All() iter.Seq[uint16] {
	return func(yield func(uint16) bool) {
		if !s.dense {
			for _, v := range s.arr {
				if !yield(v) {
					return
				}
			}
			return
		}
		for i, w := range s.words {
			for ; w != 0; w &= w - 1 {
				if !yield(uint16(i<<6 | bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}

// Backward yields the members in descending order.
func (s *Set) Backward() iter.Seq[uint16] {
	return func(yield func(uint16) bool) {
		if !s.dense {
			for _, v := range slices.Backward(s.arr) {
				if !yield(v) {
					return
				}
			}
			return
		}
		for i, w := range slices.Backward(s.words[:]) {
			for w != 0 {
				top := 63 - bits.LeadingZeros64(w)
				if !yield(uint16(i<<6 | top)) {
					return
				}
				w &^= 1 << top
			}
		}
	}
}
