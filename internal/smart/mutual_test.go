package smart_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

const mutual = "https://ward.example:9443"

func mutualRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.mutual = mutual
	r.restart()
	r.signIn()
	return r
}

// certificate makes one that signs itself.
func (r *rig) certificate(name string) *x509.Certificate {
	r.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(r.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: r.clock.Now().Add(-time.Hour), NotAfter: r.clock.Now().AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(r.t, err)
	cert, err := x509.ParseCertificate(der)
	check(r.t, err)
	return cert
}

// asks sends a form with the certificates; headers by which proxies name one, too,
// are never believed.
func (r *rig) asks(path string, form url.Values, shown ...*x509.Certificate) (int, map[string]any) {
	r.t.Helper()
	r.shown = shown
	defer func() { r.shown = nil }()
	q := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, name := range []string{"X-Forwarded-Client-Cert", "X-SSL-Client-Cert", "Client-Cert"} {
		q.Header.Set(name, r.named)
	}
	w := httptest.NewRecorder()
	r.server.ServeHTTP(w, q)
	out := map[string]any{}
	if w.Body.Len() > 0 {
		check(r.t, json.Unmarshal(w.Body.Bytes(), &out))
	}
	return w.Code, out
}

func TestBackendByCertificate(t *testing.T) {
	r := mutualRig(t)
	cert, other := r.certificate("batch"), r.certificate("batch")
	set, err := identity.CertificateSet([]*x509.Certificate{cert})
	check(t, err)
	scopes, err := identity.ParseScopes("system/*.rs")
	check(t, err)
	c, _, err := r.people.RegisterClient(ctx, operator, identity.NewClient{Name: "batch", Scopes: scopes, Auth: identity.AuthSelfSigned, JWKS: set})
	check(t, err)
	r.named = url.QueryEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ID}}
	for name, shown := range map[string][]*x509.Certificate{"none": nil, "another": {other}, "another first": {other, cert}} {
		if status, m := r.asks("/oauth2/token", form, shown...); status != http.StatusUnauthorized || m["error"] != "invalid_client" {
			t.Errorf("%s: %d %v", name, status, m)
		}
	}
	status, m := r.asks("/oauth2/token", form, cert)
	text, _ := m["access_token"].(string)
	if status != http.StatusOK || text == "" || m["scope"] != "system/*.rs" {
		t.Fatalf("%d %v", status, m)
	}
	if _, err := r.who(text); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the token alone: %v", err)
	}
	form.Set("token", text)
	if status, m := r.asks("/oauth2/introspect", form); status != http.StatusUnauthorized {
		t.Errorf("asked about it without the certificate: %d %v", status, m)
	}
	_, m = r.asks("/oauth2/introspect", form, cert)
	cnf, _ := m["cnf"].(map[string]any)
	if m["active"] != true || cnf["x5t#S256"] != identity.Thumbprint(cert) {
		t.Errorf("told %v", m)
	}
	if status, _ := r.asks("/oauth2/revoke", form, cert); status != http.StatusOK {
		t.Errorf("revoked: %d", status)
	}
	if _, m := r.asks("/oauth2/introspect", form, cert); m["active"] != false {
		t.Errorf("after that: %v", m)
	}
	secret := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ID}, "client_secret": {"wks_" + strings.Repeat("A", 43)}}
	if status, m := r.asks("/oauth2/token", secret, cert); status != http.StatusUnauthorized {
		t.Errorf("by a secret: %d %v", status, m)
	}
}

// TestBoundApps: an app without a secret may ask for tokens that are bound; its
// refresh token is, too (RFC 8705 §4).
func TestBoundApps(t *testing.T) {
	r := mutualRig(t)
	cert, other := r.certificate("app"), r.certificate("other")
	a := r.app(allWords+"patient/*.rs", func(n *identity.NewClient) { n.Bound = true })
	with := func(shown *x509.Certificate, do func() tokens) tokens {
		if r.shown = nil; shown != nil {
			r.shown = []*x509.Certificate{shown}
		}
		defer func() { r.shown = nil }()
		return do()
	}
	code := a.code()
	if got := with(nil, func() tokens { return a.redeem(code) }); got.Error != "invalid_client" {
		t.Errorf("a code without a certificate: %+v", got)
	}
	got := with(cert, func() tokens { return a.redeem(code) }) // which was not spent by that
	if got.status != http.StatusOK || got.Refresh == "" {
		t.Fatalf("%+v", got)
	}
	alive := func(token string, shown ...*x509.Certificate) bool {
		_, err := r.people.Authenticate(ctx, token, identity.Origin{Certificates: shown})
		return err == nil
	}
	if !alive(got.Access, cert) || alive(got.Access) || alive(got.Access, other) {
		t.Error("the access token is not bound")
	}
	for _, shown := range []*x509.Certificate{nil, other} {
		if bad := with(shown, func() tokens { return a.refresh(got.Refresh) }); bad.status == http.StatusOK {
			t.Errorf("refreshed with another certificate: %+v", bad)
		}
	}
	form := url.Values{"client_id": {a.ID}, "token": {got.Refresh}}
	_, m := r.asks("/oauth2/introspect", form, cert)
	if cnf, _ := m["cnf"].(map[string]any); cnf["x5t#S256"] != identity.Thumbprint(cert) {
		t.Errorf("told of the refresh token: %v", m)
	}
	next := with(cert, func() tokens { return a.refresh(got.Refresh) }) // who stole it has ended nothing
	if next.status != http.StatusOK || !alive(next.Access, cert) || alive(next.Access) {
		t.Errorf("%+v", next)
	}
	// The negative control: what is not bound goes on with any certificate, or none.
	free := r.app(allWords+"patient/*.rs", nil)
	token := with(cert, func() tokens { return free.redeem(free.code()) })
	if !alive(token.Access) || with(other, func() tokens { return free.refresh(token.Refresh) }).status != http.StatusOK {
		t.Errorf("an app that is not bound: %+v", token)
	}
}

func TestMutualDiscovery(t *testing.T) {
	for _, path := range []string{"/fhir/.well-known/smart-configuration", "/.well-known/openid-configuration"} {
		var with, without map[string]any
		check(t, json.Unmarshal(mutualRig(t).get(path).Body.Bytes(), &with))
		check(t, json.Unmarshal(newRig(t).get(path).Body.Bytes(), &without))
		aliases, _ := with["mtls_endpoint_aliases"].(map[string]any)
		if len(aliases) != 4 || with["tls_client_certificate_bound_access_tokens"] != true {
			t.Errorf("%s: %v", path, with)
		}
		for name, alias := range aliases {
			plain, _ := with[name].(string)
			if plain == "" || alias != strings.Replace(plain, issuer, mutual, 1) {
				t.Errorf("%s is %v, and %s", name, alias, plain)
			}
		}
		methods, _ := with["token_endpoint_auth_methods_supported"].([]any)
		if !slices.Contains(methods, any("self_signed_tls_client_auth")) || slices.Contains(methods, any("tls_client_auth")) {
			t.Errorf("without authorities: %v", methods)
		}
		if without["mtls_endpoint_aliases"] != nil || without["tls_client_certificate_bound_access_tokens"] != nil {
			t.Errorf("where nobody shows certificates: %v", without)
		}
	}
}
