package clinical_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// status writes a coded status of an allergy, or nothing if it is empty.
func status(element, system, code string) string {
	if code == "" {
		return ""
	}
	return `"` + element + `":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-` + system + `","code":"` + code + `"}]},`
}

func allergy(t *testing.T, code, clinicalStatus, verification string) *fhir.Resource {
	t.Helper()
	return parse(t, `{"resourceType":"AllergyIntolerance","id":"a","patient":{"reference":"Patient/p"},"recordedDate":"2026-03-01","recorder":{"display":"Nurse Joy"},
	 `+status("clinicalStatus", "clinical", clinicalStatus)+status("verificationStatus", "verification", verification)+`
	 "code":{"coding":[{"system":"http://snomed.info/sct","code":"`+code+`","display":"Name of `+code+`"}]}}`)
}

// TestAllergyStates holds that each way of not knowing gives its own of the
// four statements.
func TestAllergyStates(t *testing.T) {
	f := formatter(t, "America/New_York")
	nka := allergy(t, "716186003", "active", "confirmed")
	nuts := allergy(t, "227493005", "active", "confirmed")
	for _, c := range []struct {
		name   string
		list   []*fhir.Resource
		err    error
		want   string
		detail string
	}{
		{"empty search", nil, nil, "Allergies not recorded", ""},
		{"denied", nil, fault.New(fault.Denied, "chart.View", ""), "Allergies unavailable", "not shown to your role"},
		{"denied with a list", []*fhir.Resource{nka}, fault.New(fault.Denied, "chart.View", ""), "Allergies unavailable", ""},
		{"failed load", nil, errors.New("disk"), "Allergies unavailable", "could not be loaded"},
		{"asserted none", []*fhir.Resource{nka}, nil, "No known allergies", "Nurse Joy, 01-Mar-2026"},
		{"asserted none, refuted since", []*fhir.Resource{allergy(t, "716186003", "active", "refuted")}, nil, "Allergies not recorded", ""},
		{"asserted none, in error", []*fhir.Resource{allergy(t, "716186003", "active", "entered-in-error")}, nil, "Allergies not recorded", ""},
		{"IPS code", []*fhir.Resource{allergy(t, "no-known-allergies", "active", "confirmed")}, nil, "No known allergies", ""},
		{"only no drug allergy", []*fhir.Resource{allergy(t, "409137002", "active", "confirmed")}, nil, "Allergies not recorded", "others not recorded"},
		{"no information", []*fhir.Resource{allergy(t, "no-allergy-info", "active", "confirmed")}, nil, "Allergies not recorded", ""},
		{"one known", []*fhir.Resource{nuts}, nil, "Known allergies", ""},
		{"unconfirmed counts", []*fhir.Resource{allergy(t, "1", "active", "unconfirmed")}, nil, "Known allergies", ""},
		{"no status counts", []*fhir.Resource{allergy(t, "1", "", "")}, nil, "Known allergies", ""},
		{"known outweighs none", []*fhir.Resource{nka, nuts}, nil, "Known allergies", "Clarify"},
		{"only resolved", []*fhir.Resource{allergy(t, "1", "resolved", "confirmed")}, nil, "Allergies not recorded", "do not apply"},
	} {
		s := f.Allergies(c.list, c.err)
		if s.Statement() != c.want || !strings.Contains(s.Detail, c.detail) {
			t.Errorf("%s: %q (%q), want %q with %q", c.name, s.Statement(), s.Detail, c.want, c.detail)
		}
	}
	if got := (clinical.AllergyState{}).Statement(); got != "Allergies unavailable" {
		t.Errorf("what nobody loaded says %q", got)
	}
}

// TestCombinedUnitsShareNoAxis holds for points of different units.
func TestUnitsShareNoAxis(t *testing.T) {
	f := formatter(t, "America/New_York")
	cell := func(unit string) clinical.ResultCell {
		return f.Result(parse(t, `{"resourceType":"Observation","status":"final","code":{"text":"Glucose"},"effectiveDateTime":"2026-03-07","valueQuantity":{"value":5,"unit":"`+unit+`"}}`), nil)
	}
	if a, b := cell("mmol/L"), cell("mg/dL"); a.Key != b.Key || a.Point.Axis == b.Point.Axis {
		t.Errorf("axes %q and %q", a.Point.Axis, b.Point.Axis)
	}
}

