package fhir_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

func numbers() *fhir.Numbers {
	coverage := r4.ResourceByName("Coverage")
	return &fhir.Numbers{
		Systems: map[string]bool{"http://hl7.org/fhir/sid/us-ssn": true, "urn:oid:2.16.840.1.113883.4.1": true},
		Types:   map[string]bool{"SS": true, "MB": true},
		Elements: map[r4.MemberID]string{
			r4.Lookup(coverage, "identifier"): "Coverage", r4.Lookup(coverage, "subscriberId"): "Coverage",
		},
	}
}

func parsed(t rapid.TB, text string) *fhir.Resource {
	t.Helper()
	res, err := fhir.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%+v\n%s", err.(*fault.Error).Issues, text)
	}
	return res
}

func TestObscured(t *testing.T) {
	for number, want := range map[string]string{
		"999-12-3456": "***-**-3456", "999123456": "*****3456", "M0818371": "****8371", "AB-12": "**-**", "12345": "****5",
		"1234": "****", "": "", "W1 é é 99887": "** * * *9887", "1-2": "*-*",
	} {
		if got := fhir.Obscured(number); got != want {
			t.Errorf("Obscured(%q) = %q, want %q", number, got, want)
		}
	}
}

const hiding = `{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/rendered-value","valueString":"***-**-3456"},{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}]}`

const ssn = `{"system":"http://hl7.org/fhir/sid/us-ssn","value":"999-12-3456"}`

var hidden = `{"system":"http://hl7.org/fhir/sid/us-ssn","_value":` + hiding + `}`

func TestObscure(t *testing.T) {
	tag := `"meta":{"tag":[` + fhir.Subsetted + `]}`
	for name, c := range map[string]struct{ in, want, places string }{
		"system": {
			`{"resourceType":"Patient","id":"p","identifier":[{"system":"urn:x","value":"17"},` + ssn + `]}`,
			`{"resourceType":"Patient",` + tag + `,"id":"p","identifier":[{"system":"urn:x","value":"17"},` + hidden + `]}`,
			"Patient.identifier[1].value",
		},
		"by OID, whatever its case, in a contained resource": {
			`{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"c","identifier":[{"system":"URN:OID:2.16.840.1.113883.4.1","value":"999-12-3456"}]}],"status":"final","code":{"text":"x"},"subject":{"reference":"#c"}}`,
			`{"resourceType":"Observation",` + tag + `,"contained":[{"resourceType":"Patient","id":"c","identifier":[{"system":"URN:OID:2.16.840.1.113883.4.1","_value":` + hiding + `}]}],"status":"final","code":{"text":"x"},"subject":{"reference":"#c"}}`,
			"Observation.contained[0].identifier[0].value",
		},
		"by type, without the system of the code, with an extension on the value": {
			`{"resourceType":"Patient","identifier":[{"_value":{"id":"999-12-3456"},"value":"999-12-3456","type":{"coding":[{"code":"SS"}]}}]}`,
			`{"resourceType":"Patient",` + tag + `,"identifier":[{"_value":` + hiding + `,"type":{"coding":[{"code":"SS"}]}}]}`,
			"Patient.identifier[0].value",
		},
		"of a reference, and of an extension": {
			`{"resourceType":"Observation","extension":[{"url":"u","valueIdentifier":` + ssn + `}],"status":"final","code":{"text":"x"},"subject":{"identifier":` + ssn + `}}`,
			`{"resourceType":"Observation",` + tag + `,"extension":[{"url":"u","valueIdentifier":` + hidden + `}],"status":"final","code":{"text":"x"},"subject":{"identifier":` + hidden + `}}`,
			"Observation.extension[0].value.value Observation.subject.identifier.value",
		},
		"elements of a Coverage, and who refers to it by its number": {
			`{"resourceType":"Coverage","meta":{"tag":[{"code":"t"}]},"identifier":[{"value":"999-12-3456"}],"status":"active","subscriberId":"999-12-3456","beneficiary":{"reference":"Patient/p"},"payor":[{"type":"Coverage","identifier":{"value":"1"}}]}`,
			`{"resourceType":"Coverage","meta":{"tag":[{"code":"t"},` + fhir.Subsetted + `]},"identifier":[{"_value":` + hiding + `}],"status":"active","_subscriberId":` + hiding + `,"beneficiary":{"reference":"Patient/p"},"payor":[{"type":"Coverage","identifier":{"_value":` + strings.Replace(hiding, "***-**-3456", "*", 1) + `}}]}`,
			"Coverage.identifier[0].value Coverage.subscriberId Coverage.payor[0].identifier.value",
		},
		"what repeats it: another identifier, text, the narrative": {
			`{"resourceType":"Patient","meta":{"source":"u"},"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">999-12-3456</div>"},"identifier":[{"value":"999123456"},` + ssn + `],"name":[{"text":"A (999123456), 8999123456"}]}`,
			`{"resourceType":"Patient","meta":{"tag":[` + fhir.Subsetted + `],"source":"u"},"identifier":[{"_value":` + strings.Replace(hiding, "***-**-", "*****", 1) + `},` + hidden + `],"name":[{"text":"A (*****3456), 8999123456"}]}`,
			"Patient.identifier[0].value Patient.identifier[1].value",
		},
		"a rendering that is not masked enough": {
			`{"resourceType":"Patient","identifier":[{"system":"http://hl7.org/fhir/sid/us-ssn","_value":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/rendered-value","valueString":"999-12-3456"}]}}]}`,
			`{"resourceType":"Patient",` + tag + `,"identifier":[` + hidden + `]}`,
			"Patient.identifier[0].value",
		},
	} {
		got, err := numbers().Obscure(parsed(t, c.in))
		places := numbers().Places(parsed(t, c.in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if string(got.JSON()) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got.JSON(), c.want)
		}
		if p := strings.Join(places, " "); p != c.places {
			t.Errorf("%s: places %s", name, p)
		}
	}
}

