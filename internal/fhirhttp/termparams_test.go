package fhirhttp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

const (
	tools = `{"resourceType":"CodeSystem","id":"tools%[1]s","url":"urn:tools","version":"%[1]s","name":"Tools","status":"active","content":"complete","hierarchyMeaning":"is-a",
"property":[{"code":"inactive","uri":"http://hl7.org/fhir/concept-properties#inactive","type":"boolean"},{"code":"notSelectable","uri":"http://hl7.org/fhir/concept-properties#notSelectable","type":"boolean"}],
"concept":[{"code":"hand","display":"Hand tool","property":[{"code":"notSelectable","valueBoolean":true}],"concept":[
{"code":"hammer","display":"Hammer","designation":[{"language":"de","value":"Hammer (de)"},{"language":"fr","use":{"system":"urn:use","code":"short"},"value":"Marteau"}],"concept":[{"code":"mallet","display":"Mallet"}]},
{"code":"adze","display":"Adze","property":[{"code":"inactive","valueBoolean":true}]}]},{"code":"saw","display":"Saw %[1]s"}]}`
	shed  = `{"resourceType":"ValueSet","id":"shed","url":"urn:shed","version":"7","status":"active","compose":{"include":[{"system":"urn:tools"},{"system":"urn:spices","concept":[{"code":"salt"}]}]}}`
	rack  = `{"resourceType":"ValueSet","id":"rack","url":"urn:rack","status":"active","compose":{"include":[{"system":"urn:tools","version":"1","concept":[{"code":"saw"}]}]}}`
	kept  = `{"resourceType":"ValueSet","id":"kept","url":"urn:kept","status":"active","expansion":{"timestamp":"2020-01-01","contains":[{"system":"urn:k","code":"a","contains":[{"display":"group","contains":[{"system":"urn:k","code":"b"}]}]}]}}`
	wares = `{"resourceType":"ConceptMap","id":"wares","url":"urn:wares","version":"3","status":"active","sourceUri":"urn:shed","targetUri":"urn:shop","group":[{"source":"urn:tools","target":"urn:wares","element":[
{"code":"hammer","target":[{"code":"W1","equivalence":"equivalent","dependsOn":[{"property":"urn:size","system":"urn:sizes","value":"big"}]},{"code":"W2","equivalence":"wider"}]},
{"code":"saw","target":[{"code":"W3","equivalence":"equivalent","dependsOn":[{"property":"urn:size","system":"urn:sizes","value":"big"}]}]}],"unmapped":{"mode":"fixed","code":"W9"}}]}`
)

// nestedCodes shows an expansion with what stands in a code in brackets.
func nestedCodes(t *testing.T, body []byte) string {
	t.Helper()
	r, err := fhir.Parse(body)
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var show func(fhir.Node) string
	show = func(n fhir.Node) string {
		var out []string
		for c := range n.All("contains") {
			text := c.Get("code").Text()
			if inner := show(c); inner != "" {
				text += "[" + inner + "]"
			}
			out = append(out, text)
		}
		return strings.Join(out, " ")
	}
	return r.Root().Get("expansion").Get("total").Text() + ": " + show(r.Root().Get("expansion"))
}

func toolRig(t *testing.T) *rig {
	r := newRig(t)
	for _, res := range []string{fmt.Sprintf(tools, "1"), fmt.Sprintf(tools, "2"), spices, shed, rack, kept, wares} {
		var head struct{ ResourceType, ID string }
		check(t, json.Unmarshal([]byte(res), &head))
		r.do(201, "PUT", "/"+head.ResourceType+"/"+head.ID, res)
	}
	return r
}

