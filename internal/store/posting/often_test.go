package posting_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/store/posting"
	"github.com/wardkeep/wardkeep/internal/store/storetest"
)

// keeper is a source that keeps what was found, and what others found of later and
// of earlier snapshots.
type keeper struct {
	*source
	kept map[[32]byte]*posting.Kept
	told int
}

func (k *keeper) Kept(name [32]byte) *posting.Kept {
	found := k.kept[name]
	if found != nil {
		k.told++
	}
	return found
}

func (k *keeper) Keep(name [32]byte, found *posting.Kept) { k.kept[name] = found }

// TestOften compares what is found with what was kept, of the same, of an earlier and of a
// later snapshot, with what is found without.
func TestOften(t *testing.T) {
	told := 0
	rapid.Check(t, func(t *rapid.T) {
		m, c, now := world(t)
		kept := map[[32]byte]*posting.Kept{}
		for range 12 {
			part := &storetest.Model{Versions: m.Versions[:c.IntN(len(m.Versions)+1)]}
			k := &keeper{source: newSource(part), kept: kept}
			e, down := c.Expr(c.IntN(4), now), c.IntN(2) == 0
			want, got := part.Find(e), positions(t, k, e, down, 0)
			if down {
				slices.Reverse(want)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%#v\ndown %t: got %v, want %v", e, down, got, want)
			}
			told += k.told
		}
	})
	if told == 0 {
		t.Error("nothing was ever kept")
	}
}
