package federation_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/wardkeep/wardkeep/internal/clock"
)

// issuer is a provider that does as it is told: also what no good one would do.
type issuer struct {
	t      *testing.T
	server *httptest.Server
	clock  *clock.Manual
	key    *rsa.PrivateKey
	ca     string // file

	mu       sync.Mutex
	codes    map[string]url.Values // code → authentication request
	claims   map[string]any        // over those of a good token; nil takes one out
	sign     func(claims map[string]any) string
	metadata map[string]any
	keyCalls int
	down     bool
}

// issuerKey signs for every issuer; making one takes its time.
var issuerKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		panic(err)
	}
	return key
})

const clientID, clientSecret = "wardkeep", "a client secret"

func newIssuer(t *testing.T, c *clock.Manual) *issuer {
	t.Helper()
	key := issuerKey()
	i := &issuer{t: t, clock: c, key: key, codes: map[string]url.Values{}, claims: map[string]any{}, metadata: map[string]any{}}
	i.sign = func(claims map[string]any) string { return i.signed("RS256", key, "k1", "JWT", claims) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.handleDiscovery)
	mux.HandleFunc("GET /keys", i.handleKeys)
	mux.HandleFunc("POST /token", i.handleToken)
	i.server = httptest.NewTLSServer(mux)
	t.Cleanup(i.server.Close)
	i.ca = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.server.Certificate().Raw})
	if err := os.WriteFile(i.ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *issuer) signed(alg jose.SignatureAlgorithm, key any, kid, typ string, claims map[string]any) string {
	i.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		i.t.Fatal(err)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		i.t.Fatal(err)
	}
	jws, err := signer.Sign(text)
	if err != nil {
		i.t.Fatal(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return out
}

// unsigned is a token of alg none.
func unsigned(claims map[string]any) string {
	text, _ := json.Marshal(claims)
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"none"}`)) + "." + enc(text) + "."
}

func (i *issuer) handleDiscovery(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.down {
		http.Error(w, "down", http.StatusBadGateway)
		return
	}
	doc := map[string]any{
		"issuer": i.server.URL, "authorization_endpoint": i.server.URL + "/authorize", "token_endpoint": i.server.URL + "/token",
		"jwks_uri": i.server.URL + "/keys", "end_session_endpoint": i.server.URL + "/end?realm=x",
		"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"},
	}
	maps.Copy(doc, i.metadata)
	_ = json.NewEncoder(w).Encode(doc)
}

func (i *issuer) handleKeys(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keyCalls++
	_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &i.key.PublicKey, KeyID: "k1", Algorithm: "RS256", Use: "sig"}}})
}

// visit is a person at the provider: it returns what her browser brings back.
func (i *issuer) visit(address string) url.Values {
	i.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		i.t.Fatal(err)
	}
	q := u.Query()
	i.mu.Lock()
	defer i.mu.Unlock()
	code := rand.Text()
	i.codes[code] = q
	return url.Values{"code": {code}, "state": {q.Get("state")}}
}

func (i *issuer) handleToken(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	asked, known := i.codes[r.PostFormValue("code")]
	delete(i.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	wantSecret := url.QueryEscape(clientSecret)
	if !known || id != clientID || secret != wantSecret || challenge != asked.Get("code_challenge") || asked.Get("code_challenge_method") != "S256" ||
		r.PostFormValue("redirect_uri") != asked.Get("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	now := i.clock.Now()
	claims := map[string]any{
		"iss": i.server.URL, "aud": clientID, "sub": "u-1", "sid": "s-1", "nonce": asked.Get("nonce"), "acr": "gold",
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "auth_time": now.Unix(), "hd": "example.org",
		"given_name": "Ana", "family_name": "Okafor", "realm_access": map[string]any{"roles": []string{"ward.nurse", "coffee"}},
	}
	for k, v := range i.claims {
		if v == nil {
			delete(claims, k)
			continue
		}
		claims[k] = v
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": i.sign(claims)})
}

// set changes what the provider does.
func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}