// TestExpandParameters goes through every parameter of R4's ValueSet/$expand.
func TestExpandParameters(t *testing.T) {
	r := toolRig(t)
	given := strings.NewReplacer(`"urn:shed"`, `"urn:mine"`, `"id":"shed",`, "").Replace(shed)
	for _, c := range []struct {
		query string
		want  string
	}{
		{"url=urn:shed", "6: hand hammer mallet adze saw salt"},
		{"url=urn:shed&valueSetVersion=7", "6: hand hammer mallet adze saw salt"},
		{"url=urn:shed&filter=ham", "1: hammer"},
		{"url=urn:shed&offset=1&count=2", "6: hammer mallet"},
		{"url=urn:shed&count=0", "6: "},
		{"url=urn:shed&activeOnly=true", "5: hand hammer mallet saw salt"},
		{"url=urn:shed&excludeNotForUI=true", "5: hammer mallet adze saw salt"},
		{"url=urn:shed&excludeNested=true", "6: hand hammer mallet adze saw salt"},
		{"url=urn:shed&excludeNested=false", "6: hand[hammer[mallet] adze] saw salt"},
		{"url=urn:shed&excludeNested=false&excludeNotForUI=true", "5: hammer[mallet] adze saw salt"},
		{"url=urn:shed&excludeNested=false&filter=a", "6: hand[hammer[mallet] adze] saw salt"},
		{"url=urn:shed&excludeNested=false&filter=l", "3: hand[mallet] salt"},
		{"url=urn:shed&excludeNested=false&count=2&offset=1", "6: hand[hammer[mallet] adze] saw salt"},
		{"url=urn:shed&excludeNested=false&count=0", "6: "},
		{"url=urn:kept&excludeNested=false", "2: a[b]"},
		{"url=urn:kept", "2: a b"},
		{"url=urn:shed&exclude-system=urn:tools", "1: salt"},
		{"url=urn:shed&exclude-system=urn:tools|1", "6: hand hammer mallet adze saw salt"},
		{"url=urn:shed&exclude-system=urn:tools|2&exclude-system=urn:spices", "0: "},
		{"url=urn:shed&excludePostCoordinated=true", "6: hand hammer mallet adze saw salt"},
	} {
		if got := nestedCodes(t, r.do(200, "GET", "/ValueSet/$expand?"+c.query, "").Body.Bytes()); got != c.want {
			t.Errorf("%s: %s, want %s", c.query, got, c.want)
		}
	}
	posted := `{"resourceType":"Parameters","parameter":[{"name":"valueSet","resource":` + given + `},{"name":"excludeNested","valueBoolean":false}]}`
	if got := nestedCodes(t, r.do(200, "POST", "/ValueSet/$expand", posted).Body.Bytes()); got != "6: hand[hammer[mallet] adze] saw salt" {
		t.Errorf("valueSet: %s", got)
	}
	for query, want := range map[string]string{
		"url=urn:shed&filter=hammer&includeDesignations=true":       "Marteau",
		"url=urn:shed&filter=hammer&designation=urn:use|short":      "Marteau",
		"url=urn:shed&filter=hammer&designation=urn:ietf:bcp:47|de": "Hammer (de)",
		"url=urn:shed&filter=hammer&displayLanguage=fr":             `"display":"Marteau"`,
		"url=urn:shed&includeDefinition=true&count=1":               `"compose"`,
		"url=urn:shed&system-version=urn:tools|1":                   `"Saw 1"`,
		"url=urn:rack": `"Saw 1"`,
		"url=urn:rack&system-version=urn:tools|2":                                   `"Saw 1"`,
		"url=urn:rack&force-system-version=urn:tools|2":                             `"Saw 2"`,
		"url=urn:rack&check-system-version=urn:tools|1":                             `"Saw 1"`,
		"url=urn:shed&check-system-version=urn:tools|1":                             `"valueUri":"urn:tools|1"`,
		"url=urn:shed&excludeNested=false&displayLanguage=de&exclude-system=urn:xy": `"exclude-system"`,
	} {
		if got := r.do(200, "GET", "/ValueSet/$expand?"+query, "").Body.String(); !strings.Contains(got, want) {
			t.Errorf("%s: %s lacks %s", query, got, want)
		}
	}
	for _, query := range []string{"filter=hammer", "filter=hammer&designation=urn:use|short"} {
		if got := r.do(200, "GET", "/ValueSet/$expand?url=urn:shed&"+query, "").Body.String(); strings.Contains(got, "(de)") {
			t.Errorf("%s: %s", query, got)
		}
	}
	for query, status := range map[string]int{
		"url=urn:shed&date=2020-01-01":                  400,
		"url=urn:shed&context=urn:x%23y":                400,
		"context=urn:x%23y&contextDirection=incoming":   400,
		"url=urn:shed&url=urn:rack":                     400,
		"url=urn:shed&excludeNested=maybe":              400,
		"url=urn:shed&designation=urn:use|":             400,
		"url=urn:shed&system-version=urn:tools":         400,
		"url=urn:shed&valueSetVersion=8":                404,
		"url=urn:shed&force-system-version=urn:tools|9": 400,
		"url=urn:rack&check-system-version=urn:tools|2": 422,
	} {
		r.do(status, "GET", "/ValueSet/$expand?"+query, "")
	}
	r.do(400, "GET", "/ValueSet/shed/$expand?valueSetVersion=7", "")
}

