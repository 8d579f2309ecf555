package fhir_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// marker stands in every refused value: no issue may show it.
const marker = "SMITHJONES"

// patient wraps members into a Patient.
func patient(members string) string { return `{"resourceType":"Patient",` + members + `}` }

func observation(members string) string {
	return `{"resourceType":"Observation","status":"final","code":{"text":"x"},` + members + `}`
}

var refused = []struct {
	name, in, code, where string
}{
	{"not an object", `[]`, "invalid", ""},
	{"empty", ``, "invalid", ""},
	{"byte order mark", "\xEF\xBB\xBF" + `{"resourceType":"Patient"}`, "invalid", ""},
	{"trailing data", `{"resourceType":"Patient"} {}`, "invalid", "Patient"},
	{"trailing comma", `{"resourceType":"Patient","active":true,}`, "invalid", "Patient"},
	{"no type", `{"active":true}`, "structure", ""},
	{"unknown type", `{"resourceType":"SMITHJONES"}`, "structure", ""},
	{"abstract type", `{"resourceType":"DomainResource"}`, "structure", ""},
	{"datatype as resource", `{"resourceType":"HumanName"}`, "structure", ""},
	{"type of later release", `{"resourceType":"SubscriptionStatus"}`, "structure", ""},
	{"type twice", `{"resourceType":"Patient","resourceType":"Patient"}`, "structure", "Patient"},
	{"type not string", `{"resourceType":1}`, "structure", ""},
	{"unknown member", patient(`"SMITHJONES":1`), "structure", "Patient"},
	{"unknown member inside", patient(`"name":[{"SMITHJONES":{"a":[1]}}]`), "structure", "Patient.name[0]"},
	{"vendor member", patient(`"meta":{"accounts":[{"reference":"Organization/1"}]}`), "structure", "Patient.meta"},
	{"choice base", observation(`"value":"SMITHJONES"`), "structure", "Observation"},
	{"type not of the choice", observation(`"valueAddress":{}`), "structure", "Observation"},
	{"comments", patient(`"fhir_comments":["SMITHJONES"]`), "structure", "Patient"},
	{"twice", patient(`"active":true,"active":false`), "structure", "Patient.active"},
	{"list twice", patient(`"name":[{"text":"a"}],"name":[{"text":"b"}]`), "structure", "Patient.name"},
	{"escaped name", patient(`"\u0061ctive":true`), "invalid", "Patient"},
	{"two of a choice", observation(`"valueString":"a","valueInteger":1`), "structure", "Observation.value"},
	{"two of a choice, one in shadow", observation(`"_valueString":{"extension":[{"url":"u","valueCode":"a"}]},"valueInteger":1`), "structure", "Observation.value"},
	{"two of a choice in shadows", observation(`"valueString":"a","_valueDateTime":{"extension":[{"url":"u","valueCode":"a"}]}`), "structure", "Observation.value"},
	{"string for boolean", patient(`"active":"true"`), "structure", "Patient.active"},
	{"number for string", patient(`"name":[{"family":1}]`), "structure", "Patient.name[0].family"},
	{"string for number", observation(`"valueQuantity":{"value":"1"}`), "structure", "Observation.value.value"},
	{"object for primitive", patient(`"birthDate":{"a":1}`), "structure", "Patient.birthDate"},
	{"primitive for object", patient(`"name":["SMITHJONES"]`), "structure", "Patient.name[0]"},
	{"null", patient(`"birthDate":null`), "structure", "Patient.birthDate"},
	{"null object", patient(`"name":[null]`), "structure", "Patient.name[0]"},
	{"array for single", patient(`"birthDate":["2020"]`), "structure", "Patient.birthDate"},
	{"array for single object", patient(`"maritalStatus":[{"text":"a"}]`), "structure", "Patient.maritalStatus"},
	{"single for array", patient(`"name":{"family":"SMITHJONES"}`), "structure", "Patient.name"},
	{"single for array of primitives", patient(`"name":[{"given":"SMITHJONES"}]`), "structure", "Patient.name[0].given"},
	{"word in a list", patient(`"name":[{"given":["a",nope],"_given":[null,null]}]`), "structure", "Patient.name[0].given[1]"},
	{"empty array", patient(`"name":[]`), "structure", "Patient.name"},
	{"empty object", patient(`"name":[{}]`), "structure", "Patient.name[0]"},
	{"id alone", patient(`"name":[{"id":"a"}]`), "structure", "Patient.name[0]"},
	{"required missing", `{"resourceType":"Observation","code":{"text":"a"}}`, "required", "Observation.status"},
	{"required choice missing", `{"resourceType":"MedicationRequest","status":"active","intent":"order","subject":{"display":"a"}}`, "required", "MedicationRequest.medication"},
	{"required in part missing", patient(`"link":[{"type":"seealso"}]`), "required", "Patient.link[0].other"},
	{"empty string", patient(`"language":""`), "value", "Patient.language"},
	{"code not in set", patient(`"gender":"SMITHJONES"`), "code-invalid", "Patient.gender"},
	{"code of other case", patient(`"gender":"Male"`), "code-invalid", "Patient.gender"},
	{"concept not in set", `{"resourceType":"Condition","subject":{"display":"a"},"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"SMITHJONES"}]}}`, "code-invalid", "Condition.clinicalStatus"},
	{"concept of other system", `{"resourceType":"Condition","subject":{"display":"a"},"clinicalStatus":{"coding":[{"system":"http://example.org","code":"active"}]}}`, "code-invalid", "Condition.clinicalStatus"},
	{"concept with text only", `{"resourceType":"Condition","subject":{"display":"a"},"clinicalStatus":{"text":"active"}}`, "code-invalid", "Condition.clinicalStatus"},
	{"reference to wrong type", observation(`"subject":{"reference":"Medication/SMITHJONES"}`), "value", "Observation.subject.reference"},
	{"absolute reference to wrong type", observation(`"subject":{"reference":"http://example.org/fhir/Medication/1/_history/2"}`), "value", "Observation.subject.reference"},
	{"conditional reference to wrong type", observation(`"subject":{"reference":"Medication?code=SMITHJONES"}`), "value", "Observation.subject.reference"},
	{"escaped reference to wrong type", observation(`"subject":{"reference":"Medication\/1"}`), "value", "Observation.subject.reference"},
	{"entry without resource type", `{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"active":true}}]}`, "structure", "Bundle.entry[0].resource"},
	{"entry resource refused", `{"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"urn:uuid:1"},{"resource":{"resourceType":"Patient","active":1}}]}`, "structure", "Bundle.entry[1].resource.active"},
	{"parameter resource refused", `{"resourceType":"Parameters","parameter":[{"name":"a","resource":{"resourceType":"Patient","gender":"x"}}]}`, "code-invalid", "Parameters.parameter[0].resource.gender"},
	{"too many digits", observation(`"valueQuantity":{"value":` + strings.Repeat("9", 70) + `}`), "value", "Observation.value.value"},
	{"huge exponent", observation(`"valueQuantity":{"value":1e999999999}`), "value", "Observation.value.value"},
	{"tiny exponent", observation(`"valueQuantity":{"value":1e-999999999}`), "value", "Observation.value.value"},
	{"leading zero", observation(`"valueQuantity":{"value":01}`), "invalid", "Observation.value"},
	{"plus sign", observation(`"valueQuantity":{"value":+1}`), "structure", "Observation.value.value"},
	{"not a number", observation(`"valueQuantity":{"value":NaN}`), "structure", "Observation.value.value"},
	{"bare minus", observation(`"valueQuantity":{"value":-}`), "invalid", "Observation.value"},
	{"open fraction", observation(`"valueQuantity":{"value":1.}`), "invalid", "Observation.value"},
}

