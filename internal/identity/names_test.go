package identity_test

import (
	"maps"
	"testing"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// TestNames holds that names are told of people and programs, of those who left too, and
// nothing of anybody else.
func TestNames(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	scopes, err := identity.ParseScopes("system/*.rs")
	must(t, err)
	app, _, err := w.AddClient(ctx, operator, "Heart Diary", scopes)
	must(t, err)
	must(t, w.EndPerson(ctx, operator, ana.ID, "left"))
	names, err := w.Names(ctx, []string{ana.ID, app.ID, "importer", "no id", ""})
	must(t, err)
	if want := map[string]string{ana.ID: "Ana Okafor", app.ID: "Heart Diary"}; !maps.Equal(names, want) {
		t.Errorf("names %v, want %v", names, want)
	}
}

// TestPractitioners holds that only people who are named in records are told of.
func TestPractitioners(t *testing.T) {
	w := newWorld(t)
	ana, boris := w.add("ana.okafor", "nurse"), w.add("boris.ivanov", "billing")
	practitioner, none := "prac-ana", ""
	_, err := w.ChangePerson(ctx, operator, ana.ID, "named", identity.Change{PractitionerID: &practitioner})
	must(t, err)
	_, err = w.ChangePerson(ctx, operator, boris.ID, "not named", identity.Change{PractitionerID: &none})
	must(t, err)
	got, err := w.Practitioners(ctx, []string{ana.ID, boris.ID, "nobody", "no id", ""})
	must(t, err)
	if want := map[string]string{ana.ID: practitioner}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