// TestCodeParameters goes through the parameters of the other operations.
func TestCodeParameters(t *testing.T) {
	r := toolRig(t)
	with := func(parts ...string) string {
		return `{"resourceType":"Parameters","parameter":[` + strings.Join(parts, ",") + `]}`
	}
	part := func(name, typ, value string) string { return fmt.Sprintf(`{"name":%q,"value%s":%s}`, name, typ, value) }
	const saw = `{"system":"urn:tools","code":"saw"}`
	inline := `{"name":"codeSystem","resource":` + strings.NewReplacer("urn:tools", "urn:inline", `"id":"tools1",`, "").Replace(fmt.Sprintf(tools, "1")) + `}`
	size := `{"name":"dependency","part":[{"name":"element","valueUri":"urn:size"},{"name":"concept","valueCodeableConcept":{"coding":[{"system":"urn:sizes","code":"big"}]}}]}`
	for _, c := range []struct {
		status             int
		method, path, body string
		want               string
	}{
		{200, "GET", "/ValueSet/$validate-code?url=urn:shed&valueSetVersion=7&system=urn:tools&code=saw", "", "result=true display=Saw 2"},
		{200, "GET", "/ValueSet/$validate-code?url=urn:shed&system=urn:tools&code=hammer&display=marteau&displayLanguage=fr", "", "result=true display=Marteau"},
		{200, "GET", "/ValueSet/$validate-code?url=urn:shed&system=urn:tools&code=hammer&display=Hammer&displayLanguage=fr", "", "result=false display=Marteau"},
		{200, "GET", "/ValueSet/$validate-code?url=urn:shed&system=urn:tools&code=hand&abstract=false", "", "result=false display=Hand tool"},
		{200, "GET", "/ValueSet/$validate-code?url=urn:shed&system=urn:tools&code=hand&abstract=true", "", "result=true display=Hand tool"},
		{200, "POST", "/ValueSet/$validate-code", with(`{"name":"valueSet","resource":`+rack+`}`, part("coding", "Coding", saw)), "result=true display=Saw 1"},
		{200, "POST", "/ValueSet/shed/$validate-code", with(part("coding", "Coding", saw), part("display", "String", `"Sword"`)), "result=false display=Saw 2"},
		{400, "POST", "/ValueSet/shed/$validate-code", with(part("coding", "Coding", saw), part("system", "Uri", `"urn:other"`)), "invalid"},
		{400, "POST", "/ValueSet/shed/$validate-code", with(part("codeableConcept", "CodeableConcept", `{"coding":[`+saw+`]}`), part("display", "String", `"Saw"`)), "invalid"},
		{400, "GET", "/ValueSet/$validate-code?url=urn:shed&system=urn:tools&code=saw&date=2020", "", "invalid"},
		{400, "GET", "/ValueSet/$validate-code?context=urn:x&system=urn:tools&code=saw", "", "invalid"},
		{404, "GET", "/ValueSet/$validate-code?url=urn:none&system=urn:tools&code=saw", "", "not-found"},

		{200, "GET", "/CodeSystem/$validate-code?url=urn:tools&version=1&code=saw", "", "result=true display=Saw 1"},
		{200, "GET", "/CodeSystem/tools1/$validate-code?code=saw", "", "result=true display=Saw 1"},
		{200, "POST", "/CodeSystem/$validate-code", with(inline, part("code", "Code", `"saw"`)), "result=true display=Saw 1"},
		{200, "POST", "/CodeSystem/$validate-code", with(inline, part("code", "Code", `"axe"`)), "result=false"},
		{200, "POST", "/CodeSystem/$validate-code", with(inline, part("coding", "Coding", saw)), "result=false"},
		{200, "POST", "/CodeSystem/$validate-code", with(part("codeableConcept", "CodeableConcept", `{"coding":[{"system":"urn:tools","code":"axe"},`+saw+`]}`)), "result=true display=Saw 2"},
		{400, "GET", "/CodeSystem/tools1/$validate-code?code=saw&version=2", "", "invalid"},
		{422, "GET", "/CodeSystem/$validate-code?url=urn:tools&version=9&code=saw", "", "not-supported"},
		{422, "GET", "/CodeSystem/$validate-code?url=urn:none&code=saw", "", "not-supported"},

		{200, "GET", "/CodeSystem/$lookup?system=urn:tools&version=1&code=saw", "", "name=Tools version=1 display=Saw 1"},
		{200, "GET", "/CodeSystem/$lookup?system=urn:tools&code=hammer&property=lang.fr", "", "name=Tools version=2 display=Hammer designation=language:fr;use:short;value:Marteau;"},
		{200, "GET", "/CodeSystem/$lookup?system=urn:tools&code=hammer&property=parent&property=child", "", "name=Tools version=2 display=Hammer property=code:parent;value:hand; property=code:child;value:mallet;"},
		{200, "POST", "/CodeSystem/$lookup", with(part("coding", "Coding", saw), part("version", "String", `"1"`)), "name=Tools version=1 display=Saw 1"},
		{404, "GET", "/CodeSystem/$lookup?system=urn:tools&version=9&code=saw", "", "not-found"},
		{400, "GET", "/CodeSystem/$lookup?system=urn:tools&code=saw&date=2020", "", "invalid"},

		{200, "GET", "/CodeSystem/$subsumes?system=urn:tools&version=1&codeA=mallet&codeB=hand", "", "outcome=subsumed-by"},
		{200, "GET", "/CodeSystem/tools1/$subsumes?codeA=saw&codeB=hand", "", "outcome=not-subsumed"},
		{404, "GET", "/CodeSystem/$subsumes?system=urn:none&codeA=a&codeB=b", "", "not-found"},
		{404, "GET", "/CodeSystem/$subsumes?system=urn:tools&version=9&codeA=saw&codeB=hand", "", "not-found"},
		{400, "GET", "/CodeSystem/tools1/$subsumes?codeA=saw&codeB=hand&version=2", "", "invalid"},

		{200, "GET", "/ConceptMap/$translate?url=urn:wares&conceptMapVersion=3&system=urn:tools&code=hammer", "", "result=true match=equivalence:wider;concept:W2;source:urn:wares;"},
		{200, "POST", "/ConceptMap/wares/$translate", with(part("coding", "Coding", `{"system":"urn:tools","code":"hammer"}`), size), "result=true match=equivalence:equivalent;concept:W1;source:urn:wares; match=equivalence:wider;concept:W2;source:urn:wares;"},
		{200, "GET", "/ConceptMap/$translate?url=urn:wares&system=urn:tools&code=saw", "", "result=false"},
		{200, "GET", "/ConceptMap/$translate?url=urn:wares&system=urn:tools&code=adze", "", "result=true match=equivalence:relatedto;concept:W9;source:urn:wares;"},
		{200, "GET", "/ConceptMap/$translate?source=urn:shed&target=urn:shop&system=urn:tools&code=hammer", "", "result=true match=equivalence:wider;concept:W2;source:urn:wares;"},
		{200, "GET", "/ConceptMap/$translate?source=urn:shop&target=urn:shed&system=urn:wares&code=W3&reverse=true", "", "result=true match=equivalence:equivalent;concept:saw;source:urn:wares;"},
		{200, "POST", "/ConceptMap/$translate", with(`{"name":"conceptMap","resource":`+recipes+`}`, part("codeableConcept", "CodeableConcept", `{"coding":[{"system":"urn:spices","code":"chili"}]}`)), "result=true match=equivalence:wider;concept:stew;source:urn:recipes;"},
		{404, "GET", "/ConceptMap/$translate?url=urn:wares&target=urn:else&system=urn:tools&code=hammer", "", "not-found"},
		{404, "GET", "/ConceptMap/$translate?system=urn:none&code=hammer", "", "not-found"},
		{404, "GET", "/ConceptMap/$translate?system=urn:tools&code=hammer&targetsystem=urn:none", "", "not-found"},
		{400, "GET", "/ConceptMap/$translate?conceptMapVersion=3&system=urn:tools&code=hammer", "", "invalid"},
		{400, "POST", "/ConceptMap/wares/$translate", with(part("coding", "Coding", saw), `{"name":"dependency","part":[{"name":"element","valueUri":"urn:size"}]}`), "invalid"},
	} {
		w := r.do(c.status, c.method, c.path, c.body)
		if got := answer(t, w.Body.Bytes()); got != c.want {
			t.Errorf("%s %s %s: %s, want %s", c.method, c.path, c.body, got, c.want)
		}
	}
}

// TestNoClosure: what is not served is not declared, and not found.
func TestNoClosure(t *testing.T) {
	r := newRig(t)
	w := r.do(404, "POST", "/$closure", `{"resourceType":"Parameters","parameter":[{"name":"name","valueString":"a"}]}`)
	if !strings.Contains(w.Body.String(), "not-found") && !strings.Contains(w.Body.String(), "not-supported") {
		t.Errorf("%s", w.Body)
	}
	for _, mode := range []string{"full", "terminology"} {
		if strings.Contains(r.do(200, "GET", "/metadata?mode="+mode, "").Body.String(), "closure") {
			t.Errorf("%s: $closure is declared", mode)
		}
	}
}
