package audit_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	lsm "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
)

// watched are the keys that the log answers for: rows, bodies, heads, entries,
// and its own cells.
var watched = []string{
	"a", "b", "h", "l", "x" + string(record.SpaceTree), "x" + string(record.SpaceShard), "x" + string(record.SpaceContent),
}

// TestAnyFlip flips one random bit, or removes one value, anywhere in what the
// log answers for. None may pass.
func TestAnyFlip(t *testing.T) {
	ev := gather(t)
	keys := ev.keys(t)
	rounds := 100
	if testing.Short() {
		rounds = 30
	}
	dice := rand.New(rand.NewPCG(1, 2))
	for round := range rounds {
		key := keys[dice.IntN(len(keys))]
		drop, at, bit := dice.IntN(6) == 0, dice.Int(), byte(1)<<dice.IntN(8)
		fs := copyFS(t, ev.fs)
		ev.tamper(t, fs, func(a admin) {
			v := a.get(key)
			from := 0
			switch {
			case drop || len(v) == 0:
				a.drop(key)
				return
			case key[0] == 'h': // version and class stand in the row, too, and are read there
				from, v = 1, v[:len(v)-8]
			case key[0] == 'x':
				from = 8 // the first bytes say when the cell expires
			case key[0] == 'a' && at%len(v) > 4 && at%len(v) < 9:
				at = 0 // within the tolerance of a row's time
			}
			whole := a.get(key)
			whole[from+at%(len(v)-from)] ^= bit
			a.set(key, whole)
		})
		if drop && record.Space(key[1]) == record.SpaceContent && key[0] == 'x' {
			continue // removed content is no finding
		}
		t.Run(fmt.Sprint(round), func(t *testing.T) { // closes the store
			r, err := ev.try(t, fs)
			if err == nil && r.OK {
				t.Errorf("key %q: drop %v, byte %d, bit %#x went unseen\n%s", key, drop, at, bit, r)
			}
		})
	}
}

// keys lists what is watched, each kind as often as the next.
func (ev *evidence) keys(t *testing.T) [][]byte {
	kinds := map[string][][]byte{}
	ev.tamper(t, copyFS(t, ev.fs), func(a admin) {
		for _, prefix := range watched {
			it, err := a.db.NewIter(&lsm.IterOptions{LowerBound: []byte(prefix), UpperBound: append([]byte(prefix), 0xff)})
			if err != nil {
				t.Fatal(err)
			}
			for it.First(); it.Valid(); it.Next() {
				k := bytes.Clone(it.Key())
				kind := string(k[:min(len(k), 4)])
				kinds[kind] = append(kinds[kind], k)
			}
			if err := it.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
	dice := rand.New(rand.NewPCG(3, 4))
	var all [][]byte
	names := []string{}
	for kind := range kinds {
		names = append(names, kind)
	}
	slices.Sort(names)
	for _, kind := range names {
		for range 50 {
			all = append(all, kinds[kind][dice.IntN(len(kinds[kind]))])
		}
	}
	return all
}

// try verifies what may not even open.
func (ev *evidence) try(t *testing.T, fs *vfs.MemFS) (*verify.Report, error) {
	w := ev.on(t, fs)
	return verify.Run(t.Context(), verify.Config{
		Store: w.store, Key: w.keyring.Public(), Tenant: tenant, Open: w.opener(), Token: w.sealer.Token, Pinned: ev.pinned,
	})
}
