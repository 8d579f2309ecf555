package fhirhttp_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhirhttp"
	"github.com/wardkeep/wardkeep/internal/web"
)

// TestCallersAreHeldUp: reads, searches and writes of one caller, and attempts of nobody,
// are 429 with the time to wait; others go on.
func TestCallersAreHeldUp(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	r.config.Callers = web.NewCallers(web.Rates{Program: 1, Address: 1}, r.clock, func(r *http.Request) string { return r.RemoteAddr })
	api, err := fhirhttp.New(r.config)
	check(t, err)
	r.api = web.Chain(api, web.Config{Log: slog.New(slog.DiscardHandler), Clock: r.clock, OnFault: fhirhttp.Fail})
	heldUp := func(w *httptest.ResponseRecorder) {
		t.Helper()
		if w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"resourceType":"OperationOutcome"`) || !strings.Contains(w.Body.String(), `"throttled"`) {
			t.Errorf("%v %s", w.Header(), w.Body)
		}
	}
	for range 4 {
		r.do(200, "GET", "/Patient/ann", "")
	}
	for _, line := range []string{"GET /Patient/ann", "GET /Patient?_id=ann", "POST /Patient/_search", "POST /Patient", "PUT /Patient/ann", "DELETE /Patient/ann", "GET /_history", "GET /no/such/address"} {
		method, path, _ := strings.Cut(line, " ")
		heldUp(r.do(429, method, path, patient("ann", "Adams")))
	}
	r.do(200, "GET", "/Patient/ann", "", as("reader"))
	r.clock.Advance(time.Second)
	r.do(200, "GET", "/Patient/ann", "")
	r.do(429, "GET", "/Patient/ann", "")
	r.clock.Advance(time.Minute)
	for range 4 {
		r.do(401, "GET", "/Patient/ann", "", as("nobody"))
	}
	heldUp(r.do(429, "GET", "/Patient/ann", "", as("nobody")))
	heldUp(r.do(429, "GET", "/metadata", ""))
	r.do(200, "GET", "/Patient/ann", "") // who is somebody is not taken for his neighbours
}