// What holds no number is handed on as it is: nothing is parsed or copied.
func TestObscureLeavesTheRest(t *testing.T) {
	for _, text := range []string{
		`{"resourceType":"Patient","text":{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},"identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"value":"17"}]}`,
		`{"resourceType":"Patient","identifier":[{"type":{"coding":[{"system":"urn:other","code":"SS"}]},"value":"17"}]}`,
		`{"resourceType":"Patient","identifier":[{"system":"http://hl7.org/fhir/sid/us-ssn"}]}`,
		`{"resourceType":"Observation","status":"final","code":{"text":"999-12-3456"}}`,
	} {
		res := parsed(t, text)
		got, err := numbers().Obscure(res)
		places := numbers().Places(res)
		if err != nil || got != res || places != nil {
			t.Errorf("%s: %v %v\n%s", text, places, err, got.JSON())
		}
	}
}

// Whatever a resource is made of, its masked form holds no whole number anywhere, is a
// resource, and put back over what is stored makes what is stored.
func TestObscureProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`[1-9A-Z][0-9]{2}[- ]?[0-9]{2}[- ]?[0-9]{4,8}`).Draw(t, "number")
		stored := parsed(t, planted(t, number))
		masked, err := numbers().Obscure(stored)
		places := numbers().Places(stored)
		if err != nil {
			t.Fatalf("%v\n%s", err, stored.JSON())
		}
		if len(places) == 0 {
			t.Skip("nothing was planted")
		}
		bare := strings.NewReplacer("-", "", " ", "").Replace(number)
		for _, text := range leaves(t, masked.JSON()) {
			if strings.Contains(text, number) || strings.Contains(text, bare) {
				t.Fatalf("whole in %s", masked.JSON())
			}
		}
		if again, err := numbers().Obscure(masked); err != nil || strings.Contains(string(again.JSON()), number) {
			t.Fatalf("masked twice: %v", err)
		}
		back, err := numbers().Restore(stored, masked)
		if err != nil {
			t.Fatalf("back: %v\n%s\n%s", err, stored.JSON(), masked.JSON())
		}
		if got, want := bareOf(t, back.JSON()), bareOf(t, stored.JSON()); got != want {
			t.Fatalf("put back:\n%s\nstored:\n%s", got, want)
		}
	})
}

