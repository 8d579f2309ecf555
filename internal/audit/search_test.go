package audit_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/store"
)

// TestSearch compares what the index answers with what opening everything
// answers, with tokens so narrow that they collide.
func TestSearch(t *testing.T) {
	w := newWorld(t)
	var err error
	if w.sealer, err = seal.Open(t.Context(), seal.Config{Tenant: tenant, Keyring: w.keyring, Cells: w.store, TokenBits: 3}); err != nil {
		t.Fatal(err)
	}
	l := w.open()
	start := time.Now().UTC().Truncate(time.Microsecond).Add(-10 * 24 * time.Hour)
	w.append(l, motley(start)...)
	w.integrate(l)
	after := uint64(100)
	for name, f := range map[string]audit.Filter{
		"request":         {RequestID: "req-7"},
		"actor":           {Actor: "user-3"},
		"patient":         {Patient: key(4)},
		"record":          {Record: key(9)},
		"version":         {Record: key(9), Version: 2},
		"nobody":          {Actor: "nobody"},
		"since":           {Since: start.Add(100 * time.Hour)},
		"span":            {Since: start.Add(20 * time.Hour), Until: start.Add(70 * time.Hour)},
		"until":           {Until: start.Add(30 * time.Hour)},
		"years":           {Since: start.AddDate(-3, 0, 0)},
		"action":          {Action: audit.ActionSearch},
		"outcome":         {Outcome: audit.OutcomeDenied, Patient: key(3)},
		"type":            {Type: "Observation", Actor: "user-0"},
		"all of it":       {Patient: key(1), Actor: "user-1", Since: start, Until: start.Add(200 * time.Hour)},
		"after":           {Actor: "user-3", After: &after},
		"newest":          {Actor: "user-3", Newest: true},
		"newest after":    {Actor: "user-3", Newest: true, After: &after},
		"newest of all":   {Newest: true, Limit: 20},
		"first of a user": {Actor: "user-2", Limit: 7},
	} {
		got, err := l.Find(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		f.Thorough = true
		want, err := l.Find(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		if name != "nobody" && len(want) == 0 {
			t.Errorf("%s finds nothing", name)
		}
	}
	for purpose, want := range map[string]bool{"HRESCH": true, "HPAYMT": false, "": true} {
		found := 0
		err := l.Search(t.Context(), audit.Filter{Purpose: purpose}, func(r *audit.Record) error {
			if found++; purpose != "" && r.Purpose != purpose {
				t.Errorf("for %s an entry for %q is found", purpose, r.Purpose)
			}
			return nil
		})
		if err != nil || (found > 0) != want || purpose != "" && found == 300 {
			t.Errorf("for %q: %d found, %v", purpose, found, err)
		}
	}
	n := 0
	err = l.Search(t.Context(), audit.Filter{}, func(*audit.Record) error { n++; return store.ErrStop })
	if err != nil || n != 1 {
		t.Errorf("a visitor that stops: %d, %v", n, err)
	}
}

// motley are events half an hour apart.
func motley(start time.Time) []audit.Event {
	var events []audit.Event
	for i := range 300 {
		e := shown(fmt.Sprintf("req-%d", i/2), byte(i%7), audit.Item{Key: key(byte(i % 11)), Version: uint64(i % 3)})
		e.Time, e.Actor = start.Add(time.Duration(i)*time.Hour/2), fmt.Sprintf("user-%d", i%5)
		if i%10 == 0 {
			e.Outcome, e.Action, e.Type, e.Purpose = audit.OutcomeDenied, audit.ActionSearch, "Observation", "HRESCH"
		}
		events = append(events, e)
	}
	return events
}

// TestShred: when a patient's key is destroyed, the content parts sealed for
// that patient alone are gone. The entries remain, and still verify.
func TestShred(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	both := shown("both", 1)
	both.Patients = append(both.Patients, key(2))
	w.append(l, shown("one", 1, audit.Item{Key: key(1), Version: 1, Name: "Patient/p1"}), both, shown("two", 2))
	w.integrate(l)
	batch := record.Batch{Cells: []record.Cell{w.sealer.Shred(key(1))}}
	r, err := l.Commit(t.Context(), batch, audit.Event{Actor: "officer-1", Action: "shred", Patients: nil})
	if err == nil {
		err = r.Wait()
	}
	if err != nil {
		t.Fatal(err)
	}
	w.sealer.Forget(key(1))

	for request, gone := range map[string]bool{"one": true, "both": false, "two": false} {
		found, err := l.Find(t.Context(), audit.Filter{RequestID: request})
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v %v", request, found, err)
		}
		got := rec(t, l, found[0])
		if got.ContentGone != gone || (got.Query == "") != gone || got.Actor != "dr-1" || len(got.Patients) == 0 {
			t.Errorf("%s: %+v", request, got)
		}
		if gone && got.Items[0].Name != "" {
			t.Error("a shredded name can be read")
		}
		if _, err := l.Prove(t.Context(), found[0]); err != nil {
			t.Errorf("%s cannot be proved: %v", request, err)
		}
	}
	w.close(l)
	if r := w.verify(nil); !r.OK {
		t.Error(r)
	}
}

// TestLargeEvent: an event of many items and patients becomes several entries,
// each of a size that a bundle can carry; hostile texts are cut.
func TestLargeEvent(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	var puts []record.Put
	e := audit.Event{Actor: "import", Action: audit.ActionCreate, RequestID: string(make([]byte, 1<<20)) + "\xff"}
	for i := range 1000 {
		p := put(1, 1, fmt.Sprint(i))
		p.Key = record.Key{byte(i), byte(i >> 8), 7}
		puts = append(puts, p)
		e.Items = append(e.Items, audit.Item{Key: p.Key, Version: 1, Name: fmt.Sprintf("Observation/%d", i)})
		e.Patients = append(e.Patients, record.Key{byte(i), byte(i >> 8), 8})
	}
	e.Patients = e.Patients[:500]
	r, err := l.Commit(t.Context(), record.Batch{Puts: puts}, e)
	if err == nil {
		err = r.Wait()
	}
	if err != nil {
		t.Fatal(err)
	}
	w.integrate(l)
	found, err := l.Find(t.Context(), audit.Filter{Actor: "import"})
	if err != nil || len(found) != 3 {
		t.Fatalf("%v %v", found, err)
	}
	items := 0
	for _, index := range found {
		for _, item := range rec(t, l, index).Items {
			if item.Name == "" || item.Digest == ([32]byte{}) {
				t.Fatalf("item %+v", item)
			}
			items++
		}
	}
	if items != 1000 {
		t.Errorf("%d items", items)
	}
	w.close(l)
	if r := w.verify(nil); !r.OK || r.Written != 1000 {
		t.Error(r)
	}
}
