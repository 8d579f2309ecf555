package pebble_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
)

// bearing is a version that bears tokens, one for each key.
func bearing(key byte, version uint64, tokens ...record.Token) record.Put {
	return record.Put{Key: record.Key{key, byte(version)}, Version: 1, Class: 7, Tokens: tokens, Card: []byte("card"), Body: []byte("body")}
}

func found(t testing.TB, s *pebble.Store, f store.Find) int {
	t.Helper()
	got, err := s.Find(t.Context(), f, func(record.Row) error { return nil })
	if err != nil {
		t.Error(err)
	}
	return got.Count
}

// everyWay asks for a token in each of the ways a list is sought.
func everyWay(t *testing.T, s *pebble.Store, token record.Token, want int) {
	t.Helper()
	has, all := store.Has{Token: token}, store.All{Class: 7}
	total := found(t, s, store.Find{Expr: all})
	for range 2 {
		for i, got := range []int{
			found(t, s, store.Find{Expr: has}), found(t, s, store.Find{Expr: has, Newest: true}),
			found(t, s, store.Find{Expr: has, CountOnly: true}), found(t, s, store.Find{Expr: store.And{all, has}}),
			found(t, s, store.Find{Expr: store.Or{has, store.Has{Token: 99}}}),
			total - found(t, s, store.Find{Expr: store.Minus{Of: all, Without: store.Or{has, store.Has{Token: 98}}}}),
			total - found(t, s, store.Find{Expr: store.Minus{Of: all, Without: has}, Newest: true}),
		} {
			if got != want {
				t.Errorf("way %d finds %d, want %d", i, got, want)
			}
		}
	}
}

func TestAbsentTokenComes(t *testing.T) {
	s := mustOpen(t, small("store", vfs.NewMem()))
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	must(t, s, record.Batch{Time: now, Puts: []record.Put{bearing(1, 1, 11)}})
	everyWay(t, s, 12, 0)
	must(t, s, record.Batch{Time: now, Puts: []record.Put{bearing(2, 1, 12, 11)}})
	everyWay(t, s, 12, 1)
	everyWay(t, s, 13, 0)
	must(t, s, record.Batch{Time: now, Amends: []record.Put{bearing(2, 1, 13)}})
	everyWay(t, s, 13, 1)
	everyWay(t, s, 11, 2)
}

// TestAbsentBesideCommits asks for tokens while they come: what a commit has
// added is found from its return on, and what was found never goes again.
func TestAbsentBesideCommits(t *testing.T) {
	s := mustOpen(t, small("store", vfs.NewMem()))
	const last = 3000
	var came atomic.Uint64
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				before := came.Load()
				if before == last || t.Failed() {
					return
				}
				// The one under way is asked for most.
				token := before + rand.Uint64N(3)
				got := found(t, s, store.Find{Expr: store.Has{Token: record.Token(1000 + token)}, CountOnly: true})
				if got == 0 && token != 0 && token <= before || got == 1 && token > came.Load()+1 {
					t.Errorf("token %d is found %d times when %d have come", token, got, before)
					return
				}
			}
		})
	}
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	for n := uint64(1); n <= last && !t.Failed(); n++ {
		p := bearing(3, 1, record.Token(1000+n))
		p.Key = record.Key{3, byte(n >> 8), byte(n)}
		must(t, s, record.Batch{Time: now, Puts: []record.Put{p}})
		if found(t, s, store.Find{Expr: store.Has{Token: record.Token(1000 + n)}, CountOnly: true}) != 1 {
			t.Errorf("token %d is not found after its commit", n)
		}
		came.Store(n)
	}
	came.Store(last)
	readers.Wait()
}
