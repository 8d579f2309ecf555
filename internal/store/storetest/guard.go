package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

func versionIs(n int, version uint64) record.Guard {
	k := key(n)
	return record.Guard{Record: &k, Version: version}
}

func unborne(t record.Token, after record.Position) record.Guard {
	return record.Guard{Token: &t, After: after}
}

func cellIs(name string, value []byte) record.Guard {
	return record.Guard{Cell: &record.Cell{Space: record.SpaceName, Name: []byte(name), Value: value}}
}

func testGuards(t *testing.T, open Open) {
	r := newRig(t, open)
	p7 := r.put(put(1, 1, 7))
	r.put(put(2, 1, 8))
	r.put(tombstone(2, 2))
	r.put(put(3, 1, 9))
	r.put(put(3, 2, 10))
	r.commit(record.Batch{Cells: []record.Cell{
		{Space: record.SpaceName, Name: []byte("full"), Value: []byte("v")},
		{Space: record.SpaceName, Name: []byte("empty"), Value: []byte{}},
		{Space: record.SpaceName, Name: []byte("expired"), Value: []byte("v"), Expires: time.Now().Add(-time.Hour)},
	}})
	cases := []struct {
		name  string
		guard record.Guard
		want  error
	}{
		{"version holds", versionIs(1, 1), nil},
		{"version differs", versionIs(1, 2), store.ErrGuard},
		{"no version", versionIs(99, 0), nil},
		{"no version, but it exists", versionIs(1, 0), store.ErrGuard},
		{"a tombstone counts as its version", versionIs(2, 2), nil},
		{"a tombstone is not nothing", versionIs(2, 0), store.ErrGuard},
		{"token borne", unborne(7, 0), store.ErrGuard},
		{"token borne, but the caller has seen it", unborne(7, p7), nil},
		{"token borne beyond what was seen", unborne(7, p7-1), store.ErrGuard},
		{"token of a deleted record", unborne(8, 0), nil},
		{"token of an old version", unborne(9, 0), nil},
		{"token of a current version", unborne(10, 0), store.ErrGuard},
		{"token never borne", unborne(11, 0), nil},
		{"position of the future", unborne(10, 1<<40), nil},
		{"cell holds", cellIs("full", []byte("v")), nil},
		{"cell differs", cellIs("full", []byte("w")), store.ErrGuard},
		{"cell exists", cellIs("full", nil), store.ErrGuard},
		{"cell is not empty", cellIs("full", []byte{}), store.ErrGuard},
		{"empty cell holds", cellIs("empty", []byte{}), nil},
		{"empty cell exists", cellIs("empty", nil), store.ErrGuard},
		{"no cell", cellIs("none", nil), nil},
		{"no cell, but one is expected", cellIs("none", []byte{}), store.ErrGuard},
		{"an expired cell is none", cellIs("expired", nil), nil},
		{"an expired cell has no value", cellIs("expired", []byte("v")), store.ErrGuard},
		{"no form", record.Guard{}, store.ErrInvalid},
		{"two forms", record.Guard{Token: new(record.Token), Cell: new(record.Cell)}, store.ErrInvalid},
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			name := []byte(fmt.Sprint("done", i))
			b := record.Batch{
				Guards: []record.Guard{versionIs(1, 1), c.guard},
				Cells:  []record.Cell{{Space: record.SpaceMeta, Name: name, Value: []byte("yes")}},
			}
			_, err := r.Commit(t.Context(), b)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if done := (&rig{T: t, Store: r.Store}).cell(record.SpaceMeta, string(name)) != nil; done != (c.want == nil) {
				t.Errorf("done: %t", done)
			}
		})
	}
}

const racers = 64

// race runs f on all racers at once and returns how many it succeeded for.
func race(t *testing.T, f func(worker int) error) int {
	t.Helper()
	var won atomic.Int32
	var wg sync.WaitGroup
	start := make(chan struct{})
	for w := range racers {
		wg.Go(func() {
			<-start
			switch err := f(w); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, store.ErrGuard):
				t.Errorf("worker %d: %v", w, err)
			}
		})
	}
	close(start)
	wg.Wait()
	return int(won.Load())
}

