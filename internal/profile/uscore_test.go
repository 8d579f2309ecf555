package profile_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/profile"
)

// edited returns an example with one place changed: "component.0.code", to a
// JSON value, or taken out if that is "".
func edited(t *testing.T, body []byte, place, value string) *fhir.Resource {
	t.Helper()
	var root any
	check(t, json.Unmarshal(body, &root))
	delete(root.(map[string]any), "text")
	if place != "" {
		steps := strings.Split(place, ".")
		root = edit(t, root, steps, value)
	}
	out, err := json.Marshal(root)
	check(t, err)
	res, err := fhir.Parse(out)
	if err != nil {
		t.Fatalf("%s: %v", place, err)
	}
	return res
}

func edit(t *testing.T, at any, steps []string, value string) any {
	t.Helper()
	if len(steps) == 0 {
		var v any
		check(t, json.Unmarshal([]byte(value), &v))
		return v
	}
	gone := len(steps) == 1 && value == ""
	switch at := at.(type) {
	case map[string]any:
		if gone {
			delete(at, steps[0])
			return at
		}
		at[steps[0]] = edit(t, at[steps[0]], steps[1:], value)
		return at
	case []any:
		i, err := strconv.Atoi(steps[0])
		check(t, err)
		if gone {
			return append(at[:i], at[i+1:]...)
		}
		at[i] = edit(t, at[i], steps[1:], value)
		return at
	case nil:
		return edit(t, map[string]any{}, steps, value)
	}
	t.Fatalf("there is nothing at %v", steps)
	return nil
}

// TestUSCoreVariations changes one thing in an example of US Core, and looks where
// the finding is. "" stands for none.
func TestUSCoreVariations(t *testing.T) {
	const race, sex = "extension.0.extension", "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
	s, files := usCore(t, "610")
	v := profile.New(profile.Config{Definitions: s, Codes: codes(s)})
	for _, c := range []struct{ file, place, value, want string }{
		{"Patient-example", "", "", ""},
		{"Patient-example", "identifier", "", "Patient.identifier required"},
		{"Patient-example", "identifier.0.system", "", "Patient.identifier[0].system required"},
		{"Patient-example", "identifier.0.value", "", "Patient.identifier[0].value required"},
		{"Patient-example", "name", "", "Patient.name required"},
		{"Patient-example", "name", `[{"use":"official"}]`, "Patient.name[0] invariant"},
		{"Patient-example", "gender", "", "Patient.gender required"},
		{"Patient-example", "telecom.0.system", "", "Patient.telecom[0].system required"},
		{"Patient-example", "communication", `[{"preferred":true,"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"en"}]}}]`, ""},
		{"Patient-example", race, `[{"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2106-3"}}]`, "Patient.extension[0].extension required"},
		{"Patient-example", race + ".0", `{"url":"text","valueString":"x"}`, "Patient.extension[0].extension structure"},
		{"Patient-example", "extension.0.url", `"` + sex + `"`, "Patient.extension[0]"},
		{"Observation-blood-pressure", "", "", ""},
		{"Observation-blood-pressure", "category", `[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}]`, "Observation.category required"},
		{"Observation-blood-pressure", "subject", "", "Observation.subject required"},
		{"Observation-blood-pressure", "subject.reference", `"Group/1"`, "Observation.subject structure"},
		{"Observation-blood-pressure", "effectiveDateTime", "", "Observation.effective required"},
		{"Observation-blood-pressure", "component.0", "", "Observation.component required"},
		{"Observation-blood-pressure", "component.0.valueQuantity.code", `"kPa"`, "Observation.component[0].value.code value"},
		{"Observation-blood-pressure", "component.0.valueQuantity.unit", "", "Observation.component[0].value.unit required"},
		{"Observation-blood-pressure", "component.0.valueQuantity", "", "Observation.component[0] invariant"},
		{"Observation-blood-pressure", "component.0.valueQuantity.code", `"mmmm[Hg]"`, "Observation.component[0].value.code code-invalid"},
		{"Observation-serum-sodium", "", "", ""},
		{"Observation-serum-sodium", "category", "", "Observation.category required"},
		{"Observation-serum-sodium", "code.coding", "", ""},
		{"Observation-serum-sodium", "valueQuantity", "", "Observation invariant"},
		{"Observation-serum-sodium", "subject", "", "Observation.subject required"},
		{"Condition-condition-duodenal-ulcer", "", "", ""},
		{"Condition-condition-duodenal-ulcer", "category", "", "Condition.category required"},
		{"Condition-condition-duodenal-ulcer", "code", "", "Condition.code required"},
		{"Condition-condition-duodenal-ulcer", "abatementDateTime", `"2020-01-01"`, "Condition invariant"},
		{"Condition-condition-duodenal-ulcer", "verificationStatus.coding.0.code", `"entered-in-error"`, "Condition invariant"},
		{"MedicationRequest-medicationrequest-coded-oral-axid", "", "", ""},
		{"MedicationRequest-medicationrequest-coded-oral-axid", "requester", "", "us-core-21"},
		{"MedicationRequest-medicationrequest-coded-oral-axid", "authoredOn", "", ""},
		{"Immunization-imm-1", "", "", ""},
		{"Immunization-imm-1", "primarySource", "", ""},
		{"Immunization-imm-1", "occurrenceDateTime", `"2020"`, ""},
		{"Encounter-1036", "", "", ""},
		{"Encounter-1036", "type", "", "Encounter.type required"},
		{"Encounter-1036", "subject", "", "Encounter.subject required"},
		{"Goal-goal-1", "", "", ""},
		{"Goal-goal-1", "target", "", ""},
	} {
		body := files["package/example/"+c.file+".json"]
		if body == nil {
			t.Errorf("there is no example %s", c.file)
			continue
		}
		r := validate(t, v, edited(t, body, c.place, c.value))
		errors := strings.Join(found(r, "error"), "; ")
		if c.want == "" && errors != "" || !strings.Contains(errors, c.want) {
			t.Errorf("%s, %s %s: errors %q, want %q", c.file, c.place, c.value, errors, c.want)
		}
	}
}
