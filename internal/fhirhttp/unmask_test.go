package fhirhttp_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/identity"
)

const numberedPatient = `{"resourceType":"Patient","id":"sue","identifier":[{"system":"urn:mrn","value":"17"},{"system":"http://hl7.org/fhir/sid/us-ssn","value":"987-65-4320"}],"name":[{"family":"Stone"}]}`

// $unmask takes a purpose, by parameter, by form or by the header; it is no entry of a
// Bundle, and no program's.
func TestUnmaskOperation(t *testing.T) {
	r := newRig(t)
	r.actors["desk"] = identity.Actor{
		Kind: identity.KindPerson, ID: "desk-1", Roles: []string{"registration"}, MFA: identity.AssuranceMulti, SessionID: "s", Purpose: "HOPERAT",
	}
	r.do(201, "PUT", "/Patient/sue", numberedPatient, as("importer"))
	const address = "/Patient/sue/$unmask"
	const parameters = `{"resourceType":"Parameters","parameter":[{"name":"purpose","valueCode":"HPAYMT"}]}`
	for _, w := range []string{
		r.do(200, "GET", address+"?purpose=HPAYMT", "", as("desk")).Body.String(),
		r.do(200, "GET", address+"?purpose=http://terminology.hl7.org/CodeSystem/v3-ActReason%7CTREAT", "", as("desk")).Body.String(),
		r.do(200, "GET", address, "", as("desk"), "X-Purpose-Of-Use: HPAYMT").Body.String(),
		r.do(200, "POST", address, parameters, as("desk")).Body.String(),
		r.do(200, "POST", address, "purpose=HPAYMT", as("desk"), "Content-Type: application/x-www-form-urlencoded").Body.String(),
		r.do(200, "GET", address+"?purpose=HPAYMT&_format=xml", "", as("desk")).Body.String(),
	} {
		if !strings.Contains(w, "987-65-4320") {
			t.Errorf("not whole: %s", w)
		}
	}
	r.do(400, "GET", address, "", as("desk"))
	r.do(400, "GET", address+"?purpose=HMARKT", "", as("desk"))
	r.do(400, "GET", address+"?purpose=TREAT&purpose=HPAYMT", "", as("desk"))
	r.do(400, "POST", address, "purpose=TREAT&purpose=TREAT", as("desk"), "Content-Type: application/x-www-form-urlencoded")
	r.do(400, "GET", address+"?purpose=HPAYMT&_elements=identifier", "", as("desk"))
	r.do(404, "GET", "/Patient/nobody/$unmask?purpose=HPAYMT", "", as("desk"))
	r.do(403, "GET", address+"?purpose=HPAYMT", "")
	r.do(403, "GET", address+"?purpose=HPAYMT", "", as("nurse"))
	for _, w := range []string{
		r.do(200, "POST", "/", entries("batch", entry("GET", "Patient/sue/$unmask?purpose=HPAYMT", "", "", "")), as("desk")).Body.String(),
		r.do(200, "GET", "/Patient/sue", "", as("desk")).Body.String(),
		r.do(200, "GET", "/Patient/sue?_format=xml", "", as("desk")).Body.String(),
		r.do(200, "GET", "/Patient/sue/_history", "").Body.String(),
		r.do(200, "POST", "/", entries("batch", entry("GET", "Patient/sue", "", "", ""), entry("GET", "Patient?identifier=17", "", "", "")), as("reader")).Body.String(),
	} {
		if strings.Contains(w, "987-65") {
			t.Errorf("whole: %s", w)
		}
	}
}