// try commits and waits.
func try(ctx context.Context, s store.Store, b record.Batch) error {
	receipt, err := s.Commit(ctx, b)
	if err != nil {
		return err
	}
	return receipt.Wait()
}

func testRaces(t *testing.T, open Open) {
	t.Run("one version", func(t *testing.T) {
		r := newRig(t, open)
		for version := uint64(1); version <= 5; version++ {
			if n := race(t, func(int) error {
				return try(t.Context(), r, record.Batch{Puts: []record.Put{put(1, version)}, Time: at(1)})
			}); n != 1 {
				t.Errorf("version %d was written %d times", version, n)
			}
		}
	})
	t.Run("one cell", func(t *testing.T) {
		r := newRig(t, open)
		if n := race(t, func(w int) error {
			return try(t.Context(), r, record.Batch{
				Guards: []record.Guard{cellIs("name", nil)},
				Cells:  []record.Cell{{Space: record.SpaceName, Name: []byte("name"), Value: []byte{byte(w)}}},
			})
		}); n != 1 {
			t.Errorf("the cell was created %d times", n)
		}
	})
	t.Run("counter", func(t *testing.T) { raceCounter(newRig(t, open)) })
	t.Run("unique token", func(t *testing.T) { raceToken(newRig(t, open)) })
	t.Run("seen token", func(t *testing.T) { raceSeen(newRig(t, open)) })
}

// raceCounter lets all increment one cell by compare and set.
func raceCounter(r *rig) {
	r.commit(record.Batch{Cells: []record.Cell{{Space: record.SpaceName, Name: []byte("n"), Value: []byte{0}}}})
	increment := func(int) error {
		for {
			got, err := r.Cells(r.Context(), record.SpaceName, [][]byte{[]byte("n")})
			if err != nil {
				return err
			}
			err = try(r.Context(), r, record.Batch{
				Guards: []record.Guard{cellIs("n", got[0])},
				Cells:  []record.Cell{{Space: record.SpaceName, Name: []byte("n"), Value: []byte{got[0][0] + 1}}},
			})
			if !errors.Is(err, store.ErrGuard) {
				return err
			}
		}
	}
	if n := race(r.T, increment); n != racers {
		r.Errorf("%d increments", n)
	}
	if got := r.cell(record.SpaceName, "n"); got[0] != racers {
		r.Errorf("the counter stands at %d", got[0])
	}
}

// raceToken lets all create a record that must be the only bearer of a token.
func raceToken(r *rig) {
	for round := range 4 {
		token := record.Token(100 + round)
		if n := race(r.T, func(w int) error {
			return try(r.Context(), r, record.Batch{
				Puts:   []record.Put{put(1000*round+w+1, 1, token)},
				Guards: []record.Guard{unborne(token, 0)},
				Time:   at(1),
			})
		}); n != 1 {
			r.Errorf("%d records bear a unique token", n)
		}
		if n := r.count(store.Has{Token: token}); n != 1 {
			r.Errorf("%d records are found by a unique token", n)
		}
	}
}

// raceSeen does the same where others bear the token by collision: each worker
// looks at the bearers, finds no match, and guards against later ones only.
func raceSeen(r *rig) {
	const token = 200
	r.put(put(1, 1, token), put(2, 1, token)) // collisions
	create := func(w int) error {
		for {
			rival := false
			found, err := r.Find(r.Context(), store.Find{Expr: store.Has{Token: token}}, func(row record.Row) error {
				rival = rival || number(row.Key) > 2
				return nil
			})
			if err != nil {
				return err
			}
			if rival {
				return store.ErrGuard
			}
			err = try(r.Context(), r, record.Batch{
				Puts:   []record.Put{put(10+w, 1, token)},
				Guards: []record.Guard{unborne(token, found.At)},
				Time:   at(5),
			})
			if !errors.Is(err, store.ErrGuard) {
				return err
			}
		}
	}
	if n := race(r.T, create); n != 1 {
		r.Errorf("%d won", n)
	}
	if n := r.count(store.Has{Token: token}); n != 3 {
		r.Errorf("%d bearers", n)
	}
}
