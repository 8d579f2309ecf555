package path_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/path"
)

const ada = `{"resourceType":"Patient","id":"a","active":true,
"name":[{"use":"official","family":"Lovelace","given":["Ada","Augusta"]},{"given":["Ada"]}],
"birthDate":"1815-12-10","deceasedDateTime":"1852-11-27"}`

func parse(t testing.TB, src string) fhir.Node {
	t.Helper()
	r, err := fhir.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return r.Root()
}

func compile(t testing.TB, src string) *path.Expr {
	t.Helper()
	e, err := path.Compile(src)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return e
}

func TestBool(t *testing.T) {
	n := parse(t, ada)
	env := &path.Env{Now: time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)}
	for src, want := range map[string]bool{
		"name.exists() and active":                           true,
		"name.where(use = 'official').given.first() = 'Ada'": true,
		"gender":                     false,
		"birthDate":                  true,
		"deceased is date":           false,
		"deceased.is(FHIR.dateTime)": true,
		"today() = @2024-02-29":      true,
		"Patient.name.given.count() = 3 and Patient.name.given.distinct().count() = 2": true,
	} {
		got, err := compile(t, src).Bool(env, n)
		if err != nil || got != want {
			t.Errorf("%s = %v, %v", src, got, err)
		}
	}
}

// TestResolve finds what the resource itself holds, and asks for the rest.
func TestResolve(t *testing.T) {
	bundle := parse(t, `{"resourceType":"Bundle","type":"collection","entry":[
		{"fullUrl":"http://x/fhir/Patient/p","resource":{"resourceType":"Patient","id":"p"}},
		{"fullUrl":"http://x/fhir/Observation/o","resource":{"resourceType":"Observation","id":"o","status":"final","code":{"text":"c"},
			"subject":{"reference":"Patient/p"},"performer":[{"reference":"Practitioner/q"}]}}]}`)
	asked := ""
	env := &path.Env{Resolve: func(ref string) (*fhir.Resource, error) {
		asked = ref
		return fhir.Parse([]byte(`{"resourceType":"Practitioner","id":"q"}`))
	}}
	for src, want := range map[string]string{
		"entry.resource.ofType(Observation).subject.resolve().id":                     "p",
		"entry.resource.ofType(Observation).performer.resolve().id":                   "q",
		"entry.resource.ofType(Observation).performer.where(resolve() is Patient).id": "",
	} {
		c, err := compile(t, src).Eval(env, bundle)
		if err != nil || joined(c) != want {
			t.Errorf("%s: %v, %v", src, joined(c), err)
		}
	}
	if asked != "Practitioner/q" {
		t.Errorf("asked for %q", asked)
	}
	contained := parse(t, `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"O"}],"managingOrganization":{"reference":"#o"}}`)
	if c, err := compile(t, "managingOrganization.resolve().name").Eval(nil, contained); err != nil || joined(c) != "O" {
		t.Errorf("contained: %v, %v", joined(c), err)
	}
}

func TestMemberOf(t *testing.T) {
	n := parse(t, `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1"},{"system":"http://y","code":"2"}]}}`)
	var asked []path.Code
	env := &path.Env{MemberOf: func(set string, codes []path.Code) (bool, error) { asked = codes; return set == "http://vs", nil }}
	for src, want := range map[string]int{
		"code.memberOf('http://vs')": 2, "code.coding[0].memberOf('http://vs')": 1, "status.memberOf('http://vs')": 1,
	} {
		ok, err := compile(t, src).Bool(env, n)
		if err != nil || !ok || len(asked) != want {
			t.Errorf("%s: %v, %v, %v", src, ok, asked, err)
		}
	}
}

func TestSubsumes(t *testing.T) {
	n := parse(t, `{"resourceType":"Observation","status":"final",
"code":{"coding":[{"system":"http://x","code":"a"},{"system":"http://y","code":"b"}]},
"category":[{"coding":[{"system":"http://x","code":"top"}]},{"coding":[{"system":"http://z","code":"top"}]}],
"valueCodeableConcept":{"coding":[{"system":"http://y","code":"top"}]},"interpretation":[{"text":"none"}]}`)
	env := &path.Env{Subsumes: func(a, b path.Code) (bool, error) {
		if a.System == "http://y" {
			return false, path.ErrNotSupported
		}
		return a.Code == "top" || a.Code == b.Code, nil
	}}
	for src, want := range map[string]string{
		"category[0].subsumes(%resource.code)":              "true",
		"code.subsumedBy(%resource.category[0])":            "true",
		"code.subsumes(%resource.category[0])":              "false",
		"code.coding[0].subsumes(%resource.code.coding[0])": "true",
		"code.subsumes(%resource.interpretation[0])":        "false",
		"note.subsumes(%resource.code)":                     "",
	} {
		got, err := compile(t, src).Eval(env, n)
		if err != nil || joined(got) != want {
			t.Errorf("%s: %v, %v, want %s", src, joined(got), err, want)
		}
	}
	for _, src := range []string{"category[1].subsumes(%resource.code)", "value.subsumes(%resource.code)"} {
		if _, err := compile(t, src).Eval(env, n); !errors.Is(err, path.ErrNotSupported) {
			t.Errorf("%s: %v", src, err)
		}
	}
	if _, err := compile(t, "code.subsumes(%resource.code)").Eval(nil, n); !errors.Is(err, path.ErrNotSupported) {
		t.Errorf("without a terminology: %v", err)
	}
	if _, err := compile(t, "status.subsumes(%resource.code)").Eval(env, n); !fault.Is(err, fault.Unprocessable) {
		t.Errorf("a code alone: %v", err)
	}
}

// TestAsFilters shows the leniency that R4's own expressions need.
func TestAsFilters(t *testing.T) {
	n := parse(t, ada)
	e := compile(t, "descendants().as(date)")
	if _, err := e.Eval(nil, n); !fault.Is(err, fault.Unprocessable) {
		t.Errorf("strict: %v", err)
	}
	if c, err := e.Eval(&path.Env{AsFilters: true}, n); err != nil || len(c) != 1 {
		t.Errorf("filtering: %v, %v", c, err)
	}
}

func TestNodes(t *testing.T) {
	n := parse(t, ada)
	nodes, err := compile(t, "Patient.name.given").Nodes(nil, n)
	if err != nil || len(nodes) != 3 || nodes[2].Path() != "Patient.name[1].given[0]" {
		t.Errorf("%v, %v", nodes, err)
	}
	if _, err := compile(t, "name.given | 'x'").Nodes(nil, n); !fault.Is(err, fault.Unprocessable) {
		t.Errorf("calculated: %v", err)
	}
}

func TestNotSupported(t *testing.T) {
	n := parse(t, ada)
	for _, src := range []string{"now()", "'a'.memberOf('http://x')", "conformsTo('http://x')", "name.elementDefinition()"} {
		_, err := compile(t, src).Eval(nil, n)
		if !errors.Is(err, path.ErrNotSupported) || !fault.Is(err, fault.NotSupported) {
			t.Errorf("%s: %v", src, err)
		}
	}
}
