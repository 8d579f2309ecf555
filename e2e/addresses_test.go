package e2e_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// TestNamesInAddresses: as the program comes, it takes no names in addresses, and says how
// to search instead; one program can be let, and is no more once it is taken back; a
// server that lets everybody says so.
func TestNamesInAddresses(t *testing.T) {
	s := startDemo(t, "", "--patients", "2")
	a := s.client("system/*.cruds")
	const form = "application/x-www-form-urlencoded"
	asks := func(want int) {
		t.Helper()
		a.renewed()
		got := a.do("GET", "/fhir/Patient?family=Adams&birthdate=1980-01-02", nil)
		if got.status != want || want == http.StatusBadRequest && (!bytes.Contains(got.body, []byte("/_search")) || bytes.Contains(got.body, []byte("Adams"))) {
			t.Errorf("by GET: %d, want %d: %s", got.status, want, got.body)
		}
		for _, open := range []string{"/fhir/Patient?_count=1", "/fhir/Observation?patient=x&category=laboratory&date=ge2020", "/fhir/metadata"} {
			if got := a.do("GET", open, nil); got.status != http.StatusOK {
				t.Errorf("%s: %d %s", open, got.status, got.body)
			}
		}
		if got := a.do("POST", "/fhir/Patient/_search", strings.NewReader("family=Adams"), "Content-Type", form); got.status != http.StatusOK {
			t.Errorf("by POST: %d %s", got.status, got.body)
		}
	}
	asks(http.StatusBadRequest)
	let := func(what string) string {
		a.taken = a.taken.Add(-1e12) // its tokens have ended
		return must(t, "client", "urls", "--dir", s.dir, a.id, what, "--reason", "test")
	}
	if out := let("all"); !strings.Contains(out, "names, too") {
		t.Errorf("it says %s", out)
	}
	if got := a.do("GET", "/fhir/Patient?_count=1", nil); got.status != http.StatusUnauthorized {
		t.Errorf("a token from before: %d", got.status)
	}
	asks(http.StatusOK)
	if out := must(t, "audit", "export", "--dir", s.dir); !strings.Contains(out, "names-in-urls-let") {
		t.Error("the audit log does not tell")
	}
	let("opaque")
	asks(http.StatusBadRequest)
	const told = "search_in_urls is all"
	if strings.Contains(s.screen.String(), told) {
		t.Error("told of what is not so")
	}
	s.stop()
	s = startDemoIn(t, []string{"WARDKEEP_SEARCH_IN_URLS=all"}, s.dir)
	a = s.client("system/*.rs")
	asks(http.StatusOK)
	if out, _, _ := run(t, "doctor", "--dir", s.dir); !strings.Contains(out, told) || !strings.Contains(s.screen.String(), told) {
		t.Errorf("not told: %s\n%s", out, s.screen)
	}
}