// planted is a resource with a number in it, at one place or many.
func planted(t *rapid.T, number string) string {
	quoted, _ := json.Marshal(number)
	value := string(quoted)
	kinds := []string{
		`{"system":"http://hl7.org/fhir/sid/us-ssn","value":` + value + `}`,
		`{"use":"old","value":` + value + `,"_value":{"id":"a"},"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MB"}],"text":"no. ` + number + `"},"assigner":{"display":` + value + `}}`,
		`{"value":` + value + `}`,
		`{"system":"urn:mrn","value":"4400123"}`,
	}
	identifier := func(label string) string { return rapid.SampledFrom(kinds).Draw(t, label) }
	var ids []string
	for i := range rapid.IntRange(1, 4).Draw(t, "ids") {
		ids = append(ids, identifier(fmt.Sprint("id", i)))
	}
	parts := []string{`"identifier":[` + strings.Join(ids, ",") + `]`}
	optional := []string{
		`"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">` + number + `</div>"}`,
		`"contained":[{"resourceType":"RelatedPerson","id":"r","identifier":[` + identifier("contained") + `],"patient":{"reference":"#","identifier":` + identifier("logical") + `}}]`,
		`"extension":[{"url":"urn:a","valueIdentifier":` + identifier("extension") + `},{"url":"urn:b","valueString":"is ` + number + `."}]`,
		`"name":[{"text":"x ` + number + `","family":` + value + `,"given":["a",` + value + `],"_given":[null,{"extension":[{"url":"u","valueString":` + value + `}]}]}]`,
		`"_birthDate":{"extension":[{"url":"u","valueIdentifier":` + identifier("birth") + `}]}`,
		`"contact":[{"name":{"text":` + value + `}}],"meta":{"tag":[{"code":"x"}]}`,
		`"link":[{"other":{"reference":"#r","display":"\u0058 ` + number + `"},"type":"seealso"}]`,
	}
	for i, part := range optional {
		if rapid.Bool().Draw(t, fmt.Sprint("part", i)) {
			parts = append(parts, part)
		}
	}
	if !slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(p, `"contained"`) }) {
		parts = slices.DeleteFunc(parts, func(p string) bool { return strings.HasPrefix(p, `"link"`) })
	}
	order := rapid.Permutation(append(parts, `"resourceType":"Patient"`)).Draw(t, "order")
	return "{" + strings.Join(order, ",") + "}"
}

// leaves are all texts in a JSON value, names of members among them.
func leaves(t *rapid.T, text []byte) (all []string) {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			all = append(all, v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for name, e := range v {
				all = append(all, name)
				walk(e)
			}
		}
	}
	walk(value)
	return all
}

// bareOf is a resource without its narratives and tag, members in order.
func bareOf(t *rapid.T, text []byte) string {
	var value map[string]any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	delete(value, "text")
	delete(value, "meta")
	out, _ := json.Marshal(value)
	return string(out)
}

