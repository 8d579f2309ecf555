package patch_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/patch"
)

// obs has its members in an unusual order, and digits that a float would lose.
const obs = `{"code":{"text":"<é>"},"resourceType":"Observation","id":"o","status":"final",` +
	`"valueQuantity":{"value":1.00,"unit":"g"},"note":[{"text":"one"},{"text":"two"}],` +
	`"component":[{"code":{"text":"c"},"valueInteger":3}]}`

func resource(t testing.TB, src string) *fhir.Resource {
	t.Helper()
	r, err := fhir.Parse([]byte(src))
	if err != nil {
		t.Fatal(issues(err))
	}
	return r
}

// TestKept shows that what a patch does not touch keeps bytes and place.
func TestKept(t *testing.T) {
	const want = `{"code":{"text":"<é>"},"resourceType":"Observation","id":"o","status":"amended",` +
		`"valueQuantity":{"value":1.00,"unit":"g"},"note":[{"text":"one"},{"text":"two"}],` +
		`"component":[{"code":{"text":"c"},"valueInteger":3}]}`
	res := resource(t, obs)
	for name, apply := range map[string]func() (*fhir.Resource, error){
		"json": func() (*fhir.Resource, error) {
			return patch.JSON(res, []byte(`[{"op":"replace","path":"/status","value":"amended"}]`))
		},
		"merge": func() (*fhir.Resource, error) { return patch.Merge(res, []byte(`{"status":"amended"}`)) },
		"fhirpath": func() (*fhir.Resource, error) {
			return patch.FHIRPath(res, resource(t, params(op("replace", "Observation.status", `{"name":"value","valueCode":"amended"}`))))
		},
	} {
		got, err := apply()
		if err != nil {
			t.Fatalf("%s: %v", name, issues(err))
		}
		if string(got.JSON()) != want {
			t.Errorf("%s: got %s", name, got.JSON())
		}
	}
	if string(res.JSON()) != obs {
		t.Error("the resource itself was changed")
	}
}

func params(ops ...string) string {
	return `{"resourceType":"Parameters","parameter":[` + strings.Join(ops, ",") + `]}`
}

func op(kind, path string, parts ...string) string {
	all := append([]string{`{"name":"type","valueCode":"` + kind + `"}`, `{"name":"path","valueString":"` + path + `"}`}, parts...)
	return `{"name":"operation","part":[` + strings.Join(all, ",") + `]}`
}

