package identity_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

const tokenURL = "https://ward.example/oauth2/token"

// keys are a program's, made once: RSA keys are slow to come by.
var keys = sync.OnceValue(func() map[string]crypto.Signer {
	out := map[string]crypto.Signer{}
	out["rsa"], _ = rsa.GenerateKey(rand.Reader, 3072)
	out["weak"], _ = rsa.GenerateKey(rand.Reader, 2048)
	out["ec"], _ = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	out["p256"], _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	out["stranger"], _ = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	return out
})

// keySet is the JWKS of the keys named.
func keySet(t *testing.T, names ...string) []byte {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, name := range names {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: keys()[name].Public(), KeyID: name})
	}
	text, err := json.Marshal(set)
	must(t, err)
	return text
}

// assertion is what a program sends; each field may be made wrong.
type assertion struct {
	alg    jose.SignatureAlgorithm
	key    string
	kid    string
	extra  map[string]any // of the header
	claims map[string]any
}

func (w *world) assertion(client string) assertion {
	return assertion{alg: jose.ES384, key: "ec", kid: "ec", claims: map[string]any{
		"iss": client, "sub": client, "aud": tokenURL, "jti": rand.Text(), "exp": w.clock.Now().Add(4 * time.Minute).Unix(),
	}}
}

func (a assertion) sign(t *testing.T) string {
	t.Helper()
	opts := (&jose.SignerOptions{}).WithType("JWT")
	if a.kid != "" {
		opts = opts.WithHeader("kid", a.kid)
	}
	for k, v := range a.extra {
		opts = opts.WithHeader(jose.HeaderKey(k), v)
	}
	var key any = keys()[a.key]
	if strings.HasPrefix(string(a.alg), "HS") {
		key = []byte(a.key + strings.Repeat("x", 64))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: a.alg, Key: key}, opts)
	must(t, err)
	text, err := json.Marshal(a.claims)
	must(t, err)
	signed, err := signer.Sign(text)
	must(t, err)
	out, err := signed.CompactSerialize()
	must(t, err)
	return out
}

func (w *world) signing(t *testing.T, n identity.NewClient) identity.Client {
	t.Helper()
	n.Name, n.Scopes, n.Auth = "exporter", readAll, identity.AuthKey
	c, secret, err := w.RegisterClient(ctx, operator, n)
	must(t, err)
	if secret != "" {
		t.Fatal("a program that signs has a secret")
	}
	return c
}

