package identity_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// TestWorkFor: what is worked for is the session's, in every process, also behind a lock
// and under another id; another session of the same person has its own; the log tells of
// each change, and of none that is none.
func TestWorkFor(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse", "billing")
	g, other := w.signIn(ana), w.signIn(ana)
	if got := w.resume(g).Purpose; got != "TREAT" {
		t.Fatalf("works for %q at first", got)
	}
	must(t, w.WorkFor(ctx, g.Token, "HPAYMT", ward))
	e := w.records.find("purpose")
	if e.Actor != ana.ID || e.Purpose != "HPAYMT" || !strings.HasSuffix(e.Detail, "TREAT") || e.Outcome != identity.Success || e.Session != g.Session.ID || e.Source != ward.Source {
		t.Errorf("the entry is %+v", e)
	}
	w.records.work()
	must(t, w.WorkFor(ctx, g.Token, "HPAYMT", ward))
	if n := w.records.work()["Append"]; n != 0 {
		t.Errorf("%d entries of no change", n)
	}
	w.clock.Advance(2 * time.Second)
	view, err := w.another().Resume(ctx, g.Token, ward)
	must(t, err)
	if view.Actor.Purpose != "HPAYMT" || w.resume(g).Purpose != "HPAYMT" || w.resume(other).Purpose != "TREAT" {
		t.Errorf("works for %q elsewhere, %q here, %q in another session", view.Actor.Purpose, w.resume(g).Purpose, w.resume(other).Purpose)
	}
	if m := kept(t, w.resume(g).Mandate(w.clock.Now())); m.Purpose != "HPAYMT" {
		t.Errorf("what is ordered is for %q", m.Purpose)
	}
	must(t, w.Lock(ctx, g.Token))
	if err := w.WorkFor(ctx, g.Token, "TREAT", ward); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("behind the lock: %v", err)
	}
	g, err = w.Unlock(ctx, g.Token, goodPassword, ward)
	must(t, err)
	if got := w.resume(g).Purpose; got != "HPAYMT" {
		t.Errorf("after the lock she works for %q", got)
	}
	must(t, w.WorkFor(ctx, g.Token, "TREAT", ward))
	if m := kept(t, w.resume(g).Mandate(w.clock.Now())); w.resume(g).Purpose != "TREAT" || m.Purpose != "" {
		t.Errorf("the usual is kept as %q", m.Purpose)
	}
	w.records.failNote = fault.New(fault.Unavailable, "test", "")
	if err := w.WorkFor(ctx, g.Token, "HPAYMT", ward); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without a log: %v", err)
	}
	w.records.failNote = nil
	if got := w.resume(g).Purpose; got != "TREAT" {
		t.Errorf("unlogged, she works for %q", got)
	}
	must(t, w.End(ctx, g.Token, ward))
	if err := w.WorkFor(ctx, g.Token, "HPAYMT", ward); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after the end: %v", err)
	}
}

// TestOpenFor: what a chart was opened for is remembered of that chart, of a bounded
// number of them, for that session.
func TestOpenFor(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "registration")
	g := w.signIn(ana)
	said := func(g identity.Grant, patient string) string {
		view, err := w.Resume(ctx, g.Token, ward)
		must(t, err)
		return view.OpenedFor(patient)
	}
	must(t, w.OpenFor(ctx, g.Token, "ann", "HPAYMT", ward))
	must(t, w.OpenFor(ctx, g.Token, "bob", "PATRQT", ward))
	must(t, w.OpenFor(ctx, g.Token, "ann", "HOPERAT", ward))
	if said(g, "ann") != "HOPERAT" || said(g, "bob") != "PATRQT" || said(g, "eve") != "" || said(w.signIn(ana), "ann") != "" {
		t.Error("what charts were opened for is mixed up")
	}
	if got := w.resume(g).Purpose; got != "HOPERAT" {
		t.Errorf("she works for %q", got)
	}
	for i := range 199 {
		must(t, w.OpenFor(ctx, g.Token, fmt.Sprintf("p%d", i), "HPAYMT", ward))
	}
	if said(g, "bob") != "" || said(g, "ann") != "HOPERAT" || said(g, "p198") != "HPAYMT" {
		t.Error("of many charts others are remembered than those of which she spoke last")
	}
}
