package chart_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// TestHiddenMiddles follows references through records that the actor may not
// see: what a search answers must not depend on them.
func TestHiddenMiddles(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		nurse, all := r.as(person("nurse", "east")), r.as(program(t))
		for _, who := range []string{"ann", "bob"} {
			all.put(`{"resourceType":"List","id":"of-` + who + `","status":"current","mode":"working","subject":{"reference":"Patient/` + who + `"},"entry":[{"item":{"reference":"Location/west"}},{"item":{"reference":"Patient/bob"}},{"item":{"reference":"Patient/ann"}},{"item":{"reference":"Location/east"},"deleted":true}]}`)
		}
		for query, want := range map[string][2]string{ // what the nurse finds, and who sees everything
			"Location?_sort=_id&_has:Encounter:location:status=in-progress":                              {"bed-7", "bed-7 west"},
			"Location?_sort=_id&_has:Encounter:location:patient.family=brown":                            {"", "west"},
			"Location?_sort=_id&_has:Encounter:location:patient._has:Observation:patient:code=2823-3":    {"bed-7", "bed-7 east west"},
			"Patient?_sort=_id&_has:Observation:patient:code=2823-3":                                     {"ann", "ann bob cat"},
			"Patient?_sort=_id&_has:Observation:patient:value-quantity=gt4.15":                           {"", "bob"},
			"Patient?_sort=_id&_has:Encounter:patient:location._id=west,east":                            {"", "bob cat"},
			"Location?_sort=_id&_has:Location:partof:_has:Encounter:location:status=in-progress":         {"east", "east"},
			"Location?_sort=_id&_has:Encounter:location:_has:DocumentReference:encounter:status=current": {"", ""},
			"Location?_list=of-bob":                 {"", "west"},
			"Location?_list=of-ann":                 {"west", "west"},
			"Patient?_sort=_id&_list=of-ann,of-bob": {"ann", "ann bob"},
			"Location?_sort=_id&_filter=not(_has:Encounter:location:status eq in-progress)":                   {"east west", "east"},
			"Encounter?_sort=_id&_filter=patient.family eq brown or patient[gender pr false].family eq adams": {"stay-ann", "stay-ann stay-bob"},
			"Encounter?_sort=_id&_filter=not(patient.family eq brown)":                                        {"stay-ann", "stay-ann stay-cat"},
		} {
			query = strings.ReplaceAll(query, " ", "%20")
			nurse.finds(query, want[0])
			all.finds(query, want[1])
			if n := nurse.total(query); n != len(strings.Fields(want[0])) {
				t.Errorf("%s: counted %d", query, n)
			}
		}
		_, err := r.as(person("billing", "east")).find("Patient?_has:DocumentReference:patient:status=current")
		wantKind(t, err, fault.Denied, "billing asks who has notes")
	})
}

// TestDeniedTargets follows a reference to types of which one is closed to the
// actor as a whole.
func TestDeniedTargets(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		all, lab := r.as(program(t)), r.as(person("lab"))
		all.put(`{"resourceType":"ServiceRequest","id":"order","status":"active","intent":"order","category":[{"coding":[{"system":"http://snomed.info/sct","code":"108252007"}]}],"subject":{"reference":"Patient/ann"}}`)
		all.put(`{"resourceType":"MedicationRequest","id":"drug","status":"active","intent":"order","medicationCodeableConcept":{"text":"x"},"subject":{"reference":"Patient/bob"}}`)
		for who, what := range map[string]string{"ann": "ServiceRequest/order", "bob": "MedicationRequest/drug"} {
			all.put(strings.Replace(result(who, "4", "2026"), `"status"`, `"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"basedOn":[{"reference":"`+what+`"}],"status"`, 1))
		}
		all.finds("Observation?based-on.status=active&_sort=_id", "k-ann k-bob")
		lab.finds("Observation?based-on.status=active&_sort=_id", "k-ann")
		lab.finds("Observation?based-on.status=active&value-quantity=4&_sort=_id", "k-ann")
		_, err := lab.find("Observation?based-on:MedicationRequest.status=active")
		wantKind(t, err, fault.Denied, "the laboratory asks for a prescription alone")
	})
}
