package smart_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// A code is good for one try, by the app, the address and the verifier that it was
// made for; used again, it ends what came of it.
func TestCodes(t *testing.T) {
	r := newRig(t)
	a := r.app(allWords+"patient/*.rs", nil)
	other := r.app(allWords+"patient/*.rs", nil)
	for name, change := range map[string][]string{
		"no verifier":       {"code_verifier", ""},
		"another verifier":  {"code_verifier", strings.Repeat("v", 50)},
		"the challenge":     {"code_verifier", challenge(a.verifier)},
		"a short one":       {"code_verifier", "short"},
		"another address":   {"redirect_uri", "https://evil.example/back"},
		"no address":        {"redirect_uri", ""},
		"another app":       {"client_id", other.ID},
		"no app":            {"client_id", ""},
		"another code":      {"code", "wkc_" + base64.RawURLEncoding.EncodeToString(make([]byte, 32))},
		"a secret it lacks": {"client_secret", "wks_x"},
	} {
		code := a.code()
		if got := a.redeem(code, change...); got.status == http.StatusOK || got.Access != "" {
			t.Errorf("%s: %+v", name, got)
		}
		r.clock.Advance(time.Minute)
	}
	code := a.code()
	if got := a.redeem(code, "code_verifier", strings.Repeat("v", 50)); got.Error != "invalid_grant" {
		t.Errorf("%+v", got)
	}
	if got := a.redeem(code); got.Error != "invalid_grant" {
		t.Errorf("a code is good for a second try: %+v", got)
	}
	code = a.code()
	r.clock.Advance(61 * time.Second)
	if got := a.redeem(code); got.Error != "invalid_grant" {
		t.Errorf("a code is good for ever: %+v", got)
	}

	code = a.code()
	got := a.redeem(code)
	if !r.alive(got.Access) {
		t.Fatal("the token is dead")
	}
	if again := a.redeem(code); again.Error != "invalid_grant" {
		t.Errorf("%+v", again)
	}
	if r.alive(got.Access) || a.refresh(got.Refresh).status == http.StatusOK {
		t.Error("a code used twice leaves its tokens alive")
	}
}

func confidentialRefresh(a *app, secret string) string {
	code := a.code()
	a.secret = secret
	defer func() { a.secret = "" }()
	return a.redeem(code).Refresh
}

// An app with a secret is not one without, whatever it leaves out.
func TestMixedClients(t *testing.T) {
	r := newRig(t)
	confidential := r.app(allWords+"patient/*.rs", func(n *identity.NewClient) { n.Auth = identity.AuthSecret })
	code := confidential.code()
	secret := confidential.secret
	confidential.secret = ""
	if got := confidential.redeem(code); got.status != http.StatusUnauthorized {
		t.Errorf("without its secret: %+v", got)
	}
	if got := confidential.redeem("", "grant_type", "refresh_token", "client_id", "", "code", "", "refresh_token", confidentialRefresh(confidential, secret)); got.status != http.StatusUnauthorized {
		t.Errorf("refreshing without its secret: %+v", got)
	}
	code = confidential.code()
	confidential.secret = secret
	if got := confidential.redeem(code); got.status != http.StatusOK {
		t.Errorf("with it: %+v", got)
	}
	public := r.app(allWords+"patient/*.rs", nil)
	if got := public.redeem("", "grant_type", "client_credentials"); got.Error != "unauthorized_client" {
		t.Errorf("in its own name: %+v", got)
	}
	got := public.redeem(public.code())
	stolen := confidential.refresh(got.Refresh)
	if stolen.Error != "invalid_grant" {
		t.Errorf("another app's refresh token: %+v", stolen)
	}
	if again := public.refresh(got.Refresh); again.status != http.StatusOK {
		t.Errorf("its own, after that: %+v", again)
	}
}

