package identity_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

func TestIdleLock(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	g := w.signIn(ana)
	for range 10 {
		w.clock.Advance(4 * time.Minute)
		w.resume(g)
	}
	// A page that refreshes itself is nobody being there.
	for range 5 {
		w.clock.Advance(time.Minute)
		_, err := w.Resume(ctx, g.Token, identity.Origin{Background: true})
		if err != nil && !errors.Is(err, identity.ErrLocked) {
			t.Fatal(err)
		}
	}
	view, err := w.Resume(ctx, g.Token, ward)
	if !errors.Is(err, identity.ErrLocked) || !fault.Is(err, fault.Unauthenticated) || !view.Locked || view.Actor.ID != ana.ID {
		t.Fatalf("not locked: %v %+v", err, view)
	}
	// Locked in every process, and by being asked it does not unlock.
	_, err = w.another().Resume(ctx, g.Token, ward)
	if !errors.Is(err, identity.ErrLocked) {
		t.Fatal(err)
	}
	_, err = w.Unlock(ctx, g.Token, "wrong", ward)
	if !errors.Is(err, identity.ErrLocked) {
		t.Fatal(err)
	}
	fresh, err := w.Unlock(ctx, g.Token, goodPassword, ward)
	must(t, err)
	if fresh.Token == g.Token || fresh.Session.ID == g.Session.ID {
		t.Fatal("the id stayed the same")
	}
	w.resume(fresh)
	_, err = w.Resume(ctx, g.Token, ward)
	wantKind(t, err, fault.Unauthenticated)
	if errors.Is(err, identity.ErrLocked) {
		t.Fatal("the old id still stands for a session")
	}
	if !fresh.Session.Expires.Equal(g.Session.Expires) {
		t.Fatal("unlocking prolonged the session")
	}
}

func TestIdleTimeIsWrittenSeldom(t *testing.T) {
	w := newWorld(t)
	g := w.signIn(w.add("ana.okafor", "nurse"))
	w.records.work()
	for range 600 { // ten minutes, ten requests a second and more
		w.clock.Advance(time.Second)
		w.resume(g)
		w.resume(g)
	}
	if n := w.records.work()["PutShort session-seen"]; n < 19 || n > 21 {
		t.Fatalf("%d writes in ten minutes", n)
	}
	// A restart loses half a minute at most, to the safe side.
	w.clock.Advance(4 * time.Minute)
	if _, err := w.another().Resume(ctx, g.Token, ward); err != nil {
		t.Fatal(err)
	}
}

func TestAbsoluteEnd(t *testing.T) {
	w := newWorld(t)
	g := w.signIn(w.add("ana.okafor", "nurse"))
	for w.clock.Now().Before(g.Session.Expires) {
		w.resume(g)
		w.clock.Advance(4 * time.Minute)
	}
	_, err := w.Resume(ctx, g.Token, ward)
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.Unlock(ctx, g.Token, goodPassword, ward)
	wantKind(t, err, fault.Unauthenticated)
}