func TestJSON(t *testing.T) {
	for name, c := range map[string]struct {
		patch string
		kind  fault.Kind
		want  string // text within the result, "" if it is an error
	}{
		"decimal kept":   {`[{"op":"replace","path":"/valueQuantity/value","value":2.50}]`, 0, `"value":2.50`},
		"number equal":   {`[{"op":"test","path":"/valueQuantity/value","value":100e-2},{"op":"add","path":"/language","value":"en"}]`, 0, `"language":"en"`},
		"text equal":     {`[{"op":"test","path":"/code/text","value":"\u003c\u00e9>"},{"op":"add","path":"/language","value":"en"}]`, 0, `"language":"en"`},
		"copy":           {`[{"op":"copy","from":"/note/0","path":"/note/-"}]`, 0, `"note":[{"text":"one"},{"text":"two"},{"text":"one"}]`},
		"move":           {`[{"op":"move","from":"/note/0","path":"/note/1"}]`, 0, `"note":[{"text":"two"},{"text":"one"}]`},
		"not JSON":       {`[{"op":`, fault.Invalid, ""},
		"no array":       {`{"op":"remove","path":"/note"}`, fault.Invalid, ""},
		"no op":          {`[{"path":"/note"}]`, fault.Invalid, ""},
		"unknown op":     {`[{"op":"delete","path":"/note"}]`, fault.Invalid, ""},
		"no path":        {`[{"op":"remove"}]`, fault.Invalid, ""},
		"bad pointer":    {`[{"op":"remove","path":"note"}]`, fault.Invalid, ""},
		"bad escape":     {`[{"op":"remove","path":"/a~2"}]`, fault.Invalid, ""},
		"no value":       {`[{"op":"add","path":"/note"}]`, fault.Invalid, ""},
		"twice":          {`[{"op":"add","op":"remove","path":"/note","value":1}]`, fault.Invalid, ""},
		"missing":        {`[{"op":"remove","path":"/language"}]`, fault.Unprocessable, ""},
		"index":          {`[{"op":"remove","path":"/note/2"}]`, fault.Unprocessable, ""},
		"leading zero":   {`[{"op":"remove","path":"/note/01"}]`, fault.Unprocessable, ""},
		"negative index": {`[{"op":"remove","path":"/note/-1"}]`, fault.Unprocessable, ""},
		"past the end":   {`[{"op":"remove","path":"/note/-"}]`, fault.Unprocessable, ""},
		"into itself":    {`[{"op":"move","from":"/code","path":"/code/x"}]`, fault.Unprocessable, ""},
		"all":            {`[{"op":"remove","path":""}]`, fault.Unprocessable, ""},
		"not FHIR":       {`[{"op":"add","path":"/zodiac","value":"x"}]`, fault.Unprocessable, ""},
		"required":       {`[{"op":"remove","path":"/status"}]`, fault.Unprocessable, ""},
		"other id":       {`[{"op":"replace","path":"/id","value":"p"}]`, fault.Unprocessable, ""},
		"no id":          {`[{"op":"remove","path":"/id"}]`, fault.Unprocessable, ""},
		"other type": {`[{"op":"replace","path":"","value":{"resourceType":"Basic","id":"o","code":{"text":"c"}}}]`,
			fault.Unprocessable, ""},
	} {
		got, err := patch.JSON(resource(t, obs), []byte(c.patch))
		if c.want == "" {
			if !fault.Is(err, c.kind) || errors.Is(err, patch.ErrTest) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || !strings.Contains(string(got.JSON()), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFailedTest(t *testing.T) {
	for _, doc := range []string{
		`[{"op":"test","path":"/status","value":"preliminary"}]`,
		`[{"op":"test","path":"/language","value":"en"}]`,
		`[{"op":"test","path":"/valueQuantity/value","value":"1.00"}]`,
	} {
		_, err := patch.JSON(resource(t, obs), []byte(doc))
		if !errors.Is(err, patch.ErrTest) || !fault.Is(err, fault.Unprocessable) {
			t.Errorf("%s: %v", doc, err)
		}
		if strings.Contains(string(fhir.Outcome(err)), "final") {
			t.Errorf("%s: the fault tells a value", doc)
		}
	}
}

func TestMerge(t *testing.T) {
	got, err := patch.Merge(resource(t, obs), []byte(`{"note":null,"valueQuantity":{"unit":null,"code":"g","system":"http://unitsofmeasure.org"}}`))
	if err != nil {
		t.Fatal(issues(err))
	}
	const want = `{"code":{"text":"<é>"},"resourceType":"Observation","id":"o","status":"final",` +
		`"valueQuantity":{"value":1.00,"code":"g","system":"http://unitsofmeasure.org"},"component":[{"code":{"text":"c"},"valueInteger":3}]}`
	if string(got.JSON()) != want {
		t.Errorf("got %s", got.JSON())
	}
	for doc, kind := range map[string]fault.Kind{
		`[]`: fault.Invalid, `"x"`: fault.Invalid, `{`: fault.Invalid, `{"id":null}`: fault.Unprocessable,
		`{"resourceType":"Patient"}`: fault.Unprocessable, `{"status":null}`: fault.Unprocessable,
	} {
		if _, err := patch.Merge(resource(t, obs), []byte(doc)); !fault.Is(err, kind) {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

func TestFHIRPath(t *testing.T) {
	const value = `{"name":"value","valueString":"x"}`
	name := func(s string) string { return `{"name":"name","valueString":"` + s + `"}` }
	for what, c := range map[string]struct {
		ops  string
		kind fault.Kind
		want string
	}{
		"choice replaced": {op("replace", "Observation.value", value), 0, `"valueString":"x","note"`},
		"choice added": {op("delete", "Observation.value") + "," + op("add", "Observation", name("value"), `{"name":"value","valueBoolean":true}`),
			0, `"valueBoolean":true`},
		"choice in part": {op("add", "Observation", name("component"),
			`{"name":"value","part":[{"name":"code","valueCodeableConcept":{"text":"d"}},{"name":"value","valueQuantity":{"value":2.50}}]}`),
			0, `{"code":{"text":"d"},"valueQuantity":{"value":2.50}}`},
		"through a broken state": {op("delete", "Observation.status") + "," + op("add", "Observation", name("status"), `{"name":"value","valueCode":"amended"}`),
			0, `"status":"amended"`},
		"extension on a primitive": {op("add", "Observation.status", name("extension"), `{"name":"value","part":[{"name":"url","valueUri":"http://x"},{"name":"value","valueBoolean":true}]}`),
			0, `"_status":{"extension":[{"url":"http://x","valueBoolean":true}]}`},
		"inserted":          {op("insert", "Observation.note", `{"name":"index","valueInteger":1}`, `{"name":"value","valueAnnotation":{"text":"x"}}`), 0, `{"text":"one"},{"text":"x"},{"text":"two"}`},
		"moved":             {op("move", "Observation.note", `{"name":"source","valueInteger":0}`, `{"name":"destination","valueInteger":1}`), 0, `[{"text":"two"},{"text":"one"}]`},
		"deleted with all":  {op("delete", "Observation.component[0].code.text") + "," + op("delete", "Observation.component"), 0, `"note":[{"text":"one"},{"text":"two"}]}`},
		"nothing to delete": {op("delete", "Observation.method"), 0, `"id":"o"`},

		"several to delete":  {op("delete", "Observation.note"), fault.Unprocessable, ""},
		"several to replace": {op("replace", "Observation.note.text", value), fault.Unprocessable, ""},
		"nothing to replace": {op("replace", "Observation.method", value), fault.Unprocessable, ""},
		"calculated":         {op("delete", "'a'"), fault.Unprocessable, ""},
		"whole":              {op("delete", "Observation"), fault.Unprocessable, ""},
		"there already":      {op("add", "Observation", name("status"), `{"name":"value","valueCode":"final"}`), fault.Unprocessable, ""},
		"no such element":    {op("add", "Observation", name("zodiac"), value), fault.Unprocessable, ""},
		"wrong type":         {op("replace", "Observation.code", value), fault.Unprocessable, ""},
		"no such choice":     {op("replace", "Observation.value", `{"name":"value","valueAddress":{"text":"x"}}`), fault.Unprocessable, ""},
		"index":              {op("insert", "Observation.note", `{"name":"index","valueInteger":3}`, `{"name":"value","valueAnnotation":{"text":"x"}}`), fault.Unprocessable, ""},
		"part of a list":     {op("move", "Observation.note.where(text = 'one')", `{"name":"source","valueInteger":0}`, `{"name":"destination","valueInteger":0}`), fault.Unprocessable, ""},
		"id":                 {op("replace", "Observation.id", `{"name":"value","valueId":"p"}`), fault.Unprocessable, ""},
		"required":           {op("delete", "Observation.status"), fault.Unprocessable, ""},

		"unknown operation": {op("set", "Observation.status", value), fault.Invalid, ""},
		"no value":          {op("replace", "Observation.status"), fault.Invalid, ""},
		"too much":          {op("delete", "Observation.status", value), fault.Invalid, ""},
		"twice":             {op("replace", "Observation.status", value, value), fault.Invalid, ""},
		"bad path":          {op("delete", "Observation."), fault.Invalid, ""},
		"negative":          {op("insert", "Observation.note", `{"name":"index","valueInteger":-1}`, value), fault.Invalid, ""},
		"other parameter":   {`{"name":"x","valueString":"y"}`, fault.Invalid, ""},
	} {
		got, err := patch.FHIRPath(resource(t, obs), resource(t, params(c.ops)))
		if c.want == "" {
			if !fault.Is(err, c.kind) {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", what, issues(err))
		} else if !strings.Contains(string(got.JSON()), c.want) {
			t.Errorf("%s: got %s", what, got.JSON())
		}
	}
}

// TestLimits shows that a small patch cannot make a large resource.
func TestLimits(t *testing.T) {
	res := resource(t, obs)
	double := make([]string, 60)
	for i := range double {
		double[i] = `{"op":"copy","from":"/note","path":"/note/-"}`
	}
	if _, err := patch.JSON(res, []byte("["+strings.Join(double, ",")+"]")); !fault.Is(err, fault.TooLarge) {
		t.Errorf("doubling: %v", err)
	}
	many := strings.Repeat(`{"op":"test","path":"/id","value":"o"},`, 1001)
	if _, err := patch.JSON(res, []byte("["+strings.TrimSuffix(many, ",")+"]")); !fault.Is(err, fault.TooCostly) {
		t.Errorf("many operations: %v", err)
	}
	long := `{"op":"add","path":"/note","value":[` + strings.Repeat("1,", 200_000) + `1]},` + strings.Repeat(`{"op":"remove","path":"/note/0"},`, 900)
	if _, err := patch.JSON(res, []byte("["+strings.TrimSuffix(long, ",")+"]")); !fault.Is(err, fault.TooLarge) {
		t.Errorf("many removals from a long list: %v", err)
	}
	if _, err := patch.Merge(res, []byte(strings.Repeat(`{"a":`, 200)+"1"+strings.Repeat("}", 200))); !fault.Is(err, fault.Invalid) {
		t.Errorf("deep: %v", err)
	}
	if _, err := patch.FHIRPath(res, resource(t, params(op("delete", "repeatAll($this)")))); !fault.Is(err, fault.TooCostly) {
		t.Errorf("endless path: %v", err)
	}
}

func FuzzPatch(f *testing.F) {
	f.Add(`[{"op":"replace","path":"/status","value":"amended"}]`)
	f.Add(`[{"op":"copy","from":"/note/0","path":"/note/-"},{"op":"move","from":"/note/0","path":"/note/1"}]`)
	f.Add(`{"status":"amended","note":null}`)
	f.Add(params(op("replace", "Observation.value", `{"name":"value","valueString":"x"}`)))
	f.Add(params(op("delete", "Observation.component[0].code"), op("add", "Observation.component[0]", `{"name":"name","valueString":"code"}`, `{"name":"value","valueCodeableConcept":{"text":"x"}}`)))
	f.Add(params(op("add", "Observation", `{"name":"name","valueString":"component"}`, `{"name":"value","part":[{"name":"code","part":[{"name":"text","valueString":"d"}]}]}`)))
	f.Fuzz(func(t *testing.T, doc string) {
		res := resource(t, obs)
		check := func(got *fhir.Resource, err error) {
			if err == nil && (got.Type() != "Observation" || got.ID() != "o") {
				t.Errorf("another resource: %s", got.JSON())
			}
			if k := fault.KindOf(err); err != nil && k != fault.Invalid && k != fault.Unprocessable && k != fault.TooLarge &&
				k != fault.TooCostly && k != fault.NotSupported {
				t.Errorf("kind %v: %v", k, err)
			}
		}
		check(patch.JSON(res, []byte(doc)))
		check(patch.Merge(res, []byte(doc)))
		if p, err := fhir.Parse([]byte(doc)); err == nil {
			check(patch.FHIRPath(res, p))
		}
		if string(res.JSON()) != obs {
			t.Error("the resource itself was changed")
		}
	})
}
