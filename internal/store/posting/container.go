package posting

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/wardkeep/wardkeep/internal/store"
)

// The kinds of containers, the first byte of each; docs/formats/store-pebble.md.
const (
	kindArray  = 0x01 // ascending places, two bytes each, little-endian
	kindBitmap = 0x02 // 8,192 bytes; place p is bit p%8 of byte p/8
	kindRuns   = 0x03 // ascending, apart: first and last place, two bytes each
)

const bitmapBytes = ChunkSize / 8

// AppendTo appends s as a container, in the shortest of the kinds. An empty
// set is an empty array; engines store none.
func (s *Set) AppendTo(dst []byte) []byte {
	runs := s.runs()
	array, run := 2*s.Len(), 4*runs
	switch {
	case run < array && run < bitmapBytes:
		return s.appendRuns(append(dst, kindRuns))
	case array <= bitmapBytes:
		dst = append(dst, kindArray)
		for v := range s.All() {
			dst = binary.LittleEndian.AppendUint16(dst, v)
		}
		return dst
	}
	s.makeDense()
	dst = slices.Grow(append(dst, kindBitmap), bitmapBytes)
	for _, w := range s.words {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst
}

// runs counts the maximal runs of consecutive places.
func (s *Set) runs() int {
	n := 0
	if !s.dense {
		for i, v := range s.arr {
			if i == 0 || s.arr[i-1]+1 != v {
				n++
			}
		}
		return n
	}
	carry := uint64(0)
	for _, w := range s.words {
		n += bits.OnesCount64(w &^ (w<<1 | carry))
		carry = w >> 63
	}
	return n
}

func (s *Set) appendRuns(dst []byte) []byte {
	first, last := -1, -1
	for v := range s.All() {
		if int(v) != last+1 || first < 0 {
			if first >= 0 {
				dst = appendRun(dst, first, last)
			}
			first = int(v)
		}
		last = int(v)
	}
	if first >= 0 {
		dst = appendRun(dst, first, last)
	}
	return dst
}

func appendRun(dst []byte, first, last int) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, uint16(first))
	return binary.LittleEndian.AppendUint16(dst, uint16(last))
}

// Decode replaces s by the set that b holds.
func (s *Set) Decode(b []byte) error {
	s.Reset()
	return s.Or(b)
}

// Or adds the members of the container b. On an error s is undefined.
func (s *Set) Or(b []byte) error {
	if len(b) == 0 {
		return damaged("no kind")
	}
	kind, b := b[0], b[1:]
	switch kind {
	case kindArray:
		return s.orArray(b)
	case kindRuns:
		return s.orRuns(b)
	case kindBitmap:
		if len(b) != bitmapBytes {
			return damaged("bitmap of a wrong length")
		}
		s.makeDense()
		n := 0
		for i := range s.words {
			s.words[i] |= binary.LittleEndian.Uint64(b[8*i:])
			n += bits.OnesCount64(s.words[i])
		}
		s.n = n
		return nil
	}
	return damaged("unknown kind")
}

func (s *Set) orArray(b []byte) error {
	if len(b)%2 != 0 || len(b) > 2*ChunkSize {
		return damaged("array of a wrong length")
	}
	if !s.dense && (len(s.arr) == 0 || len(b) > 0 && s.arr[len(s.arr)-1] < binary.LittleEndian.Uint16(b)) {
		return s.appendArray(b)
	}
	if s.dense {
		last := -1
		for ; len(b) > 0; b = b[2:] {
			v := binary.LittleEndian.Uint16(b)
			if int(v) <= last {
				return damaged("array out of order")
			}
			last = int(v)
			s.Add(v)
		}
		return nil
	}
	var t Set
	if err := t.appendArray(b); err != nil {
		return err
	}
	s.Union(&t)
	return nil
}

// appendArray adds places that all lie above those of the array s.
func (s *Set) appendArray(b []byte) error {
	from := len(s.arr)
	s.arr = slices.Grow(s.arr, len(b)/2)
	for ; len(b) > 0; b = b[2:] {
		s.arr = append(s.arr, binary.LittleEndian.Uint16(b))
	}
	for i := from + 1; i < len(s.arr); i++ {
		if s.arr[i-1] >= s.arr[i] {
			return damaged("array out of order")
		}
	}
	if len(s.arr) > maxArray {
		s.makeDense()
	}
	return nil
}

func (s *Set) orRuns(b []byte) error {
	if len(b)%4 != 0 || len(b) > bitmapBytes {
		return damaged("runs of a wrong length")
	}
	if n := s.Len() + lengths(b); n > maxArray {
		s.makeDense()
	} else if !s.dense {
		s.arr = slices.Grow(s.arr, max(0, n-len(s.arr)))
	}
	end := -2
	for ; len(b) > 0; b = b[4:] {
		lo, hi := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
		if int(lo) <= end+1 || hi < lo {
			return damaged("runs out of order")
		}
		end = int(hi)
		s.AddRange(lo, hi)
	}
	return nil
}

// lengths sums the lengths of runs.
func lengths(runs []byte) (n int) {
	for ; len(runs) > 0; runs = runs[4:] {
		n += int(binary.LittleEndian.Uint16(runs[2:])) - int(binary.LittleEndian.Uint16(runs)) + 1
	}
	return n
}

// weight estimates the members of a container without decoding it.
func weight(b []byte) int {
	switch {
	case len(b) > 0 && b[0] == kindArray:
		return len(b) / 2
	case len(b) > 0 && len(b) <= 1+4*shortRuns && b[0] == kindRuns && len(b)%4 == 1:
		return lengths(b[1:])
	}
	return ChunkSize / 2
}

// shortRuns is how many runs are counted one by one.
const shortRuns = 32

func damaged(how string) error {
	return fmt.Errorf("posting container: %s: %w", how, store.ErrCorrupt)
}