// An app that signs proves who it is at the exchange, as a backend does.
func TestAppsThatSign(t *testing.T) {
	r := newRig(t)
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	check(t, err)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1"}}})
	check(t, err)
	a := r.app(allWords+"patient/*.rs", func(n *identity.NewClient) { n.Auth, n.JWKS = identity.AuthKey, set })
	assertion := func(aud string) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES384, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k1"))
		check(t, err)
		claims, err := json.Marshal(map[string]any{"iss": a.ID, "sub": a.ID, "aud": aud, "jti": rand.Text(), "exp": r.clock.Now().Add(time.Minute).Unix()})
		check(t, err)
		signed, err := signer.Sign(claims)
		check(t, err)
		text, err := signed.CompactSerialize()
		check(t, err)
		return text
	}
	kind := "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	code := a.code()
	if got := a.redeem(code); got.status != http.StatusUnauthorized {
		t.Errorf("without an assertion: %+v", got)
	}
	if got := a.redeem(code, "client_assertion", assertion("https://evil.example/token"), "client_assertion_type", kind); got.status != http.StatusUnauthorized {
		t.Errorf("one for somebody else: %+v", got)
	}
	if got := a.redeem(code, "client_assertion", assertion(issuer+"/oauth2/token"), "client_assertion_type", kind); got.status != http.StatusOK {
		t.Errorf("%+v", got)
	}
}

// A refresh token is good once; used again, it ends all that came of it.
func TestRefresh(t *testing.T) {
	r := newRig(t)
	a := r.app(allWords+"patient/*.rs", nil)
	first := a.redeem(a.code())
	r.clock.Advance(95 * 24 * time.Hour) // more than three months later
	second := a.refresh(first.Refresh)
	if second.status != http.StatusOK || second.Refresh == first.Refresh || second.Patient != "p1" || second.Scope != first.Scope {
		t.Fatalf("%+v", second)
	}
	r.restart()
	third := a.refresh(second.Refresh, "client_id", "") // by the token alone, as fhirclient does
	if third.status != http.StatusOK || !r.alive(third.Access) {
		t.Fatalf("%+v", third)
	}
	narrow := a.refresh(third.Refresh, "scope", "patient/Observation.rs")
	if actor, err := r.who(narrow.Access); err != nil || actor.Scopes.String() != "patient/Observation.rs" {
		t.Errorf("%+v %v", actor.Scopes, err)
	}
	for _, more := range []string{"patient/*.cruds", "user/*.rs", "launch patient/*.rs"} {
		if got := a.refresh(narrow.Refresh, "scope", more); got.Error != "invalid_scope" {
			t.Errorf("%s: %+v", more, got)
		}
	}
	last := a.refresh(narrow.Refresh)
	if got := a.refresh(first.Refresh); got.Error != "invalid_grant" {
		t.Errorf("an old refresh token: %+v", got)
	}
	if r.alive(last.Access) || a.refresh(last.Refresh).status == http.StatusOK {
		t.Error("a refresh token used twice leaves the others alive")
	}
	unused := a.redeem(a.code())
	r.clock.Advance(101 * 24 * time.Hour)
	if got := a.refresh(unused.Refresh); got.Error != "invalid_grant" {
		t.Errorf("one not used for long: %+v", got)
	}
	year := a.redeem(a.code())
	for range 4 {
		r.clock.Advance(95 * 24 * time.Hour)
		year = a.refresh(year.Refresh)
	}
	if year.status == http.StatusOK {
		t.Error("nobody is asked again after a year")
	}
}

// Online access lasts as long as the person is signed in, under whatever id.
func TestOnlineAccess(t *testing.T) {
	r := newRig(t)
	a := r.app("launch/patient online_access patient/*.rs", nil)
	got := a.redeem(a.code())
	rotated, err := r.people.Rotate(ctx, r.session.Token, identity.Origin{})
	check(t, err)
	got = a.refresh(got.Refresh)
	if got.status != http.StatusOK || !r.alive(got.Access) {
		t.Fatalf("%+v", got)
	}
	check(t, r.people.End(ctx, rotated.Token, identity.Origin{}))
	if r.alive(got.Access) || a.refresh(got.Refresh).status == http.StatusOK {
		t.Error("online access outlives the session")
	}
}