// shadows are refusals of "_name" members.
var refusedShadows = []struct {
	name, in, code, where string
}{
	{"of an object", patient(`"_name":[{"id":"a"}]`), "structure", "Patient"},
	{"of nothing", patient(`"_SMITHJONES":{"id":"a"}`), "structure", "Patient"},
	{"bare underscore", patient(`"_":{"id":"a"}`), "structure", "Patient"},
	{"of an id", patient(`"id":"a","_id":{"extension":[{"url":"u","valueCode":"a"}]}`), "structure", "Patient"},
	{"of an extension's url", patient(`"extension":[{"url":"u","_url":{"id":"a"},"valueCode":"a"}]`), "structure", "Patient.extension[0]"},
	{"of a narrative", patient(`"text":{"status":"empty","_div":{"id":"a"}}`), "structure", "Patient.text"},
	{"empty", patient(`"_birthDate":{}`), "structure", "Patient.birthDate"},
	{"id without value", patient(`"_birthDate":{"id":"a"}`), "structure", "Patient.birthDate"},
	{"with a value", patient(`"_birthDate":{"id":"a","value":"2020"}`), "structure", "Patient.birthDate"},
	{"not an object", patient(`"_birthDate":"2020"`), "structure", "Patient.birthDate"},
	{"null", patient(`"birthDate":"2020","_birthDate":null`), "structure", "Patient.birthDate"},
	{"twice", patient(`"_birthDate":{"extension":[{"url":"u","valueCode":"a"}]},"_birthDate":{"extension":[{"url":"u","valueCode":"a"}]}`), "structure", "Patient.birthDate"},
	{"null value and null shadow", patient(`"name":[{"given":[null,"a"],"_given":[null,null]}]`), "structure", "Patient.name[0].given[0]"},
	{"null value without shadow", patient(`"name":[{"given":[null,"a"]}]`), "structure", "Patient.name[0].given[0]"},
	{"null value with id only", patient(`"name":[{"given":[null],"_given":[{"id":"a"}]}]`), "structure", "Patient.name[0].given[0]"},
	{"too short", patient(`"name":[{"given":["a","b"],"_given":[{"id":"a"}]}]`), "structure", "Patient.name[0].given[1]"},
	{"too long", patient(`"name":[{"given":["a"],"_given":[null,{"id":"a"}]}]`), "structure", "Patient.name[0].given[1]"},
	{"single for list", patient(`"name":[{"given":["a"],"_given":{"id":"a"}}]`), "structure", "Patient.name[0].given"},
	{"empty list", patient(`"name":[{"given":["a"],"_given":[]}]`), "structure", "Patient.name[0].given"},
	{"alone with null", patient(`"name":[{"_given":[null]}]`), "structure", "Patient.name[0].given[0]"},
}

