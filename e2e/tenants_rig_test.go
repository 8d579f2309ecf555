package e2e_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// estate is one process that serves two organisations: the same user names, the same
// ids and numbers of records, and other people behind them.
type estate struct {
	t        *testing.T
	settings string
	listen   string
	plain    string
	idp      *fakeIDP
	cmd      *server // the process
	north    *tenantServer
	south    *tenantServer
}

// tenantServer is one of the two, as its own people see it.
type tenantServer struct {
	*server
	name   string
	mutual string     // where programs show certificates
	ca     *authority // of its programs
}

func openEstate(t *testing.T) *estate {
	t.Helper()
	e := &estate{t: t, listen: freePort(t), plain: freePort(t), idp: newFakeIDP(t)}
	mutual := freePort(t)
	home := t.TempDir()
	e.settings = filepath.Join(home, "wardkeep.yaml")
	secret := filepath.Join(home, "secret")
	write(t, secret, "a secret of the tests, long enough\n")
	text := fmt.Sprintf("dir: %s\nlisten: %s\nmtls_listen: %s\nredirect: %s\ntenants:\n", filepath.Join(home, "data"), e.listen, mutual, e.plain)
	for _, name := range []string{"north", "south"} {
		s := &tenantServer{name: name, ca: newAuthority(t), mutual: "https://" + name + ".localhost:" + portOf(mutual)}
		authorities := filepath.Join(home, name+".pem")
		write(t, authorities, inPEM(s.ca.cert))
		s.server = &server{t: t, base: "https://" + name + ".localhost:" + portOf(e.listen), dir: filepath.Join(home, "data", name)}
		text += fmt.Sprintf("  - {name: %[1]s, base_url: '%[2]s', facility: The %[1]s clinic, checkpoint_out: %[3]s, mtls_ca: %[4]s, "+
			"federation: [{name: idp, label: IDP, issuer: '%[5]s', client_id: %[1]s, client_secret_file: %[6]s, private: true, ca: %[7]s, roles: {claim: g, map: {a: nurse}}, mfa: {assumed: true}}]}\n",
			name, s.base, filepath.Join(home, name+".checkpoint"), authorities, e.idp.server.URL, secret, e.idp.ca)
		if name == "north" {
			e.north = s
		} else {
			e.south = s
		}
	}
	write(t, e.settings, text)
	for _, s := range []*tenantServer{e.north, e.south} {
		must(t, "init", "--config", e.settings, "--tenant", s.name, "--admin", "mgarcia", "--given", "Maria", "--family", "Garcia")
		file := filepath.Join(home, s.name+".ndjson")
		write(t, file, recordsOf(s.name))
		must(t, "import", "--config", e.settings, "--tenant", s.name, file)
	}
	e.start("https://north", "https://south")
	return e
}

func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// recordsOf are the same of both, but for names and contents.
func recordsOf(name string) string {
	var all strings.Builder
	for _, line := range []string{
		`{"resourceType":"Location","id":"east","status":"active","name":"East of %s"}`,
		`{"resourceType":"Practitioner","id":"pr1","name":[{"family":"Nurse-%s"}]}`,
		`{"resourceType":"Binary","id":"scan","contentType":"application/octet-stream","data":"AAAA"}`,
		`{"resourceType":"Binary","id":"only-%s","contentType":"application/octet-stream","data":"AAAA"}`,
		`{"resourceType":"Patient","id":"only-%s","name":[{"family":"Only"}]}`,
	} {
		all.WriteString(strings.ReplaceAll(line, "%s", name) + "\n")
	}
	for n := range 3 {
		fmt.Fprintf(&all, `{"resourceType":"Patient","id":"p%[1]d","identifier":[{"system":"urn:mrn","value":"471%[1]d"}],"name":[{"family":"Of-%[2]s"}]}`+"\n", n, name)
		fmt.Fprintf(&all, `{"resourceType":"Encounter","id":"e%[1]d","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/p%[1]d"},"location":[{"location":{"reference":"Location/east"}}]}`+"\n", n)
	}
	return all.String()
}

// start starts the process and waits until it serves those whose addresses begin so.
func (e *estate) start(bases ...string) {
	e.t.Helper()
	s := &server{t: e.t, screen: &screen{}, cmd: command("serve", "--config", e.settings), exited: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr = s.screen, s.screen
	if err := s.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	go func() { _ = s.cmd.Wait(); close(s.exited) }()
	e.t.Cleanup(s.stop)
	e.cmd = s
	deadline := time.After(2 * time.Minute)
	for _, base := range bases {
		for !strings.Contains(s.screen.String(), "Wardkeep serves "+base) {
			select {
			case <-s.exited:
				e.t.Fatalf("the server ended:\n%s", s.screen)
			case <-deadline:
				e.t.Fatalf("the server does not become ready:\n%s", s.screen)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	for _, one := range []*tenantServer{e.north, e.south} {
		one.screen, one.cmd, one.exited = s.screen, s.cmd, s.exited
		one.http = clientOf(e.t, one.dir, e.north.dir, e.south.dir)
	}
}

func (e *estate) stop() {
	_ = e.cmd.cmd.Process.Signal(syscall.SIGINT)
	<-e.cmd.exited
}

// clientOf believes the authorities of the folders and finds every name on this machine.
func clientOf(t *testing.T, dirs ...string) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	for _, dir := range dirs {
		if ca, err := os.ReadFile(filepath.Join(dir, "ca.pem")); err != nil || !pool.AppendCertsFromPEM(ca) {
			t.Fatal("no authority:", err)
		}
	}
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, "127.0.0.1:"+portOf(address))
		},
	}}
}

