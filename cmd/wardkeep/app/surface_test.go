package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/config"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// surface is the handler of a server on an empty folder, as it is mounted.
func surface(t *testing.T) (*House, http.Handler) {
	t.Helper()
	house, h, _ := surfaces(t)
	return house, h
}

// surfaces are that, and what of it programs come to with certificates.
func surfaces(t *testing.T) (*House, http.Handler, http.Handler) {
	t.Helper()
	cfg := config.Default()
	cfg.Dir, cfg.CacheMB, cfg.MTLSListen = t.TempDir(), 8, "127.0.0.1:9443"
	house, err := OpenHouse(context.Background(), cfg, slog.New(slog.DiscardHandler), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = house.Close(context.Background()) })
	h, mutual, err := (&Server{House: house, Version: "test"}).handler()
	if err != nil {
		t.Fatal(err)
	}
	return house, h, mutual
}

func ask(h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr = "192.0.2.7:4711"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestEveryAnswerBearsHeaders: whatever is asked for, and whether or not it is there.
func TestEveryAnswerBearsHeaders(t *testing.T) {
	_, h, mutual := surfaces(t)
	for _, path := range []string{
		"/", "/sign-in", "/enrol", "/lock", "/ward", "/no-such-page", "/assets/none", "/icon/wardkeep", "/healthz", "/readyz",
		"/fhir", "/fhir/metadata", "/fhir/Patient/x", "/fhir/$job/x", "/fhir/websocket", "/fhir/.well-known/smart-configuration",
		"/oauth2/token", "/oauth2/authorize", "/oauth2/jwks", "/oauth2/none", "/.well-known/openid-configuration",
	} {
		bearsHeaders(t, path, ask(h, "GET", path))
		bearsHeaders(t, path+" by certificate", ask(mutual, "GET", path))
	}
}

func bearsHeaders(t *testing.T, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	head := w.Header()
	for name, want := range map[string]string{
		"Strict-Transport-Security": "max-age=31536000; includeSubDomains", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
	} {
		if head.Get(name) != want {
			t.Errorf("%s: %s is %q", path, name, head.Get(name))
		}
	}
	for _, want := range []string{"default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(head.Get("Content-Security-Policy"), want) {
			t.Errorf("%s: the policy lacks %s: %q", path, want, head.Get("Content-Security-Policy"))
		}
	}
	kind := head.Get("Content-Type")
	text := strings.HasPrefix(kind, "text/") || strings.Contains(kind, "xml") || strings.Contains(kind, "fhir")
	if w.Body.Len() > 0 && (kind == "" || text && !strings.Contains(strings.ToLower(kind), "charset=utf-8")) {
		t.Errorf("%s: content type %q", path, kind)
	}
}

// TestPlainHTTPLeadsPeopleOn, and no program: what those send in the clear is to be noticed.
func TestPlainHTTPLeadsPeopleOn(t *testing.T) {
	cfg := config.Default()
	cfg.BaseURL = "https://ward.example.org"
	h := redirectTo(cfg)
	for path, want := range map[string]int{
		"/": http.StatusPermanentRedirect, "/sign-in": http.StatusPermanentRedirect, "/chart/x": http.StatusPermanentRedirect,
		"/fhir": http.StatusForbidden, "/fhir/Patient/x": http.StatusForbidden, "/fhir/websocket": http.StatusForbidden, "/oauth2/token": http.StatusForbidden,
		"/oauth2/jwks": http.StatusForbidden, "/.well-known/smart-configuration": http.StatusForbidden, "/healthz": http.StatusForbidden, "/readyz": http.StatusForbidden,
	} {
		w := ask(h, "GET", path)
		if w.Code != want || want == http.StatusPermanentRedirect && w.Header().Get("Location") != cfg.BaseURL+path {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Location"))
		}
		if hsts := w.Header().Get("Strict-Transport-Security"); hsts != "" {
			t.Errorf("%s: %q by plain HTTP", path, hsts)
		}
		w.Header().Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains") // the one that is not for here
		bearsHeaders(t, path+" by plain HTTP", w)
	}
}

