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

func TestNotSupported(t *testing.T) {
	n := parse(t, ada)
	for _, src := range []string{"now()", "'a'.memberOf('http://x')", "conformsTo('http://x')", "name.elementDefinition()", "1.subsumes(2)"} {
		_, err := compile(t, src).Eval(nil, n)
		if !errors.Is(err, path.ErrNotSupported) || !fault.Is(err, fault.NotSupported) {
			t.Errorf("%s: %v", src, err)
		}
	}
}
