package fhirhttp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

const (
	spices = `{"resourceType":"CodeSystem","id":"spices","url":"urn:spices","version":"1","name":"Spices","status":"active","content":"complete","valueSet":"urn:all-spices",
"property":[{"code":"heat","type":"integer"}],"concept":[{"code":"pepper","display":"Pepper","designation":[{"language":"de","value":"Pfeffer"}],"concept":[{"code":"chili","display":"Chili","property":[{"code":"heat","valueInteger":9}]}]},{"code":"salt","display":"Salt"}]}`
	hot     = `{"resourceType":"ValueSet","id":"hot","url":"urn:hot","status":"active","compose":{"include":[{"system":"urn:spices","filter":[{"property":"concept","op":"is-a","value":"pepper"}]}]}}`
	far     = `{"resourceType":"ValueSet","id":"far","url":"urn:far","status":"active","compose":{"include":[{"system":"http://snomed.info/sct"}]}}`
	recipes = `{"resourceType":"ConceptMap","id":"recipes","url":"urn:recipes","status":"active","group":[{"source":"urn:spices","target":"urn:dishes","element":[{"code":"chili","target":[{"code":"stew","equivalence":"wider"}]}]}]}`
)

// answer flattens the answer of an operation: an expansion to its codes,
// Parameters to name=value, an OperationOutcome to its codes.
func answer(t *testing.T, body []byte) string {
	t.Helper()
	r, err := fhir.Parse(body)
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var out []string
	for c := range r.Root().Get("expansion").All("contains") {
		out = append(out, c.Get("code").Text())
	}
	for i := range r.Root().All("issue") {
		out = append(out, i.Get("code").Text())
	}
	for p := range r.Root().All("parameter") {
		text := p.Get("value").Text()
		for part := range p.All("part") {
			value := part.Get("value")
			if value.Get("code").Exists() {
				value = value.Get("code")
			}
			text += part.Get("name").Text() + ":" + value.Text() + ";"
		}
		if name := p.Get("name").Text(); name != "message" {
			out = append(out, name+"="+text)
		}
	}
	return strings.Join(out, " ")
}

func TestTerminology(t *testing.T) {
	r := newRig(t)
	r.do(200, "GET", "/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender", "")
	for _, res := range []string{spices, hot, far, recipes} {
		var head struct{ ResourceType, ID string }
		check(t, json.Unmarshal([]byte(res), &head))
		r.do(201, "PUT", "/"+head.ResourceType+"/"+head.ID, res)
	}
	with := func(parts ...string) string {
		return `{"resourceType":"Parameters","parameter":[` + strings.Join(parts, ",") + `]}`
	}
	part := func(name, typ, value string) string { return fmt.Sprintf(`{"name":%q,"value%s":%s}`, name, typ, value) }
	const chili = `{"system":"urn:spices","code":"chili"}`
	for _, c := range []struct {
		status             int
		method, path, body string
		want               string
	}{
		{200, "GET", "/ValueSet/$expand?url=urn:hot", "", "pepper chili"},
		{200, "GET", "/ValueSet/hot/$expand?filter=CHI", "", "chili"},
		{200, "GET", "/ValueSet/$expand?url=urn:all-spices&offset=1&count=1", "", "chili"},
		{200, "POST", "/ValueSet/$expand", with(`{"name":"valueSet","resource":`+strings.Replace(hot, "urn:hot", "urn:new", 1)+`}`, part("activeOnly", "Boolean", "true")), "pepper chili"},
		{404, "GET", "/ValueSet/$expand?url=urn:none", "", "not-found"},
		{404, "GET", "/ValueSet/none/$expand", "", "not-found"},
		{400, "GET", "/ValueSet/$expand?url=urn:far", "", "not-supported"},
		{400, "GET", "/ValueSet/$expand", "", "invalid"},
		{400, "GET", "/ValueSet/$expand?url=urn:hot&date=2020", "", "invalid"},
		{400, "GET", "/ValueSet/$expand?url=urn:hot&count=-1", "", "invalid"},
		{400, "GET", "/ValueSet/hot/$expand?url=urn:hot", "", "invalid"},
		{400, "POST", "/ValueSet/$expand", with(`{"name":"valueSet","resource":` + spices + `}`), "invalid"},

		{200, "GET", "/ValueSet/$validate-code?url=urn:hot&system=urn:spices&code=chili", "", "result=true display=Chili"},
		{200, "GET", "/ValueSet/hot/$validate-code?system=urn:spices&code=salt", "", "result=false"},
		{200, "POST", "/ValueSet/hot/$validate-code", with(part("coding", "Coding", chili)), "result=true display=Chili"},
		{200, "POST", "/ValueSet/hot/$validate-code", with(part("codeableConcept", "CodeableConcept", `{"coding":[{"system":"urn:spices","code":"salt"},`+chili+`]}`)), "result=true display=Chili"},
		{200, "GET", "/ValueSet/hot/$validate-code?system=urn:spices&code=chili&display=Salt", "", "result=false display=Chili"},
		{422, "GET", "/ValueSet/far/$validate-code?system=http://snomed.info/sct&code=1", "", "not-supported"},
		{400, "GET", "/ValueSet/hot/$validate-code?code=chili", "", "invalid"},
		{400, "POST", "/ValueSet/hot/$validate-code?system=urn:spices&code=chili", with(part("coding", "Coding", chili)), "invalid"},

		{200, "GET", "/CodeSystem/$validate-code?url=urn:spices&code=chili", "", "result=true display=Chili"},
		{200, "GET", "/CodeSystem/spices/$validate-code?code=sugar", "", "result=false"},
		{200, "GET", "/CodeSystem/$validate-code?url=http://unitsofmeasure.org&code=mmol/L", "", "result=true"},
		{422, "GET", "/CodeSystem/$validate-code?url=http://loinc.org&code=1", "", "not-supported"},

		{200, "GET", "/CodeSystem/$lookup?system=urn:spices&code=chili&displayLanguage=de", "", "name=Spices version=1 display=Chili property=code:parent;value:pepper; property=code:heat;value:9;"},
		{200, "POST", "/CodeSystem/$lookup", with(part("coding", "Coding", `{"system":"urn:spices","code":"pepper"}`), part("displayLanguage", "Code", `"de"`), part("property", "Code", `"designation"`)), "name=Spices version=1 display=Pfeffer designation=language:de;value:Pfeffer;"},
		{404, "GET", "/CodeSystem/$lookup?system=urn:spices&code=sugar", "", "not-found"},
		{404, "GET", "/CodeSystem/$lookup?system=http://loinc.org&code=1", "", "not-found"},

		{200, "GET", "/CodeSystem/$subsumes?system=urn:spices&codeA=pepper&codeB=chili", "", "outcome=subsumes"},
		{200, "GET", "/CodeSystem/spices/$subsumes?codeA=chili&codeB=pepper", "", "outcome=subsumed-by"},
		{200, "POST", "/CodeSystem/$subsumes", with(part("codingA", "Coding", chili), part("codingB", "Coding", chili)), "outcome=equivalent"},
		{400, "GET", "/CodeSystem/$subsumes?codeA=chili&codeB=pepper", "", "invalid"},
		{400, "GET", "/CodeSystem/$subsumes?system=urn:spices&codeA=chili", "", "invalid"},

		{200, "GET", "/ConceptMap/$translate?url=urn:recipes&system=urn:spices&code=chili", "", "result=true match=equivalence:wider;concept:stew;source:urn:recipes;"},
		{200, "GET", "/ConceptMap/recipes/$translate?system=urn:dishes&code=stew&reverse=true", "", "result=true match=equivalence:narrower;concept:chili;source:urn:recipes;"},
		{200, "GET", "/ConceptMap/$translate?system=urn:spices&code=chili&targetsystem=urn:dishes", "", "result=true match=equivalence:wider;concept:stew;source:urn:recipes;"},
		{200, "GET", "/ConceptMap/$translate?url=urn:recipes&system=urn:spices&code=salt", "", "result=false"},
		{404, "GET", "/ConceptMap/$translate?url=urn:none&system=urn:spices&code=salt", "", "not-found"},
	} {
		w := r.do(c.status, c.method, c.path, c.body)
		if got := answer(t, w.Body.Bytes()); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.method, c.path, got, c.want)
		}
		if c.status >= 400 && strings.Contains(w.Body.String(), "sugar") {
			t.Errorf("%s repeats the code", c.path)
		}
	}
}

