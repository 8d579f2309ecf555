package fhirhttp_test

import (
	"strings"
	"testing"
)

// TestHandling: a parameter that nobody knows is refused, or left out in plain sight
// (FHIR R4 3.1.1.4); one that decides on a change is always refused.
func TestHandling(t *testing.T) {
	r := wards(t)
	const lenient = "Prefer: handling=lenient"
	for _, headers := range [][]string{nil, {"Prefer: handling=strict"}} {
		r.do(400, "GET", "/Patient?family=Adams&bogus=1", "", headers...)
		r.do(400, "GET", "/Observation/$lastn?patient=ann&category=lab&bogus=1", "", headers...)
	}
	for path, self := range map[string]string{
		"/Patient?bogus=secret&family=Adams&gender=":                      "/Patient?family=Adams",
		"/Observation/$lastn?patient=ann&bogus=secret&category=lab&max=2": "/Observation/$lastn?patient=ann&category=lab&max=2",
	} {
		w := r.do(200, "GET", path, "", lenient)
		b := r.bundle(w)
		last := b.Entry[len(b.Entry)-1]
		if last.Search.Mode != "outcome" || last.Resource.ResourceType != "OperationOutcome" || !strings.Contains(w.Body.String(), "The parameter bogus") {
			t.Errorf("%s: %s", path, w.Body)
		}
		if got := b.link("self"); got != self || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: self is %s", path, got)
		}
		if b.Total != nil && *b.Total != len(b.Entry)-1 {
			t.Errorf("%s: counts the outcome among %d", path, *b.Total)
		}
	}
	if b := r.bundle(r.do(200, "GET", "/Patient?family=Adams", "", lenient)); len(b.Entry) != 1 {
		t.Errorf("nothing was left out: %+v", b.Entry)
	}
	r.do(400, "GET", "/Patient?family:fuzzy=x", "", lenient)
	r.do(400, "DELETE", "/Patient?bogus=1", "", lenient)
	r.do(400, "PUT", "/Patient?bogus=1", fresh(patient("ann", "Adams")), lenient)
	r.do(400, "POST", "/Patient", fresh(patient("ann", "Adams")), lenient, "If-None-Exist: bogus=1")
}
