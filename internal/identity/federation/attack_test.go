package federation_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/identity/federation"
)

// refusedVisit wants a visit refused, recorded with the reason, and no session.
func (w *world) refusedVisit(name, why string, err error) {
	w.t.Helper()
	e := w.records.last()
	switch {
	case err == nil:
		w.t.Errorf("%s: signed in", name)
	case e.Action != "login" || e.Outcome != identity.Failure || !strings.Contains(e.Detail, why):
		w.t.Errorf("%s: recorded as %q %q %q, want %q (%v)", name, e.Action, e.Outcome, e.Detail, why, err)
	case len(fault.Public(err)) < 20 || fault.Public(err) == fault.KindOf(err).Sentence():
		w.t.Errorf("%s: the person is told %q", name, fault.Public(err))
	}
	w.clock.Advance(3 * time.Minute) // past the throttle
}

// TestTokensThatAreNotBelieved has the provider answer with one thing wrong at a
// time. The control is a token with nothing wrong.
func TestTokensThatAreNotBelieved(t *testing.T) {
	w := newWorld(t, func(p *config.Provider) { p.Require = map[string]string{"hd": "example.org"} })
	w.signedIn()
	stranger, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	hmac := []byte(clientSecret + strings.Repeat("x", 32))
	good := w.issuer.sign
	at := func(d time.Duration) int64 { return w.clock.Now().Add(d).Unix() }
	for _, c := range []struct {
		name, why string
		claims    map[string]any
		sign      func(map[string]any) string
	}{
		{"wrong nonce", "nonce", map[string]any{"nonce": "another"}, nil},
		{"no nonce", "nonce", map[string]any{"nonce": nil}, nil},
		{"another audience", "not signed by the provider for this server", map[string]any{"aud": "other"}, nil},
		{"one audience more", "audiences", map[string]any{"aud": []string{clientID, "other"}}, nil},
		{"another party", "audiences", map[string]any{"azp": "other"}, nil},
		{"another issuer", "not signed", map[string]any{"iss": "https://evil.example"}, nil},
		{"expired", "expired", map[string]any{"exp": at(-2 * time.Minute)}, nil},
		{"without an end", "expired", map[string]any{"exp": nil}, nil},
		{"from the future", "another time", map[string]any{"iat": at(2 * time.Hour)}, nil},
		{"from before", "another time", map[string]any{"iat": at(-2 * time.Minute)}, nil},
		{"not yet", "not hold yet", map[string]any{"nbf": at(2 * time.Hour)}, nil},
		{"nobody", "nobody", map[string]any{"sub": ""}, nil},
		{"one factor", "second factor", map[string]any{"acr": "silver"}, nil},
		{"no word of factors", "second factor", map[string]any{"acr": nil}, nil},
		{"factors in another form", "second factor", map[string]any{"acr": map[string]any{"gold": true}}, nil},
		{"another organisation", "required claim", map[string]any{"hd": "evil.example"}, nil},
		{"no organisation", "required claim", map[string]any{"hd": nil}, nil},
		{"two organisations", "required claim", map[string]any{"hd": []string{"example.org", "evil.example"}}, nil},
		{"no role", "no role", map[string]any{"realm_access": nil}, nil},
		{"roles in another form", "no role", map[string]any{"realm_access": "ward.nurse"}, nil},
		{"another access token", "access token", map[string]any{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, nil},
		{"a stranger's key", "not signed", nil, func(c map[string]any) string { return w.issuer.signed("RS256", stranger, "k1", "JWT", c) }},
		{"an unknown key", "not signed", nil, func(c map[string]any) string { return w.issuer.signed("RS256", stranger, "k2", "JWT", c) }},
		{"HS256 with the client secret", "not signed", nil, func(c map[string]any) string { return w.issuer.signed("HS256", hmac, "k1", "JWT", c) }},
		{"unsigned", "not signed", nil, unsigned},
		{"signature cut off", "not signed", nil, func(c map[string]any) string { s := good(c); return s[:strings.LastIndex(s, ".")+1] }},
		{"no token", "no ID token", nil, func(map[string]any) string { return "" }},
	} {
		w.issuer.set(func() { w.issuer.claims, w.issuer.sign = c.claims, good })
		if c.sign != nil {
			w.issuer.set(func() { w.issuer.sign = c.sign })
		}
		_, err := w.visit()
		w.refusedVisit(c.name, c.why, err)
	}
	w.issuer.set(func() { w.issuer.claims, w.issuer.sign = nil, good })
	if _, err := w.visit(); err != nil {
		t.Errorf("the control: %v", err)
	}
}

// TestAnswersThatAreNotBelieved has the browser bring back what it should not.
func TestAnswersThatAreNotBelieved(t *testing.T) {
	w := newWorld(t)
	w.signedIn()
	finish := func(answer url.Values, binding string) error {
		_, err := w.Finish(ctx, "lakeside", answer, binding, ward)
		return err
	}
	a := w.begin(federation.Ask{})
	good := w.issuer.visit(a.Address)
	if err := finish(good, a.Binding); err != nil {
		t.Fatal(err)
	}
	w.refusedVisit("replayed state", "state", finish(good, a.Binding))
	a = w.begin(federation.Ask{})
	again := w.issuer.visit(a.Address)
	again.Set("code", good.Get("code"))
	w.refusedVisit("replayed code", "does not take the code", finish(again, a.Binding))

	mine, his := w.begin(federation.Ask{}), w.begin(federation.Ask{})
	answer := w.issuer.visit(his.Address)
	w.refusedVisit("state of another browser", "another browser", finish(answer, mine.Binding))
	w.refusedVisit("and it is used up", "state", finish(answer, his.Binding))
	his = w.begin(federation.Ask{})
	injected := w.issuer.visit(mine.Address)
	injected.Set("code", w.issuer.visit(his.Address).Get("code"))
	w.refusedVisit("code of another sign-in", "does not take the code", finish(injected, mine.Binding))

	for name, change := range map[string]func(url.Values){
		"no state":    func(v url.Values) { v.Del("state") },
		"two states":  func(v url.Values) { v.Add("state", "x") },
		"no code":     func(v url.Values) { v.Del("code") },
		"two codes":   func(v url.Values) { v.Add("code", "x") },
		"other iss":   func(v url.Values) { v.Set("iss", "https://evil.example") },
		"iss twice":   func(v url.Values) { v["iss"] = []string{w.issuer.server.URL, w.issuer.server.URL} },
		"declined":    func(v url.Values) { v.Del("code"); v.Set("error", "access_denied") },
		"text shown?": func(v url.Values) { v.Set("error", "<b>call 555</b>") },
	} {
		a := w.begin(federation.Ask{})
		answer := w.issuer.visit(a.Address)
		change(answer)
		err := finish(answer, a.Binding)
		w.refusedVisit(name, "", err)
		if strings.Contains(err.Error(), "555") || strings.Contains(w.records.last().Detail, "555") {
			t.Errorf("%s: what was sent is repeated", name)
		}
	}
	a = w.begin(federation.Ask{})
	late := w.issuer.visit(a.Address)
	w.clock.Advance(11 * time.Minute)
	w.refusedVisit("too late", "state", finish(late, a.Binding))
	a = w.begin(federation.Ask{})
	w.refusedVisit("no cookie", "another browser", finish(w.issuer.visit(a.Address), ""))
}

// TestIssuerInTheAnswer: where a provider says that its answers name it, one that
// does not is of another (RFC 9207).
func TestIssuerInTheAnswer(t *testing.T) {
	w := newWorld(t)
	w.issuer.set(func() { w.issuer.metadata["authorization_response_iss_parameter_supported"] = true })
	a := w.begin(federation.Ask{})
	_, err := w.Finish(ctx, "lakeside", w.issuer.visit(a.Address), a.Binding, ward)
	w.refusedVisit("without iss", "issuer", err)
	a = w.begin(federation.Ask{})
	answer := w.issuer.visit(a.Address)
	answer.Set("iss", w.issuer.server.URL)
	if _, err := w.Finish(ctx, "lakeside", answer, a.Binding, ward); !fault.Is(err, fault.Denied) || !strings.Contains(fault.Public(err), "clearance") {
		t.Errorf("with iss: %v", err)
	}
}

// TestProvidersThatCannotBeUsed: what a provider says of itself is not believed
// either, and it is called on its own hosts alone.
func TestProvidersThatCannotBeUsed(t *testing.T) {
	for name, c := range map[string]struct {
		metadata map[string]any
		log      string
	}{
		"another issuer":      {map[string]any{"issuer": "https://evil.example"}, "another issuer"},
		"plain authorization": {map[string]any{"authorization_endpoint": "http://evil.example/authorize"}, "not https"},
		"plain tokens":        {map[string]any{"token_endpoint": "http://evil.example/token"}, "not https"},
		"no keys":             {map[string]any{"jwks_uri": ""}, "lacks an endpoint"},
		"no client secret":    {map[string]any{"token_endpoint_auth_methods_supported": []string{"private_key_jwt"}}, "client secret"},
		"no document":         {map[string]any{"issuer": []string{"evil"}}, "not understood"},
	} {
		w := newWorld(t)
		w.issuer.set(func() { w.issuer.metadata = c.metadata })
		_, err := w.Begin(ctx, "lakeside", federation.Ask{}, ward)
		if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "evil") || !strings.Contains(err.Error(), c.log) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w := newWorld(t)
	w.issuer.set(func() { w.issuer.metadata = map[string]any{"token_endpoint": "https://evil.example/token"} })
	if _, err := w.visit(); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "neither issuer nor hosts") || strings.Contains(err.Error(), "evil") {
		t.Errorf("a token endpoint on another host: %v", err)
	}
	w = newWorld(t, func(p *config.Provider) { p.Private = false })
	if _, err := w.Begin(ctx, "lakeside", federation.Ask{}, ward); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "may not be called") || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("a provider on this machine without leave: %v", err)
	}
	if _, err := w.Begin(ctx, "nobody", federation.Ask{}, ward); !fault.Is(err, fault.NotFound) {
		t.Errorf("a provider that is not there: %v", err)
	}
}

