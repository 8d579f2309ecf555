package defs_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/defs"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

var counts = map[string]int{
	"StructureDefinition": 648, "ValueSet": 1316, "CodeSystem": 1062, "ConceptMap": 19,
	"SearchParameter": 1377, "CompartmentDefinition": 5,
}

// TestAll reads every definition as strictly as a request's body.
func TestAll(t *testing.T) {
	for typ, want := range counts {
		n, size := 0, 0
		for e, body := range defs.All(typ) {
			n, size = n+1, size+len(body)
			r, err := fhir.Parse(body)
			if err != nil {
				t.Errorf("%s %s: %v", typ, e.URL, err)
				continue
			}
			if r.Type() != typ || e.Type != typ || r.Root().Get("url").Text() != e.URL || r.Root().Get("version").Text() != e.Version {
				t.Errorf("%s %s|%s is something else", typ, e.URL, e.Version)
			}
			if strings.Contains(string(body), "medplum") {
				t.Errorf("%s is not of R4", e.URL)
			}
			if strings.Contains(e.URL, "|") {
				t.Errorf("%s cannot be found", e.URL)
			}
		}
		if n != want {
			t.Errorf("%d of type %s, want %d", n, typ, want)
		}
		t.Logf("%-22s %5d, %d KiB", typ, n, size>>10)
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct{ typ, url, version, want string }{
		{"StructureDefinition", "http://hl7.org/fhir/StructureDefinition/Patient", "", "4.0.1"},
		{"StructureDefinition", "http://hl7.org/fhir/StructureDefinition/bp|4.0.1", "", "4.0.1"},
		{"ValueSet", "http://hl7.org/fhir/ValueSet/administrative-gender", "4.0.1", "4.0.1"},
		{"CodeSystem", "http://terminology.hl7.org/CodeSystem/v3-ActCode", "", "2018-08-12"},
		{"CodeSystem", "http://terminology.hl7.org/CodeSystem/v2-0360", "", "2.7"},
		{"CodeSystem", "http://terminology.hl7.org/CodeSystem/v2-0360", "2.3.1", "2.3.1"},
		{"CodeSystem", "http://terminology.hl7.org/CodeSystem/v2-0391", "2.4", "2.4"},
		{"ValueSet", "http://hl7.org/fhir/ValueSet/administrative-gender", "9", ""},
		{"CodeSystem", "http://hl7.org/fhir/ValueSet/administrative-gender", "", ""},
		{"Patient", "x", "", ""}, {"", "", "", ""}, {"~", "~", "", ""},
	} {
		body, ok := defs.Find(c.typ, c.url, c.version)
		var got struct{ Version string }
		if ok {
			if err := json.Unmarshal(body, &got); err != nil {
				t.Error(err)
			}
		}
		if ok != (c.want != "") || got.Version != c.want {
			t.Errorf("Find(%s, %s, %s) is version %q, %v", c.typ, c.url, c.version, got.Version, ok)
		}
	}
}

type element struct {
	Path, Max, ContentReference string
	Min                         int
	Type                        []struct {
		Code          string
		TargetProfile []string
	}
}

// TestStructures: the structures and the tables of package r4 tell the same, in
// both directions.
func TestStructures(t *testing.T) {
	resources := map[string]bool{}
	for e, body := range defs.All("StructureDefinition") {
		var s struct {
			Kind, Derivation, Type, BaseDefinition string
			Snapshot                               struct{ Element []element }
		}
		if err := json.Unmarshal(body, &s); err != nil {
			t.Fatal(err)
		}
		if len(s.Snapshot.Element) == 0 || s.Snapshot.Element[0].Path != s.Type {
			t.Errorf("%s: no snapshot, or of another type", e.URL)
		}
		if s.Derivation == "constraint" || s.Kind == "primitive-type" {
			continue
		}
		resources[s.Type] = true
		seen := map[string]bool{}
		for _, el := range s.Snapshot.Element[1:] {
			seen[el.Path] = true
			compare(t, el)
		}
		everyMember(t, r4.TypeByName(s.Type), s.Type, seen)
	}
	for typ := range r4.Resources {
		if !resources[typ.String()] {
			t.Errorf("no structure of %s", typ)
		}
	}
}

func compare(t *testing.T, el element) {
	steps := strings.Split(el.Path, ".")
	owner, m := r4.TypeByName(steps[0]), r4.MemberID(0)
	for _, name := range steps[1:] {
		if m != 0 {
			owner = m.Type()
		}
		if m = r4.Lookup(owner, strings.TrimSuffix(name, "[x]")); m == 0 || m.IsChoice() {
			t.Errorf("%s is not of R4", el.Path)
			return
		}
	}
	if m.IsList() != (el.Max == "*") || m.IsRequired() != (el.Min > 0) {
		t.Errorf("%s: %d..%s", el.Path, el.Min, el.Max)
	}
	if el.ContentReference == "" && len(el.Type) == 0 {
		t.Errorf("%s has no type", el.Path)
	}
	if m.IsChoiceBase() {
		for _, typ := range el.Type {
			if r4.Lookup(owner, m.Name()+strings.ToUpper(typ.Code[:1])+typ.Code[1:]) == 0 {
				t.Errorf("%s cannot be a %s", el.Path, typ.Code)
			}
		}
		return
	}
	if len(el.Type) == 1 && !strings.HasPrefix(el.Type[0].Code, "http") && el.Type[0].Code != m.Type().FHIRType() {
		t.Errorf("%s is a %s, want %s", el.Path, el.Type[0].Code, m.Type().FHIRType())
	}
}

func everyMember(t *testing.T, typ r4.TypeID, path string, seen map[string]bool) {
	for m, end := typ.Members(); m < end; m++ {
		name := path + "." + m.Name()
		if m.IsChoiceBase() || m.IsChoice() {
			name += "[x]"
		}
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
		if m.Type().Kind() == r4.Backbone && m.Type().String() == name {
			everyMember(t, m.Type(), name, seen)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	for b.Loop() {
		defs.Find("StructureDefinition", "http://hl7.org/fhir/StructureDefinition/Observation", "")
	}
}
