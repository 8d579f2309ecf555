package smart_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// Every name in the documents is served, by absolute URLs that no request can
// change.
func TestDiscovery(t *testing.T) {
	r := newRig(t)
	for _, path := range []string{
		"/fhir/.well-known/smart-configuration", "/.well-known/smart-configuration", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server",
	} {
		w := r.get(path, "Host", "evil.example", "Accept", "application/fhir+xml")
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("%s: %d %v", path, w.Code, w.Header())
		}
		var d map[string]any
		check(t, json.Unmarshal(w.Body.Bytes(), &d))
		if d["issuer"] != issuer {
			t.Error(d["issuer"])
		}
		for key, value := range d {
			text, _ := value.(string)
			if !strings.HasSuffix(key, "_endpoint") && key != "jwks_uri" {
				continue
			}
			u, err := url.Parse(text)
			if err != nil || u.Host != "ward.example" || u.Scheme != "https" {
				t.Errorf("%s is %v", key, value)
				continue
			}
			if key == "management_endpoint" {
				continue // a page
			}
			q := httptest.NewRequest(http.MethodPost, u.Path, strings.NewReader("a=b"))
			if key == "jwks_uri" {
				q = httptest.NewRequest(http.MethodGet, u.Path, nil)
			}
			q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			if r.server.ServeHTTP(w, q); w.Code == 404 || w.Code == 405 || w.Code >= 500 {
				t.Errorf("%s is not served: %d", key, w.Code)
			}
		}
		for _, absent := range []string{"registration_endpoint", "userinfo_endpoint", "end_session_endpoint"} {
			if _, ok := d[absent]; ok {
				t.Errorf("%s is not served", absent)
			}
		}
		for _, text := range d["scopes_supported"].([]any) {
			if asked, err := identity.ParseAsked(text.(string)); err != nil || asked.Unknown {
				t.Errorf("scope %v", text)
			}
		}
		if methods := d["code_challenge_methods_supported"].([]any); len(methods) != 1 || methods[0] != "S256" {
			t.Error(methods)
		}
	}
}

// Pages of registered origins may call, and no others.
func TestCrossOrigin(t *testing.T) {
	r := newRig(t)
	a := r.app(allWords+"patient/*.rs", nil)
	call := func(method, path, origin string) http.Header {
		q := httptest.NewRequest(method, path, nil)
		q.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		r.server.ServeHTTP(w, q)
		return w.Header()
	}
	for _, c := range []struct{ method, path string }{
		{"OPTIONS", "/oauth2/token"}, {"POST", "/oauth2/token"}, {"OPTIONS", "/oauth2/revoke"}, {"GET", "/fhir/.well-known/smart-configuration"},
		{"GET", "/.well-known/openid-configuration"}, {"GET", "/oauth2/jwks"}, {"POST", "/oauth2/introspect"},
	} {
		for origin, want := range map[string]string{
			"https://app.example": "https://app.example", "https://evil.example": "", "https://app.example.evil.example": "", "null": "", "http://app.example": "",
		} {
			h := call(c.method, c.path, origin)
			if got := h.Get("Access-Control-Allow-Origin"); got != want || h.Get("Access-Control-Allow-Credentials") != "" || h.Get("Vary") != "Origin" {
				t.Errorf("%s %s from %s: %q", c.method, c.path, origin, got)
			}
		}
	}
	if got := call("GET", "/oauth2/authorize", "https://app.example").Get("Access-Control-Allow-Origin"); got != "" {
		t.Error("pages may read the way to people")
	}
	check(t, r.people.DisableClient(ctx, operator, a.ID, "over"))
	r.clock.Advance(time.Second)
	if got := call("OPTIONS", "/oauth2/token", "https://app.example").Get("Access-Control-Allow-Origin"); got != "" {
		t.Error("a disabled app's pages may call")
	}
}