// Whoever ends what: tokens are dead a second later, in every process.
func TestEnding(t *testing.T) {
	ways := map[string]func(*rig, *app, identity.Connection, tokens) error{
		"the person, in her list": func(r *rig, _ *app, c identity.Connection, _ tokens) error {
			return r.people.EndConnection(ctx, r.actor(), c.ID, "not needed")
		},
		"an administrator": func(r *rig, _ *app, c identity.Connection, _ tokens) error {
			return r.people.EndConnection(ctx, operator, c.ID, "stolen")
		},
		"the person is disabled": func(r *rig, _ *app, _ identity.Connection, _ tokens) error {
			return r.people.Disable(ctx, operator, r.person.ID, "left")
		},
		"all her sessions": func(r *rig, _ *app, _ identity.Connection, _ tokens) error {
			return r.people.EndAll(ctx, operator, r.person.ID, "stolen")
		},
		"the app is disabled": func(r *rig, a *app, _ identity.Connection, _ tokens) error {
			return r.people.DisableClient(ctx, operator, a.ID, "over")
		},
		"the app, by its refresh token": func(_ *rig, a *app, _ identity.Connection, got tokens) error {
			a.send("/oauth2/revoke", url.Values{"token": {got.Refresh}, "client_id": {a.ID}}, &struct{}{})
			return nil
		},
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			a := r.app(allWords+"patient/*.rs", nil)
			got := a.redeem(a.code())
			elsewhere := *r // another process
			elsewhere.restart()
			if !r.alive(got.Access) || !elsewhere.alive(got.Access) {
				t.Fatal("the token is dead")
			}
			list, err := r.people.Connections(ctx, r.actor())
			check(t, err)
			check(t, end(r, a, list[0], got))
			if _, err := r.who(got.Access); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("at once, where it was done: %v", err)
			}
			if elsewhere.alive(got.Access) {
				t.Error("a second later, elsewhere")
			}
			if again := a.refresh(got.Refresh); again.status == http.StatusOK {
				t.Error("it refreshes")
			}
			mandate := identity.Actor{Kind: identity.KindPerson, ID: r.person.ID, ClientID: a.ID, ConnectionID: list[0].ID, PatientContext: "p1"}.Mandate(r.clock.Now())
			if _, err := r.people.Act(ctx, mandate); err == nil {
				t.Error("what it ordered goes on")
			}
		})
	}
}

// Nobody sees or ends what another person lets apps do.
func TestOthersConnections(t *testing.T) {
	r := newRig(t)
	a := r.app(allWords+"patient/*.rs user/*.rs", nil)
	got := a.redeem(a.code())
	list, err := r.people.Connections(ctx, r.actor())
	check(t, err)
	stranger := r.actor()
	stranger.ID = "stranger"
	program, err := r.who(got.Access)
	check(t, err)
	for name, who := range map[string]identity.Actor{"a stranger": stranger, "the app": program} {
		if err := r.people.EndConnection(ctx, who, list[0].ID, ""); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s ends it: %v", name, err)
		}
		if list, err := r.people.Connections(ctx, who); len(list) > 0 {
			t.Errorf("%s sees it: %v", name, err)
		}
	}
	if !r.alive(got.Access) {
		t.Error("the token is dead")
	}
}

