package identity_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// refusalsTold adds up what the log was told of refusals of a person: one for each
// entry, and what an entry counts.
func (w *world) refusalsTold(person string) (entries, refusals int) {
	w.t.Helper()
	more := regexp.MustCompile(`^(\d+) more refusals since \d\d:\d\d:\d\d, the last of .+$`)
	for _, e := range w.records.events {
		if e.Action != "refused" || e.Actor != person {
			continue
		}
		if e.Outcome != identity.Failure || e.Detail == "" || e.Session == "" || e.Source == "" {
			w.t.Errorf("event %+v", e)
		}
		entries++
		n := 1
		if m := more.FindStringSubmatch(e.Detail); m != nil {
			n, _ = strconv.Atoi(m[1])
		}
		refusals += n
	}
	return entries, refusals
}

// TestRefusalsAreTold: each refusal is in the log with who it was; a flood of them is one
// entry that counts, and none is missing.
func TestRefusalsAreTold(t *testing.T) {
	w := newWorld(t)
	ana, bo := w.resume(w.signIn(w.add("ana.okafor", "nurse"))), w.resume(w.signIn(w.add("bo.lind", "nurse")))
	refuse := func(a identity.Actor, times int) {
		for i := range times {
			must(t, w.NoteRefusal(ctx, a, fmt.Sprintf("POST /people/{person}/%d", i%3)))
		}
	}
	want := func(a identity.Actor, entries, refusals int) {
		t.Helper()
		if e, r := w.refusalsTold(a.ID); e != entries || r != refusals {
			t.Errorf("%d entries tell of %d refusals, want %d of %d", e, r, entries, refusals)
		}
	}
	refuse(ana, 3)
	want(ana, 3, 3)
	refuse(ana, 1000)
	want(ana, 10, 10)
	refuse(bo, 1) // a flood of hers hides nobody else's
	want(bo, 1, 1)
	must(t, w.SettleRefusals(ctx, false)) // it is not over yet
	want(ana, 10, 10)
	w.clock.Advance(time.Minute)
	w.records.failNote = errors.New("disk full")
	if w.SettleRefusals(ctx, false) == nil {
		t.Error("what could not be told is settled")
	}
	w.records.failNote = nil
	must(t, w.SettleRefusals(ctx, false))
	want(ana, 11, 1003)
	must(t, w.SettleRefusals(ctx, true))
	want(ana, 11, 1003)
	refuse(ana, 12) // the next minute, and what is left when the server ends
	want(ana, 21, 1013)
	w.clock.Advance(time.Minute)
	refuse(ana, 11)
	want(ana, 32, 1025)
	must(t, w.SettleRefusals(ctx, true))
	want(ana, 33, 1026)
	w.records.failNote = errors.New("disk full")
	if w.NoteRefusal(ctx, bo, "GET /people") == nil {
		t.Error("a refusal that could not be told passes for told")
	}
}
