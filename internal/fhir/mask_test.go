package fhir_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

func TestMask(t *testing.T) {
	const encounter = `{"resourceType":"Encounter","id":"e","contained":[{"resourceType":"Patient","id":"p","name":[{"family":"Secret"}],"birthDate":"1961"}],` +
		`"status":"finished","class":{"code":"IMP"},"subject":{"reference":"#p"},` +
		`"type":[{"coding":[{"code":"1"}],"text":"Secret"},{"text":"Secret"}],"reasonCode":[{"text":"Secret"}],"period":{"start":"2026"}}`
	res, err := fhir.Parse([]byte(encounter))
	if err != nil {
		t.Fatalf("%+v", err.(*fault.Error).Issues)
	}
	coding := &fhir.Mask{Only: map[string]*fhir.Mask{"coding": nil}}
	tag := `"meta":{"tag":[` + fhir.Subsetted + `]}`
	for name, c := range map[string]struct {
		masks map[string]*fhir.Mask
		want  string
	}{
		"nothing": {nil, encounter},
		"only": {map[string]*fhir.Mask{"Encounter": {Only: map[string]*fhir.Mask{"status": nil, "class": nil, "type": coding, "reasonCode": coding}}},
			`{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"IMP"},"type":[{"coding":[{"code":"1"}]}],` + tag + `}`},
		"but": {map[string]*fhir.Mask{"Encounter": {But: map[string]*fhir.Mask{"subject": nil, "reasonCode": nil, "type": {But: map[string]*fhir.Mask{"text": nil}}}}},
			`{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"IMP"},"type":[{"coding":[{"code":"1"}]}],"period":{"start":"2026"},` + tag + `}`},
		"contained": {map[string]*fhir.Mask{"Patient": {Only: map[string]*fhir.Mask{"birthDate": nil}}},
			strings.Replace(encounter, `"name":[{"family":"Secret"}],`, "", 1)},
	} {
		cut, err := res.Masked(func(typ string) *fhir.Mask { return c.masks[typ] })
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := string(cut.JSON()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
		for element, hidden := range map[string]bool{"subject": name == "only" || name == "but", "reasonCode": name == "but", "status": false} {
			if cut != nil && cut.Hides(element) != hidden {
				t.Errorf("%s: %s is kept back: %v", name, element, !hidden)
			}
		}
	}
}

func TestMaskOr(t *testing.T) {
	only := func(names ...string) *fhir.Mask {
		m := &fhir.Mask{Only: map[string]*fhir.Mask{}}
		for _, n := range names {
			m.Only[n] = nil
		}
		return m
	}
	but := func(names ...string) *fhir.Mask {
		m := &fhir.Mask{But: map[string]*fhir.Mask{}}
		for _, n := range names {
			m.But[n] = nil
		}
		return m
	}
	part := &fhir.Mask{Only: map[string]*fhir.Mask{"a": only("x")}}
	for _, c := range []struct {
		a, b         *fhir.Mask
		shows, hides string
	}{
		{only("a"), only("b"), "a b", "c"}, {only("a"), but("a", "b"), "a c", "b"}, {but("a", "b"), but("b", "c"), "a c", "b"},
		{part, only("b"), "a.x b", "a.y a"}, {part, but("a"), "a.x b", "a.y a"}, {part, but("b"), "a c", "b"}, {nil, only(), "a b", ""},
		{but("a"), only("a"), "a b", ""},
	} {
		for _, m := range []*fhir.Mask{c.a.Or(c.b), c.b.Or(c.a)} {
			for _, path := range strings.Fields(c.shows) {
				if !m.Shows(strings.Split(path, ".")...) {
					t.Errorf("%+v does not show %s", m, path)
				}
			}
			for _, path := range strings.Fields(c.hides) {
				if m.Shows(strings.Split(path, ".")...) {
					t.Errorf("%+v shows %s", m, path)
				}
			}
		}
	}
}