// TestProviderThatIsDown: it is asked again after a moment, not by everybody at once.
func TestProviderThatIsDown(t *testing.T) {
	w := newWorld(t)
	w.issuer.set(func() { w.issuer.down = true })
	try := func() error { _, err := w.Begin(ctx, "lakeside", federation.Ask{}, ward); return err }
	if err := try(); !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Public(err), "cannot be reached") {
		t.Fatal(err)
	}
	w.issuer.set(func() { w.issuer.down = false })
	if err := try(); !fault.Is(err, fault.Unavailable) {
		t.Errorf("asked again at once: %v", err)
	}
	w.clock.Advance(6 * time.Second)
	if err := try(); err != nil {
		t.Error(err)
	}
}

// TestKeyTakenBack: a key that a provider no longer has is believed for ten minutes.
func TestKeyTakenBack(t *testing.T) {
	w := newWorld(t)
	w.signedIn()
	fresh, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	w.issuer.set(func() { w.issuer.key = fresh }) // the new one; tokens are still signed by the old
	if _, err := w.visit(); err != nil {
		t.Fatalf("at once: %v", err)
	}
	w.clock.Advance(11 * time.Minute)
	_, err = w.visit()
	w.refusedVisit("ten minutes later", "not signed", err)
}

// TestKeysAreFetchedSeldom: anybody can send tokens that name unknown keys.
func TestKeysAreFetchedSeldom(t *testing.T) {
	w := newWorld(t)
	stranger, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	for range 25 {
		token := w.issuer.signed("RS256", stranger, "unknown", "logout+jwt", map[string]any{"iss": w.issuer.server.URL})
		if err := w.Ended(ctx, "lakeside", token, ward); err == nil {
			t.Fatal("believed")
		}
	}
	if w.issuer.keyCalls > 6 {
		t.Errorf("keys were fetched %d times", w.issuer.keyCalls)
	}
}

