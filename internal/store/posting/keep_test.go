package posting_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// TestKeepInIsIntersect: looking members up in a container leaves what decoding it
// and intersecting would.
func TestKeepInIsIntersect(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	kinds := map[byte]int{}
	for range 600 {
		box := boxOf(rng)
		kinds[box[0]]++
		var all, want, got posting.Set
		if err := all.Decode(box); err != nil {
			t.Fatal(err)
		}
		members := slices.Collect(all.All())
		for range rng.IntN([]int{20, posting.Few, 4000}[rng.IntN(3)]) {
			v := uint16(rng.IntN(posting.ChunkSize))
			if len(members) > 0 && rng.IntN(2) == 0 { // one that lies in it
				v = members[rng.IntN(len(members))]
			}
			want.Add(v)
			got.Add(v)
		}
		want.Intersect(&all)
		if err := got.KeepIn(box); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(slices.Collect(got.All()), slices.Collect(want.All())) {
			t.Fatalf("kind %d: kept %d, want %d", box[0], got.Len(), want.Len())
		}
	}
	if len(kinds) != 3 {
		t.Errorf("only the kinds %v were met", kinds)
	}
	var s posting.Set
	for _, bad := range [][]byte{nil, {9}, {1, 1}, {3, 1, 2}, {2, 0}} {
		if s.KeepIn(bad) == nil {
			t.Errorf("the container %v was taken", bad)
		}
	}
}

// boxOf returns a container of any of the kinds.
func boxOf(rng *rand.Rand) []byte {
	var s posting.Set
	switch rng.IntN(3) {
	case 0:
		for range 1 + rng.IntN(200) {
			s.Add(uint16(rng.IntN(posting.ChunkSize)))
		}
	case 1:
		for range 1 + rng.IntN(8) {
			lo := rng.IntN(posting.ChunkSize)
			s.AddRange(uint16(lo), uint16(min(lo+rng.IntN(3000), posting.ChunkSize-1)))
		}
	default:
		for v := range posting.ChunkSize {
			if rng.IntN(3) == 0 {
				s.Add(uint16(v))
			}
		}
	}
	return s.AppendTo(nil)
}
