package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

func testGet(t *testing.T, open Open) {
	r := newRig(t, open)
	if row := r.get(1, 0); row.Version != 0 {
		t.Errorf("an empty store has version %d", row.Version)
	}
	first := r.put(put(1, 1), put(2, 1))
	second := r.put(put(1, 2))
	third := r.put(tombstone(2, 2))
	if !(first < second && second < third) {
		t.Errorf("positions %d, %d, %d do not rise", first, second, third)
	}
	cases := []struct {
		n                int
		version, want    uint64
		current, deleted bool
		at               record.Position
	}{
		{1, 0, 2, true, false, second},
		{1, 1, 1, false, false, first - 1},
		{1, 2, 2, true, false, second},
		{1, 3, 0, false, false, 0},
		{2, 0, 2, true, true, third},
		{2, 1, 1, false, false, first},
		{3, 0, 0, false, false, 0},
		{3, 1, 0, false, false, 0},
	}
	for _, c := range cases {
		t.Run(fmt.Sprintf("%d/%d", c.n, c.version), func(t *testing.T) {
			r := &rig{T: t, Store: r.Store}
			row := r.get(c.n, c.version)
			if row.Version != c.want || row.Current != c.current || row.Deleted != c.deleted || row.Position != c.at {
				t.Fatalf("got version %d, current %t, deleted %t, position %d", row.Version, row.Current, row.Deleted, row.Position)
			}
			if c.want == 0 {
				return
			}
			if row.Key != key(c.n) || row.Class != patient || !bytes.Equal(row.Body, blob('b', c.n, c.want)) {
				t.Error("the row is not what was put")
			}
			if !c.deleted && !bytes.Equal(row.Card, blob('c', c.n, c.want)) {
				t.Error("the card is not what was put")
			}
			if row.Time.Before(epoch) || row.Time.After(at(10)) {
				t.Errorf("time is %v", row.Time)
			}
		})
	}
	testGetMany(r)
}

// testGetMany asks for several rows, some of them missing or asked for twice.
func testGetMany(r *rig) {
	refs := []store.Ref{{Key: key(9)}, {Key: key(1)}, {Key: key(2), Version: 1}, {Key: key(1)}}
	rows, err := r.Get(r.Context(), refs, 0)
	if err != nil || len(rows) != len(refs) {
		r.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, want := range []uint64{0, 2, 1, 2} {
		if rows[i].Version != want {
			r.Errorf("row %d has version %d", i, rows[i].Version)
		}
		if rows[i].Card != nil || rows[i].Body != nil {
			r.Errorf("row %d carries what was not asked for", i)
		}
	}
	testGetAt(r)
	rows, err = r.Get(r.Context(), nil, 0)
	if err != nil || len(rows) != 0 {
		r.Errorf("no refs: %d rows, %v", len(rows), err)
	}
}

// testGetAt asks for versions where they are, and where they are not.
func testGetAt(r *rig) {
	for _, version := range []uint64{1, 2} {
		known := r.get(1, version)
		ref := store.Ref{Key: known.Key, Version: version, At: known.Position}
		rows, err := r.Get(r.Context(), []store.Ref{ref}, store.WantCard|store.WantBody)
		known.Current = false
		if err != nil || !reflect.DeepEqual(rows, []record.Row{known}) {
			r.Errorf("version %d where it is: %v", version, err)
		}
		for _, wrong := range []store.Ref{
			{Key: ref.Key, Version: 3 - version, At: ref.At},
			{Key: key(2), Version: version, At: ref.At},
			{Key: ref.Key, Version: version, At: ref.At + 1},
			{Key: ref.Key, Version: version, At: 1 << 40},
		} {
			if rows, err := r.Get(r.Context(), []store.Ref{wrong}, 0); !errors.Is(err, store.ErrCorrupt) {
				r.Errorf("version %d where it is not: %d rows, %v", version, len(rows), err)
			}
		}
	}
}

// testBatch commits what belongs together, and what contradicts itself.
func testBatch(t *testing.T, open Open) {
	r := newRig(t, open)
	b := r.batch(put(1, 1, 7), put(2, 1, 7), put(1, 2, 8))
	last := r.commit(b)
	if got := r.find(store.Find{Expr: store.Has{Token: 7}}); !slices.Equal(got, []int{2}) {
		t.Errorf("two versions in one batch: the first is still found: %v", got)
	}
	if row := r.get(1, 1); row.Current || row.Position != last-2 {
		t.Error("two versions in one batch: the first is not kept, or current")
	}
	r.put(put(1, 3, 7, 7, 7)) // a token repeated counts once
	if n := r.count(store.Has{Token: 7}); n != 2 {
		t.Errorf("count is %d", n)
	}
	other := put(1, 4)
	other.Class = observation
	burdened := tombstone(1, 4)
	burdened.Tokens = []record.Token{1}
	nameless := put(1, 1)
	nameless.Key = record.Key{}
	cases := []struct {
		name string
		put  record.Put
		want error
	}{
		{"version repeated", put(1, 3), store.ErrGuard},
		{"version skipped", put(1, 5), store.ErrGuard},
		{"first version of a record that exists", put(2, 1), store.ErrGuard},
		{"second version of a record that does not", put(3, 2), store.ErrGuard},
		{"class changed", other, store.ErrInvalid},
		{"tombstone with tokens", burdened, store.ErrInvalid},
		{"no key", nameless, store.ErrInvalid},
		{"no version", put(4, 0), store.ErrInvalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := r.batch(put(50, 1), c.put)
			b.Link = func() (record.LogRun, error) {
				t.Error("Link was called")
				return record.LogRun{}, nil
			}
			if _, err := r.Commit(t.Context(), b); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if r.get(50, 0).Version != 0 {
				t.Error("part of the batch happened")
			}
		})
	}
	receipt, err := r.Commit(t.Context(), record.Batch{})
	if err != nil || receipt.Last() != 0 || receipt.Wait() != nil || receipt.Wait() != nil {
		t.Errorf("an empty batch: %v", err)
	}
}
