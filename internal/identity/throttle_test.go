package identity_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// waits tries to begin until it works, and returns how long that took.
func (w *world) waits(s *identity.Service, user, password string, o identity.Origin) time.Duration {
	w.t.Helper()
	_, err := s.Begin(ctx, user, password, o)
	if err == nil {
		return 0
	}
	wantKind(w.t, err, fault.Throttled)
	after, ok := identity.RetryAfter(err)
	if !ok || after <= 0 {
		w.t.Fatalf("no waiting time in %v", err)
	}
	w.clock.Advance(after - time.Millisecond)
	_, err = s.Begin(ctx, user, password, o)
	wantKind(w.t, err, fault.Throttled)
	w.clock.Advance(time.Millisecond)
	_, err = s.Begin(ctx, user, password, o)
	must(w.t, err)
	return after
}

// The pauses grow in the same way for right passwords, wrong ones and nobody's
// name, across processes and restarts, wherever the attempts come from.
func TestPausesGrowAlike(t *testing.T) {
	want := []time.Duration{0, 0, 0, 0, 0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}
	cases := map[string][2]string{
		"right": {"ana.okafor", goodPassword}, "wrong": {"ana.okafor", "no"}, "unknown": {"no.one", "no"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.add("ana.okafor", "nurse")
			for i, pause := range want {
				o := identity.Origin{Source: fmt.Sprintf("198.51.100.%d", i)}
				if got := w.waits(w.another(), c[0], c[1], o); got.Round(time.Second) != pause {
					t.Errorf("attempt %d waits %v, want %v", i+1, got, pause)
				}
			}
		})
	}
}

// Attempts while one has to wait cost no derivation and prolong nothing.
func TestWaitingIsNotProlonged(t *testing.T) {
	w := newWorld(t)
	w.add("ana.okafor", "nurse")
	for range 6 {
		w.waits(w.Service, "ana.okafor", "no", outside)
	}
	before := w.derived.Load()
	var first time.Duration
	for i := range 100 {
		_, err := w.Begin(ctx, "ana.okafor", "no", outside)
		after, _ := identity.RetryAfter(err)
		if i == 0 {
			first = after
		}
		if after != first {
			t.Fatalf("the pause moved from %v to %v", first, after)
		}
	}
	if w.derived.Load() != before {
		t.Fatal("a derivation was spent on a throttled attempt")
	}
}

// A stranger who guesses at a nurse's name does not keep her out of the ward
// she works on.
func TestStrangerCannotLockOut(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	w.signIn(ana)
	for range 12 {
		w.waits(w.Service, ana.UserName, "no", outside)
	}
	_, err := w.Begin(ctx, ana.UserName, "no", outside)
	wantKind(t, err, fault.Throttled)
	w.signIn(ana)
	// Her success starts the stranger's count again, as it has to.
	if wait := w.waits(w.Service, ana.UserName, "no", outside); wait != 0 {
		t.Fatalf("waits %v", wait)
	}
}

// After fifty attempts without a success even the right password and code do
// not work from outside, and it does not show.
func TestMostGuesses(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	for i := range 50 {
		w.waits(w.Service, ana.UserName, "no", identity.Origin{Source: fmt.Sprintf("198.51.100.%d", i)})
	}
	w.clock.Advance(20 * time.Minute)
	_, err := w.trySignIn(ana, goodPassword, outside)
	wantKind(t, err, fault.Unauthenticated)
	if _, err = w.ResetPassword(ctx, operator, ana.ID, "locked out", known); err != nil {
		t.Fatal(err)
	}
	if wait := w.waits(w.Service, ana.UserName, "no", outside); wait != 0 {
		t.Fatalf("still waits %v", wait)
	}
}