func TestGuessersWait(t *testing.T) {
	w := newWorld(t)
	for range 60 {
		if _, err := w.Finish(ctx, "lakeside", url.Values{"state": {"guess"}, "code": {"guess"}}, "guess", ward); fault.Is(err, fault.Throttled) {
			w.signedIn() // and keep nobody out
			return
		}
	}
	t.Error("nobody was asked to wait")
}

// TestShortKeysOfProviders: what a provider signs with RSA of 2048 bits is not believed
// unless its settings say so, and whoever reads the log is told what to write.
func TestShortKeysOfProviders(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for bits, passes := range map[int]bool{0: false, 3072: false, 2048: true} {
		w := newWorld(t, func(p *config.Provider) { p.LeastRSA = bits })
		w.issuer.set(func() {
			w.issuer.key = short
			w.issuer.sign = func(c map[string]any) string { return w.issuer.signed("RS256", short, "k1", "JWT", c) }
		})
		_, err := w.visit()
		if passes {
			if fault.Public(err) == "" || !fault.Is(err, fault.Denied) { // she waits for her clearance
				t.Errorf("with least_rsa %d: %v", bits, err)
			}
			continue
		}
		w.refusedVisit("short key", "least_rsa: 2048", err)
		token := w.issuer.signed("RS256", short, "k1", "logout+jwt", w.logoutClaims("a", nil))
		if err := w.Ended(ctx, "lakeside", token, ward); !fault.Is(err, fault.Invalid) {
			t.Errorf("a logout with least_rsa %d: %v", bits, err)
		}
	}
}
