package app

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// TestEmergenciesAreCounted: what a reviewer reads of a grant, and of a day, is what the
// log says.
func TestEmergenciesAreCounted(t *testing.T) {
	dir, ctx := clinic(t), context.Background()
	cfg := config.Default()
	cfg.Dir, cfg.CacheMB = dir, 8
	// The clinic was made now; its yesterday has nothing in it.
	at := clock.NewManual(time.Now().UTC().Truncate(24 * time.Hour).Add(30 * time.Hour))
	h, err := OpenHouse(ctx, cfg, slog.New(slog.DiscardHandler), Options{Clock: at})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(ctx) }()

	doctor := identity.Actor{Kind: identity.KindPerson, ID: "eve", Name: "Eve", Roles: []string{"doctor"}, MFA: identity.AssuranceMulti, SessionID: "s", AuthTime: at.Now(), Purpose: "TREAT"}
	nurse := identity.Actor{Kind: identity.KindPerson, ID: "nora", Roles: []string{"nurse"}, WardIDs: []string{"east"}, MFA: identity.AssuranceMulti, SessionID: "n", Purpose: "TREAT"}
	grant, err := h.Chart.BreakGlass(ctx, doctor, "ann", emergency.Treatment, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Chart.BreakGlass(ctx, doctor, "ann", emergency.Treatment, ""); err != nil { // pressed twice: counted once
		t.Fatal(err)
	}
	doctor.Emergencies = []string{"ann"}
	see := func(a identity.Actor, page string) {
		t.Helper()
		if _, err := h.Chart.View(ctx, a, chart.ViewRequest{Name: page, Patient: "ann", Searches: []string{"Observation?patient=ann"}}); err != nil {
			t.Fatal(err)
		}
		at.Advance(time.Second)
	}
	at.Advance(time.Second)
	for range 3 { // a chart counts once a day for each person
		see(doctor, "chart: overview")
		see(nurse, "chart: overview")
	}
	see(doctor, "chart: results")
	see(nurse, "ward list")

	seen, err := h.seenByEmergency(ctx, grant)
	if err != nil || len(seen) != 4 || seen[3].What != "chart: results" {
		t.Errorf("seen by the emergency: %+v, %v", seen, err)
	}
	officer := identity.Actor{Kind: identity.KindPerson, ID: "vera", Roles: []string{"privacy"}, MFA: identity.AssuranceMulti, SessionID: "v"}
	at.Advance(24 * time.Hour)
	for range 2 { // the second finds it done
		if err := h.tallyYesterday(ctx); err != nil {
			t.Fatal(err)
		}
	}
	days, err := h.Book.Tallies(ctx, officer)
	if err != nil || len(days) != 1 || days[0].Charts != 2 || days[0].Emergencies != 1 {
		t.Errorf("days: %+v, %v", days, err)
	}
	if _, err := h.Book.Tallies(ctx, nurse); err == nil {
		t.Error("a nurse reads the tallies")
	}
	if err := h.Log.Integrate(ctx); err != nil {
		t.Fatal(err)
	}
	if found, err := h.Log.Find(ctx, audit.Filter{Action: "tally"}); err != nil || len(found) != 1 {
		t.Errorf("%d entries of the tally: %v", len(found), err)
	}
}
