package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// provider is an identity provider of both houses, of each by a registration of its own.
// It says whatever the attack has it say.
type provider struct {
	*httptest.Server
	key *ecdsa.PrivateKey
}

func newProvider() (*provider, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	p := &provider{key: key}
	answer := func(v func(*http.Request) any) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v(r))
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", answer(func(*http.Request) any {
		return object{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"},
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "code_challenge_methods_supported": []string{"S256"},
		}
	}))
	mux.HandleFunc("GET /keys", answer(func(*http.Request) any {
		return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}}
	}))
	mux.HandleFunc("POST /token", answer(func(r *http.Request) any { // a code is what the token is to say
		raw, _ := base64.RawURLEncoding.DecodeString(r.PostFormValue("code"))
		claims := object{}
		_ = json.Unmarshal(raw, &claims)
		return object{"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": p.says("JWT", claims)}
	}))
	p.Server = httptest.NewTLSServer(mux)
	return p, nil
}

func (p *provider) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
}

// says signs claims, of now.
func (p *provider) says(typ string, claims object) string {
	now := time.Now()
	all := object{"iss": p.URL, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": rand.Text()}
	for k, v := range claims {
		all[k] = v
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: p.key}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", "k1"))
	if err != nil {
		panic(err) // of a key that was just made
	}
	payload, _ := json.Marshal(all)
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	return must(signed.CompactSerialize())
}

// settings name the provider to a house.
func (p *provider) settings(s *server, secret, ca string) string {
	return fmt.Sprintf("federation: [{name: idp, label: IDP, issuer: '%s', client_id: of-%s, client_secret_file: %s, private: true, ca: %s, roles: {claim: g, map: {a: nurse}}, mfa: {assumed: true}}]", p.URL, s.tenant, secret, ca)
}

var (
	stateOf = regexp.MustCompile(`[?&;]state=([A-Za-z0-9_-]+)`)
	nonceOf = regexp.MustCompile(`[?&;]nonce=([A-Za-z0-9_-]+)`)
)

// away sends a browser to the provider, and returns what the way back is known by.
func (s *server) away(ctx context.Context) (cookie, state, nonce string, err error) {
	b := s.browser()
	defer b.close()
	got, err := b.send(ctx, "POST", "/sign-in/with/idp", url.Values{})
	to := got.Header.Get("Location") + " " + got.Header.Get("Refresh") + " " + string(got.Body)
	found, once := stateOf.FindStringSubmatch(to), nonceOf.FindStringSubmatch(to)
	if err == nil && (found == nil || once == nil || b.cookies["__Host-wk-away"] == "") {
		err = fmt.Errorf("nobody is led to the provider: %d", got.Status)
	}
	if err != nil {
		return "", "", "", err
	}
	return b.cookies["__Host-wk-away"], found[1], once[1], nil
}

// providers are sign-ins by the provider that began next door, and what it says to the
// other house.
func (x *crossing) providers(ctx context.Context) error {
	p := x.to.s.provider
	whose := func(house *attack) string { return "of-" + house.s.tenant }
	code := func(aud any, nonce string) string {
		azp := whose(x.from)
		if one, ok := aud.(string); ok {
			azp = one
		}
		raw, _ := json.Marshal(object{"aud": aud, "azp": azp, "nonce": nonce, "sub": "somebody", "g": []string{"a"}, "given_name": "Some", "family_name": "Body", "auth_time": time.Now().Unix()})
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	back := func(cookie, state, code string) request {
		return request{Method: "GET", Target: "/sign-in/return/idp?" + url.Values{"code": {code}, "state": {state}}.Encode(), Header: []string{"Cookie: __Host-wk-away=" + cookie}}
	}
	who := &caller{Name: "somebody", Role: "anonymous"}
	cookie, state, nonce, err := x.from.s.away(ctx)
	if err != nil {
		return err
	}
	one := x.foreign(attempt{Route: "return from the provider", Trick: "cross-tenant provider", As: who, Relation: x.relation("state and cookie"), Want: refused, Own: true}, state, func(v string) request { return back(cookie, v, code(whose(x.to), nonce)) })
	if err := x.now(ctx, one); err != nil {
		return err
	}
	reached := false
	for name, aud := range map[string]any{"token for them": whose(x.from), "token for both": []string{whose(x.from), whose(x.to)}, "": whose(x.to)} {
		ours, state, nonce, err := x.to.s.away(ctx)
		if err != nil {
			return err
		}
		a := attempt{Route: "return from the provider", Trick: "cross-tenant provider", As: who, Relation: x.relation(name), Req: back(ours, state, code(aud, nonce)), Want: refused, Own: true}
		if err := x.now(ctx, &a); err != nil {
			return err
		}
		believed := strings.Contains(string(a.Got.Body), "still waits for")
		if name == "" { // as it should be: the answer shows that what is said was looked at
			reached = believed
			continue
		}
		if believed {
			a.Got.Status, a.Got.Line = 200, "believed"
		}
		x.all = append(x.all, a)
	}
	if !reached {
		return fmt.Errorf("what the provider says is not believed at home")
	}
	for _, aud := range []*attack{x.from, x.to} {
		token := p.says("logout+jwt", object{"aud": whose(aud), "sub": "somebody", "events": object{"http://schemas.openid.net/event/backchannel-logout": object{}}})
		q := formTo("/sign-in/ended/idp", url.Values{"logout_token": {token}})
		if aud == x.to {
			good, err := x.to.fine(ctx, "logout by the provider", "for ourselves", &caller{Name: "provider", Role: "anonymous"}, q, "")
			if err != nil {
				return err
			}
			x.all = append(x.all, good)
			continue
		}
		x.all = append(x.all, attempt{Route: "logout by the provider", Trick: "cross-tenant provider", As: who, Relation: x.relation("logout token"), Req: q, Want: refused, Status: 400, Own: true})
	}
	return nil
}