func TestLockByHand(t *testing.T) {
	w := newWorld(t)
	g := w.signIn(w.add("ana.okafor", "nurse"))
	other := w.another()
	_, err := other.Resume(ctx, g.Token, ward)
	must(t, err)
	must(t, w.Lock(ctx, g.Token))
	if _, err := w.Resume(ctx, g.Token, ward); !errors.Is(err, identity.ErrLocked) {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	if _, err := other.Resume(ctx, g.Token, ward); !errors.Is(err, identity.ErrLocked) {
		t.Fatal(err)
	}
}

func TestUnlockGuessesEndTheSession(t *testing.T) {
	w := newWorld(t)
	g := w.signIn(w.add("ana.okafor", "nurse"))
	must(t, w.Lock(ctx, g.Token))
	for range 5 {
		_, err := w.another().Unlock(ctx, g.Token, "guess", ward)
		wantKind(t, err, fault.Unauthenticated)
	}
	_, err := w.Unlock(ctx, g.Token, goodPassword, ward)
	wantKind(t, err, fault.Unauthenticated)
	if errors.Is(err, identity.ErrLocked) {
		t.Fatal("the session is still there")
	}
}

// A session dies at once where it was ended, and within a second elsewhere;
// nothing written late brings it back.
func TestSessionsDie(t *testing.T) {
	ways := map[string]func(*world, somebody, identity.Grant) error{
		"logout":   func(w *world, _ somebody, g identity.Grant) error { return w.End(ctx, g.Token, ward) },
		"disabled": func(w *world, s somebody, _ identity.Grant) error { return w.Disable(ctx, operator, s.ID, "left") },
		"ended":    func(w *world, s somebody, _ identity.Grant) error { return w.EndPerson(ctx, operator, s.ID, "left") },
		"all ended": func(w *world, s somebody, g identity.Grant) error {
			return w.EndAll(ctx, g.Session.Actor, s.ID, "")
		},
		"all ended by an administrator": func(w *world, s somebody, _ identity.Grant) error {
			return w.EndAll(ctx, w.resume(w.signIn(w.add("mia.garcia", "admin"))), s.ID, "tablet lost")
		},
		"password reset": func(w *world, s somebody, _ identity.Grant) error {
			_, err := w.ResetPassword(ctx, operator, s.ID, "forgotten", known)
			return err
		},
		"second factor reset": func(w *world, s somebody, _ identity.Grant) error {
			_, err := w.ResetMFA(ctx, operator, s.ID, "lost", known)
			return err
		},
		"new password": func(w *world, s somebody, g identity.Grant) error {
			return w.SetPassword(ctx, g.Session.Actor, goodPassword, "seven brown owls at dawn")
		},
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ana := w.add("ana.okafor", "nurse")
			g := w.signIn(ana)
			other := w.another()
			_, err := other.Resume(ctx, g.Token, ward)
			must(t, err)
			w.resume(g)
			must(t, end(w, ana, g))
			_, err = w.Resume(ctx, g.Token, ward)
			wantKind(t, err, fault.Unauthenticated)
			w.clock.Advance(time.Second)
			_, err = other.Resume(ctx, g.Token, ward)
			wantKind(t, err, fault.Unauthenticated)
			_, err = other.Unlock(ctx, g.Token, goodPassword, ward)
			wantKind(t, err, fault.Unauthenticated)
		})
	}
}

// A session fetched from storage just before it ended is not remembered after.
func TestEndBeatsCache(t *testing.T) {
	w := newWorld(t)
	g := w.signIn(w.add("ana.okafor", "nurse"))
	var once sync.Once
	w.records.beforeOp = func(op string) {
		if op != "Get" { // between the session's record and its person's
			return
		}
		once.Do(func() {
			if err := w.End(ctx, g.Token, ward); err != nil {
				t.Error(err)
			}
		})
	}
	_, _ = w.Resume(ctx, g.Token, ward) // began before the end: either answer is right
	_, err := w.Resume(ctx, g.Token, ward)
	wantKind(t, err, fault.Unauthenticated)
}

// An id chosen by somebody else is never taken up (session fixation).
func TestFixation(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	planted := strings.Repeat("A", 43)
	_, err := w.Resume(ctx, planted, ward)
	wantKind(t, err, fault.Unauthenticated)
	g := w.signIn(ana)
	again := w.signIn(ana)
	if g.Token == planted || g.Token == again.Token {
		t.Fatal("an id was used again")
	}
	_, err = w.Resume(ctx, planted, ward)
	wantKind(t, err, fault.Unauthenticated)
	// A challenge is not a session, nor a session's digest.
	ch, err := w.Begin(ctx, ana.UserName, goodPassword, ward)
	must(t, err)
	for _, token := range []string{ch.Token, g.Session.ID, g.Session.ID[:43]} {
		_, err = w.Resume(ctx, token, ward)
		wantKind(t, err, fault.Unauthenticated)
	}
	rotated, err := w.Rotate(ctx, g.Token, ward)
	must(t, err)
	w.resume(rotated)
	_, err = w.Resume(ctx, g.Token, ward)
	wantKind(t, err, fault.Unauthenticated)
}

// New roles hold at the next request, without a new sign-in.
func TestRolesAreFresh(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	g := w.signIn(ana)
	w.resume(g)
	none, wards := []string{}, []string{"ward-9"}
	_, err := w.ChangePerson(ctx, operator, ana.ID, "moved", identity.Change{Roles: &none, WardIDs: &wards})
	must(t, err)
	a := w.resume(g)
	if len(a.Roles) != 0 || a.WardIDs[0] != "ward-9" || a.Name != "Ana Okafor" {
		t.Fatalf("actor %+v", a)
	}
}

func TestSessionsAtOnce(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	g := w.signIn(ana)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for j := range 50 {
				_, err := w.Resume(ctx, g.Token, ward)
				if err != nil && !fault.Is(err, fault.Unauthenticated) {
					t.Error(err)
				}
				if i == 0 && j%10 == 0 {
					w.clock.Advance(2 * time.Second)
				}
				if i == 1 && j == 40 {
					if err := w.End(ctx, g.Token, ward); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wait.Wait()
	_, err := w.Resume(ctx, g.Token, ward)
	wantKind(t, err, fault.Unauthenticated)
}
