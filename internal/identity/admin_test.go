package identity_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

func TestEnrolment(t *testing.T) {
	w := newWorld(t)
	p, inv, err := w.AddPerson(ctx, operator, identity.NewPerson{UserName: "Ana.Okafor", Family: "Okafor", Roles: []string{"nurse"}})
	must(t, err)
	w.vouch(p)
	if p.Status != identity.StatusInvited || p.UserName != "ana.okafor" {
		t.Fatalf("person %+v", p)
	}
	_, err = w.BeginEnrolment(ctx, "ana.okafor", strings.Repeat("0", 24), goodPassword, ward)
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.BeginEnrolment(ctx, "ana.okafor", inv.Code, "short", ward)
	wantKind(t, err, fault.Unprocessable)
	e, err := w.BeginEnrolment(ctx, "ana.okafor", inv.Code, goodPassword, ward)
	must(t, err)
	u, err := url.Parse(e.URI)
	must(t, err)
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Wardkeep:ana.okafor" || u.Query().Get("secret") != e.Secret ||
		u.Query().Get("issuer") != "Wardkeep" || u.Query().Get("algorithm") != "SHA1" {
		t.Fatalf("uri %s", u.Redacted())
	}
	_, err = w.FinishEnrolment(ctx, e.Token, "000000", ward)
	wantKind(t, err, fault.Unauthenticated)
	code := w.code(e.Secret)
	_, err = w.FinishEnrolment(ctx, e.Token, code, ward)
	must(t, err)
	// Neither invitation nor enrolment nor the code works again.
	_, err = w.FinishEnrolment(ctx, e.Token, code, ward)
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.BeginEnrolment(ctx, "ana.okafor", inv.Code, "another good password", ward)
	wantKind(t, err, fault.Unauthenticated)
	ch, err := w.Begin(ctx, "ana.okafor", goodPassword, ward)
	must(t, err)
	_, err = w.Finish(ctx, ch.Token, code, ward)
	wantKind(t, err, fault.Unauthenticated)
	w.clock.Advance(30 * time.Second)
	_, err = w.Finish(ctx, ch.Token, w.code(e.Secret), ward)
	must(t, err)
}

func TestInvitationExpires(t *testing.T) {
	w := newWorld(t)
	p, inv, err := w.AddPerson(ctx, operator, identity.NewPerson{UserName: "ana", Family: "Okafor"})
	must(t, err)
	e, err := w.BeginEnrolment(ctx, "ana", inv.Code, goodPassword, ward)
	must(t, err)
	// A newer invitation takes the place of the older one, half used or not.
	newer, err := w.ResetPassword(ctx, operator, p.ID, "lost the letter", known)
	must(t, err)
	_, err = w.FinishEnrolment(ctx, e.Token, w.code(e.Secret), ward)
	wantKind(t, err, fault.Unauthenticated)
	w.clock.Advance(72 * time.Hour)
	_, err = w.BeginEnrolment(ctx, "ana", newer.Code, goodPassword, ward)
	wantKind(t, err, fault.Unauthenticated)
}

// After a reset of the second factor a thief needs both the old password and
// the new invitation.
func TestResetMFA(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	inv, err := w.ResetMFA(ctx, operator, ana.ID, "phone lost", known)
	must(t, err)
	_, err = w.trySignIn(ana, goodPassword, ward)
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.BeginEnrolment(ctx, ana.UserName, inv.Code, "the thief's own password", outside)
	wantKind(t, err, fault.Unauthenticated)
	e, err := w.BeginEnrolment(ctx, ana.UserName, inv.Code, goodPassword, ward)
	must(t, err)
	if e.Secret == ana.secret || e.Secret == "" {
		t.Fatal("the second factor is the old one")
	}
	_, err = w.FinishEnrolment(ctx, e.Token, w.code(e.Secret), ward)
	must(t, err)
}

// A stolen invitation gets five guesses at the password, from all addresses
// together, and a stranger without one cannot use them up.
func TestInvitationSpoils(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	inv, err := w.ResetMFA(ctx, operator, ana.ID, "phone lost", known)
	must(t, err)
	for i := range 60 {
		o := identity.Origin{Source: fmt.Sprintf("198.51.100.%d", i)}
		_, err = w.BeginEnrolment(ctx, ana.UserName, "0000", "guess", o)
		wantKind(t, err, fault.Unauthenticated)
	}
	_, err = w.BeginEnrolment(ctx, ana.UserName, inv.Code, goodPassword, ward)
	must(t, err)
	for i := range 5 {
		_, err = w.BeginEnrolment(ctx, ana.UserName, inv.Code, "guess", identity.Origin{Source: fmt.Sprintf("192.0.2.%d", i)})
		wantKind(t, err, fault.Unauthenticated)
	}
	_, err = w.BeginEnrolment(ctx, ana.UserName, inv.Code, goodPassword, ward)
	wantKind(t, err, fault.Unauthenticated)
}

