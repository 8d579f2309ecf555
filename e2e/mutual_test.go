package e2e_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// authority signs certificates of programs.
type authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t}
	made := a.issue("authority", func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	})
	a.key, a.cert = made.PrivateKey.(*ecdsa.PrivateKey), made.Leaf
	return a
}

func (a *authority) issue(name string, change func(*x509.Certificate)) *tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name, Organization: []string{"Example, Inc."}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func inPEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// at is the server at another of its addresses, called with a certificate.
func (s *server) at(base string, cert *tls.Certificate) *server {
	transport := s.http.Transport.(*http.Transport).Clone()
	if cert != nil {
		transport.TLSClientConfig.Certificates = []tls.Certificate{*cert}
	}
	s.t.Cleanup(transport.CloseIdleConnections)
	other := *s
	other.base, other.http = base, &http.Client{Timeout: time.Minute, Transport: transport}
	return &other
}

// form posts a form and returns the status and the answer; 0 if there is none.
func (s *server) form(path string, form url.Values) (int, map[string]any) {
	s.t.Helper()
	resp, err := s.http.PostForm(s.base+path, form)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	var m map[string]any
	body, _ := io.ReadAll(resp.Body)
	_ = json.Unmarshal(body, &m)
	return resp.StatusCode, m
}

// TestMutualTLS has a program export by a certificate, at the address for it; its
// token is worth nothing to anybody else, by any road.
func TestMutualTLS(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	write(t, caFile, inPEM(ca.cert))
	listen := freePort(t)
	_, port, _ := net.SplitHostPort(listen)
	mutual := "https://localhost:" + port
	s := startDemoIn(t, []string{"WARDKEEP_MTLS_LISTEN=" + listen, "WARDKEEP_MTLS_CA=" + caFile}, "", "--patients", "2")
	var c struct {
		ID    string `json:"client_id"`
		Token string `json:"token_url"`
		FHIR  string `json:"fhir_url"`
	}
	out := must(t, "client", "add", "--dir", s.dir, "--name", "night batch", "--scope", "system/*.rs", "--tls-subject-dn", `CN=batch,O=Example\, Inc.`, "--json")
	if err := json.Unmarshal([]byte(out), &c); err != nil || c.Token != mutual+"/oauth2/token" || c.FHIR != mutual+"/fhir" {
		t.Fatalf("%v %s", err, out)
	}
	cert, other := ca.issue("batch", nil), ca.issue("other", nil)
	ask := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ID}}
	for name, shown := range map[string]*tls.Certificate{"none": nil, "another's": other, "another authority's": stranger.issue("batch", nil)} {
		if status, m := s.at(mutual, shown).form("/oauth2/token", ask); status == http.StatusOK {
			t.Errorf("%s: %v", name, m)
		}
	}
	if status, m := s.at(s.base, cert).form("/oauth2/token", ask); status != http.StatusUnauthorized || m["error"] != "invalid_client" {
		t.Errorf("at the address for all: %d %v", status, m)
	}
	status, m := s.at(mutual, cert).form("/oauth2/token", ask)
	token, _ := m["access_token"].(string)
	if status != http.StatusOK || token == "" {
		t.Fatalf("%d %v", status, m)
	}
	good := &api{server: s.at(mutual, cert), token: token}
	job := good.do("GET", "/fhir/$export", nil, "Prefer", "respond-async").header.Get("Content-Location")
	if !strings.HasPrefix(job, mutual+"/fhir/") {
		t.Fatalf("led to %s", job)
	}
	manifest, done := good.await(pathOf(job), time.Minute)
	if !done || len(manifest.Output) == 0 || !strings.HasPrefix(manifest.Output[0].URL, mutual+"/fhir/") || len(good.fetched(manifest)) == 0 {
		t.Fatalf("exported %+v", manifest)
	}
	found := good.do("GET", "/fhir/Patient?_count=1", nil)
	if !bytes.Contains(found.body, []byte(mutual+"/fhir?_page=")) || !bytes.Contains(found.body, []byte(`"fullUrl":"`+s.base+"/fhir/Patient/")) {
		t.Errorf("a page leads elsewhere, or records have other names: %s", found.body)
	}
	if got := good.do("GET", "/", nil); got.status != http.StatusNotFound {
		t.Errorf("pages are served where programs show certificates: %d", got.status)
	}

	thieves := map[string]*api{"without": {server: s.at(s.base, cert), token: token}, "with another": {server: s.at(mutual, other), token: token}}
	for name, thief := range thieves {
		for _, road := range []string{"/fhir/Patient", "/fhir/$export", pathOf(job), pathOf(manifest.Output[0].URL), "/fhir/websocket"} {
			got := thief.do("GET", road, nil, "Prefer", "respond-async", "X-Forwarded-Client-Cert", url.QueryEscape(inPEM(cert.Leaf)), "X-SSL-Client-Cert", url.QueryEscape(inPEM(cert.Leaf)))
			if got.status != http.StatusUnauthorized || !strings.Contains(got.header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("%s, %s: %d %s", name, road, got.status, got.header.Get("WWW-Authenticate"))
			}
		}
		ask.Set("token", token)
		if status, m := thief.form("/oauth2/introspect", ask); status != http.StatusUnauthorized {
			t.Errorf("%s, introspected: %d %v", name, status, m)
		}
	}
	_, m = good.form("/oauth2/introspect", ask)
	if cnf, _ := m["cnf"].(map[string]any); m["active"] != true || cnf["x5t#S256"] == nil {
		t.Errorf("introspected: %v", m)
	}
	socket(t, good)

	shown := must(t, "client", "show", "--dir", s.dir, c.ID)
	if !strings.Contains(shown, "tls_client_auth") || !strings.Contains(shown, `CN=batch,O=Example\, Inc.`) {
		t.Errorf("shown %s", shown)
	}
	file := filepath.Join(t.TempDir(), "batch.pem")
	write(t, file, inPEM(cert.Leaf))
	must(t, "client", "revoke", "--dir", s.dir, c.ID, "--cert", file, "--reason", "its key was lost")
	if got := good.do("GET", "/fhir/Patient", nil); got.status != http.StatusUnauthorized {
		t.Errorf("its token, after the certificate was taken back: %d", got.status)
	}
	if status, m := good.form("/oauth2/token", ask); status != http.StatusUnauthorized {
		t.Errorf("the certificate that was taken back: %d %v", status, m)
	}
	if status, m := s.at(mutual, ca.issue("batch", nil)).form("/oauth2/token", ask); status != http.StatusOK {
		t.Errorf("the next certificate: %d %v", status, m)
	}
	if trail := must(t, "audit", "export", "--dir", s.dir); !strings.Contains(trail, "by tls_client_auth, certificate") {
		t.Error("the audit log does not tell how it authenticated")
	}
}

// socket opens a web socket by the token and certificate of a.
func socket(t *testing.T, a *api) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	transport := a.http.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.NextProtos = []string{"http/1.1"}
	conn, _, err := websocket.Dial(ctx, a.base+"/fhir/websocket", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, HTTPHeader: http.Header{"Authorization": {"Bearer " + a.token}},
	})
	if err != nil {
		t.Errorf("a web socket with token and certificate: %v", err)
		return
	}
	_ = conn.CloseNow()
}
