package identity_test

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// letIn lets an app do what is asked, and returns it with its tokens.
func (w *world) letIn(g identity.Grant, text string) (identity.Client, identity.Delegation) {
	w.t.Helper()
	asked, err := identity.ParseAsked(text)
	must(w.t, err)
	c, _, err := w.RegisterClient(ctx, operator, identity.NewClient{
		Name: "growth", Scopes: asked.Scopes, Words: asked.Words, Auth: identity.AuthNone, RedirectURIs: []string{answerTo},
	})
	must(w.t, err)
	sum := sha256.Sum256([]byte(verifier))
	id, err := w.KeepRequest(ctx, identity.AuthRequest{
		ClientID: c.ID, RedirectURI: answerTo, Challenge: base64.RawURLEncoding.EncodeToString(sum[:]), Asked: asked,
	})
	must(w.t, err)
	code, _, err := w.Decide(ctx, w.resume(g), id, identity.Decision{Allow: true, Granted: asked})
	must(w.t, err)
	d, err := w.Redeem(ctx, c, code, answerTo, verifier, ward)
	must(w.t, err)
	return c, d
}

// TestAppsLoseWhatIsTakenAway takes single grants from an app: its tokens that are out,
// what is told of them, and those to come are without; nothing is ever added, by nobody
// else, and what was taken does not come back.
func TestAppsLoseWhatIsTakenAway(t *testing.T) {
	w := newWorld(t)
	ana, bo := w.add("ana.okafor", "nurse"), w.add("bo.lind", "admin")
	g, other := w.signIn(ana), w.resume(w.signIn(bo))
	app, d := w.letIn(g, "openid fhirUser offline_access user/Patient.rs user/Observation.rs")
	elsewhere := w.another()
	scopes := func(s *identity.Service) string {
		t.Helper()
		a, err := s.Authenticate(ctx, d.Access.Text, ward)
		must(t, err)
		told, found, err := s.Introspect(ctx, app, d.Access.Text)
		must(t, err)
		fresh, stays, err := s.Introspect(ctx, app, d.Refresh)
		must(t, err)
		if !found || told.Scopes.String() != a.Scopes.String() || stays && fresh.Scopes.String() != a.Scopes.String() || stays && strings.Join(fresh.Words, " ") != strings.Join(told.Words, " ") {
			t.Errorf("told %+v of %s, and of what refreshes it %+v", told, a.Scopes, fresh)
		}
		return a.Scopes.String() + " " + strings.Join(told.Words, " ")
	}
	const all = "user/Observation.rs user/Patient.rs fhirUser offline_access openid"
	if got := scopes(w.Service); got != all || scopes(elsewhere) != all {
		t.Fatalf("let in with %s", got)
	}
	id := d.Connection.ID
	narrow := func(a identity.Actor, keep string) error { return w.NarrowConnection(ctx, a, id, strings.Fields(keep)) }
	me := w.resume(g)
	wantKind(t, narrow(other, "user/Patient.rs"), fault.NotFound)
	program := me
	program.ClientID = app.ID
	wantKind(t, narrow(program, "user/Patient.rs"), fault.NotFound)
	for _, more := range []string{"user/Patient.cruds", "user/Patient.rs user/Encounter.rs", "user/*.rs", "profile", "user/Patient.r"} {
		wantKind(t, narrow(me, all+" "+more), fault.Unprocessable)
	}
	wantKind(t, narrow(me, ""), fault.Unprocessable)
	wantKind(t, narrow(me, "openid"), fault.Unprocessable)
	must(t, narrow(me, all))
	if got := scopes(w.Service); got != all {
		t.Fatalf("changed by what changes nothing: %s", got)
	}
	must(t, narrow(me, "user/Patient.rs offline_access"))
	if e := w.records.lastEvent(t); e.Action != "narrow-connection" || e.Actor != ana.ID || e.Client != app.ID || e.Target != id || e.Detail != "taken away: user/Observation.rs fhirUser" {
		t.Errorf("event %+v", e)
	}
	const left = "user/Patient.rs offline_access openid"
	if got := scopes(w.Service); got != left {
		t.Errorf("at once: %s", got)
	}
	w.clock.Advance(time.Second)
	if got := scopes(elsewhere); got != left {
		t.Errorf("in another process, a second later: %s", got)
	}
	wantKind(t, narrow(me, all), fault.Unprocessable)
	var err error
	d, err = w.Refresh(ctx, app, d.Refresh, identity.Asked{}, ward)
	must(t, err)
	if got := scopes(w.Service); got != left {
		t.Errorf("refreshed: %s", got)
	}
	// Without leave to stay it is let in for as long as its token lives.
	must(t, narrow(me, "user/Patient.rs"))
	_, err = w.Refresh(ctx, app, d.Refresh, identity.Asked{}, ward)
	wantKind(t, err, fault.Unprocessable)
	if _, found, _ := w.Introspect(ctx, app, d.Refresh); found {
		t.Error("what refreshes nothing is told as good")
	}
	w.stillOpen(t, d, false)
	must(t, w.EndConnection(ctx, me, id, "done"))
	wantKind(t, narrow(me, "user/Patient.rs"), fault.NotFound)
}

// TestTakingAwayAddsNothing: an app that was let in until its person signs out does not
// outlast that because she took the very words away.
func TestTakingAwayAddsNothing(t *testing.T) {
	w := newWorld(t)
	g := w.signIn(w.add("ana.okafor", "nurse"))
	_, d := w.letIn(g, "online_access user/Patient.rs")
	must(t, w.NarrowConnection(ctx, w.resume(g), d.Connection.ID, []string{"user/Patient.rs"}))
	w.stillOpen(t, d, false)
	must(t, w.End(ctx, g.Token, ward))
	w.clock.Advance(time.Second)
	w.stillOpen(t, d, true)
}
