package identity_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// vouched is what a provider says of Ana.
func (w *world) vouched(change ...func(*identity.Upstream)) identity.Upstream {
	u := identity.Upstream{
		Provider: "lakeside", Issuer: "https://id.example", Account: "a-1", Subject: "s-1", Session: "x-1",
		Given: "Ana", Family: "Okafor", Roles: []string{"nurse"}, AuthTime: w.clock.Now(),
	}
	for _, f := range change {
		f(&u)
	}
	return u
}

func federated(t *testing.T) *world {
	w := newWorld(t)
	w.config.Providers = []string{"lakeside"}
	w.Service = w.another()
	return w
}

// newcomer has somebody come by a provider for the first time.
func (w *world) newcomer(change ...func(*identity.Upstream)) identity.Person {
	w.t.Helper()
	_, err := w.SignInUpstream(ctx, w.vouched(change...), ward)
	wantKind(w.t, err, fault.Denied)
	people, err := w.People(ctx, operator)
	must(w.t, err)
	for _, p := range people {
		if strings.HasPrefix(p.UserName, "lakeside-") {
			return p
		}
	}
	w.t.Fatal("no account was made")
	return identity.Person{}
}

// TestNewcomerNeedsAttestations, and no password of her own ever opens a session.
func TestNewcomerNeedsAttestations(t *testing.T) {
	w := federated(t)
	p := w.newcomer()
	if p.Status != identity.StatusPending || p.Family != "Okafor" {
		t.Fatalf("%+v", p)
	}
	admin := w.resume(w.signIn(w.add("mia.garcia", "admin")))
	must(t, w.Attest(ctx, admin, p.ID, identity.AttestTraining, w.clock.Now(), "Academy"))
	_, err := w.SignInUpstream(ctx, w.vouched(), ward)
	wantKind(t, err, fault.Denied)
	must(t, w.Attest(ctx, admin, p.ID, identity.AttestClearance, w.clock.Now(), "Personnel"))
	wards, practitioner := []string{"ward-3"}, "prac-1"
	_, err = w.ChangePerson(ctx, admin, p.ID, "her ward", identity.Change{WardIDs: &wards, PractitionerID: &practitioner})
	must(t, err)
	g, err := w.SignInUpstream(ctx, w.vouched(), ward)
	must(t, err)
	if a := w.resume(g); a.WardIDs[0] != "ward-3" || a.PractitionerID != "prac-1" {
		t.Errorf("%+v", a)
	}
	must(t, w.Lock(ctx, g.Token))
	_, err = w.Unlock(ctx, g.Token, "", ward)
	wantKind(t, err, fault.Unauthenticated)
}

// TestNoLocalWayIn: one administrator cannot give somebody who comes by a provider a
// password and a second factor here, and come in as her.
func TestNoLocalWayIn(t *testing.T) {
	w := federated(t)
	p := w.newcomer()
	for _, attested := range []bool{false, true} {
		if attested {
			w.vouch(p)
		}
		_, err := w.ResetMFA(ctx, operator, p.ID, "lost", known)
		wantKind(t, err, fault.Unprocessable)
		_, err = w.ResetPassword(ctx, operator, p.ID, "lost", known)
		wantKind(t, err, fault.Unprocessable)
	}
}

// TestDisabledUpstream: whatever the provider says, who is shut out here stays out,
// and who was never attested is not by being let in again.
func TestDisabledUpstream(t *testing.T) {
	w := federated(t)
	p := w.newcomer()
	must(t, w.Disable(ctx, operator, p.ID, "wait"))
	must(t, w.Enable(ctx, operator, p.ID, "go on"))
	_, err := w.SignInUpstream(ctx, w.vouched(), ward)
	wantKind(t, err, fault.Denied)
	w.vouch(p)
	g, err := w.SignInUpstream(ctx, w.vouched(), ward)
	must(t, err)
	must(t, w.Disable(ctx, operator, p.ID, "left"))
	_, err = w.Resume(ctx, g.Token, ward)
	wantKind(t, err, fault.Unauthenticated)
	_, err = w.SignInUpstream(ctx, w.vouched(), ward)
	wantKind(t, err, fault.Denied)
	if !strings.Contains(fault.Public(err), "not active") {
		t.Errorf("%q", fault.Public(err))
	}
	must(t, w.Enable(ctx, operator, p.ID, "back"))
	g, err = w.SignInUpstream(ctx, w.vouched(), ward)
	must(t, err)
	must(t, w.EndAll(ctx, operator, p.ID, "lost phone"))
	_, err = w.Resume(ctx, g.Token, ward)
	wantKind(t, err, fault.Unauthenticated)
}

// TestNewcomersAtOnce: two first sign-ins at the same time make one account.
func TestNewcomersAtOnce(t *testing.T) {
	w := federated(t)
	other := w.another()
	done := make(chan error, 2)
	for _, s := range []*identity.Service{w.Service, other} {
		go func() { _, err := s.SignInUpstream(ctx, w.vouched(), ward); done <- err }()
	}
	for range 2 {
		wantKind(t, <-done, fault.Denied)
	}
	if people, err := w.People(ctx, operator); err != nil || len(people) != 1 {
		t.Errorf("%d accounts, %v", len(people), err)
	}
}

// TestNamesFromElsewhere: a name is printed on pages and screens.
func TestNamesFromElsewhere(t *testing.T) {
	w := federated(t)
	p := w.newcomer(func(u *identity.Upstream) {
		u.Given, u.Family = "A\x1b[2Jna\n", strings.Repeat("é", 200)
	})
	if p.Given != "A[2Jna" || len(p.Family) > 128 || !strings.HasPrefix(p.Family, "éé") {
		t.Errorf("%q %q", p.Given, p.Family)
	}
	_, err := w.SignInUpstream(ctx, w.vouched(func(u *identity.Upstream) { u.Roles = []string{"operator"} }), ward)
	wantKind(t, err, fault.Invalid)
}