func TestRestore(t *testing.T) {
	const mrn = `{"system":"urn:mrn","value":"17"}`
	other := strings.Replace(ssn, "999-12-3456", "999-34-3456", 1)
	patient := func(ids ...string) string {
		return `{"resourceType":"Patient","identifier":[` + strings.Join(ids, ",") + `]}`
	}
	shape := strings.Replace(ssn, "999-12-3456", "***-**-3456", 1)
	for name, c := range map[string]struct{ old, sent, want, where string }{
		"the same":              {patient(ssn), patient(hidden), patient(ssn), ""},
		"moved, one added":      {patient(ssn), patient(mrn, hidden), patient(mrn, ssn), ""},
		"taken out":             {patient(ssn, mrn), patient(mrn), patient(mrn), ""},
		"corrected":             {patient(ssn), patient(other), patient(other), ""},
		"more said of it":       {patient(ssn), patient(strings.Replace(hidden, "{", `{"use":"old",`, 1)), patient(strings.Replace(ssn, "{", `{"use":"old",`, 1)), ""},
		"its extensions lost":   {patient(ssn), patient(`{"system":"http://hl7.org/fhir/sid/us-ssn"}`), patient(strings.Replace(ssn, `{"system":"http://hl7.org/fhir/sid/us-ssn","value":"999-12-3456"}`, `{"value":"999-12-3456","system":"http://hl7.org/fhir/sid/us-ssn"}`, 1)), ""},
		"taken for the value":   {patient(ssn), patient(shape), patient(ssn), ""},
		"two of one shape":      {patient(ssn, other), patient(hidden, mrn, hidden), patient(ssn, mrn, other), ""},
		"which of two":          {patient(ssn, other), patient(hidden), "", "Patient.identifier[0].value"},
		"the same one, twice":   {patient(ssn), patient(hidden, hidden), patient(ssn, ssn), ""},
		"of another record":     {patient(mrn), patient(mrn, hidden), "", "Patient.identifier[1].value"},
		"its shape alone":       {patient(mrn), patient(shape), "", "Patient.identifier[0].value"},
		"other last characters": {patient(ssn), patient(strings.Replace(hidden, "3456", "3457", 1)), "", "Patient.identifier[0].value"},
		"new":                   {"", patient(hidden), "", "Patient.identifier[0].value"},
		"never masked here":     {"", patient(`{"system":"urn:mrn","_value":` + hiding + `}`), patient(`{"system":"urn:mrn","_value":` + hiding + `}`), ""},
		"a Bundle keeps it":     {"", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + patient(hidden) + `}]}`, `{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + patient(hidden) + `}]}`, ""},
		"an element": {
			`{"resourceType":"Coverage","status":"active","subscriberId":"999-12-3456","_subscriberId":{"id":"x"},"beneficiary":{"reference":"Patient/p"},"payor":[{"display":"x"}]}`,
			`{"resourceType":"Coverage","status":"draft","_subscriberId":` + hiding + `,"beneficiary":{"reference":"Patient/p"},"payor":[{"display":"x"}]}`,
			`{"resourceType":"Coverage","status":"draft","subscriberId":"999-12-3456","_subscriberId":{"id":"x"},"beneficiary":{"reference":"Patient/p"},"payor":[{"display":"x"}]}`, "",
		},
		"text that repeats it": {
			`{"resourceType":"Patient","identifier":[` + ssn + `],"name":[{"text":"A 999-12-3456"}]}`,
			`{"resourceType":"Patient","identifier":[` + hidden + `],"name":[{"text":"A ***-**-3456"}]}`,
			`{"resourceType":"Patient","identifier":[` + ssn + `],"name":[{"text":"A 999-12-3456"}]}`, "",
		},
		"text that stands for two": {
			`{"resourceType":"Patient","identifier":[` + ssn + `,` + other + `],"name":[{"text":"A 999-12-3456"},{"text":"A 999-34-3456"}]}`,
			`{"resourceType":"Patient","identifier":[` + hidden + `,` + hidden + `],"name":[{"text":"A ***-**-3456"}]}`, "", "Patient.name[0].text",
		},
	} {
		var old *fhir.Resource
		if c.old != "" {
			old = parsed(t, c.old)
		}
		got, err := numbers().Restore(old, parsed(t, c.sent))
		if c.where != "" {
			f, ok := err.(*fault.Error)
			if !ok || f.Kind != fault.Unprocessable || f.Issues[0].Expression != c.where || strings.Contains(fmt.Sprintf("%+v", f), "3456") {
				t.Errorf("%s: %+v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if string(got.JSON()) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got.JSON(), c.want)
		}
	}
}

func BenchmarkObscureNothing(b *testing.B) {
	res := parsed(b, `{"resourceType":"Patient","identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"system":"urn:x","value":"17"}],"name":[{"family":"A","given":["B"]}],"telecom":[{"system":"phone","value":"1"}],"gender":"male","birthDate":"1961","address":[{"line":["x"],"city":"y"}]}`)
	n := numbers()
	b.ReportAllocs()
	for b.Loop() {
		if got, _ := n.Obscure(res); got != res {
			b.Fatal("changed")
		}
	}
}

// A resource that is nothing but numbers is masked and put back in no more than it takes
// to look at each a few times.
func TestManyNumbers(t *testing.T) {
	const many = 20_000
	old := parsed(t, `{"resourceType":"Patient","identifier":[`+strings.Repeat(ssn+`,{"value":"999123456"},`, many/2)+`{"value":"1"}],"name":[{"given":[`+strings.Repeat(`"999 12 3456",`, many)+`"x"]}]}`)
	shown, err := numbers().Obscure(old)
	if err != nil || strings.Contains(string(shown.JSON()), "999") || len(numbers().Places(old)) != 100 {
		t.Fatalf("some are left: %v", err)
	}
	back, err := numbers().Restore(old, shown)
	if err != nil || strings.Count(string(back.JSON()), "999") != 2*many {
		t.Errorf("put back: %v", err)
	}
	short := parsed(t, strings.Replace(string(shown.JSON()), hidden+",", "", 1))
	if _, err := numbers().Restore(old, short); err != nil {
		t.Errorf("one less: %v", err)
	}
}