// TestNothingElseIsServed: no listings, no files of a developer, no windows for
// debugging, and no method that repeats what was sent.
func TestNothingElseIsServed(t *testing.T) {
	_, h := surface(t)
	for _, path := range []string{
		"/assets/", "/assets/../portal.go", "/icon/", "/.git/config", "/.git/HEAD", "/.svn/entries", "/.env", "/root.key", "/demo.json",
		"/debug/pprof/", "/debug/vars", "/metrics", "/swagger", "/demo", "/test",
	} {
		if w := ask(h, "GET", path); w.Code != http.StatusNotFound && !(w.Code == http.StatusTemporaryRedirect || w.Code == http.StatusMovedPermanently) {
			t.Errorf("%s: %d %.80s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/", "/sign-in", "/fhir/Patient", "/oauth2/token", "/healthz"} {
		w := ask(h, "TRACE", path, "X-Canary", "Zephyrine")
		if w.Code < 400 || w.Code >= 500 || strings.Contains(w.Body.String(), "Zephyrine") {
			t.Errorf("TRACE %s: %d %.80s", path, w.Code, w.Body)
		}
	}
	if w := ask(h, "GET", "/healthz"); w.Code != http.StatusOK { // the control
		t.Errorf("/healthz: %d", w.Code)
	}
}

// TestOtherSitesAreRefused where the pages are mounted, and cookies open nothing of
// the API.
func TestOtherSitesAreRefused(t *testing.T) {
	_, h := surface(t)
	if w := ask(h, "POST", "/theme", "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("a form of another site: %d", w.Code)
	}
	if w := ask(h, "POST", "/theme", "Sec-Fetch-Site", "same-origin"); w.Code == http.StatusForbidden {
		t.Errorf("the control: %d", w.Code)
	}
	for _, method := range []string{"GET", "POST", "DELETE"} {
		if w := ask(h, method, "/fhir/Patient", "Cookie", "__Host-wk="+strings.Repeat("A", 43)); w.Code != http.StatusUnauthorized {
			t.Errorf("%s by a cookie: %d", method, w.Code)
		}
	}
}

// TestForwardedAddresses: what a sender writes of his own address is believed by
// nobody; the log has the connection's.
func TestForwardedAddresses(t *testing.T) {
	house, h := surface(t)
	r := httptest.NewRequest("POST", "/sign-in", strings.NewReader("user=nobody&password=x"))
	r.RemoteAddr = "192.0.2.7:4711"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, name := range []string{"X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP"} {
		r.Header.Set(name, "203.0.113.66")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	id := w.Header().Get("X-Request-Id")
	if id == "" || house.Log.Integrate(context.Background()) != nil {
		t.Fatalf("%d, request %q", w.Code, id)
	}
	found, err := house.Log.Find(context.Background(), audit.Filter{RequestID: id})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d entries, %v", len(found), err)
	}
	entry, err := house.Log.Read(context.Background(), found[0])
	if err != nil || entry.Address != "192.0.2.7" {
		t.Errorf("the source is %q, %v", entry.Address, err)
	}
}

// TestLogLines: each line is one JSON object with its time in UTC, whatever is in it.
func TestLogLines(t *testing.T) {
	var out bytes.Buffer
	log := newLogger(&out, "info")
	log.InfoContext(context.Background(), "request", "agent", "a\n{\"level\":\"ERROR\"}\r\n\x1b[2J", slog.Time("until", time.Now().In(time.FixedZone("x", 3600))))
	log.DebugContext(context.Background(), "not told")
	var line struct{ Time, Until, Level, Agent string }
	if bytes.Count(out.Bytes(), []byte("\n")) != 1 || json.Unmarshal(out.Bytes(), &line) != nil || bytes.ContainsRune(out.Bytes(), 0x1b) {
		t.Fatalf("%q", out.String())
	}
	if !strings.HasSuffix(line.Time, "Z") || !strings.HasSuffix(line.Until, "Z") || line.Level != "INFO" || !strings.HasPrefix(line.Agent, "a\n") {
		t.Errorf("%+v", line)
	}
}

// TestNoAccountsOfOurs: nobody can sign in before somebody was named, and the accounts
// of a demo open nothing that is served for care.
func TestNoAccountsOfOurs(t *testing.T) {
	house, _ := surface(t)
	people, err := house.Identity.People(context.Background(), identity.System("test", "operator"))
	if err != nil || len(people) != 0 {
		t.Errorf("%d people, %v", len(people), err)
	}
	clients, err := house.Identity.Clients(context.Background(), identity.System("test", "operator"))
	if err != nil || len(clients) != 0 {
		t.Errorf("%d programs, %v", len(clients), err)
	}
	dir := t.TempDir()
	demo, err := openOn(context.Background(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(demo.Close(context.Background()), writeDemo(dir, demoState{Complete: true})); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	var screen bytes.Buffer
	err = (&serveCmd{place: place{Dir: dir}, Listen: "127.0.0.1:0"}).Run(ended, Terminal{Out: &screen, Err: &screen})
	if err == nil || !strings.Contains(errorText(err), "holds a demo") {
		t.Errorf("a demo is served: %v", err)
	}
}
