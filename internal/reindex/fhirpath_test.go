package reindex_test

import (
	"slices"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/reindex"
)

func TestFHIRPath(t *testing.T) {
	res, err := fhir.Parse([]byte(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":7.10,"unit":"mmol/L"},
		"subject":{"reference":"Patient/p1"},"performer":[{"reference":"Practitioner/d1"},{"reference":"Organization/o1"}],
		"extension":[{"url":"urn:a","valueString":"A"},{"url":"urn:b","valueString":"B"}]}`))
	check(t, err)
	for expression, want := range map[string][]string{
		"Observation.extension('urn:a').value":                             {"A"},
		"Observation.extension.where(url='urn:b').value.ofType(string)":    {"B"},
		"Observation.performer.where(resolve() is Practitioner).reference": {"Practitioner/d1"},
		"(Observation.value as Quantity).value":                            {"7.10"},
		"Observation.value.exists()":                                       {"true"},
		"Observation.extension.value.first().upper()":                      {"A"},
		"Observation.component.code":                                       nil,
		"Patient.name":                                                     nil,
	} {
		eval, err := reindex.FHIRPath(expression)
		check(t, err)
		var got []string
		check(t, eval(res, func(n fhir.Node, computed string) {
			if n.Exists() {
				computed = n.Text()
			}
			got = append(got, computed)
		}))
		if !slices.Equal(got, want) {
			t.Errorf("%s finds %q, want %q", expression, got, want)
		}
	}
	if _, err := reindex.FHIRPath("Patient.name.("); err == nil {
		t.Error("nonsense was compiled")
	}
	eval, err := reindex.FHIRPath("repeat($this | $this)")
	check(t, err)
	_ = eval(res, func(fhir.Node, string) {}) // ends
}
