package identity_test

import (
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// TestSignInKillsTheTokenBefore signs people in over a session by each way: the token
// that was there opens nothing any more, neither by itself nor with the password, in
// no process; what was typed is kept, and sessions elsewhere go on.
func TestSignInKillsTheTokenBefore(t *testing.T) {
	for name, c := range map[string]struct {
		locked, same bool
	}{
		"her own": {false, true}, "her own, locked": {true, true}, "another's": {false, false}, "another's, locked": {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ana, bo := w.add("ana.okafor", "nurse"), w.add("bo.lind", "nurse")
			elsewhere, here := w.signIn(ana), w.signIn(ana)
			other := w.another()
			_, err := other.Resume(ctx, here.Token, ward) // knows it, too
			must(t, err)
			must(t, w.KeepDraft(ctx, here.Session.Actor, draft("fell in the hall")))
			app, d := w.connected(here, identity.WordOnline)
			if c.locked {
				must(t, w.Lock(ctx, here.Token))
			}
			entered := w.signIn(map[bool]somebody{true: ana, false: bo}[c.same])
			dead := func(s *identity.Service, g identity.Grant) bool {
				_, err := s.Resume(ctx, g.Token, ward)
				lock := s.Lock(ctx, g.Token)
				_, unlock := s.Unlock(ctx, g.Token, goodPassword, ward)
				return fault.Is(err, fault.Unauthenticated) && fault.Is(unlock, fault.Unauthenticated) && fault.Is(lock, fault.Unauthenticated)
			}
			view, _ := w.Resume(ctx, here.Token, ward)
			if view.Line == "" || view.Line != here.Session.Line || view.Line == entered.Session.Line {
				t.Fatalf("line %q of %q", view.Line, here.Session.Line)
			}
			must(t, w.Leave(ctx, here.Session.Line, entered.Session.Actor.ID, ward))
			must(t, w.Leave(ctx, "no such line", entered.Session.Actor.ID, ward))
			w.clock.Advance(time.Second)
			if !dead(w.Service, here) || !dead(other, here) {
				t.Error("the token that was there lives")
			}
			w.resume(entered)
			back := w.resume(elsewhere)
			list, err := w.Sessions(ctx, back)
			must(t, err)
			locked := 0
			for _, s := range list {
				if s.Locked {
					locked++
				}
			}
			if want := map[bool]int{true: 0, false: 1}[c.same]; locked != want {
				t.Errorf("%d of hers are locked, want %d", locked, want)
			}
			if got := w.kept(elsewhere); got != "fell in the hall" {
				t.Errorf("her words are %q", got)
			}
			w.stillOpen(t, d, c.same)
			_, err = w.Refresh(ctx, app, d.Refresh, identity.Asked{}, ward)
			if (err != nil) != c.same {
				t.Errorf("what lasts as long as she is signed in: %v", err)
			}
			action := map[bool]string{true: "logout", false: "lock"}[c.same]
			if e := w.records.find(action); e.Actor != ana.ID || e.Session != here.Session.ID || e.Source != ward.Source {
				t.Errorf("event %+v", e)
			}
			if dead(w.Service, elsewhere) {
				t.Error("a session that was not left is dead, too: this test sees nothing")
			}
		})
	}
}
