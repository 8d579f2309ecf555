package fhir_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// read returns "path=text" of what a parameter reads in r.
func read(t *testing.T, r *fhir.Resource, code string) []string {
	t.Helper()
	p, ok := r4.FindParam(r.Type(), code)
	if !ok {
		t.Fatalf("no parameter %s", code)
	}
	var out []string
	for _, s := range p.Sources() {
		for n := range fhir.EvalSource(r.Root(), s) {
			text := n.Text()
			if n.Type() == "Reference" {
				text = n.Get("reference").Text()
			}
			out = append(out, n.Path()+"="+text)
		}
	}
	return out
}

func TestEvalSource(t *testing.T) {
	obs := `{"resourceType":"Observation","id":"o","meta":{"tag":[{"code":"a"},{"code":"b"}]},"status":"final","code":{"text":"c"},"valueQuantity":{"value":1},"subject":{"reference":"http://a/Patient/1/_history/2"},"component":[{"code":{"text":"d"},"valueCodeableConcept":{"text":"z"}},{"code":{"text":"e"},"valueQuantity":{"value":2}}]}`
	pat := `{"resourceType":"Patient","telecom":[{"system":"phone","value":"1"},{"system":"email","value":"2"},{"system":"phone","value":"3"}],"deceasedBoolean":false,"name":[{"given":["a","b"]},{"given":["c"]}]}`
	person := `{"resourceType":"Person","link":[{"target":{"reference":"Patient/1"}},{"target":{"reference":"Practitioner/1"}},{"target":{"reference":"urn:uuid:1","type":"Patient"}},{"target":{"reference":"urn:uuid:2"}},{"target":{"reference":"Patient?identifier=x"}}]}`
	cond := `{"resourceType":"Condition","contained":[{"resourceType":"Patient","id":"p"},{"resourceType":"Group","id":"g","type":"person","actual":true}],"subject":{"reference":"#p"},"asserter":{"reference":"#p"},"extension":[{"url":"u","valueReference":{"reference":"#g"}}],"onsetAge":{"value":1},"abatementString":"x"}`
	bundle := `{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Patient","id":"1"}},{"resource":{"resourceType":"Patient","id":"2"}}]}`
	for _, c := range []struct{ in, code, want string }{
		{obs, "_id", "Observation.id=o"},
		{obs, "_tag", "Observation.meta.tag[0]= Observation.meta.tag[1]="},
		{obs, "combo-code", "Observation.code= Observation.component[0].code= Observation.component[1].code="},
		{obs, "combo-value-quantity", "Observation.value= Observation.component[1].value="},
		{obs, "component-value-concept", "Observation.component[0].value="},
		{obs, "value-string", ""},
		{obs, "patient", "Observation.subject=http://a/Patient/1/_history/2"},
		{obs, "subject", "Observation.subject=http://a/Patient/1/_history/2"},
		{pat, "phone", "Patient.telecom[0]= Patient.telecom[2]="},
		{pat, "email", "Patient.telecom[1]="},
		{pat, "given", "Patient.name[0].given[0]=a Patient.name[0].given[1]=b Patient.name[1].given[0]=c"},
		{pat, "deceased", "Patient.deceased=false"},
		{pat, "death-date", ""},
		{person, "patient", "Person.link[0].target=Patient/1 Person.link[2].target=urn:uuid:1 Person.link[4].target=Patient?identifier=x"},
		{person, "practitioner", "Person.link[1].target=Practitioner/1"},
		{cond, "patient", "Condition.subject=#p"},
		{cond, "onset-age", "Condition.onset="},
		{cond, "abatement-string", "Condition.abatement=x"},
		{bundle, "composition", "Bundle.entry[0].resource="},
	} {
		if got := strings.Join(read(t, mustParse(t, c.in), c.code), " "); got != c.want {
			t.Errorf("%s read %s, want %s", c.code, got, c.want)
		}
	}
	count := 0
	for range mustParse(t, cond).References() {
		count++
	}
	if count != 3 {
		t.Errorf("%d references", count)
	}
}

