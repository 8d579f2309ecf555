package federation_test

import (
	"context"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/identity/federation"
)

var (
	ctx      = context.Background()
	ward     = identity.Origin{Source: "10.0.0.7", RequestID: "r1"}
	operator = identity.System("operator", "operator")
)

// world is a provider, a server's accounts, and the road between them.
type world struct {
	*federation.Federation
	t       *testing.T
	clock   *clock.Manual
	issuer  *issuer
	records *memory
	people  *identity.Service
}

func newWorld(t *testing.T, change ...func(*config.Provider)) *world {
	t.Helper()
	c := clock.NewManual(time.Date(2026, 3, 7, 8, 0, 10, 0, time.UTC))
	w := &world{t: t, clock: c, issuer: newIssuer(t, c), records: newMemory(c)}
	t.Setenv("A_SECRET", clientSecret)
	p := config.Provider{
		Name: "lakeside", Label: "Lakeside", Issuer: w.issuer.server.URL, ClientID: clientID, ClientSecretEnv: "A_SECRET",
		Roles: config.RoleMap{Claim: "realm_access.roles", Map: map[string]string{"ward.nurse": "nurse", "ward.doctor": "doctor"}},
		MFA:   config.MFA{Claim: "acr", Values: []string{"gold"}, Request: "acr_values"}, Private: true, CA: w.issuer.ca,
	}
	for _, f := range change {
		f(&p)
	}
	cfg := config.Default()
	cfg.Federation = []config.Provider{p}
	if err := cfg.Check(); err != nil {
		t.Fatal(err)
	}
	var err error
	w.people, err = identity.New(identity.Config{Records: w.records, Audit: w.records, Gate: gate{}, Clock: c, Providers: federation.Names(cfg.Federation)})
	if err != nil {
		t.Fatal(err)
	}
	w.Federation, err = federation.New(federation.Config{Providers: cfg.Federation, Base: "https://ehr.example", People: w.people, Short: w.records, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) begin(ask federation.Ask) federation.Away {
	w.t.Helper()
	a, err := w.Begin(ctx, "lakeside", ask, ward)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) visit() (federation.Return, error) {
	w.t.Helper()
	a := w.begin(federation.Ask{Back: "/ward"})
	return w.Finish(ctx, "lakeside", w.issuer.visit(a.Address), a.Binding, ward)
}

// clear lets everybody in who waits.
func (w *world) clear() identity.Person {
	w.t.Helper()
	people, err := w.people.People(ctx, operator)
	if err != nil || len(people) != 1 {
		w.t.Fatalf("%d people, %v", len(people), err)
	}
	wards, practitioner := []string{"ward-3"}, "prac-1"
	if _, err := w.people.ChangePerson(ctx, operator, people[0].ID, "contract seen", identity.Change{WardIDs: &wards, PractitionerID: &practitioner}); err != nil {
		w.t.Fatal(err)
	}
	for _, kind := range identity.AttestationKinds() {
		if err := w.people.Attest(ctx, operator, people[0].ID, kind, w.clock.Now(), "Personnel office"); err != nil {
			w.t.Fatal(err)
		}
	}
	return people[0]
}

// signedIn is a session of a nurse who has been cleared.
func (w *world) signedIn() identity.Grant {
	w.t.Helper()
	if _, err := w.visit(); !fault.Is(err, fault.Denied) {
		w.t.Fatalf("first visit: %v", err)
	}
	w.clear()
	r, err := w.visit()
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Grant
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	a := w.begin(federation.Ask{Back: "/ward"})
	q, _ := url.Parse(a.Address)
	for name, want := range map[string]string{
		"response_type": "code", "client_id": clientID, "redirect_uri": "https://ehr.example/sign-in/return/lakeside",
		"scope": "openid profile", "code_challenge_method": "S256", "acr_values": "gold", "prompt": "", "max_age": "",
	} {
		if got := q.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	_, err := w.Finish(ctx, "lakeside", w.issuer.visit(a.Address), a.Binding, ward)
	if !fault.Is(err, fault.Denied) || !strings.Contains(fault.Public(err), "clearance") {
		t.Fatalf("the first visit: %v", err)
	}
	if e := w.records.last(); e.Action != "create" || e.Type != identity.TypeUser {
		t.Errorf("%+v", e)
	}
	if _, err := w.visit(); !fault.Is(err, fault.Denied) || w.records.last().Outcome != identity.Failure {
		t.Fatalf("the second, still not cleared: %v", err)
	}
	p := w.clear()
	r, err := w.visit()
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.people.Resume(ctx, r.Grant.Token, ward)
	if err != nil || r.Back != "/ward" || s.Provider != "lakeside" {
		t.Fatalf("%+v, %v", s, err)
	}
	if s.Actor.ID != p.ID || s.Actor.Name != "Ana Okafor" || strings.Join(s.Actor.Roles, " ") != "nurse" ||
		s.Actor.MFA != identity.AssuranceMulti || s.Actor.PractitionerID != "prac-1" || !s.Actor.AuthTime.Equal(w.clock.Now().Truncate(time.Second)) {
		t.Errorf("%+v", s.Actor)
	}
	if e := w.records.last(); e.Action != "login" || e.Outcome != identity.Success || e.Actor != p.ID || !strings.Contains(e.Detail, "lakeside") {
		t.Errorf("%+v", e)
	}
}

func TestLinkedByIssuerAndSubjectAlone(t *testing.T) {
	w := newWorld(t)
	w.signedIn()
	w.issuer.set(func() {
		w.issuer.claims = map[string]any{"sub": "u-2", "email": "ana@example.org", "preferred_username": "ana"}
	})
	if _, err := w.visit(); !fault.Is(err, fault.Denied) {
		t.Errorf("somebody else of the same name and address: %v", err)
	}
	people, err := w.people.People(ctx, operator)
	if err != nil || len(people) != 2 || people[0].ID == people[1].ID {
		t.Errorf("%+v, %v", people, err)
	}
}

// TestRolesAreOfToday: what is taken away upstream is gone at the next sign-in, from
// sessions that are open, too.
func TestRolesAreOfToday(t *testing.T) {
	w := newWorld(t)
	first := w.signedIn()
	roles := func(list ...string) {
		w.issuer.set(func() { w.issuer.claims["realm_access"] = map[string]any{"roles": list} })
	}
	roles("ward.doctor", "ward.nurse", "ward.doctor")
	r, err := w.visit()
	if err != nil || strings.Join(r.Grant.Session.Actor.Roles, " ") != "doctor nurse" {
		t.Fatalf("%v, %v", r.Grant.Session.Actor.Roles, err)
	}
	roles("coffee", "nurse", "admin") // names of our own roles mean nothing
	if _, err := w.visit(); !fault.Is(err, fault.Denied) || !strings.Contains(fault.Public(err), "role") {
		t.Errorf("without a role: %v", err)
	}
	if e := w.records.last(); e.Outcome != identity.Failure || !strings.Contains(e.Detail, "no role") {
		t.Errorf("%+v", e)
	}
	s, err := w.people.Resume(ctx, first.Token, ward)
	if err != nil || len(s.Actor.Roles) != 0 {
		t.Errorf("an open session keeps %v, %v", s.Actor.Roles, err)
	}
}

func TestSessionNeedsItsProvider(t *testing.T) {
	w := newWorld(t)
	g := w.signedIn()
	without, err := identity.New(identity.Config{Records: w.records, Audit: w.records, Gate: gate{}, Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := without.Resume(ctx, g.Token, ward); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a session of a provider that was taken out: %v", err)
	}
}

func TestSignOutAddress(t *testing.T) {
	for logout, want := range map[string]string{
		"":        "/end?client_id=wardkeep&post_logout_redirect_uri=https%3A%2F%2Fehr.example%2Fsign-in&realm=x",
		"cognito": "/end?client_id=wardkeep&logout_uri=https%3A%2F%2Fehr.example%2Fsign-in&realm=x",
		"none":    "",
	} {
		w := newWorld(t, func(p *config.Provider) { p.Logout = logout })
		got, err := w.SignOutAddress(ctx, "lakeside")
		if err != nil || strings.TrimPrefix(got, w.issuer.server.URL) != want {
			t.Errorf("%q: %q, %v", logout, got, err)
		}
	}
}

// TestSecretsOfASignInAreLong: what binds an answer to its question has 128 random bits
// or more, and is new each time.
func TestSecretsOfASignInAreLong(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for range 3 {
		a := w.begin(federation.Ask{})
		u, err := url.Parse(a.Address)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"state": u.Query().Get("state"), "nonce": u.Query().Get("nonce"), "code_challenge": u.Query().Get("code_challenge"), "binding": a.Binding,
		} {
			b, err := base64.RawURLEncoding.DecodeString(text)
			if err != nil || len(b) < 16 || seen[text] {
				t.Errorf("%s: %d bytes, or seen before: %v", name, len(b), err)
			}
			seen[text] = true
		}
	}
}
