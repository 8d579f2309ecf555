package e2e_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// backend is a program that signs its assertions (SMART Backend Services).
type backend struct {
	*server
	id, tokenURL string
	key          crypto.Signer
	alg          jose.SignatureAlgorithm
}

func (s *server) backend(scope string) *backend {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Use: "sig", Algorithm: "ES384"}}})
	if err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(s.t.TempDir(), "keys.json")
	if err := os.WriteFile(file, set, 0o600); err != nil {
		s.t.Fatal(err)
	}
	var c struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
		Token  string `json:"token_url"`
	}
	out := must(s.t, "client", "add", "--dir", s.dir, "--name", "exporter", "--scope", scope, "--jwks", file, "--json")
	if err := json.Unmarshal([]byte(out), &c); err != nil || c.Secret != "" {
		s.t.Fatalf("%v %s", err, out)
	}
	return &backend{server: s, id: c.ID, tokenURL: c.Token, key: key, alg: jose.ES384}
}

func (b *backend) assertion() string {
	b.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: b.alg, Key: b.key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", "k1"))
	if err != nil {
		b.t.Fatal(err)
	}
	claims, _ := json.Marshal(map[string]any{
		"iss": b.id, "sub": b.id, "aud": b.tokenURL, "jti": rand.Text(), "exp": time.Now().Add(4 * time.Minute).Unix(),
	})
	signed, err := signer.Sign(claims)
	if err != nil {
		b.t.Fatal(err)
	}
	text, _ := signed.CompactSerialize()
	return text
}

// token sends an assertion and returns the status and the answer.
func (b *backend) token(assertion, scope string) (int, map[string]any) {
	b.t.Helper()
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {scope}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
	resp, err := b.http.Post(b.tokenURL, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		b.t.Fatalf("%d %s", resp.StatusCode, body)
	}
	return resp.StatusCode, m
}

// TestBackendService has a program that signs export what its scopes say, and no
// more; what it signed is good once, also after a restart.
func TestBackendService(t *testing.T) {
	s := startDemo(t, "", "--patients", "2")
	b := s.backend("system/Patient.rs system/Observation.rs")
	used := b.assertion()
	status, m := b.token(used, "system/Patient.read system/Observation.rs?category=laboratory")
	if status != http.StatusOK || m["scope"] != "system/Observation.rs?category=laboratory system/Patient.rs" {
		t.Fatalf("%d %v", status, m)
	}
	a := &api{server: s, token: m["access_token"].(string)}
	seen := a.exported()
	if seen["Patient"] < 2 || seen["Observation"] == 0 || len(seen) != 2 {
		t.Errorf("exported %v", seen)
	}
	_, m = b.token(b.assertion(), "")
	whole := (&api{server: s, token: m["access_token"].(string)}).exported()
	if whole["Observation"] <= seen["Observation"] {
		t.Errorf("%d results of a category, %d of all", seen["Observation"], whole["Observation"])
	}
	if got := a.do("GET", "/fhir/Encounter", nil); got.status != http.StatusForbidden {
		t.Errorf("another type: %d", got.status)
	}
	if status, m := b.token(b.assertion(), "system/Encounter.rs"); status != http.StatusBadRequest || m["error"] != "invalid_scope" {
		t.Errorf("a scope that is not registered: %d %v", status, m)
	}

	if status, m := b.token(used, ""); status != http.StatusUnauthorized || m["error"] != "invalid_client" {
		t.Errorf("an assertion was taken twice: %d %v", status, m)
	}
	s.stop()
	b.server = start(t, s.dir, s.base, s.cmd.Args[1:])
	if status, _ := b.token(used, ""); status != http.StatusUnauthorized {
		t.Errorf("an assertion was taken again after a restart: %d", status)
	}
	if status, m := b.token(b.assertion(), ""); status != http.StatusOK {
		t.Errorf("a fresh one was not: %d %v", status, m)
	}
	must(t, "client", "disable", "--dir", s.dir, b.id, "--reason", "over")
	if status, _ := b.token(b.assertion(), ""); status != http.StatusUnauthorized {
		t.Errorf("a disabled program: %d", status)
	}
}

// exported counts what an export of everything brings out, by type.
func (a *api) exported() map[string]int {
	a.t.Helper()
	m, done := a.await(a.order("/fhir/$export"), time.Minute)
	if !done {
		a.t.Fatal("the export does not end")
	}
	counts := map[string]int{}
	for _, file := range m.Output {
		at, err := url.Parse(file.URL)
		if err != nil {
			a.t.Fatal(err)
		}
		got := a.do("GET", at.Path, nil)
		if got.status != http.StatusOK || strings.Count(string(got.body), "\n") != file.Count {
			a.t.Errorf("%s: %d", file.Type, got.status)
		}
		counts[file.Type] += file.Count
	}
	return counts
}