func TestComposite(t *testing.T) {
	r := mustParse(t, `{"resourceType":"Observation","status":"final","code":{"text":"c"},"valueQuantity":{"value":1},"component":[{"code":{"text":"d"},"valueQuantity":{"value":2}}]}`)
	p, _ := r4.FindParam("Observation", "combo-code-value-quantity")
	var got []string
	for _, s := range p.Sources() {
		for base := range fhir.EvalSource(r.Root(), s) {
			for _, c := range p.Components() {
				for _, cs := range c.Sources() {
					for n := range fhir.EvalSource(base, cs) {
						got = append(got, c.Code()+" "+n.Path())
					}
				}
			}
		}
	}
	want := []string{"combo-code Observation.code", "combo-value-quantity Observation.value", "combo-code Observation.component[0].code", "combo-value-quantity Observation.component[0].value"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestParseLiteral(t *testing.T) {
	for in, want := range map[string]fhir.Literal{
		"Patient/1":                     {Type: "Patient", ID: "1"},
		"Patient/1/_history/2":          {Type: "Patient", ID: "1", Version: "2"},
		"https://a/b/Patient/1":         {Base: "https://a/b", Type: "Patient", ID: "1"},
		"https://a/Patient/1/_history/": {},
		"https://a/Patient/1#x":         {Base: "https://a", Type: "Patient", ID: "1"},
		"#x":                            {Local: true, ID: "x"},
		"#":                             {Local: true},
		"Patient?identifier=a|b/c":      {Type: "Patient", Query: "identifier=a|b/c"},
		"https://a/x?Patient/1":         {},
		"/Patient/1":                    {},
		"Patient":                       {},
		"Patient/":                      {},
		"Patient/a b":                   {},
		"Nobody/1":                      {},
		"urn:uuid:1":                    {},
		"":                              {},
		"HumanName/1":                   {},
		"Resource/1":                    {},
	} {
		if got := fhir.ParseLiteral(in); got != want {
			t.Errorf("%q is %+v", in, got)
		}
	}
}

func TestAbsentNode(t *testing.T) {
	var n fhir.Node
	if n.Exists() || n.Name() != "" || n.Type() != "" || n.Path() != "" || n.Text() != "" || n.Raw() != nil || n.Resource() != nil || n.TargetType() != 0 || n.IsList() {
		t.Error("the zero Node is not absent")
	}
	n = n.Get("a").Get("b")
	for range n.All("a") {
		t.Error("a child")
	}
	for range n.Children() {
		t.Error("a child")
	}
	if len(n.AppendText(nil)) != 0 {
		t.Error("text")
	}
}

func TestNode(t *testing.T) {
	r := mustParse(t, spaced(`{"resourceType":"Patient","birthDate":"1970-01-01","_birthDate":{"id":"b","extension":[{"url":"u","valueDateTime":"1970"}]},"name":[{"given":["a\u00e9","b",null],"_given":[null,{"id":"x"},{"extension":[{"url":"u","valueCode":"c"}]}]}],"_gender":{"extension":[{"url":"u","valueCode":"c"}]},"multipleBirthInteger":2}`))
	root := r.Root()
	for _, c := range []struct{ got, want string }{
		{root.Get("birthDate").Text(), "1970-01-01"},
		{root.Get("birthDate").Get("id").Text(), "b"},
		{root.Get("birthDate").Get("extension").Get("value").Text(), "1970"},
		{root.Get("birthDate").Get("extension").Path(), "Patient.birthDate.extension[0]"},
		{root.Get("name").Get("given").Text(), "aé"},
		{root.Get("gender").Type(), "code"},
		{root.Get("gender").Text(), ""},
		{root.Get("gender").Get("extension").Get("value").Text(), "c"},
		{root.Get("multipleBirth").Name(), "multipleBirth"},
		{root.Get("multipleBirthInteger").Text(), "2"},
		{root.Get("multipleBirthBoolean").Text(), ""},
		{root.Get("multipleBirth").Type(), "integer"},
		{root.Get("nonsense").Text(), ""},
		{root.Get("resourceType").Text(), ""},
		{root.Type(), "Patient"},
		{root.Name(), ""},
		{string(root.Get("name").Get("given").Raw()), `"a\u00e9"`},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	var given []string
	for n := range root.Get("name").All("given") {
		given = append(given, n.Path()+n.Text()+n.Get("id").Text()+n.Get("extension").Get("value").Text())
	}
	if want := []string{"Patient.name[0].given[0]aé", "Patient.name[0].given[1]bx", "Patient.name[0].given[2]c"}; !slices.Equal(given, want) {
		t.Errorf("%q", given)
	}
}