// Revocation and introspection, for all kinds of tokens and for their owner alone.
func TestTokensOfApps(t *testing.T) {
	r := newRig(t)
	a := r.app(allWords+"patient/*.rs", nil)
	other := r.app(allWords+"patient/*.rs", nil)
	got := a.redeem(a.code())
	look := func(by *app, token string) map[string]any {
		out := map[string]any{}
		if status := by.send("/oauth2/introspect", url.Values{"token": {token}, "client_id": {by.ID}}, &out); status != http.StatusOK {
			t.Fatal(status, out)
		}
		return out
	}
	for _, token := range []string{got.Access, got.Refresh} {
		m := look(a, token)
		if m["active"] != true || m["sub"] != r.person.ID || m["client_id"] != a.ID || m["patient"] != "p1" || m["fhirUser"] != base+"/Practitioner/pr1" || m["iss"] != issuer {
			t.Errorf("%v", m)
		}
		if m := look(other, token); len(m) != 1 || m["active"] != false {
			t.Errorf("another app is told: %v", m)
		}
		other.send("/oauth2/revoke", url.Values{"token": {token}, "client_id": {other.ID}}, &struct{}{})
	}
	if !r.alive(got.Access) {
		t.Fatal("another app revoked it")
	}
	a.send("/oauth2/revoke", url.Values{"token": {got.Access}, "client_id": {a.ID}}, &struct{}{})
	if _, err := r.who(got.Access); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("revoked: %v", err)
	}
	if m := look(a, got.Access); len(m) != 1 {
		t.Errorf("%v", m)
	}
	next := a.refresh(got.Refresh)
	if m := look(a, got.Refresh); len(m) != 1 {
		t.Errorf("a refresh token that was used: %v", m)
	}
	a.send("/oauth2/revoke", url.Values{"token": {next.Refresh}, "client_id": {a.ID}}, &struct{}{})
	if r.alive(next.Access) {
		t.Error("the access token outlives the refresh token")
	}
}

// What is registered, and what the person is, bound a token while it lives.
func TestForgedAndExpiredTokens(t *testing.T) {
	r := newRig(t)
	a := r.app(allWords+"patient/*.rs", nil)
	got := a.redeem(a.code())
	if !r.alive(got.Access) { // from here on it is remembered
		t.Fatal("what is good is refused")
	}
	other := "x"
	if got.Access[10] == 'x' {
		other = "y"
	}
	for name, token := range map[string]string{
		"a letter changed": got.Access[:10] + other + got.Access[11:],
		"cut short":        got.Access[:len(got.Access)-1],
		"the refresh one":  got.Refresh,
		"the id_token":     got.ID,
		"another prefix":   strings.Replace(got.Access, "wka_", "wkt_", 1),
		"none":             "",
		"alg none":         base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"`+r.person.ID+`"}`)) + ".",
	} {
		if _, err := r.who(token); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !r.alive(got.Access) {
		t.Error("what is good is refused, too")
	}
	r.clock.Advance(time.Hour)
	if r.alive(got.Access) {
		t.Error("it never expires")
	}
}

// A client that is registered to is told about the tokens of all, and does with
// them nothing else.
func TestInspectors(t *testing.T) {
	r := newRig(t)
	a := r.app(allWords+"patient/*.rs", nil)
	got := a.redeem(a.code())
	c, secret, err := r.people.RegisterClient(ctx, operator, identity.NewClient{
		Name: "archive", Inspects: true, Scopes: identity.Scopes{{Type: "*", Access: identity.AccessRead}},
	})
	check(t, err)
	archive := &app{rig: r, Client: c, secret: secret}
	for _, token := range []string{got.Access, got.Refresh} {
		out := map[string]any{}
		archive.send("/oauth2/introspect", url.Values{"token": {token}}, &out)
		if out["active"] != true || out["client_id"] != a.ID || out["sub"] != r.person.ID || out["patient"] != "p1" {
			t.Errorf("%v", out)
		}
		archive.send("/oauth2/revoke", url.Values{"token": {token}}, &struct{}{})
	}
	if !r.alive(got.Access) || a.refresh(got.Refresh).status != http.StatusOK {
		t.Error("it revoked what is another's")
	}
	if _, _, err := r.people.RegisterClient(ctx, operator, identity.NewClient{
		Name: "app", Inspects: true, Auth: identity.AuthNone, RedirectURIs: []string{back}, Words: []string{"openid"},
	}); !fault.Is(err, fault.Invalid) {
		t.Errorf("an app without a secret: %v", err)
	}
}
