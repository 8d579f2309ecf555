package e2e_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// idp is an identity provider of others, running as a process of its own.
type idp struct {
	base string
	cert string            // file; it is its own authority
	key  string            // file
	told map[string]string // what it says of itself in cognito.json, if it does
}

// newIDP is a provider that does not run yet.
func newIDP(t *testing.T) *idp {
	t.Helper()
	p := &idp{base: "https://" + freePort(t)}
	p.cert, p.key = selfSigned(t)
	return p
}

// start runs a script of e2e/federation until the test ends. rp is the server that
// signs people in there, ca the file of its authority.
func (p *idp) start(t *testing.T, script, rp, ca string) {
	t.Helper()
	_, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join("federation", "node_modules", "oidc-provider"))
	}
	if err != nil {
		lacks(t, "node or the identity providers are missing; scripts/test-deps.sh installs them")
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(p.base, "https://"))
	folder := t.TempDir()
	cmd := exec.Command("node", script)
	cmd.Dir = "federation"
	cmd.Env = append(os.Environ(), "PORT="+port, "CERT="+p.cert, "KEY="+p.key, "RP="+rp, "NODE_EXTRA_CA_CERTS="+ca, "TMPDIR="+folder)
	out := &screen{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", script, out)
		}
	})
	for range 600 {
		if strings.Contains(out.String(), "provider ready") {
			if text, err := os.ReadFile(filepath.Join(folder, "cognito.json")); err == nil && json.Unmarshal(text, &p.told) != nil {
				t.Fatal("the provider's file cannot be read")
			}
			return
		}
		select {
		case <-exited:
			t.Fatalf("%s ended:\n%s", script, out)
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("%s does not become ready:\n%s", script, out)
}

// selfSigned makes a certificate for this machine.
func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "identity provider of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, &form, &form, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, body []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: body}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", secret)
}

// hospital is a server with a provider.
type hospital struct {
	*server
	t *testing.T
}

// serveFederated makes a hospital, whose settings hold the providers given.
func serveFederated(t *testing.T, providers func(dir, base string) string) *hospital {
	t.Helper()
	if testing.Short() {
		t.Skip("processes of others take their time")
	}
	dir := filepath.Join(t.TempDir(), "hospital")
	listen := freePort(t)
	_, port, _ := net.SplitHostPort(listen)
	base := "https://localhost:" + port
	must(t, "init", "--dir", dir, "--admin", "mgarcia", "--given", "Maria", "--family", "Garcia")
	settings := filepath.Join(t.TempDir(), "wardkeep.yaml")
	text := fmt.Sprintf("dir: %s\nlisten: %s\nfacility: Lakeside Hospital\nfederation:\n%s", dir, listen, providers(dir, base))
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &hospital{start(t, dir, base, []string{"serve", "--config", settings}), t}
}

// waiting returns the user names of those who wait for clearance.
func (h *hospital) waiting() []string {
	h.t.Helper()
	var names []string
	for line := range strings.Lines(must(h.t, "user", "list", "--dir", h.dir)) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == "pending" && strings.Contains(f[0], "-") {
			names = append(names, f[0])
		}
	}
	return names
}

// clearAll lets everybody in who waits.
func (h *hospital) clearAll() {
	h.t.Helper()
	for _, name := range h.waiting() {
		today := time.Now().UTC().Format(time.DateOnly)
		must(h.t, "user", "attest", "--dir", h.dir, name, "--clearance", today, "--training", today, "--by", "a test")
		must(h.t, "user", "place", "--dir", h.dir, name, "--ward", "*", "--reason", "a test")
		must(h.t, "user", "attest", "--dir", h.dir, name, "--clearance", "2026-01-05", "--training", "2026-01-09", "--by", "a test")
	}
}

// surfer is a browser without scripts, which follows redirects and refreshes.
type surfer struct {
	t      *testing.T
	client *http.Client
}

func newSurfer(t *testing.T, h *hospital, p *idp) *surfer {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := h.http.Transport.(*http.Transport).Clone()
	text, err := os.ReadFile(p.cert)
	if err != nil || !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(text) {
		t.Fatalf("the provider's certificate cannot be used: %v", err)
	}
	return &surfer{t, &http.Client{
		Jar: jar, Timeout: time.Minute, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// page is where a surfer has arrived.
type page struct {
	*http.Response
	body string
}

func (p page) at() string { return p.Request.URL.String() }

// one sends one request and follows nothing.
func (s *surfer) one(method, address string, form url.Values) page {
	s.t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return page{answer, string(bytes.TrimSpace(body))}
}

// next is where an answer leads, "" if it stays.
func (s *surfer) next(p page) string {
	s.t.Helper()
	to := p.Header.Get("Location")
	if rest, ok := strings.CutPrefix(p.Header.Get("Refresh"), "0;url="); ok {
		to = rest
	}
	if to == "" {
		return ""
	}
	u, err := p.Request.URL.Parse(to)
	if err != nil {
		s.t.Fatal(err)
	}
	return u.String()
}

// follow goes on until an answer stays, or until one that leads to where stop says.
func (s *surfer) follow(p page, stop string) page {
	s.t.Helper()
	for range 20 {
		to := s.next(p)
		if to == "" || stop != "" && strings.HasPrefix(to, stop) {
			return p
		}
		p = s.one("GET", to, nil)
	}
	s.t.Fatalf("no end of redirects at %s", p.at())
	return p
}

// forget throws away what it knows of all but the hospital.
func (s *surfer) forget(h *hospital) {
	s.t.Helper()
	u, err := url.Parse(h.base)
	if err != nil {
		s.t.Fatal(err)
	}
	kept := s.client.Jar.Cookies(u)
	for _, c := range kept {
		c.Secure, c.Path = true, "/"
	}
	if s.client.Jar, err = cookiejar.New(nil); err != nil {
		s.t.Fatal(err)
	}
	s.client.Jar.SetCookies(u, kept)
}

func (s *surfer) get(address string) page {
	s.t.Helper()
	return s.follow(s.one("GET", address, nil), "")
}

func (s *surfer) post(address string, pairs ...string) page {
	s.t.Helper()
	return s.follow(s.one("POST", address, valuesOf(pairs)), "")
}

func valuesOf(pairs []string) url.Values {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form
}

var (
	formAction = regexp.MustCompile(`(?i)<form[^>]*action="([^"]*)"`)
	formField  = regexp.MustCompile(`(?i)<input[^>]*type="hidden"[^>]*>`)
	attribute  = regexp.MustCompile(`(name|value)="([^"]*)"`)
)

// submit sends the page's first form, with the pairs beside its hidden fields.
func (s *surfer) submit(p page, stop string, pairs ...string) page {
	s.t.Helper()
	m := formAction.FindStringSubmatch(p.body)
	if m == nil {
		s.t.Fatalf("%d, no form at %s: %.300s", p.StatusCode, p.at(), p.body)
	}
	form := valuesOf(pairs)
	for _, field := range formField.FindAllString(p.body, -1) {
		pair := map[string]string{}
		for _, a := range attribute.FindAllStringSubmatch(field, -1) {
			pair[a[1]] = html.UnescapeString(a[2])
		}
		form.Add(pair["name"], pair["value"])
	}
	u, err := p.Request.URL.Parse(html.UnescapeString(m[1]))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.follow(s.one("POST", u.String(), form), stop)
}
