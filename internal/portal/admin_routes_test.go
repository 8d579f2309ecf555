package portal_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// TestAccountRoutes goes through every address of one's own account and of others'
// accounts: nothing without a session or in a locked one, no form from another
// site, and no change by an old proof.
func TestAccountRoutes(t *testing.T) {
	pages := []string{"/account", "/account/passkey", "/account/recovery", "/account/password", "/people", "/people/new", "/people/u2"}
	forms := []string{
		"/account/passkey", "/account/passkey/remove", "/account/recovery", "/account/password", "/people/new",
		"/people/u2/change", "/people/u2/attest", "/people/u2/disable", "/people/u2/enable", "/people/u2/end-sessions", "/people/u2/end", "/people/u2/reset-mfa", "/people/u2/reset-password",
	}
	filled := url.Values{"reason": {"x"}, "kind": {"training"}, "on": {"2026-01-05"}, "by": {"x"}, "new": {"x"}, "again": {"x"}, "back": {"/people/u2"}}
	store := &noRecords{}
	v := visit(t, func(s *portaltest.Stage, cfg *portal.Config) {
		people, err := identity.New(identity.Config{Records: store, Audit: store, Gate: store, Clock: s.Clock})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Own, cfg.People = people, people
	})
	all := func(what string, want int, leads string) {
		t.Helper()
		for _, path := range pages {
			if a := v.get(path); a.StatusCode != want || !strings.HasPrefix(a.Header.Get("Location"), leads) {
				t.Errorf("%s: GET %s: %d %s", what, path, a.StatusCode, a.Header.Get("Location"))
			}
		}
		for _, path := range forms {
			if a := v.do("POST", path, filled); a.StatusCode != want || !strings.HasPrefix(a.Header.Get("Location"), leads) {
				t.Errorf("%s: POST %s: %d %s", what, path, a.StatusCode, a.Header.Get("Location"))
			}
		}
	}
	all("without a session", 303, "/sign-in")
	v.signIn()
	for _, path := range append(forms, "/account/session/end/u2", "/account/sessions/end", "/account/news", "/step-up", "/passkey/ask") {
		if a := v.do("POST", path, filled, "Sec-Fetch-Site", "cross-site"); a.StatusCode != 403 {
			t.Errorf("a form of another site: %s: %d", path, a.StatusCode)
		}
	}
	for range 2 {
		v.stage.Clock.Advance(3 * time.Minute)
		v.get("/ward")
	}
	for _, path := range forms {
		if a := v.do("POST", path, filled); a.StatusCode != 303 || a.Header.Get("Location") != "/step-up?to=/people/u2" {
			t.Errorf("an old proof: POST %s: %d %s", path, a.StatusCode, a.Header.Get("Location"))
		}
	}
	if store.changes != 0 {
		t.Errorf("%d changes by an old proof", store.changes)
	}
	v.post("/lock")
	all("locked", 303, "/lock")
}

// noRecords is storage without anything in it, whose gate lets everybody through.
type noRecords struct {
	identity.Records
	changes int
}

func (r *noRecords) Put(context.Context, identity.Event, []identity.Write) error {
	r.changes++
	return nil
}

func (r *noRecords) Get(context.Context, string, string) (identity.Doc, error) {
	return identity.Doc{}, fault.New(fault.NotFound, "test", "")
}

func (r *noRecords) Append(context.Context, ...identity.Event) error { return nil }

func (r *noRecords) Permit(context.Context, identity.Actor, string, string) error { return nil }

// resets is People as far as a reset needs it.
type resets struct {
	others
	seen []identity.Identified
}

func (r *resets) Person(context.Context, identity.Actor, string) (identity.Person, error) {
	return identity.Person{ID: "u2", Family: "Lind", Attestations: []identity.Attestation{
		{Kind: identity.AttestIdentity, On: time.Date(2026, 3, 7, 8, 0, 0, 0, time.UTC), By: "Front desk", How: identity.SeenByVideo, Document: "passport", Note: "from abroad"},
	}}, nil
}

func (r *resets) ResetMFA(_ context.Context, _ identity.Actor, _, _ string, seen identity.Identified) (identity.Invitation, error) {
	r.seen = append(r.seen, seen)
	return identity.Invitation{}, nil
}

func (r *resets) ResetPassword(ctx context.Context, a identity.Actor, id, reason string, seen identity.Identified) (identity.Invitation, error) {
	return r.ResetMFA(ctx, a, id, reason, seen)
}

