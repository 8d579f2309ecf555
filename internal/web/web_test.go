package web_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/web"
)

var now = time.Now().UTC()

// serve starts a TLS server with a local certificate and returns its address
// and the pool that trusts it.
func serve(t *testing.T, dir string) (string, *x509.CertPool) {
	t.Helper()
	return serveWith(t, dir, http.NotFoundHandler())
}

func serveWith(t *testing.T, dir string, h http.Handler) (string, *x509.CertPool) {
	t.Helper()
	cert, err := web.LocalCertificate(dir, []string{"localhost", "127.0.0.1"}, now)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = server.Serve(tls.NewListener(l, web.TLS(func() *tls.Certificate { return &cert }))) }()
	t.Cleanup(func() { _ = server.Close() })
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return l.Addr().String(), pool
}

func TestTLS13Only(t *testing.T) {
	address, pool := serve(t, t.TempDir())
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12} {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: pool, MinVersion: version, MaxVersion: version})
		if err == nil {
			_ = conn.Close()
			t.Errorf("%s is spoken", tls.VersionName(version))
		}
	}
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	if v := conn.ConnectionState().Version; v != tls.VersionTLS13 {
		t.Errorf("%s was agreed on", tls.VersionName(v))
	}
	_ = conn.Close()
}

func TestLocalCertificate(t *testing.T) {
	dir := t.TempDir()
	first, err := web.LocalCertificate(dir, []string{"localhost"}, now)
	if err != nil {
		t.Fatal(err)
	}
	same, err := web.LocalCertificate(dir, []string{"localhost"}, now)
	if err != nil || !bytes.Equal(first.Certificate[0], same.Certificate[0]) {
		t.Errorf("a second start makes another certificate: %v", err)
	}
	wider, err := web.LocalCertificate(dir, []string{"localhost", "ward.example.org"}, now)
	if err != nil || bytes.Equal(first.Certificate[0], wider.Certificate[0]) {
		t.Errorf("a new host gets the old certificate: %v", err)
	}
	later, err := web.LocalCertificate(dir, []string{"localhost"}, now.AddDate(1, 1, 0))
	if err != nil || bytes.Equal(wider.Certificate[0], later.Certificate[0]) {
		t.Errorf("an expired certificate is kept: %v", err)
	}
	for _, key := range []string{"ca.key", "tls.key"} {
		info, err := os.Stat(filepath.Join(dir, key))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v: %v", key, info.Mode(), err)
		}
	}
}

func TestRedirect(t *testing.T) {
	h := web.RedirectToHTTPS("https://ward.example.org:8443", "/fhir", "/oauth2")
	for _, c := range []struct {
		method, path, auth string
		status             int
		location           string
	}{
		{"GET", "/ward?x=1", "", http.StatusPermanentRedirect, "https://ward.example.org:8443/ward?x=1"},
		{"HEAD", "/ward?x=1", "", http.StatusPermanentRedirect, "https://ward.example.org:8443/ward?x=1"},
		{"GET", "/fhirs", "", http.StatusPermanentRedirect, "https://ward.example.org:8443/fhirs"},
		{"POST", "/sign-in", "", http.StatusForbidden, ""},
		{"GET", "/ward", "Bearer x", http.StatusForbidden, ""},
		{"GET", "/fhir", "", http.StatusForbidden, ""},
		{"GET", "/fhir/metadata?x=1", "", http.StatusForbidden, ""},
		{"GET", "/fhir/websocket", "", http.StatusForbidden, ""},
		{"HEAD", "/oauth2/jwks", "", http.StatusForbidden, ""},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Host = "evil.example.org"
		if c.auth != "" {
			r.Header.Set("Authorization", c.auth)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Location") != c.location {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.auth, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestRedirectStaysHere(t *testing.T) {
	for _, line := range []string{"http:@evil.example.org/", "http://evil.example.org/x", "//evil.example.org/x", "/a\\b", "*"} {
		raw := "GET " + line + " HTTP/1.1\r\nHost: evil.example.org\r\n\r\n"
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			continue
		}
		w := httptest.NewRecorder()
		web.RedirectToHTTPS("https://ward.example.org").ServeHTTP(w, r)
		to, err := url.Parse(w.Header().Get("Location"))
		if err != nil || to.Host != "ward.example.org" || to.User != nil {
			t.Errorf("%s leads to %s", line, w.Header().Get("Location"))
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", "session=1")
	w := httptest.NewRecorder()
	web.RedirectToHTTPS("https://ward.example.org").ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("a cookie sent in the clear: %d", w.Code)
	}
}

// chain sends one request through the chain and returns the answer and the log.
func chain(t *testing.T, h http.HandlerFunc, body io.Reader) (*httptest.ResponseRecorder, string) {
	t.Helper()
	var log bytes.Buffer
	c := web.Chain(h, web.Config{Log: slog.New(slog.NewJSONHandler(&log, nil)), Clock: clock.NewManual(now), MaxBody: 100})
	w := httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequest("POST", "/fhir/Patient?family=Secretname", body))
	return w, log.String()
}

func TestHeadersAndEvent(t *testing.T) {
	w, log := chain(t, func(w http.ResponseWriter, r *http.Request) {
		web.EventOf(r.Context()).Add(slog.String("actor", "a1"))
		web.EventOf(r.Context()).Fail(fault.New(fault.NotFound, "chart.read", ""))
		w.WriteHeader(http.StatusNotFound)
	}, nil)
	h := w.Header()
	if !strings.HasPrefix(h.Get("Strict-Transport-Security"), "max-age=31536000; includeSubDomains") || h.Get("X-Content-Type-Options") != "nosniff" ||
		h.Get("X-Request-Id") == "" || h.Get("Cache-Control") != "no-store" || h.Get("Content-Security-Policy") == "" {
		t.Errorf("headers: %v", h)
	}
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, `"status":404`) || !strings.Contains(log, `"actor":"a1"`) || !strings.Contains(log, h.Get("X-Request-Id")) {
		t.Errorf("log: %s", log)
	}
	if strings.Contains(log, "Secretname") {
		t.Errorf("the log holds the query: %s", log)
	}
}

func TestPanic(t *testing.T) {
	w, log := chain(t, func(http.ResponseWriter, *http.Request) { panic("Secretname") }, nil)
	if w.Code != 500 || strings.Contains(w.Body.String()+log, "Secretname") || !strings.Contains(log, "web_test.go") {
		t.Errorf("%d %s\n%s", w.Code, w.Body, log)
	}
}

func TestBodyLimit(t *testing.T) {
	var err error
	chain(t, func(_ http.ResponseWriter, r *http.Request) { _, err = io.ReadAll(r.Body) }, strings.NewReader(strings.Repeat("x", 101)))
	if err == nil {
		t.Error("a body over the limit is read")
	}
	chain(t, func(_ http.ResponseWriter, r *http.Request) { _, err = io.ReadAll(r.Body) }, strings.NewReader(strings.Repeat("x", 100)))
	if err != nil {
		t.Error(err)
	}
}

func TestEveryKindHasAStatus(t *testing.T) {
	for kind := fault.Internal; kind <= fault.Unavailable; kind++ {
		status := web.Status(kind)
		if (kind == fault.Internal) != (status == 500) || http.StatusText(status) == "" {
			t.Errorf("%v: %d", kind, status)
		}
		if kind.Sentence() == "" || kind.String() == "" {
			t.Errorf("%d has no words", kind)
		}
	}
}
