package fhirhttp_test

import (
	"context"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
)

// What a request states it is made for is in its entry; else what follows from the
// role is; what is no purpose is refused.
func TestPurposeOfUse(t *testing.T) {
	r := withCanary(t)
	purpose := func() (last string) {
		check(t, r.log.Integrate(context.Background()))
		check(t, r.log.Search(context.Background(), audit.Filter{Actor: "nurse-1"}, func(e *audit.Record) error { last = e.Purpose; return nil }))
		return last
	}
	for _, c := range []struct{ header, want string }{
		{"X-Purpose-Of-Use: PATSFTY", "PATSFTY"}, {"X-Purpose-Of-Use: http://terminology.hl7.org/CodeSystem/v3-ActReason|HQUALIMP", "HQUALIMP"}, {"Accept: application/fhir+json", "TREAT"},
	} {
		r.do(404, "GET", "/Patient/canary", "", as("nurse"), c.header)
		if got := purpose(); got != c.want {
			t.Errorf("%s: %q", c.header, got)
		}
	}
	// What is none of her work is refused, whatever there is, and no answer tells it apart.
	for _, stated := range []string{"HPAYMT", "COVAUTH", "HRESCH"} {
		for _, path := range []string{"/Patient/canary", "/Patient/nobody", "/Observation?code=x", "/Patient/canary/_history", "/Patient/canary/$everything"} {
			w := r.do(403, "GET", path, "", as("nurse"), "X-Purpose-Of-Use: "+stated)
			if !strings.Contains(w.Body.String(), "does not work for the purpose") {
				t.Errorf("%s: %s", path, w.Body)
			}
		}
		if got := purpose(); got != stated {
			t.Errorf("a refusal for %s is logged for %q", stated, got)
		}
		r.do(403, "POST", "/Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"}}`, as("nurse"), "X-Purpose-Of-Use: "+stated)
	}
	r.do(200, "GET", "/Patient/canary", "", "X-Purpose-Of-Use: HPAYMT") // a program's work is its scopes
	for _, wrong := range []string{"curiosity", "BTG", "TREAT HPAYMT", "urn:x|TREAT", "treat"} {
		r.do(400, "GET", "/Patient/canary", "", as("nurse"), "X-Purpose-Of-Use: "+wrong)
	}
}