// TestFlagsHaveWordAndSymbol holds for every code of the standard that a result
// may bear, known here or not.
func TestFlagsHaveWordAndSymbol(t *testing.T) {
	f := formatter(t, "America/New_York")
	for _, code := range []string{"N", "L", "H", "LL", "HH", "A", "AA", "<", ">", "U", "D", "B", "W", "HU", "LU", "POS", "NEG", "S", "I", "R", "ZZ"} {
		cell := f.Result(parse(t, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueString":"y","interpretation":[{"coding":[{"code":"`+code+`","display":"Shown"}]}]}`), nil)
		flag := cell.Flag
		if strings.Contains("UDBW", code) {
			flag = cell.Trend
		}
		if flag.Word == "" || flag.Symbol == "" {
			t.Errorf("%q: %+v", code, flag)
		}
		if critical := code == "LL" || code == "HH" || code == "AA" || code == "HU" || code == "LU"; flag.ActNow() != critical || critical != strings.Contains(flag.Word, "act now") {
			t.Errorf("%q: act now is %v: %q", code, flag.ActNow(), flag.Word)
		}
	}
}

// TestStatusHasWords holds for every status that R4 knows.
func TestStatusHasWords(t *testing.T) {
	f := formatter(t, "America/New_York")
	said := func(code, words string) {
		if words == "" || strings.Contains(words, code) && strings.Contains(code, "-") || strings.HasPrefix(words, "Status "+code) && code != "unknown" {
			t.Errorf("status %q is shown as %q", code, words)
		}
	}
	for _, code := range []string{"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"} {
		said(code, f.Result(parse(t, `{"resourceType":"Observation","status":"`+code+`","code":{"text":"x"}}`), nil).Status)
	}
	for _, code := range []string{"active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "unknown"} {
		said(code, f.Medication(parse(t, `{"resourceType":"MedicationRequest","status":"`+code+`","intent":"order","medicationCodeableConcept":{"text":"x"},"subject":{"reference":"Patient/p"}}`), nil).Status)
	}
	for _, code := range []string{"active", "completed", "entered-in-error", "intended", "stopped", "on-hold", "unknown", "not-taken"} {
		said(code, f.Medication(parse(t, `{"resourceType":"MedicationStatement","status":"`+code+`","medicationCodeableConcept":{"text":"x"},"subject":{"reference":"Patient/p"}}`), nil).Status)
	}
	for _, code := range []string{"planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "entered-in-error", "unknown"} {
		said(code, f.Encounter(parse(t, `{"resourceType":"Encounter","status":"`+code+`","class":{"code":"AMB"}}`)).Status)
	}
	for _, code := range []string{"current", "superseded", "entered-in-error"} {
		said(code, f.Document(parse(t, `{"resourceType":"DocumentReference","status":"`+code+`","content":[{"attachment":{"contentType":"application/pdf"}}]}`)).Status)
	}
	if got := f.Problem(parse(t, `{"resourceType":"Condition","subject":{"reference":"Patient/p"}}`)); got.Status != "Status not recorded" || !got.Current {
		t.Errorf("a problem without a status: %+v", got)
	}
}

func TestSimilarNames(t *testing.T) {
	name := func(family, given string) clinical.PersonName {
		return clinical.PersonName{Family: family, Given: given}
	}
	for _, c := range []struct {
		a, b clinical.PersonName
		want bool
	}{
		{name("SMITH", "John"), name("SMITH", "John"), true},
		{name("SMITH", "John"), name("SMYTH", "Joan"), false},
		{name("SMITH", "Johnny"), name("SMYTH", "Johann"), true},
		{name("GARCÍA", "Ana"), name("GARCIA", "Ana"), true},
		{name("BAKER", "Baby A"), name("BAKER", "Baby B"), true},
		{name("LEE", "Ann"), name("LEA", "Ann"), false},
		{name("LEE", "Ann"), name("LEE", "Bob"), false},
		{name("MEDHURST46", "Ruben688"), name("MEDHURST12", "Ruben3"), true},
		{name("", "John"), name("", "John"), false},
	} {
		if got := clinical.Similar(c.a, c.b); got != c.want || clinical.Similar(c.b, c.a) != c.want {
			t.Errorf("Similar(%+v, %+v) = %v", c.a, c.b, got)
		}
	}
	rows := []clinical.PatientRow{{ID: "1", Name: name("SMITH", "Anna")}, {ID: "2", Name: name("JONES", "Anna")}, {ID: "3", Name: name("SMITH", "Anne")}}
	clinical.MarkSimilar(rows)
	if !rows[0].Alert.On || rows[1].Alert.On || !rows[2].Alert.On {
		t.Errorf("%+v", rows)
	}
}

// TestMaskedNumbersAreNowhere holds that the full value of a masked identifier
// is in nothing a page is made of.
func TestMaskedNumbersAreNowhere(t *testing.T) {
	src, err := os.ReadFile("testdata/patient.golden")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(src, []byte("999-12-3456")) || !bytes.Contains(src, []byte("•••• 3456")) {
		t.Error("a social security number is shown")
	}
	if clinical.Mask("12345") != "••••" {
		t.Error("a short number is shown")
	}
}
