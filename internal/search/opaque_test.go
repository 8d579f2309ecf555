package search_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/search"
)

// TestOpaque: what can stand in an address, and what tells of people.
func TestOpaque(t *testing.T) {
	for line, want := range map[string]bool{
		"Patient?name=Adams": false, "Patient?family:exact=Adams": false, "Patient?phonetic=x": false, "Patient?birthdate=1980-01-02": false, "Patient?death-date=2020": false,
		"Patient?identifier=urn:mrn|1": false, "Patient?identifier:of-type=x|y|1": false, "Patient?phone=555": false, "Patient?email=a@b.example": false, "Patient?telecom=555": false,
		"Patient?address-postalcode=02138": false, "Patient?gender=female": false, "Patient?language=en": false, "Patient?deceased=true": false, "Patient?active=true": true,
		"Patient?_id=p1,p2": true, "Patient?_id=Ann Adams": false, "Patient?_count=5": true, "Patient?_sort=family": true, "Patient?_lastUpdated=gt2026-01-01": true, "Patient?name:missing=true": true,
		"Patient?name:missing=Adams": false, "Patient?general-practitioner=Practitioner/x": true, "Patient?_text=smoker": false, "Patient?_content=x": false, "Patient?_filter=name eq Adams": false, "Patient?_query=x": false,
		"Patient?no-such=x": false, "Patient?_nosuch=x": false, "Patient?=x": false,
		"Observation?patient=p1": true, "Observation?patient=Patient/p1,Patient/p2": true, "Observation?subject:Patient=p1": true, "Observation?subject:identifier=urn:mrn|1": false,
		"Observation?patient=Ann Adams": false, "Observation?code=http://loinc.org|2823-3": true, "Observation?code:text=potassium": false, "Observation?code:in=http://a": true, "Observation?date=ge2026-01-01": true,
		"Observation?identifier=1": false, "Observation?value-string=x": false, "Observation?value-quantity=gt5": true, "Observation?status:not=final": true, "Observation?code-value-quantity=x$5": false,
		"Observation?subject:Patient.name=Adams": false, "Observation?subject.name=Adams": false, "Observation?patient.identifier=1": false, "Observation?subject:Patient.active=true": true, "Observation?encounter.status=finished": true,
		"Patient?_has:Observation:patient:code=x": true, "Patient?_has:Observation:patient:identifier=1": false, "Patient?_has:Observation:patient": false, "Patient?_has:Encounter:patient:_has:Observation:encounter:value-string=x": false,
		"Observation?value-date=1980-01-02": false, "Patient?_has:Observation:patient:value-date=1980": false, "DocumentReference?location=https://a/Adams.pdf": false, "DocumentReference?period=2026": true,
		"Condition?patient=p1&code=http://snomed.info/sct|86406008": true, "Condition?patient=p1&category=problem-list-item": true, "Condition?onset-date=2020": true,
		"Location?name=East": false, "Location?near=1|2": false, "Encounter?class=IMP": true, "Practitioner?name=House": false, "Person?birthdate=1980": false, "RelatedPerson?phone=5": false,
		"?_id=p1": true, "?name=x": false, "?status=final": true, "?_type=Patient": true, "?identifier=1": false,
		"AuditEvent?agent-name=x": false, "AuditEvent?address=192.0.2.7": false, "Coverage?identifier=1": false, "Coverage?beneficiary=p1": true, "Appointment?date=2026-01-01": true,
	} {
		typ, rest, _ := strings.Cut(line, "?")
		got := true
		for one := range strings.SplitSeq(rest, "&") {
			key, value, _ := strings.Cut(one, "=")
			got = got && search.Base().Opaque(typ, search.Param{Key: key, Value: value})
		}
		if got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}

// TestOpaqueByDefinition: whatever R4 defines as a string, and every identifier and
// number to call, is kept out of addresses, for every type there is.
func TestOpaqueByDefinition(t *testing.T) {
	seen := 0
	for of := range r4.Resources {
		typ := of.String()
		for _, p := range search.Params(typ) {
			named := p.Type == "string" || p.Type == "composite" || strings.Contains(p.Code, "identifier") || p.Code == "phone" || p.Code == "email" || p.Code == "telecom" || strings.Contains(p.Code, "birth")
			if named {
				seen++
				if search.Base().Opaque(typ, search.Param{Key: p.Code, Value: "a"}) {
					t.Errorf("%s?%s can stand in an address", typ, p.Code)
				}
			}
		}
	}
	if seen < 400 {
		t.Errorf("only %d parameters were looked at", seen)
	}
}
