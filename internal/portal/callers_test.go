package portal_test

import (
	"net/http"
	"testing"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/portal"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
	"github.com/wardkeep/wardkeep/internal/web"
)

// TestPagesAreHeldUp: a session that asks too often, and whoever has none, get a page
// that says so; a person who has a session is not taken for strangers at her address.
func TestPagesAreHeldUp(t *testing.T) {
	v := visit(t, func(_ *portaltest.Stage, c *portal.Config) {
		still := clock.NewManual(c.Clock.Now())
		c.Callers = web.NewCallers(web.Rates{Person: 5, Address: 3}, still, func(*http.Request) string { return "192.0.2.7" })
	}).signIn()
	heldUp := func(paths ...string) {
		t.Helper()
		for _, path := range paths {
			if a := v.get(path); a.StatusCode != 429 || a.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %d %v", path, a.StatusCode, a.Header)
			}
		}
	}
	for range 15 { // some of which signing in took
		v.get("/sign-in")
	}
	heldUp("/sign-in", "/enrol", "/lock", "/sign-in/code", "/no-such-page")
	for range 10 {
		if a := v.get("/ward"); a.StatusCode != 200 {
			t.Fatalf("her own pages: %d", a.StatusCode)
		}
	}
	for range 15 {
		v.get("/ward")
	}
	heldUp("/", "/ward")
	if a := v.post("/find", "q", "x"); a.StatusCode != 429 {
		t.Errorf("a form: %d", a.StatusCode)
	}
	v.client.Jar = nil
	heldUp("/", "/ward")
}
