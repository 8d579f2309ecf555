package identity_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
	edge    = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
)

// signInAt signs in from somewhere.
func (w *world) signInAt(s somebody, source, device string) identity.Grant {
	w.t.Helper()
	g, err := w.trySignIn(s, goodPassword, identity.Origin{Source: source, Device: device})
	must(w.t, err)
	w.clock.Advance(31 * time.Second)
	return g
}

func TestOwnSessions(t *testing.T) {
	w := newWorld(t)
	ana, bo := w.add("ana.okafor", "nurse"), w.add("bo.lind", "nurse")
	other := w.signIn(bo)
	desk := w.signInAt(ana, "10.0.0.7", firefox)
	phone := w.signInAt(ana, "203.0.113.9", iphone)
	here := w.resume(phone)
	list, err := w.Sessions(ctx, here)
	must(t, err)
	if len(list) != 2 || !list[0].Current || list[0].Device != "Safari on iPhone" || list[0].Source != "203.0.113.9" ||
		list[1].Current || list[1].Device != "Firefox on Linux" || list[1].ID != desk.Session.ID {
		t.Fatalf("sessions %+v", list)
	}
	wantKind(t, w.EndSession(ctx, here, other.Session.ID), fault.NotFound)
	w.resume(other)
	another := w.another()
	_, err = another.Resume(ctx, desk.Token, ward)
	must(t, err)
	must(t, w.EndSession(ctx, here, desk.Session.ID))
	if e := w.records.find("logout"); e.Actor != ana.ID || e.Session != desk.Session.ID {
		t.Fatalf("event %+v", e)
	}
	_, err = w.Resume(ctx, desk.Token, ward)
	wantKind(t, err, fault.Unauthenticated)
	w.clock.Advance(time.Second)
	_, err = another.Resume(ctx, desk.Token, ward)
	wantKind(t, err, fault.Unauthenticated)
	wantKind(t, w.EndSession(ctx, here, desk.Session.ID), fault.NotFound)
	// A program that acts for her does not see or end them.
	program := here
	program.ClientID = "app"
	_, err = w.Sessions(ctx, program)
	wantKind(t, err, fault.Denied)
	wantKind(t, w.EndSession(ctx, program, phone.Session.ID), fault.Denied)
}

func TestEndOthers(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	first, second := w.signIn(ana), w.signIn(ana)
	ch, err := w.Begin(ctx, ana.UserName, goodPassword, ward) // half a sign-in
	must(t, err)
	kept, err := w.EndOthers(ctx, second.Token, ward)
	must(t, err)
	for _, g := range []identity.Grant{first, second} {
		_, err := w.Resume(ctx, g.Token, ward)
		wantKind(t, err, fault.Unauthenticated)
	}
	_, err = w.Finish(ctx, ch.Token, w.code(ana.secret), ward)
	wantKind(t, err, fault.Unauthenticated)
	if a := w.resume(kept); !a.AuthTime.Equal(second.Session.Actor.AuthTime) {
		t.Error("ending others made the proof fresh")
	}
	list, err := w.Sessions(ctx, w.resume(kept))
	must(t, err)
	if len(list) != 1 || !list[0].Current {
		t.Fatalf("sessions %+v", list)
	}
}

