package portal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/portal/portaltest"
)

// add puts a record into the chart of the quiet patient.
func (v *visitor) add(typ, id, rest string) {
	v.t.Helper()
	src := fmt.Sprintf(`{"resourceType":"%s","id":"%s","subject":{"reference":"Patient/%s"},%s}`, typ, id, portaltest.Quiet, rest)
	r, err := fhir.Parse([]byte(src))
	if err != nil {
		v.t.Fatal(err)
	}
	v.stage.Chart.Replace(r)
}

func (v *visitor) measured(id, category, code, status, at, rest string) {
	v.t.Helper()
	v.add("Observation", id, fmt.Sprintf(`"status":"%s","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"%s"}]}],
	 "code":{"coding":[{"system":"http://loinc.org","code":"%s"}],"text":"Test %s"},"effectiveDateTime":"%s"%s`, status, category, code, code, at, rest))
}

const panic68 = `,"valueQuantity":{"value":6.8,"unit":"mmol/L"},"interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"HH"}]}]`

// TestNoValueHidesNoValue holds that a sample that was sent again, or cancelled,
// does not take the critical result before it out of sight.
func TestNoValueHidesNoValue(t *testing.T) {
	v := visit(t).signIn()
	v.measured("w1", "laboratory", "2823-3", "final", "2026-03-07T06:00:00Z", panic68)
	v.measured("w2", "laboratory", "2823-3", "registered", "2026-03-07T08:00:00Z", "")
	v.measured("w3", "laboratory", "2823-3", "cancelled", "2026-03-07T07:00:00Z", "")
	page := v.get("/chart/" + portaltest.Quiet).body
	for _, want := range []string{"Act now", "6.8", "3 results, 2 without a value"} {
		if !strings.Contains(page, want) {
			t.Errorf("the overview does not say %q", want)
		}
	}
}

// TestEveryAbnormalResultIsOnTheOverview holds however many there are.
func TestEveryAbnormalResultIsOnTheOverview(t *testing.T) {
	v := visit(t).signIn()
	for i := range 14 {
		v.measured(fmt.Sprintf("w%d", i), "laboratory", fmt.Sprintf("%d-0", 100+i), "final", "2026-03-07T06:00:00Z",
			`,"valueQuantity":{"value":9,"unit":"mmol/L"},"referenceRange":[{"low":{"value":3},"high":{"value":5}}]`)
	}
	page := v.get("/chart/" + portaltest.Quiet).body
	for i := range 14 {
		if want := fmt.Sprintf("Test %d-0", 100+i); !strings.Contains(page, want) {
			t.Errorf("the overview leaves out the abnormal %s", want)
		}
	}
}

// TestVitalSignsAreAllShown holds for what no figure can show: values in
// another unit, and those entered in error, struck.
func TestVitalSignsAreAllShown(t *testing.T) {
	v := visit(t).signIn()
	for i, weight := range []string{`70,"unit":"kg"`, `71,"unit":"kg"`, `150,"unit":"[lb_av]"`} {
		v.measured(fmt.Sprintf("w%d", i), "vital-signs", "29463-7", "final", fmt.Sprintf("2026-03-0%dT06:00:00Z", i+2), `,"valueQuantity":{"value":`+weight+`}`)
	}
	v.measured("w9", "vital-signs", "29463-7", "entered-in-error", "2026-03-06T06:00:00Z", `,"valueQuantity":{"value":7.1,"unit":"kg"}`)
	page := v.get("/chart/" + portaltest.Quiet + "/vitals").body
	for _, want := range []string{"Not in the figure", `<b class="number">150</b>`, `<s class="number">7.1 kg</s>`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestRefutedIsNotPast holds that what the patient never had is not among what
// the patient had.
func TestRefutedIsNotPast(t *testing.T) {
	v := visit(t).signIn()
	for _, verification := range []string{"refuted", "entered-in-error"} {
		v.add("Condition", "w-"+verification, `"code":{"text":"Leprosy"},"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"`+verification+`"}]}`)
	}
	page := v.get("/chart/" + portaltest.Quiet + "/problems").body
	before, after, found := strings.Cut(page, "Refuted or entered in error")
	if !found || strings.Contains(before, "Leprosy") || strings.Count(after, "Leprosy") != 2 || !strings.Contains(after, `class="withdrawn"`) {
		t.Error("refuted problems are among the past ones")
	}
}

// TestNotToGive holds that an order not to give never reads as an order.
func TestNotToGive(t *testing.T) {
	v := visit(t).signIn()
	v.add("MedicationRequest", "w1", `"status":"active","intent":"order","doNotPerform":true,"medicationCodeableConcept":{"text":"Metoclopramide"}`)
	page := v.get("/chart/" + portaltest.Quiet).body
	if before, _, found := strings.Cut(page, ">metoclopramide<"); !found || !strings.HasSuffix(before[:strings.LastIndex(before, "<b")], "Do not give</span> ") {
		t.Error("the order reads as one to give")
	}
}
