package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/web"
)

// A form is taken from pages of this very origin alone: its host, and over HTTPS.
func TestOwnForms(t *testing.T) {
	h := web.OwnForms(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for _, c := range []struct {
		method, origin, site string
		want                 int
	}{
		{"POST", "https://ehr.example.org", "", http.StatusNoContent},
		{"POST", "https://ehr.example.org", "same-origin", http.StatusNoContent},
		{"POST", "", "", http.StatusNoContent}, // no browser
		{"POST", "http://ehr.example.org", "", http.StatusForbidden},
		{"POST", "HTTP://ehr.example.org", "same-origin", http.StatusForbidden},
		{"POST", "https://evil.example.org", "", http.StatusForbidden},
		{"POST", "https://ehr.example.org", "cross-site", http.StatusForbidden},
		{"POST", "null", "", http.StatusForbidden},
		{"GET", "http://ehr.example.org", "", http.StatusNoContent},
	} {
		r := httptest.NewRequest(c.method, "https://ehr.example.org/find", strings.NewReader("a=b"))
		if r.Header.Set("Origin", c.origin); c.origin == "" {
			r.Header.Del("Origin")
		}
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != c.want {
			t.Errorf("%s from %q, %q: %d, want %d", c.method, c.origin, c.site, w.Code, c.want)
		}
	}
}