// TestEndingOthersWantsAProof: a proof by one factor, unlocking among them, at most five
// minutes old, ends other sessions; ending the one she is in asks for nothing.
func TestEndingOthersWantsAProof(t *testing.T) {
	ends := map[string]func(w *world, here identity.Grant, there string) error{
		"one": func(w *world, here identity.Grant, there string) error {
			return w.EndSession(ctx, w.resume(here), there)
		},
		"others": func(w *world, here identity.Grant, _ string) error {
			_, err := w.EndOthers(ctx, here.Token, ward)
			return err
		},
		"all": func(w *world, here identity.Grant, _ string) error {
			a := w.resume(here)
			return w.EndAll(ctx, a, a.ID, "stolen")
		},
	}
	for name, end := range ends {
		for _, unlocks := range []bool{false, true} {
			w := newWorld(t)
			ana := w.add("ana.okafor", "nurse")
			there, here := w.signIn(ana), w.signIn(ana)
			for _, wait := range []time.Duration{2 * time.Minute, 2*time.Minute + 29*time.Second} {
				w.clock.Advance(wait) // 31 seconds went by before: the proof is five minutes old
				w.resume(there)
				w.resume(here)
			}
			must(t, identity.DemandProof(w.resume(here), w.clock.Now()))
			w.clock.Advance(time.Second)
			if err := end(w, here, there.Session.ID); !errors.Is(err, identity.ErrStepUp) {
				t.Errorf("%s: an old proof ends: %v", name, err)
			}
			w.resume(there)
			if unlocks {
				must(t, w.Lock(ctx, here.Token))
				var err error
				here, err = w.Unlock(ctx, here.Token, goodPassword, ward)
				must(t, err)
				if identity.Fresh(w.resume(here), w.clock.Now()) {
					t.Error("a password alone is two factors")
				}
			} else {
				must(t, w.EndSession(ctx, w.resume(here), here.Session.ID))
				here = w.signIn(ana)
			}
			if err := end(w, here, there.Session.ID); err != nil {
				t.Errorf("%s: a fresh proof does not end: %v", name, err)
			}
			_, err := w.Resume(ctx, there.Token, ward)
			wantKind(t, err, fault.Unauthenticated)
		}
	}
}

func TestTooManySessions(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	var all []identity.Grant
	for range 33 {
		all = append(all, w.signIn(ana))
	}
	_, err := w.Resume(ctx, all[0].Token, identity.Origin{Background: true})
	wantKind(t, err, fault.Unauthenticated)
	w.resume(all[32])
}

func TestNewDeviceIsTold(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	news := func(g identity.Grant) bool {
		t.Helper()
		s, err := w.Resume(ctx, g.Token, ward)
		must(t, err)
		return s.News
	}
	desk := w.signInAt(ana, "10.0.0.7", firefox)
	if news(desk) || w.records.find("new-device").Action != "" {
		t.Fatal("the first sign-in is news")
	}
	if again := w.signInAt(ana, "10.0.0.7", firefox); news(again) {
		t.Fatal("the same browser is news")
	}
	for name, c := range map[string]struct{ source, device string }{"another network": {"203.0.113.9", firefox}, "another browser": {"10.0.0.7", edge}} {
		g := w.signInAt(ana, c.source, c.device)
		if !news(desk) || !news(g) {
			t.Errorf("%s is not told", name)
		}
		if e := w.records.find("new-device"); e.Actor != ana.ID || e.Session != g.Session.ID {
			t.Errorf("%s: event %+v", name, e)
		}
		list, err := w.DeviceNews(ctx, w.resume(desk))
		must(t, err)
		if len(list) != 1 || list[0].Source != c.source {
			t.Errorf("%s: %+v", name, list)
		}
		must(t, w.SettleDeviceNews(ctx, w.resume(desk)))
		if news(desk) || news(g) {
			t.Errorf("%s is told for ever", name)
		}
		if again := w.signInAt(ana, c.source, c.device); news(again) {
			t.Errorf("%s is news twice", name)
		}
	}
	bo := w.add("bo.lind", "nurse")
	if news(w.signInAt(bo, "198.51.100.4", iphone)) {
		t.Error("another person's devices count")
	}
}

func TestRenewRecovery(t *testing.T) {
	w := newWorld(t)
	ana, old := w.enrol("ana.okafor")
	g := w.signIn(ana)
	fresh, err := w.RenewRecovery(ctx, g.Session.Actor)
	must(t, err)
	own, err := w.OwnAccount(ctx, g.Session.Actor)
	must(t, err)
	if len(fresh) != 10 || own.RecoveryLeft != 10 || !own.Authenticator || own.PasswordSet.IsZero() {
		t.Fatalf("%d codes, %+v", len(fresh), own)
	}
	sign := func(code string) error {
		ch, err := w.Begin(ctx, ana.UserName, goodPassword, ward)
		must(t, err)
		_, err = w.Finish(ctx, ch.Token, code, ward)
		return err
	}
	wantKind(t, sign(old[0]), fault.Unauthenticated)
	must(t, sign(fresh[0]))
	stale := g.Session.Actor
	stale.AuthTime = stale.AuthTime.Add(-time.Hour)
	_, err = w.RenewRecovery(ctx, stale)
	wantKind(t, err, fault.Denied)
}
