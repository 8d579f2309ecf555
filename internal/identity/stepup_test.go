package identity_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

func TestFresh(t *testing.T) {
	now := time.Date(2026, 3, 7, 8, 0, 0, 0, time.UTC)
	person := func(mfa identity.Assurance, age time.Duration) identity.Actor {
		return identity.Actor{Kind: identity.KindPerson, ID: "u", MFA: mfa, AuthTime: now.Add(-age)}
	}
	for name, c := range map[string]struct {
		a     identity.Actor
		fresh bool
	}{
		"just now":         {person(identity.AssuranceMulti, 0), true},
		"five minutes":     {person(identity.AssuranceMulti, 5*time.Minute), true},
		"longer":           {person(identity.AssuranceMulti, 5*time.Minute+1), false},
		"one factor":       {person(identity.AssuranceSingle, 0), false},
		"far in the times": {person(identity.AssuranceMulti, -time.Hour), false},
		"never":            {identity.Actor{Kind: identity.KindPerson, ID: "u", MFA: identity.AssuranceMulti}, false},
		"a program":        {identity.Actor{Kind: identity.KindClient, ID: "c", MFA: identity.AssuranceMulti, AuthTime: now}, false},
		"nobody":           {identity.Actor{AuthTime: now}, false},
		"the server":       {identity.System("x"), true},
	} {
		if identity.Fresh(c.a, now) != c.fresh {
			t.Errorf("%s: fresh is %t", name, !c.fresh)
		}
		err := identity.DemandFresh(c.a, now)
		if (err == nil) != c.fresh || err != nil && (!errors.Is(err, identity.ErrStepUp) || !fault.Is(err, fault.Denied)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStepUp(t *testing.T) {
	w := newWorld(t)
	admin := w.add("mia.garcia", "admin")
	ana := w.add("ana.okafor", "nurse")
	g := w.signIn(admin) // 31 seconds ago
	w.resume(g)
	w.clock.Advance(4*time.Minute + 29*time.Second)
	must(t, w.Disable(ctx, w.resume(g), ana.ID, "left"))
	w.clock.Advance(time.Second)
	w.resume(g)
	w.clock.Advance(time.Second)
	if err := w.Enable(ctx, w.resume(g), ana.ID, "back"); !errors.Is(err, identity.ErrStepUp) {
		t.Fatalf("an old proof administers: %v", err)
	}
	if _, err := w.People(ctx, w.resume(g)); err != nil {
		t.Fatalf("reading wants a step-up: %v", err)
	}
	// Somebody who may not administer is not asked to prove herself first.
	if err := w.Enable(ctx, identity.Actor{Kind: identity.KindPerson, ID: "x"}, ana.ID, ""); errors.Is(err, identity.ErrStepUp) || !fault.Is(err, fault.Denied) {
		t.Fatalf("%v", err)
	}
	// Unlocking by password alone is no step-up.
	must(t, w.Lock(ctx, g.Token))
	if _, err := w.StepUp(ctx, g.Token, identity.Proof{Password: goodPassword, Code: w.code(admin.secret)}, ward); !errors.Is(err, identity.ErrLocked) {
		t.Fatalf("a locked session steps up: %v", err)
	}
	g, err := w.Unlock(ctx, g.Token, goodPassword, ward)
	must(t, err)
	if err := w.Enable(ctx, w.resume(g), ana.ID, "back"); !errors.Is(err, identity.ErrStepUp) {
		t.Fatalf("a password alone is fresh: %v", err)
	}
	code := w.code(admin.secret)
	fresh, err := w.StepUp(ctx, g.Token, identity.Proof{Password: goodPassword, Code: code}, ward)
	must(t, err)
	if fresh.Token == g.Token || !fresh.Session.Expires.Equal(g.Session.Expires) {
		t.Fatal("the id stayed, or the session was prolonged")
	}
	if e := w.records.find("step-up"); e.Outcome != identity.Success || e.Session != g.Session.ID || e.Actor != admin.ID {
		t.Fatalf("event %+v", e)
	}
	_, err = w.Resume(ctx, g.Token, ward)
	wantKind(t, err, fault.Unauthenticated)
	must(t, w.Enable(ctx, w.resume(fresh), ana.ID, "back"))
	// The code was used up, and in another process the proof is as fresh as here.
	_, err = w.StepUp(ctx, fresh.Token, identity.Proof{Password: goodPassword, Code: code}, ward)
	wantKind(t, err, fault.Unauthenticated)
	view, err := w.another().Resume(ctx, fresh.Token, ward)
	must(t, err)
	if !identity.Fresh(view.Actor, w.clock.Now()) || identity.Fresh(view.Actor, w.clock.Now().Add(5*time.Minute+1)) {
		t.Fatal("the proof is not of now")
	}
}

func TestStepUpNeedsBothFactors(t *testing.T) {
	w := newWorld(t)
	g := w.signIn(w.add("mia.garcia", "admin"))
	other := w.add("ana.okafor", "nurse")
	code := func() string { return w.code(other.secret) }
	for _, p := range []identity.Proof{
		{}, {Password: goodPassword}, {Password: goodPassword, Code: "000000"}, {Password: goodPassword, Code: code()},
	} {
		if _, err := w.Resume(ctx, g.Token, ward); err != nil {
			t.Fatal(err)
		}
		_, err := w.StepUp(ctx, g.Token, p, ward)
		wantKind(t, err, fault.Unauthenticated)
		if e := w.records.find("step-up"); e.Outcome != identity.Failure {
			t.Fatalf("event %+v", e)
		}
	}
	// The fifth wrong proof ends the session.
	_, err := w.StepUp(ctx, g.Token, identity.Proof{Password: "guess", Code: "1"}, ward)
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.Resume(ctx, g.Token, ward)
	wantKind(t, err, fault.Unauthenticated)
}

// A configuration can only make sessions shorter.
func TestOnlyDownward(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*identity.Config){
		"idle lock":    func(c *identity.Config) { c.IdleLock = identity.MaxIdleLock + 1 },
		"session life": func(c *identity.Config) { c.SessionLife = identity.MaxSessionLife + 1 },
		"step-up":      func(c *identity.Config) { c.StepUpLife = identity.MaxStepUpLife + 1 },
		"never":        func(c *identity.Config) { c.IdleLock = -1 },
		"password":     func(c *identity.Config) { c.LeastPassword = 7 },
	} {
		c := w.config
		change(&c)
		if _, err := identity.New(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	w.config.LeastPassword = 15
	if _, _, err := w.another().Provision(ctx, operator, identity.NewPerson{UserName: "lee", Family: "X"}, identity.Credentials{Password: "four plain wrd"}); !fault.Is(err, fault.Unprocessable) {
		t.Errorf("14 characters where 15 are asked for: %v", err)
	}
	w.config.IdleLock, w.config.SessionLife, w.config.StepUpLife = time.Minute, time.Hour, 30*time.Second
	w.Service = w.another()
	g := w.signIn(w.add("ana.okafor", "nurse"))
	if a := w.resume(g); identity.Fresh(a, w.clock.Now()) {
		t.Error("31 seconds are fresh")
	}
	if !g.Session.Expires.Equal(g.Session.Created.Add(time.Hour)) {
		t.Error("the session lasts longer")
	}
	w.clock.Advance(time.Minute)
	if _, err := w.Resume(ctx, g.Token, ward); !errors.Is(err, identity.ErrLocked) {
		t.Errorf("not locked: %v", err)
	}
}