func TestResetPasswordKeepsSecondFactor(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	inv, err := w.ResetPassword(ctx, operator, ana.ID, "forgotten", known)
	must(t, err)
	e, err := w.BeginEnrolment(ctx, ana.UserName, inv.Code, "seven brown owls at dawn", ward)
	must(t, err)
	if e.Secret != "" || e.URI != "" {
		t.Fatal("a second factor was handed out")
	}
	codes, err := w.FinishEnrolment(ctx, e.Token, w.code(ana.secret), ward)
	must(t, err)
	if codes != nil {
		t.Fatal("recovery codes were handed out")
	}
	w.clock.Advance(30 * time.Second)
	_, err = w.trySignIn(ana, "seven brown owls at dawn", ward)
	must(t, err)
}

// One administrator cannot take both factors of another person away, nor
// anything of his own.
func TestTwoAdministrators(t *testing.T) {
	w := newWorld(t)
	one, two, ana := w.add("admin.one", "admin"), w.add("admin.two", "admin"), w.add("ana.okafor", "nurse")
	first, second := w.resume(w.signIn(one)), w.resume(w.signIn(two))
	_, err := w.ResetMFA(ctx, first, one.ID, "", known)
	wantKind(t, err, fault.Denied)
	_, err = w.ResetPassword(ctx, first, one.ID, "", known)
	wantKind(t, err, fault.Denied)
	roles := []string{"doctor"}
	_, err = w.ChangePerson(ctx, first, one.ID, "", identity.Change{Roles: &roles})
	wantKind(t, err, fault.Denied)
	wantKind(t, w.Disable(ctx, first, one.ID, ""), fault.Denied)

	_, err = w.ResetPassword(ctx, first, ana.ID, "forgotten", known)
	must(t, err)
	_, err = w.ResetMFA(ctx, first, ana.ID, "lost", known)
	wantKind(t, err, fault.Denied)
	must(t, w.Disable(ctx, first, ana.ID, "round about"))
	must(t, w.Enable(ctx, first, ana.ID, "round about"))
	_, err = w.ResetMFA(ctx, first, ana.ID, "lost", known)
	wantKind(t, err, fault.Denied)
	_, err = w.ResetMFA(ctx, second, ana.ID, "lost", known)
	must(t, err)
	e := w.records.lastEvent(t)
	if e.Action != "reset-mfa" || e.Actor != two.ID || e.Target != ana.ID || e.Reason != "lost" || e.Session == "" {
		t.Fatalf("event %+v", e)
	}
}