// TestTerminologyInSearch: what is stored is searched by at once, and by what it
// becomes.
func TestTerminologyInSearch(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/CodeSystem/spices", spices)
	r.do(201, "PUT", "/ValueSet/hot", hot)
	r.do(201, "PUT", "/Patient/p1", patient("p1", "Tester"))
	for _, code := range []string{"chili", "salt"} {
		r.do(201, "PUT", "/Observation/"+code, `{"resourceType":"Observation","id":"`+code+`","status":"final","code":{"coding":[{"system":"urn:spices","code":"`+code+`"}]},"subject":{"reference":"Patient/p1"}}`)
	}
	found := func(query string) string {
		var b struct {
			Entry []struct{ Resource struct{ ID string } }
		}
		check(t, json.Unmarshal(r.do(200, "GET", "/Observation?"+query, "").Body.Bytes(), &b))
		var ids []string
		for _, e := range b.Entry {
			ids = append(ids, e.Resource.ID)
		}
		return strings.Join(ids, " ")
	}
	for query, want := range map[string]string{
		"code:in=urn:hot": "chili", "code:not-in=urn:hot": "salt",
		"code:below=urn:spices|pepper": "chili", "code:above=urn:spices|salt": "salt",
	} {
		if got := found(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	r.do(200, "PUT", "/ValueSet/hot", strings.Replace(hot, `"pepper"`, `"salt"`, 1))
	if got := found("code:in=urn:hot"); got != "salt" {
		t.Errorf("after the value set has changed: %s", got)
	}
	r.do(400, "GET", "/Observation?code:in=urn:none", "")
}

func TestTerminologyCapabilities(t *testing.T) {
	r := newRig(t)
	body := r.do(200, "GET", "/metadata?mode=terminology", "").Body.Bytes()
	res, err := fhir.Parse(body)
	if err != nil || res.Type() != "TerminologyCapabilities" {
		t.Errorf("%v: %s", err, body)
	}
	if statement := r.do(200, "GET", "/metadata", "").Body.String(); !strings.Contains(statement, "ValueSet-expand") {
		t.Error("the CapabilityStatement does not name $expand")
	}
}
