package fhirhttp_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhirhttp"
)

// TestRefusalsWait: with a pace of an hour, what refuses or shows less than was asked
// for is not answered before its sender has given up, and all else at once.
func TestRefusalsWait(t *testing.T) {
	r := furnished(t, vip, true)
	r.config.Pace = time.Hour
	api, err := fhirhttp.New(r.config)
	check(t, err)
	call := func(ctx context.Context, line, body, header string) (status int) {
		method, path, _ := strings.Cut(line, " ")
		req := httptest.NewRequestWithContext(ctx, method, "/fhir"+path, strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer program")
		req.Header.Set("Content-Type", "application/fhir+json")
		if name, value, ok := strings.Cut(header, ": "); ok {
			req.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, req)
		return w.Code
	}
	for _, p := range []struct{ line, body, header string }{
		{line: "GET /Patient/bob"}, {line: "GET /Patient/nobody"}, {line: "HEAD /Patient/bob"}, {line: "GET /Patient/bob/_history/1"}, {line: "GET /Patient/bob/_history"},
		{line: "GET /Patient?_id=bob"}, {line: "GET /Patient?_id=nobody"}, {line: "GET /Patient?_id=ann,bob"}, {line: "GET /Patient?identifier=urn:mrn|M-ann,urn:mrn|M-nobody"}, {line: "GET /Patient?_id=bob&_summary=count"}, {line: "GET /Patient/bob/Observation"},
		{line: "GET /Schedule?_id=plan-bob&_include=Schedule:actor"}, {line: "GET /Observation?_id=k-panel&_include=Observation:has-member"},
		{line: "GET /Patient/bob/$everything"}, {line: "GET /Patient/bob/$meta"}, {line: "GET /Observation/k-bob/$validate"}, {line: "GET /Composition/note-ann/$document"},
		{line: "GET /Observation/$lastn?subject=Patient/bob&code=2823-3"}, {line: "GET /Patient/_history"}, {line: "GET /Binary/scan-bob"}, {line: "GET /$job/none"},
		{line: "DELETE /Observation/k-bob"}, {line: "DELETE /Observation?value-quantity=7"}, {line: "PATCH /Observation/k-bob", body: `[{"op":"test","path":"/status","value":"final"}]`, header: asJSONPatch},
		{line: "POST /Observation", body: fresh(result("x", "Patient/ann", "1")), header: "If-None-Exist: value-quantity=7"},
		{line: "POST /", body: entries("batch", entry("GET", "Patient/ann", "", "", ""), entry("GET", "Patient/bob", "", "", ""))},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		if call(ctx, p.line, p.body, p.header); ctx.Err() == nil {
			t.Errorf("%s is answered at once", p.line)
		}
		cancel()
	}
	for line, body := range map[string]string{ // each would take an hour
		"GET /Patient/ann": "", "GET /Patient?_id=ann": "", "GET /Patient/ann/_history": "", "GET /Patient/ann/$meta": "",
		"GET /Schedule?_id=plan-ann&_include=Schedule:actor": "", "GET /metadata": "", "GET /CodeSystem/$lookup?system=http://terminology.hl7.org/CodeSystem/v3-ActCode&code=CEL": "",
		"POST /Observation": fresh(result("x", "Patient/ann", "1")), "PUT /Observation/fresh": result("fresh", "Patient/ann", "1"),
		"POST /": entries("batch", entry("GET", "Patient/ann", "", "", ""), entry("GET", "Schedule/plan-bob", "", "", "")),
	} {
		if status := call(t.Context(), line, body, ""); status >= 400 {
			t.Errorf("%s: %d", line, status)
		}
	}
}
