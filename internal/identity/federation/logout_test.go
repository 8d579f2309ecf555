package federation_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/identity/federation"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutClaims are those of a good logout token; nil takes one out.
func (w *world) logoutClaims(jti string, change map[string]any) map[string]any {
	now := w.clock.Now()
	claims := map[string]any{
		"iss": w.issuer.server.URL, "aud": clientID, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(),
		"jti": jti, "sid": "s-1", "events": map[string]any{logoutEvent: map[string]any{}},
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func (w *world) logoutToken(jti string, change map[string]any) string {
	return w.issuer.signed("RS256", w.issuer.key, "k1", "logout+jwt", w.logoutClaims(jti, change))
}

func (w *world) open(g identity.Grant) bool {
	w.t.Helper()
	_, err := w.people.Resume(ctx, g.Token, ward)
	return err == nil
}

func TestBackChannelLogout(t *testing.T) {
	for name, change := range map[string]map[string]any{
		"by session": nil, "by person": {"sid": nil, "sub": "u-1"}, "by both": {"sub": "u-1"},
	} {
		w := newWorld(t)
		g := w.signedIn()
		if !w.open(g) {
			t.Fatal("not signed in")
		}
		w.clock.Advance(time.Second)
		if err := w.Ended(ctx, "lakeside", w.logoutToken("j-1", change), ward); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if w.open(g) { // in the same second, in the same process
			t.Errorf("%s: the session goes on", name)
		}
		if e := w.records.last(); e.Action != "logout" || e.Outcome != identity.Success || !strings.Contains(e.Detail, "lakeside") {
			t.Errorf("%s: %+v", name, e)
		}
		w.clock.Advance(time.Second)
		r, err := w.visit()
		if err != nil || !w.open(r.Grant) {
			t.Errorf("%s: a new session: %v", name, err)
		}
	}
}

// TestBackChannelLogoutOfOthers: sessions of other people, of other sessions
// upstream, and those begun by password go on.
func TestBackChannelLogoutOfOthers(t *testing.T) {
	w := newWorld(t)
	g := w.signedIn()
	w.clock.Advance(time.Second)
	for jti, change := range map[string]map[string]any{
		"j-1": {"sid": "s-2"}, "j-2": {"sid": nil, "sub": "u-2"}, "j-3": {"sub": "u-2"},
	} {
		if err := w.Ended(ctx, "lakeside", w.logoutToken(jti, change), ward); err != nil {
			t.Fatal(err)
		}
	}
	if !w.open(g) {
		t.Error("the session of somebody else ended")
	}
}

// TestBackChannelLogoutElsewhere: another process ends the session within a second.
func TestBackChannelLogoutElsewhere(t *testing.T) {
	w := newWorld(t)
	g := w.signedIn()
	other, err := identity.New(identity.Config{Records: w.records, Audit: w.records, Gate: gate{}, Clock: w.clock, Providers: []string{"lakeside"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Resume(ctx, g.Token, ward); err != nil {
		t.Fatal(err)
	}
	if err := w.Ended(ctx, "lakeside", w.logoutToken("j-1", nil), ward); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	if _, err := other.Resume(ctx, g.Token, ward); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a second later: %v", err)
	}
}

func TestLogoutTokensThatAreNotBelieved(t *testing.T) {
	w := newWorld(t)
	g := w.signedIn()
	at := func(d time.Duration) int64 { return w.clock.Now().Add(d).Unix() }
	w.clock.Advance(time.Second)
	for name, token := range map[string]string{
		"none":             "",
		"unsigned":         unsigned(w.logoutClaims("a", nil)),
		"HS256":            w.issuer.signed("HS256", []byte(strings.Repeat(clientSecret, 3)), "k1", "logout+jwt", w.logoutClaims("a", nil)),
		"another type":     w.issuer.signed("RS256", w.issuer.key, "k1", "at+jwt", w.logoutClaims("a", nil)),
		"with a nonce":     w.logoutToken("b", map[string]any{"nonce": "n"}),
		"no events":        w.logoutToken("c", map[string]any{"events": nil}),
		"another event":    w.logoutToken("d", map[string]any{"events": map[string]any{"x": map[string]any{}}}),
		"event of no form": w.logoutToken("e", map[string]any{"events": map[string]any{logoutEvent: "yes"}}),
		"event null":       w.logoutToken("f", map[string]any{"events": map[string]any{logoutEvent: nil}}),
		"another audience": w.logoutToken("g", map[string]any{"aud": "other"}),
		"two audiences":    w.logoutToken("h", map[string]any{"aud": []string{clientID, "other"}}),
		"another issuer":   w.logoutToken("i", map[string]any{"iss": "https://evil.example"}),
		"expired":          w.logoutToken("j", map[string]any{"exp": at(-2 * time.Minute)}),
		"without an end":   w.logoutToken("k", map[string]any{"exp": nil}),
		"old":              w.logoutToken("l", map[string]any{"iat": at(-time.Hour)}),
		"from the future":  w.logoutToken("m", map[string]any{"iat": at(time.Hour)}),
		"without a name":   w.logoutToken("", map[string]any{"jti": nil}),
		"of nothing":       w.logoutToken("n", map[string]any{"sid": nil}),
	} {
		err := w.Ended(ctx, "lakeside", token, ward)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if e := w.records.last(); e.Action != "logout" || e.Outcome != identity.Failure {
			t.Errorf("%s: recorded as %+v", name, e)
		}
	}
	if !w.open(g) {
		t.Fatal("the session ended")
	}
	good := w.logoutToken("z", map[string]any{"sid": "s-2"})
	if err := w.Ended(ctx, "lakeside", good, ward); err != nil {
		t.Fatalf("the control: %v", err)
	}
	if err := w.Ended(ctx, "lakeside", good, ward); !fault.Is(err, fault.Invalid) || !strings.Contains(w.records.last().Detail, "used before") {
		t.Errorf("replayed: %v", err)
	}
}

// TestIDTokenEndsNothing: a token of another kind, however good, is no logout.
func TestIDTokenEndsNothing(t *testing.T) {
	w := newWorld(t)
	var kept string
	sign := w.issuer.sign
	w.issuer.set(func() { w.issuer.sign = func(c map[string]any) string { kept = sign(c); return kept } })
	g := w.signedIn()
	if err := w.Ended(ctx, "lakeside", kept, ward); !fault.Is(err, fault.Invalid) || !w.open(g) {
		t.Errorf("%v", err)
	}
}

// TestProveAnew is step-up and unlocking: the provider asks again, and the same
// person answers.
func TestProveAnew(t *testing.T) {
	w := newWorld(t)
	g := w.signedIn()
	if err := w.people.Lock(ctx, g.Token); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(10 * time.Minute)
	ask := federation.Ask{Session: g.Session.ID, Back: "/ward"}
	anew := func(claims map[string]any) (federation.Return, error) {
		w.issuer.set(func() { w.issuer.claims = claims })
		a := w.begin(ask)
		q, _ := url.Parse(a.Address)
		if q.Query().Get("prompt") != "login" || q.Query().Get("max_age") != "0" {
			t.Errorf("the provider is not asked to ask: %s", q.RawQuery)
		}
		return w.Finish(ctx, "lakeside", w.issuer.visit(a.Address), a.Binding, ward)
	}
	_, err := anew(map[string]any{"auth_time": w.clock.Now().Add(-5 * time.Minute).Unix()})
	w.refusedVisit("an old proof", "too old", err)
	_, err = anew(map[string]any{"auth_time": nil})
	w.refusedVisit("no word of when", "auth_time", err)
	_, err = anew(map[string]any{"sub": "u-2"})
	if !fault.Is(err, fault.Denied) || w.records.last().Outcome != identity.Failure || w.records.last().Action != "unlock" {
		t.Errorf("another person: %v", err)
	}
	r, err := anew(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.people.Resume(ctx, r.Grant.Token, ward)
	if err != nil || s.Locked || w.clock.Now().Sub(s.Actor.AuthTime) > time.Second || !s.Created.Equal(g.Session.Created) {
		t.Errorf("%+v, %v", s, err)
	}
	if w.open(g) {
		t.Error("the old id still opens the session")
	}
}

// TestSignInFromTheLockIsProven: whoever passes a locked page presses a button, and the
// provider knows the person who locked it. It has to ask, or nobody comes in.
func TestSignInFromTheLockIsProven(t *testing.T) {
	w := newWorld(t)
	w.signedIn()
	w.clock.Advance(10 * time.Minute)
	for line, asks := range map[string]bool{"": false, "a line": true} {
		for name, claims := range map[string]map[string]any{
			"too old": {"auth_time": w.clock.Now().Add(-5 * time.Minute).Unix()}, "auth_time": {"auth_time": nil}, "": nil,
		} {
			w.issuer.set(func() { w.issuer.claims = claims })
			a := w.begin(federation.Ask{Leaves: line, Back: "/ward"})
			q, _ := url.Parse(a.Address)
			if (q.Query().Get("prompt") == "login" && q.Query().Get("max_age") == "0") != asks {
				t.Errorf("over %q: %s", line, q.RawQuery)
			}
			r, err := w.Finish(ctx, "lakeside", w.issuer.visit(a.Address), a.Binding, ward)
			switch {
			case asks && name != "":
				w.refusedVisit(name, name, err)
			case err != nil || r.Left != line:
				t.Errorf("over %q, %s: left %q, %v", line, name, r.Left, err)
			}
		}
	}
}

func TestMaxAge(t *testing.T) {
	w := newWorld(t, func(p *config.Provider) { p.MaxAge = time.Hour })
	w.signedIn()
	w.issuer.set(func() { w.issuer.claims = map[string]any{"auth_time": w.clock.Now().Add(-2 * time.Hour).Unix()} })
	_, err := w.visit()
	w.refusedVisit("too long ago", "too old", err)
}

// TestOldProofDoesNotLock: a session is as old as it is, though the proof upstream
// may be older; and that proof is what step-up looks at.
func TestOldProofDoesNotLock(t *testing.T) {
	w := newWorld(t)
	then := w.clock.Now().Add(-2 * time.Hour).Truncate(time.Second)
	w.issuer.set(func() { w.issuer.claims = map[string]any{"auth_time": then.Unix()} })
	g := w.signedIn()
	w.clock.Advance(2 * time.Second)
	s, err := w.people.Resume(ctx, g.Token, ward)
	if err != nil || !s.Actor.AuthTime.Equal(then) {
		t.Errorf("%+v, %v", s, err)
	}
}
