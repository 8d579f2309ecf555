package fhirhttp_test

import (
	"context"
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
	for _, wrong := range []string{"curiosity", "BTG", "TREAT HPAYMT", "urn:x|TREAT", "treat"} {
		r.do(400, "GET", "/Patient/canary", "", as("nurse"), "X-Purpose-Of-Use: "+wrong)
	}
}