func TestAdministrationIsGated(t *testing.T) {
	w := newWorld(t)
	ana, bob := w.add("ana.okafor", "nurse"), w.add("bob", "nurse")
	a := w.resume(w.signIn(ana))
	calls := map[string]func(identity.Actor) error{
		"AddPerson": func(a identity.Actor) error {
			_, _, err := w.AddPerson(ctx, a, identity.NewPerson{UserName: "x1", Family: "X"})
			return err
		},
		"Provision": func(a identity.Actor) error {
			_, _, err := w.Provision(ctx, a, identity.NewPerson{UserName: "x2", Family: "X"}, identity.Credentials{Password: goodPassword})
			return err
		},
		"Disable":       func(a identity.Actor) error { return w.Disable(ctx, a, bob.ID, "") },
		"Enable":        func(a identity.Actor) error { return w.Enable(ctx, a, bob.ID, "") },
		"EndPerson":     func(a identity.Actor) error { return w.EndPerson(ctx, a, bob.ID, "") },
		"EndAll":        func(a identity.Actor) error { return w.EndAll(ctx, a, bob.ID, "") },
		"ResetMFA":      func(a identity.Actor) error { _, err := w.ResetMFA(ctx, a, bob.ID, "", known); return err },
		"ResetPassword": func(a identity.Actor) error { _, err := w.ResetPassword(ctx, a, bob.ID, "", known); return err },
		"ChangePerson": func(a identity.Actor) error {
			_, err := w.ChangePerson(ctx, a, bob.ID, "", identity.Change{})
			return err
		},
		"Person":  func(a identity.Actor) error { _, err := w.Person(ctx, a, bob.ID); return err },
		"People":  func(a identity.Actor) error { _, err := w.People(ctx, a); return err },
		"Clients": func(a identity.Actor) error { _, err := w.Clients(ctx, a); return err },
		"AddClient": func(a identity.Actor) error {
			_, _, err := w.AddClient(ctx, a, "x", identity.Scopes{{Type: "*", Access: 1}})
			return err
		},
		"DisableClient":   func(a identity.Actor) error { return w.DisableClient(ctx, a, "x", "") },
		"NewClientSecret": func(a identity.Actor) error { _, err := w.NewClientSecret(ctx, a, "x", ""); return err },
	}
	for name, call := range calls {
		for _, who := range []identity.Actor{a, {}} {
			before := len(w.records.events)
			if err := call(who); !fault.Is(err, fault.Denied) {
				t.Errorf("%s by %q: %v", name, who.ID, err)
			}
			if len(w.records.events) != before {
				t.Errorf("%s wrote something", name)
			}
		}
	}
	if p, err := w.Person(ctx, a, ana.ID); err != nil || p.UserName != ana.UserName {
		t.Fatal("one may not see oneself", err)
	}
}

func TestPersonRules(t *testing.T) {
	w := newWorld(t)
	w.add("ana.okafor", "nurse")
	cases := []struct {
		name string
		n    identity.NewPerson
		kind fault.Kind
	}{
		{"taken, in other letters", identity.NewPerson{UserName: "ANA.Okafor", Family: "X"}, fault.Conflict},
		{"no name", identity.NewPerson{UserName: "", Family: "X"}, fault.Invalid},
		{"look-alike", identity.NewPerson{UserName: "аna", Family: "X"}, fault.Invalid},
		{"Kelvin sign", identity.NewPerson{UserName: "\u212Aate", Family: "X"}, fault.Invalid},
		{"blank", identity.NewPerson{UserName: "a b", Family: "X"}, fault.Invalid},
		{"no family name", identity.NewPerson{UserName: "ab"}, fault.Invalid},
		{"role unknown", identity.NewPerson{UserName: "ab", Family: "X", Roles: []string{"wizard"}}, fault.Invalid},
		{"role of the server", identity.NewPerson{UserName: "ab", Family: "X", Roles: []string{"operator"}}, fault.Invalid},
		{"ward", identity.NewPerson{UserName: "ab", Family: "X", WardIDs: []string{"Location/1"}}, fault.Invalid},
	}
	for _, c := range cases {
		if _, _, err := w.AddPerson(ctx, operator, c.n); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	people, err := w.People(ctx, operator)
	if err != nil || len(people) != 1 {
		t.Fatalf("%d people, %v", len(people), err)
	}
}

func TestSetPassword(t *testing.T) {
	w := newWorld(t)
	ana := w.add("ana.okafor", "nurse")
	a := w.resume(w.signIn(ana))
	wantKind(t, w.SetPassword(ctx, a, "wrong", "seven brown owls at dawn"), fault.Unprocessable)
	wantKind(t, w.SetPassword(ctx, a, goodPassword, "short"), fault.Unprocessable)
	weak := a
	weak.MFA = identity.AssuranceSingle
	wantKind(t, w.SetPassword(ctx, weak, goodPassword, "seven brown owls at dawn"), fault.Denied)
	stale := a
	stale.AuthTime = stale.AuthTime.Add(-time.Hour)
	if err := w.SetPassword(ctx, stale, goodPassword, "seven brown owls at dawn"); !errors.Is(err, identity.ErrStepUp) {
		t.Errorf("an old proof changes the password: %v", err)
	}
	must(t, w.SetPassword(ctx, a, goodPassword, "seven brown owls at dawn"))
	_, err := w.trySignIn(ana, goodPassword, ward)
	wantKind(t, err, fault.Unauthenticated)
	w.clock.Advance(30 * time.Second)
	_, err = w.trySignIn(ana, "seven brown owls at dawn", ward)
	must(t, err)
	for range 5 {
		_ = w.SetPassword(ctx, a, "guess", "x")
	}
	wantKind(t, w.SetPassword(ctx, a, "guess", "x"), fault.Throttled)
}
