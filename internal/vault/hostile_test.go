package vault_test

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// TestALyingStore: what a store hands out instead of what was asked for is
// refused on every road that reads. What no single answer can show, an old
// version with nothing newer beside it and a record that is kept silent, is for
// the audit log to name; here it must at least show nothing false.
func TestALyingStore(t *testing.T) {
	ctx := context.Background()
	for name, lie := range map[string]struct {
		tell func(r *rig, ann, bob record.Key)
		// found and seen are what a search by Ann's name and a read of her
		// may give; nil: they must fail.
		found, seen []string
	}{
		"swapped":     {tell: func(r *rig, ann, bob record.Key) { r.store.Swap(ann, bob) }},
		"exchanged":   {tell: func(r *rig, ann, bob record.Key) { r.store.Exchange(ann, bob) }},
		"relabelled":  {tell: func(r *rig, ann, _ record.Key) { r.store.Relabel(ann) }},
		"truncated":   {tell: func(r *rig, ann, _ record.Key) { r.store.Truncate(ann, 1) }},
		"cut to none": {tell: func(r *rig, ann, _ record.Key) { r.store.Truncate(ann, 1<<20) }},
		"flipped":     {tell: func(r *rig, ann, _ record.Key) { r.store.Flip(ann, 999) }},
		"dropped":     {tell: func(r *rig, ann, _ record.Key) { r.store.Drop(ann) }, found: []string{}, seen: []string{}},
		"stale":       {tell: func(r *rig, ann, _ record.Key) { r.store.Stale(ann) }, seen: []string{"ann"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			put(t, r.Vault, patient("ann", "Before"))
			put(t, r.Vault, patient("ann", "Adams"))
			put(t, r.Vault, patient("bob", "Brown"))
			lie.tell(r, keyOf(t, r.Vault, id("Patient", "ann")), keyOf(t, r.Vault, id("Patient", "bob")))
			fresh := r.stand(r.store)

			ids, err := find(fresh, query(t, "Patient", "family", "adams"))
			judge(t, "search", ids, err, lie.found)
			rec, err := fresh.Get(ctx, id("Patient", "ann"))
			ids = nil
			if rec.Exists() {
				ids = append(ids, rec.ID)
			}
			judge(t, "read", ids, err, lie.seen)
			nameless(t, r, fresh, name == "swapped" || name == "exchanged")
		})
	}
}

// nameless: of ann there is her own name or none, and bob keeps his unless he was
// lied about, too.
func nameless(t *testing.T, r *rig, v *vault.Vault, both bool) {
	t.Helper()
	ann, bob := keyOf(t, r.Vault, id("Patient", "ann")), keyOf(t, r.Vault, id("Patient", "bob"))
	named, err := v.Named(t.Context(), []record.Key{ann, bob})
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := named[ann]; ok && n != id("Patient", "ann") {
		t.Errorf("ann is named %v", n)
	}
	if n, ok := named[bob]; ok != !both || ok && n != id("Patient", "bob") {
		t.Errorf("bob is named %v (%v)", n, ok)
	}
}

func judge(t *testing.T, road string, got []string, err error, may []string) {
	t.Helper()
	switch {
	case may == nil && !fault.Is(err, fault.Internal):
		t.Errorf("%s: got %v %v, want a refusal", road, got, err)
	case may != nil && (err != nil || !slices.Equal(got, may) && len(got)+len(may) > 0):
		t.Errorf("%s: got %v %v, want %v", road, got, err, may)
	}
}