// call sends one request to a tenant and follows nothing. Headers come as pairs.
func (s *tenantServer) call(method, path string, form url.Values, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		headers = append([]string{"Content-Type", "application/x-www-form-urlencoded", "Origin", s.base}, headers...)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.http.Transport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

// person is somebody who has enrolled, with all that could be stolen from her.
type person struct {
	*pages
	password, secret string
	recovery         []string
	at               time.Time // of the code used last
}

var (
	shownSecret   = regexp.MustCompile(`class="secret"[^>]*>([^<]+)<`)
	shownRecovery = regexp.MustCompile(`<li>([a-z0-9-]{20,})</li>`)
)

// invited adds somebody by the tenant's socket and returns her invitation.
func (s *tenantServer) invited(user string) string {
	s.t.Helper()
	var i struct {
		Code string `json:"enrolment_code"`
	}
	out := must(s.t, "user", "add", user, "--dir", s.dir, "--role", "nurse", "--given", "Ada", "--family", "Of "+s.name, "--ward", "east", "--practitioner", "pr1", "--json")
	if err := json.Unmarshal([]byte(out), &i); err != nil || i.Code == "" {
		s.t.Fatal(err, out)
	}
	return i.Code
}

// enrols is an invitation taken up, attested and used for a first sign-in.
func (s *tenantServer) enrols(user, code string) *person {
	s.t.Helper()
	p := &person{pages: s.browser(), password: "lantern harbor " + s.name + " meadow"}
	p.ask("POST", "/enrol", url.Values{"user": {user}, "code": {code}, "password": {p.password}, "again": {p.password}})
	page, _ := p.ask("GET", "/enrol/authenticator", nil)
	m := shownSecret.FindStringSubmatch(page)
	if m == nil {
		s.t.Fatalf("no secret: %.900s", page)
	}
	p.secret = strings.ReplaceAll(html.UnescapeString(m[1]), " ", "")
	first := codeNow(s.t, p.secret)
	p.at = time.Now()
	page, _ = p.ask("POST", "/enrol/authenticator", url.Values{"code": {first}})
	for _, m := range shownRecovery.FindAllStringSubmatch(page, -1) {
		p.recovery = append(p.recovery, m[1])
	}
	if len(p.recovery) < 8 {
		s.t.Fatalf("%d recovery codes: %.900s", len(p.recovery), page)
	}
	for _, kind := range []string{"--clearance", "--training"} {
		must(s.t, "user", "attest", user, "--dir", s.dir, kind, "2026-01-05", "--by", "Personnel office")
	}
	return p
}

// comesIn signs her in, by a code of her authenticator or, if one is given, another.
func (p *person) comesIn(user, code string) bool {
	p.t.Helper()
	if code == "" {
		code = codeAfter(p.t, p.secret, p.at) // each works once
		p.at = time.Now()
	}
	p.ask("POST", "/sign-in", url.Values{"user": {user}, "password": {p.password}})
	p.ask("POST", "/sign-in/code", url.Values{"code": {code}})
	return strings.Contains(p.cookies(), "__Host-wk=")
}

// cookies are those of her browser, as a header of somebody else's.
func (p *person) cookies() string {
	u, _ := url.Parse(p.base)
	var all []string
	for _, c := range p.Jar.Cookies(u) {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}

// fakeIDP is an identity provider as far as leading people there and ending their
// sessions needs one.
type fakeIDP struct {
	t      *testing.T
	server *httptest.Server
	ca     string
	key    *ecdsa.PrivateKey
}

func newFakeIDP(t *testing.T) *fakeIDP {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &fakeIDP{t: t, key: key, ca: filepath.Join(t.TempDir(), "idp.pem")}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": i.server.URL, "authorization_endpoint": i.server.URL + "/authorize", "token_endpoint": i.server.URL + "/token",
			"jwks_uri": i.server.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	})
	i.server = httptest.NewTLSServer(mux)
	t.Cleanup(i.server.Close)
	write(t, i.ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.server.Certificate().Raw})))
	return i
}

// logout is a logout token for one of its clients.
func (i *fakeIDP) logout(client string) string {
	i.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: i.key}, (&jose.SignerOptions{}).WithType("logout+jwt").WithHeader("kid", "k1"))
	if err != nil {
		i.t.Fatal(err)
	}
	now := time.Now()
	claims, _ := json.Marshal(map[string]any{
		"iss": i.server.URL, "aud": client, "sub": "somebody", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": rand.Text(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	})
	signed, err := signer.Sign(claims)
	if err != nil {
		i.t.Fatal(err)
	}
	text, _ := signed.CompactSerialize()
	return text
}