var refusedGraph = []struct {
	name, in, code, where string
}{
	{"nested contained", observation(`"contained":[{"resourceType":"Patient","id":"a","contained":[{"resourceType":"Organization","id":"b"}]}],"subject":{"reference":"#a"},"performer":[{"reference":"#b"}]`), "structure", "Observation.contained[0].contained[0]"},
	{"contained twice", observation(`"contained":[{"resourceType":"Patient","id":"a"},{"resourceType":"Patient","id":"a"}],"subject":{"reference":"#a"}`), "invalid", "Observation.contained[1]"},
	{"contained unused", observation(`"contained":[{"resourceType":"Patient","id":"a"}]`), "invalid", "Observation.contained[0]"},
	{"contained without id", observation(`"contained":[{"resourceType":"Patient"}]`), "invalid", "Observation.contained[0]"},
	{"contained missing", observation(`"subject":{"reference":"#SMITHJONES"}`), "not-found", "Observation.subject.reference"},
	{"contained of another entry", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":` +
		observation(`"contained":[{"resourceType":"Patient","id":"a"}],"subject":{"reference":"#a"}`) + `},{"resource":` +
		observation(`"subject":{"reference":"#a"}`) + `}]}`, "not-found", "Bundle.entry[1].resource.subject.reference"},
	{"contained of wrong type", observation(`"contained":[{"resourceType":"Medication","id":"a"}],"subject":{"reference":"#a"}`), "value", "Observation.subject.reference"},
	{"contained with version", observation(`"contained":[{"resourceType":"Patient","id":"a","meta":{"versionId":"1"}}],"subject":{"reference":"#a"}`), "invalid", "Observation.contained[0]"},
	{"contained with label", observation(`"contained":[{"resourceType":"Patient","id":"a","meta":{"security":[{"code":"R"}]}}],"subject":{"reference":"#a"}`), "invalid", "Observation.contained[0]"},
	{"contained in Bundle", `{"resourceType":"Bundle","type":"batch","contained":[{"resourceType":"Patient","id":"a"}]}`, "structure", "Bundle"},
	{"extension without url", patient(`"extension":[{"valueCode":"a"}]`), "required", "Patient.extension[0].url"},
	{"extension with neither", patient(`"extension":[{"url":"u"}]`), "structure", "Patient.extension[0]"},
	{"extension with both", patient(`"extension":[{"url":"u","valueCode":"a","extension":[{"url":"u","valueCode":"a"}]}]`), "structure", "Patient.extension[0]"},
	{"extension with two values", patient(`"extension":[{"url":"u","valueCode":"a","valueString":"a"}]`), "structure", "Patient.extension[0].value"},
	{"modifierExtension of a datatype", patient(`"name":[{"family":"a","modifierExtension":[{"url":"u","valueCode":"a"}]}]`), "structure", "Patient.name[0]"},
}

func TestRefuses(t *testing.T) {
	for _, table := range [][]struct{ name, in, code, where string }{refused, refusedShadows, refusedGraph} {
		for _, c := range table {
			t.Run(c.name, func(t *testing.T) { refuses(t, c.in, c.code, c.where) })
		}
	}
}

// refuses checks that in is refused at where with code, shows nothing of the
// input, and is refused in the same way with white space everywhere.
func refuses(t *testing.T, in, code, where string) {
	t.Helper()
	for _, s := range []string{in, spaced(in)} {
		_, err := fhir.Parse([]byte(s))
		var f *fault.Error
		if !errors.As(err, &f) {
			t.Fatalf("accepted")
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("kind %v", f.Kind)
		}
		found := false
		for _, i := range f.Issues {
			found = found || i.Code == code && i.Expression == where
		}
		if !found {
			t.Errorf("want %s at %q, got %s", code, where, issues(err))
		}
		if strings.Contains(issues(err)+string(fhir.Outcome(err)), marker) {
			t.Errorf("shows the input: %s", issues(err))
		}
	}
}

// spaced puts white space around every token outside strings.
func spaced(s string) string {
	if strings.HasPrefix(s, "\xEF") {
		return s
	}
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			b.WriteByte(c)
			i++
			b.WriteByte(s[i])
		case c == '"':
			quoted = !quoted
			b.WriteByte(c)
		case !quoted && strings.IndexByte("{}[]:,", c) >= 0:
			b.WriteString(" \r\n\t" + string(c) + "\n ")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