// TestNamesAreBound: the cell that leads from a name to a record cannot be bent
// to lead to another one, neither for reading nor for what is filed.
func TestNamesAreBound(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	put(t, r.Vault, patient("ann", "Adams"))
	put(t, r.Vault, patient("bob", "Brown"))
	cells := map[string][]byte{}
	check(t, r.store.Scan(ctx, record.SpaceName, nil, nil, func(name, value []byte) error {
		cells[string(name)] = bytes.Clone(value)
		return nil
	}))
	if len(cells) != 2 {
		t.Fatalf("%d names", len(cells))
	}
	for name := range cells {
		for other, value := range cells {
			if other != name {
				r.store.Cell(record.SpaceName, []byte(name), value)
			}
		}
	}
	fresh := r.stand(r.store)
	_, err := fresh.Get(ctx, id("Patient", "ann"))
	wantKind(t, err, fault.Internal, "a read by a bent name")
	_, err = fresh.Keys(ctx, []vault.TypeID{id("Patient", "ann")})
	wantKind(t, err, fault.Internal, "whose ward a patient is on")
	_, err = fresh.Commit(ctx, vault.Tx{Changes: []vault.Change{{TypeID: id("Condition", "c"), Resource: parse(t, finding("c", "ann"))}}})
	wantKind(t, err, fault.Internal, "a finding filed for a bent name")
	for name := range cells {
		r.store.Cell(record.SpaceName, []byte(name), make([]byte, 16))
	}
	_, err = r.stand(r.store).Get(ctx, id("Patient", "ann"))
	wantKind(t, err, fault.Internal, "a name of another form")
}

func TestAHistoryWithAGap(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	for range 4 {
		r.clock.Advance(time.Second)
		put(t, r.Vault, patient("ann", "Adams"))
	}
	all, err := r.History(ctx, id("Patient", "ann"), time.Time{}, 0, 10)
	check(t, err)
	if len(all) != 4 || all[0].Version != 4 {
		t.Fatalf("%d versions", len(all))
	}
	later, err := r.History(ctx, id("Patient", "ann"), noon.Add(3*time.Second), 0, 10)
	check(t, err)
	page, err := r.History(ctx, id("Patient", "ann"), time.Time{}, all[1].Position, 1)
	check(t, err)
	if len(later) != 2 || len(page) != 1 || page[0].Version != 2 {
		t.Errorf("since: %d, page: %+v", len(later), page)
	}
	for v := uint64(1); v <= 4; v++ {
		liar := &leavingOut{Store: r.store, version: v}
		_, err := r.stand(liar).History(ctx, id("Patient", "ann"), time.Time{}, 0, 10)
		wantKind(t, err, fault.Internal, "a version left out")
	}
}

// leavingOut hides one version of every record.
type leavingOut struct {
	store.Store
	version uint64
}

func (l *leavingOut) History(ctx context.Context, s store.Span, visit store.Visit) error {
	return l.Store.History(ctx, s, func(row record.Row) error {
		if row.Version == l.version {
			return nil
		}
		return visit(row)
	})
}

// TestATombstoneInAnExport: a row that is no current version ends an export; it
// does not end the process.
func TestATombstoneInAnExport(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	rec := put(t, r.Vault, patient("ann", "Adams"))
	r.clock.Advance(time.Second)
	_, err := r.Commit(ctx, vault.Tx{Changes: []vault.Change{{TypeID: rec.TypeID, Expect: 1, Patients: rec.Patients}}})
	check(t, err)
	liar := &resurrecting{Store: r.store, key: rec.Key}
	_, err = r.stand(liar).Gather(ctx, vault.GatherRequest{Queries: []*search.Query{query(t, "Patient")}}, func([]vault.Record) error { return nil })
	wantKind(t, err, fault.Internal, "an export with a tombstone")
	_, err = find(r.stand(liar), query(t, "Patient"))
	wantKind(t, err, fault.Internal, "a search with a tombstone")
}

// resurrecting finds the tombstone of a record.
type resurrecting struct {
	store.Store
	key record.Key
}

func (l *resurrecting) Find(ctx context.Context, f store.Find, visit store.Visit) (store.Found, error) {
	rows, err := l.Get(ctx, []store.Ref{{Key: l.key}}, f.Want)
	if err == nil {
		err = visit(rows[0])
	}
	return store.Found{}, err
}