// One address that tries one password at many accounts is slowed down, also
// when it moves within its own /64, and good sign-ins of its own do not help.
func TestSprayIsSlowed(t *testing.T) {
	w := newWorld(t)
	tries := 0
	for i := range 200 {
		o := identity.Origin{Source: fmt.Sprintf("2001:db8:0:1::%x", i)}
		if i%5 == 4 {
			mallory := w.add(fmt.Sprintf("mallory%d", i), "nurse")
			_, err := w.trySignIn(mallory, goodPassword, o)
			if err != nil && !fault.Is(err, fault.Throttled) {
				t.Fatal(err)
			}
			continue
		}
		if _, err := w.Begin(ctx, fmt.Sprintf("user%d", i), "Password-2026", o); err == nil {
			tries++
		}
	}
	if tries > 30 {
		t.Fatalf("%d accounts tried without a pause", tries)
	}
	if _, err := w.Begin(ctx, "user", "x", identity.Origin{Source: "2001:db8:0:2::1"}); err != nil {
		t.Fatalf("a neighbour has to wait: %v", err)
	}
	w.clock.Advance(time.Hour)
	if _, err := w.Begin(ctx, "user", "x", identity.Origin{Source: "2001:db8:0:1::1"}); err != nil {
		t.Fatalf("an hour later: %v", err)
	}
}

// A busy ward behind one address is not slowed by its own good sign-ins.
func TestWardIsNotSlowed(t *testing.T) {
	w := newWorld(t)
	for i := range 60 {
		s := w.add(fmt.Sprintf("nurse%d", i), "nurse")
		_, err := w.trySignIn(s, goodPassword, ward)
		must(t, err)
	}
}

// TestNeighboursCannotLockOut: whoever shares an address with a ward keeps nobody
// out who is known there: not by names nobody has, not by passkeys, codes and
// answers that are none. He himself waits.
func TestNeighboursCannotLockOut(t *testing.T) {
	w := keyWorld(t)
	ana := w.add("ana.okafor", "nurse")
	key := w.addKey(w.signIn(ana), "Phone")
	bo, invitation, err := w.AddPerson(ctx, operator, identity.NewPerson{UserName: "bo.lind", Family: "Lind", Roles: []string{"nurse"}})
	must(t, err)
	waited := map[string]int{}
	stranger := func(i int) {
		_, err := w.Begin(ctx, fmt.Sprintf("nobody%d", i), "x", ward)
		waited["password"] += throttled(err)
		_, err = w.SignInPasskey(ctx, identity.PasskeyAnswer{Ask: strings.Repeat("A", 43), JSON: []byte("{}")}, ward)
		waited["passkey"] += throttled(err)
		_, err = w.BeginEnrolment(ctx, bo.UserName, "0000", "x", ward)
		waited["enrolment"] += throttled(err)
		waited["provider"] += throttled(w.RefuseUpstream(ctx, "login", "lakeside", "state", ward))
	}
	for i := range 45 {
		stranger(i)
	}
	for i := range 360 {
		w.clock.Advance(time.Second)
		stranger(45 + i)
		if i%31 != 0 { // each code works once
			continue
		}
		if _, err := w.trySignIn(ana, goodPassword, ward); err != nil {
			t.Fatalf("the nurse's password after %d s: %v", i, err)
		}
		key.count++
		if _, err := w.signInKey(key); err != nil {
			t.Fatalf("the nurse's passkey after %d s: %v", i, err)
		}
		must(t, w.AdmitUpstream(ctx, ward))
	}
	if _, err := w.BeginEnrolment(ctx, bo.UserName, invitation.Code, goodPassword, ward); err != nil {
		t.Errorf("the new colleague's enrolment: %v", err)
	}
	for _, way := range []string{"password", "passkey", "enrolment", "provider"} {
		if waited[way] < 350 {
			t.Errorf("%s: a stranger had to wait %d times only", way, waited[way])
		}
	}
}

func throttled(err error) int {
	if fault.Is(err, fault.Throttled) {
		return 1
	}
	return 0
}

// TestKnownNamesAreGuessedNoFaster: who guesses at somebody known where he is waits
// as anywhere.
func TestKnownNamesAreGuessedNoFaster(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	w.signIn(ana)
	for i, pause := range []time.Duration{0, 0, 0, 0, 0, time.Second, 2 * time.Second, 4 * time.Second} {
		if got := w.waits(w.Service, ana.UserName, "no", ward); got.Round(time.Second) != pause {
			t.Errorf("attempt %d waits %v, want %v", i+1, got, pause)
		}
	}
}