func TestAssertions(t *testing.T) {
	w := newWorld(t)
	c := w.signing(t, identity.NewClient{JWKS: keySet(t, "rsa", "ec", "weak", "p256")})
	try := func(text string) error {
		_, err := w.AuthenticateAssertion(ctx, text, []string{tokenURL}, ward)
		w.clock.Advance(time.Minute) // throttles forget
		return err
	}
	for name, make := range map[string]func(*assertion){
		"EC":             func(*assertion) {},
		"RSA":            func(a *assertion) { a.alg, a.key, a.kid = jose.RS384, "rsa", "rsa" },
		"list of one":    func(a *assertion) { a.claims["aud"] = []string{tokenURL} },
		"further claims": func(a *assertion) { a.claims["iat"], a.claims["x"] = w.clock.Now().Unix(), 1 },
	} {
		a := w.assertion(c.ID)
		make(&a)
		if err := try(a.sign(t)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, make := range map[string]func(*assertion){
		"another's key":       func(a *assertion) { a.key = "stranger" },
		"weak RSA":            func(a *assertion) { a.alg, a.key, a.kid = jose.RS384, "weak", "weak" },
		"another curve":       func(a *assertion) { a.alg, a.key, a.kid = jose.ES256, "p256", "p256" },
		"another algorithm":   func(a *assertion) { a.alg, a.key, a.kid = jose.RS256, "rsa", "rsa" },
		"PSS":                 func(a *assertion) { a.alg, a.key, a.kid = jose.PS384, "rsa", "rsa" },
		"key of another kid":  func(a *assertion) { a.kid = "rsa" },
		"shared key":          func(a *assertion) { a.alg, a.key = jose.HS384, string(keySet(t, "ec")) },
		"no kid":              func(a *assertion) { a.kid = "" },
		"unknown kid":         func(a *assertion) { a.kid = "other" },
		"key in the header":   func(a *assertion) { a.key, a.extra = "stranger", map[string]any{"jku": "https://evil.example/keys"} },
		"jku not registered":  func(a *assertion) { a.extra = map[string]any{"jku": "https://evil.example/keys"} },
		"critical header":     func(a *assertion) { a.extra = map[string]any{"crit": []string{"x"}, "x": 1} },
		"another issuer":      func(a *assertion) { a.claims["iss"] = "nobody" },
		"another subject":     func(a *assertion) { a.claims["sub"] = "nobody" },
		"no subject":          func(a *assertion) { delete(a.claims, "sub") },
		"another audience":    func(a *assertion) { a.claims["aud"] = "https://other.example/token" },
		"two audiences":       func(a *assertion) { a.claims["aud"] = []string{tokenURL, "https://other.example/token"} },
		"audience by prefix":  func(a *assertion) { a.claims["aud"] = tokenURL + "/" },
		"no audience":         func(a *assertion) { delete(a.claims, "aud") },
		"no jti":              func(a *assertion) { delete(a.claims, "jti") },
		"long jti":            func(a *assertion) { a.claims["jti"] = strings.Repeat("j", 300) },
		"no exp":              func(a *assertion) { delete(a.claims, "exp") },
		"expired":             func(a *assertion) { a.claims["exp"] = w.clock.Now().Add(-time.Minute).Unix() },
		"good for too long":   func(a *assertion) { a.claims["exp"] = w.clock.Now().Add(time.Hour).Unix() },
		"from the future":     func(a *assertion) { a.claims["nbf"] = w.clock.Now().Add(2 * time.Minute).Unix() },
		"exp as text":         func(a *assertion) { a.claims["exp"] = "tomorrow" },
		"id that is not ours": func(a *assertion) { a.claims["iss"] = "../" + c.ID },
	} {
		a := w.assertion(c.ID)
		make(&a)
		if err := try(a.sign(t)); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Texts that no honest signer makes.
func TestForgedAssertions(t *testing.T) {
	w := newWorld(t)
	c := w.signing(t, identity.NewClient{JWKS: keySet(t, "ec")})
	good := w.assertion(c.ID).sign(t)
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	for name, text := range map[string]string{
		"empty":         "",
		"no signature":  parts[0] + "." + parts[1] + ".",
		"alg none":      b64([]byte(`{"alg":"none","kid":"ec"}`)) + "." + parts[1] + ".",
		"alg None":      b64([]byte(`{"alg":"None","kid":"ec"}`)) + "." + parts[1] + "." + parts[2],
		"other payload": parts[0] + "." + b64([]byte(`{"iss":"`+c.ID+`","sub":"`+c.ID+`"}`)) + "." + parts[2],
		"as JSON":       `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"long":          strings.Repeat("a", 10000),
		"four parts":    good + ".x",
	} {
		if _, err := w.AuthenticateAssertion(ctx, text, []string{tokenURL}, ward); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
		w.clock.Advance(time.Minute)
	}
}

// An assertion is taken once, by all processes and past their ends.
func TestAssertionsAreTakenOnce(t *testing.T) {
	w := newWorld(t)
	c := w.signing(t, identity.NewClient{JWKS: keySet(t, "ec")})
	other := w.signing(t, identity.NewClient{JWKS: keySet(t, "ec")})
	a := w.assertion(c.ID)
	text := a.sign(t)
	got, err := w.AuthenticateAssertion(ctx, text, []string{tokenURL}, ward)
	must(t, err)
	if got.ID != c.ID {
		t.Fatal(got)
	}
	for _, s := range []*identity.Service{w.Service, w.another()} {
		_, err = s.AuthenticateAssertion(ctx, text, []string{tokenURL}, ward)
		wantKind(t, err, fault.Unauthenticated)
	}
	b := w.assertion(other.ID) // the same jti, by another program
	b.claims["jti"] = a.claims["jti"]
	_, err = w.AuthenticateAssertion(ctx, b.sign(t), []string{tokenURL}, ward)
	must(t, err)
	if strings.Contains(w.records.dump(), a.claims["jti"].(string)) {
		t.Error("a jti lies in the records")
	}
}

func TestOnlyThoseWhoSign(t *testing.T) {
	w := newWorld(t)
	secret, text, err := w.AddClient(ctx, operator, "lab feed", readAll)
	must(t, err)
	_, err = w.AuthenticateAssertion(ctx, w.assertion(secret.ID).sign(t), []string{tokenURL}, ward)
	wantKind(t, err, fault.Unauthenticated)
	c := w.signing(t, identity.NewClient{JWKS: keySet(t, "ec")})
	for _, guess := range []string{"", text} {
		_, err = w.AuthenticateClient(ctx, c.ID, guess, ward)
		wantKind(t, err, fault.Unauthenticated)
	}
	_, err = w.NewClientSecret(ctx, operator, c.ID, "")
	wantKind(t, err, fault.Unprocessable)
	must(t, w.DisableClient(ctx, operator, c.ID, ""))
	_, err = w.AuthenticateAssertion(ctx, w.assertion(c.ID).sign(t), []string{tokenURL}, ward)
	wantKind(t, err, fault.Unauthenticated)
}

// webKeys stands in for a key set on the web.
type webKeys struct {
	sets  [][]byte // first, and once it is looked at anew
	asked []bool
	fail  error
}

func (k *webKeys) KeySet(_ context.Context, url string, fresh bool) ([]byte, error) {
	k.asked = append(k.asked, fresh)
	if k.fail != nil || url != "https://app.example/keys" {
		return nil, k.fail
	}
	if fresh {
		return k.sets[len(k.sets)-1], nil
	}
	return k.sets[0], nil
}

// A key that was added since is found; one that was taken away is not believed
// for longer than its set may be kept.
func TestKeySetsByURL(t *testing.T) {
	w := newWorld(t)
	web := &webKeys{sets: [][]byte{keySet(t, "rsa"), keySet(t, "rsa", "ec")}}
	w.config.KeySets = web
	w.Service = w.another()
	c := w.signing(t, identity.NewClient{JWKSURL: "https://app.example/keys"})
	a := w.assertion(c.ID)
	a.extra = map[string]any{"jku": "https://app.example/keys"}
	_, err := w.AuthenticateAssertion(ctx, a.sign(t), []string{tokenURL}, ward)
	must(t, err)
	if len(web.asked) != 2 || web.asked[0] || !web.asked[1] {
		t.Errorf("asked %v", web.asked)
	}
	web.sets = [][]byte{keySet(t, "rsa")}
	_, err = w.AuthenticateAssertion(ctx, w.assertion(c.ID).sign(t), []string{tokenURL}, ward)
	wantKind(t, err, fault.Unauthenticated)
	web.fail = fault.New(fault.Unavailable, "web", "")
	_, err = w.AuthenticateAssertion(ctx, w.assertion(c.ID).sign(t), []string{tokenURL}, ward)
	wantKind(t, err, fault.Unavailable)
}

func TestRegistration(t *testing.T) {
	w := newWorld(t)
	patient := identity.Scopes{{Level: identity.LevelPatient, Type: "*", Access: identity.AccessRead}}
	granular := identity.Scopes{{Type: "Observation", Access: identity.AccessRead, Query: "category=a"}}
	private, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: keys()["ec"], KeyID: "ec"}}})
	must(t, err)
	page := []string{"https://app.example/back"}
	app := func(uris ...string) identity.NewClient {
		return identity.NewClient{Scopes: patient, RedirectURIs: uris}
	}
	for name, n := range map[string]identity.NewClient{
		"an app":             app("https://app.example/back", "http://localhost:8000/back", "http://127.0.0.1/", "org.example.app:/back", "org.example.app://back"),
		"a public app":       {Scopes: patient, RedirectURIs: page, Auth: identity.AuthNone, Words: []string{"openid", "launch"}, Origins: []string{"https://app.example"}, LaunchURL: "https://app.example/launch?x=1"},
		"keys":               {Scopes: readAll, Auth: identity.AuthKey, JWKS: keySet(t, "rsa")},
		"keys by URL":        {Scopes: readAll, Auth: identity.AuthKey, JWKSURL: "https://app.example/keys"},
		"an app that signs":  {Scopes: patient, RedirectURIs: page, Auth: identity.AuthKey, JWKS: keySet(t, "ec")},
		"only words":         {Words: []string{"openid"}, RedirectURIs: page},
		"a key beside weak":  {Scopes: readAll, Auth: identity.AuthKey, JWKS: keySet(t, "weak", "ec")},
		"address of its own": app("https://app.example:8443/back?x=1"),
	} {
		n.Name = name
		if _, _, err := w.RegisterClient(ctx, operator, n); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, n := range map[string]identity.NewClient{
		"nothing":                 {},
		"system for an app":       {Scopes: readAll, RedirectURIs: page},
		"patient without an app":  {Scopes: patient},
		"words without an app":    {Scopes: readAll, Words: []string{"openid"}},
		"public without an app":   {Scopes: readAll, Auth: identity.AuthNone},
		"origin without an app":   {Scopes: readAll, Origins: []string{"https://app.example"}},
		"unknown word":            {Words: []string{"admin"}, RedirectURIs: page},
		"granular, unchecked":     {Scopes: granular},
		"keys without any":        {Scopes: readAll, Auth: identity.AuthKey},
		"keys two ways":           {Scopes: readAll, Auth: identity.AuthKey, JWKS: keySet(t, "ec"), JWKSURL: "https://app.example/keys"},
		"keys beside a secret":    {Scopes: readAll, JWKS: keySet(t, "ec")},
		"a private key":           {Scopes: readAll, Auth: identity.AuthKey, JWKS: private},
		"only a weak key":         {Scopes: readAll, Auth: identity.AuthKey, JWKS: keySet(t, "weak", "p256")},
		"no key set":              {Scopes: readAll, Auth: identity.AuthKey, JWKS: []byte("x")},
		"key set in the clear":    {Scopes: readAll, Auth: identity.AuthKey, JWKSURL: "http://app.example/keys"},
		"in the clear":            app("http://app.example/back"),
		"a fragment":              app("https://app.example/back#x"),
		"a wildcard":              app("https://*.app.example/back"),
		"somebody's name in it":   app("https://user@app.example/back"),
		"script":                  app("javascript:alert(1)"),
		"a scheme without a dot":  app("app:/back"),
		"data":                    app("data:text/html,x"),
		"a backslash":             app(`https://app.example\@evil.example/`),
		"no address":              app("back"),
		"a space":                 app("https://app.example/ back"),
		"origin with a path":      {Scopes: patient, RedirectURIs: page, Origins: []string{"https://app.example/"}},
		"any origin":              {Scopes: patient, RedirectURIs: page, Origins: []string{"*"}},
		"null origin":             {Scopes: patient, RedirectURIs: page, Origins: []string{"null"}},
		"launch URL in the clear": {Scopes: patient, RedirectURIs: page, LaunchURL: "http://app.example/launch"},
	} {
		n.Name = name
		if _, _, err := w.RegisterClient(ctx, operator, n); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err = w.RegisterClient(ctx, w.resume(w.signIn(w.add("nina", "nurse"))), identity.NewClient{Name: "x", Scopes: readAll})
	wantKind(t, err, fault.Denied)
}
