package portal_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// fakeAccesses tells whoever asks about one patient; the real decision is the chart's.
type fakeAccesses struct {
	list  []portal.Access
	since time.Time
	asked int
}

func (f *fakeAccesses) Accesses(_ context.Context, _ identity.Actor, patient string, since time.Time, page string) ([]portal.Access, string, error) {
	f.since, f.asked = since, f.asked+1
	if patient != portaltest.Adaeze {
		return nil, "", fault.New(fault.NotFound, "fake", "")
	}
	if page == "" && len(f.list) > 3 {
		return f.list[:3], "next+page", nil
	}
	if page != "" {
		return f.list[3:], "", nil
	}
	return f.list, "", nil
}

func (f *fakeAccesses) Names(context.Context, []string) (map[string]string, error) {
	return map[string]string{"n1": "Nora Vance", "d1": "=cmd|' /C calc'!A0", "app1": "Heart Diary"}, nil
}

func accessesOf(f *fakeAccesses) func(*portaltest.Stage, *portal.Config) {
	return func(_ *portaltest.Stage, cfg *portal.Config) { cfg.Accesses = f }
}

func looks() []portal.Access {
	at := func(hours int) time.Time { return portaltest.Now.Add(-time.Duration(hours) * time.Hour) }
	return []portal.Access{
		{At: at(1), Actor: "u1", Roles: []string{"patient"}, Action: "view", Type: "chart: results", Purpose: "HOPERAT", Own: true},
		{At: at(2), Actor: "n1", Roles: []string{"nurse"}, Action: "view", Type: "chart: results", Purpose: "TREAT"},
		{At: at(3), Actor: "n1", Roles: []string{"nurse"}, Action: "view", Type: "chart: results", Purpose: "TREAT"},
		{At: at(50), Actor: "d1", Client: "app1", Roles: []string{"doctor"}, Action: "search", Type: "Condition", Purpose: "BTG", Emergency: true},
		{At: at(51), Actor: "importer", Action: "", Type: ""},
	}
}

// TestAccessPage holds what a patient reads: names, days, plain words; and no ids.
func TestAccessPage(t *testing.T) {
	f := &fakeAccesses{list: looks()}
	v := visit(t, accessesOf(f)).signIn()
	address := "/chart/" + portaltest.Adaeze + "/access"
	a := v.get(address)
	for _, want := range []string{"Nora Vance", "Nurse", "Opened laboratory results", "and 1 time before, since", "You", "Older", "page=next%2Bpage", "accounting of disclosures"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Count(a.body, "Running the hospital") > 0 || strings.Contains(a.body, ">n1<") {
		t.Error("the page gives the patient a purpose, or tells ids")
	}
	if f.since.Hour() != 0 {
		t.Errorf("the list begins at %s", f.since)
	}
	older := v.get(address + "?period=all&page=next%2Bpage")
	for _, want := range []string{"Emergency opening", "by the app Heart Diary", "Looked up problems and diagnoses", "The hospital’s computer system", "Opened something that this page does not name", "Newest"} {
		if !strings.Contains(older.body, want) {
			t.Errorf("the second page lacks %q", want)
		}
	}
	if days := portaltest.Now.Sub(f.since).Hours() / 24; days < 6*365 {
		t.Errorf("six years are %.0f days", days)
	}
	if a := v.get("/chart/" + portaltest.Quiet + "/access"); a.StatusCode != 404 || strings.Contains(a.body, "Nora") {
		t.Errorf("another patient's: %d", a.StatusCode)
	}
	f.list = nil
	if a := v.get(address); !strings.Contains(a.body, "Nobody has opened the record in this time") {
		t.Error("an empty list says nothing")
	}
}

// TestAccessFile holds that the table has every page, and no formulas.
func TestAccessFile(t *testing.T) {
	v := visit(t, accessesOf(&fakeAccesses{list: looks()})).signIn()
	a := v.get("/chart/" + portaltest.Adaeze + "/access.csv?period=year")
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
				t.Errorf("a formula: %q", cell)
			}
		}
	}
	if got := fmt.Sprint(rows[4][2:]); got != "['=cmd|' /C calc'!A0 Doctor by the app Heart Diary Looked up problems and diagnoses Emergency yes]" {
		t.Errorf("row %s", got)
	}
	if a.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("headers %v", a.Header)
	}
	if a := v.get("/chart/" + portaltest.Quiet + "/access.csv"); a.StatusCode != 404 {
		t.Errorf("another patient's: %d", a.StatusCode)
	}
}