// TestResetSaysWhoWasSeen: what is filled in reaches the record whole, and the page tells
// what is there.
func TestResetSaysWhoWasSeen(t *testing.T) {
	people := &resets{}
	v := visit(t, func(_ *portaltest.Stage, cfg *portal.Config) { cfg.People = people }).signIn()
	want := identity.Identified{By: "Front desk", How: identity.SeenByVideo, Document: "passport", Note: "from abroad"}
	for i, path := range []string{"/people/u2/reset-mfa", "/people/u2/reset-password"} {
		a := v.post(path, "reason", "lost", "seenby", " Front desk ", "how", want.How, "document", want.Document, "note", want.Note)
		if a.StatusCode != 200 || len(people.seen) != i+1 || people.seen[i] != want {
			t.Errorf("%s: %d, %+v", path, a.StatusCode, people.seen)
		}
		if !strings.Contains(a.body, "by Front desk: in a video call, passport. from abroad") {
			t.Errorf("%s: the page does not tell", path)
		}
	}
}

// ends is People as far as the end of sessions needs it.
type ends struct {
	resets
	told []string
}

func (e *ends) EndAll(_ context.Context, actor identity.Actor, id, reason string) error {
	e.told = append(e.told, actor.ID+" "+id+" "+reason)
	return nil
}

// TestAdministratorsEndSessions: one form ends somebody's sessions and nothing else, and
// says why.
func TestAdministratorsEndSessions(t *testing.T) {
	people := &ends{}
	v := visit(t, func(_ *portaltest.Stage, cfg *portal.Config) { cfg.People = people }).signIn()
	if a := v.get("/people/u2"); !strings.Contains(a.body, `action="/people/u2/end-sessions"`) {
		t.Error("her page has no way to end her sessions")
	}
	if a := v.post("/people/u2/end-sessions", "reason", ""); a.StatusCode != 422 || len(people.told) != 0 {
		t.Errorf("without a reason: %d, %q", a.StatusCode, people.told)
	}
	if a := v.post("/people/u2/end-sessions", "reason", "tablet lost"); a.StatusCode != 200 || !slices.Equal(people.told, []string{"u1 u2 tablet lost"}) {
		t.Errorf("%d, %q", a.StatusCode, people.told)
	}
}

type others interface{ portal.People }

// refusing is People that lets nobody do anything.
type refusing struct {
	others
	tried []string
	who   []string
}

func (r *refusing) People(context.Context, identity.Actor) ([]identity.Person, error) {
	return nil, fault.New(fault.Denied, "test", "")
}

func (r *refusing) Person(context.Context, identity.Actor, string) (identity.Person, error) {
	return identity.Person{ID: "u2"}, nil
}

func (r *refusing) Disable(context.Context, identity.Actor, string, string) error {
	return fault.New(fault.Denied, "test", "")
}

func (r *refusing) Enable(context.Context, identity.Actor, string, string) error {
	return &fault.Error{Kind: fault.Denied, Op: "test", Err: identity.ErrAnotherPerson}
}

func (r *refusing) EndPerson(context.Context, identity.Actor, string, string) error {
	return &fault.Error{Kind: fault.Denied, Op: "test", Err: identity.ErrStepUp}
}

func (r *refusing) NoteRefusal(_ context.Context, a identity.Actor, tried string) error {
	r.who, r.tried = append(r.who, a.ID+" "+a.SessionID), append(r.tried, tried)
	return nil
}

// TestRefusedAdministrationIsToldOf: whoever is refused a page or a form is written down,
// with its pattern and nothing that was sent; who only has to prove herself is not.
func TestRefusedAdministrationIsToldOf(t *testing.T) {
	r := &refusing{}
	v := visit(t, func(_ *portaltest.Stage, cfg *portal.Config) { cfg.People, cfg.Refusals = r, r }).signIn()
	v.get("/people/u2")
	if len(r.tried) != 0 {
		t.Fatalf("told of what was not refused: %q", r.tried)
	}
	for _, c := range []struct {
		method, path, want string
		status             int
	}{
		{"GET", "/people", "GET /people", 403},
		{"POST", "/people/u2/disable", "POST /people/{person}/disable", 403},
		{"POST", "/people/u2/enable", "POST /people/{person}/enable", 403},
		{"POST", "/people/u2/end", "", 303},
	} {
		r.tried = nil
		a := v.do(c.method, c.path, url.Values{"reason": {"canary-words"}})
		if told := strings.Join(r.tried, ","); a.StatusCode != c.status || told != c.want {
			t.Errorf("%s %s: %d, told %q", c.method, c.path, a.StatusCode, told)
		}
	}
	if len(r.who) != 3 || r.who[0] != "u1 digest" {
		t.Errorf("told of %q", r.who)
	}
	v.post("/lock")
	v.get("/people")
	if len(r.who) != 3 {
		t.Error("told of a page behind the lock")
	}
}
