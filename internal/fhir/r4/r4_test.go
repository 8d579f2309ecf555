package r4_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// TestLookup finds every member by its name and nothing by another.
func TestLookup(t *testing.T) {
	members := 0
	var walk func(r4.TypeID)
	seen := map[r4.TypeID]bool{}
	walk = func(typ r4.TypeID) {
		if typ == 0 || seen[typ] || typ.IsPrimitive() {
			return
		}
		seen[typ] = true
		first, end := typ.Members()
		for m := first; m < end; m++ {
			members++
			name := m.JSONName()
			if r4.Lookup(typ, name) != m || r4.Lookup(typ, []byte(name)) != m {
				t.Errorf("%s.%s is not found", typ, name)
			}
			for _, wrong := range []string{name + "x", "x" + name, name[1:], strings.ToUpper(name), ""} {
				if got := r4.Lookup(typ, wrong); got != 0 && got.JSONName() != wrong {
					t.Errorf("%s.%s finds %s", typ, wrong, got.JSONName())
				}
			}
			if m.IsChoice() == (m.Name() == m.JSONName()) {
				t.Errorf("%s.%s: a choice is named for its type", typ, name)
			}
			if m.IsRequired() != (typ.Required()>>m.Ordinal()&1 == 1) {
				t.Errorf("%s.%s: required differs", typ, name)
			}
			walk(m.Type())
		}
		if typ.Kind() != r4.Backbone && r4.TypeByName(typ.String()) != typ {
			t.Errorf("%s is not found", typ)
		}
	}
	resources := 0
	for typ := range r4.Resources {
		resources++
		if m := r4.Lookup(typ, "id"); m.Ordinal() != 0 || m.Type() != r4.ID {
			t.Errorf("%s.id", typ)
		}
		walk(typ)
	}
	if resources != 146 {
		t.Errorf("%d resource types, R4 has 146 that are not abstract", resources)
	}
	if members < 7000 {
		t.Errorf("%d members", members)
	}
}

func TestMembers(t *testing.T) {
	get := func(typ r4.TypeID, path ...string) r4.MemberID {
		var m r4.MemberID
		for _, p := range path {
			m = r4.Lookup(typ, p)
			typ = m.Type()
		}
		return m
	}
	patient, obs := r4.TypeByName("Patient"), r4.TypeByName("Observation")
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"gender is bound", r4.Has(get(patient, "gender").Binding(), "female") && !r4.Has(get(patient, "gender").Binding(), "Female")},
		{"name repeats", get(patient, "name").IsList() && get(patient, "name", "given").IsList() && !get(patient, "birthDate").IsList()},
		{"status is a modifier", get(obs, "status").IsModifier() && get(obs, "status").IsRequired() && get(obs, "status").InSummary()},
		{"note is no summary", !get(obs, "note").InSummary()},
		{"value is a choice", get(obs, "value").IsChoiceBase() && get(obs, "valueQuantity").Ordinal() == get(obs, "value").Ordinal()},
		{"reference to itself", get(obs, "component", "referenceRange").Type() == get(obs, "referenceRange").Type()},
		{"subject's targets", slices.Contains(get(obs, "subject").Targets(), patient) && len(get(obs, "subject").Targets()) == 4},
		{"focus may be any", get(obs, "focus").Targets() == nil},
		{"part's type", get(obs, "component").Type().String() == "Observation.component" && get(obs, "component").Type().FHIRType() == "BackboneElement"},
		{"part of a datatype", get(r4.TypeByName("Timing"), "repeat").Type().FHIRType() == "Element"},
		{"concept bound with its system", get(r4.TypeByName("Condition"), "clinicalStatus").Binding().System() == "http://terminology.hl7.org/CodeSystem/condition-clinical"},
		{"no vendor members", get(r4.Meta, "project") == 0 && get(r4.TypeByName("Binary"), "url") == 0},
		{"corrected status", r4.Has(get(r4.TypeByName("DetectedIssue"), "status").Binding(), "cancelled")},
		{"outcome is any resource", get(r4.BundleEntry, "response", "outcome").Type() == r4.Resource},
		{"R4 characteristic", get(r4.TypeByName("EvidenceVariable"), "characteristic", "definitionCanonical").IsRequired()},
		{"not of R4", r4.TypeByName("SubscriptionStatus") == 0},
		{"abstract is no resource", r4.ResourceByName("DomainResource") == 0},
		{"instance.resourceType", get(r4.TypeByName("ExampleScenario"), "instance", "resourceType").IsRequired()},
	} {
		if !c.ok {
			t.Error(c.name)
		}
	}
}

func paths(list []r4.Source) string {
	var out []string
	for _, s := range list {
		p := s.Path().String()
		if s.Only() != 0 {
			p += "→" + s.Only().String()
		}
		out = append(out, p)
	}
	return strings.Join(out, " ")
}

func TestParams(t *testing.T) {
	for _, c := range []struct{ resource, code, kind, want string }{
		{"Observation", "code", "token", "Observation.code"},
		{"Observation", "combo-code", "token", "Observation.code Observation.component.code"},
		{"Observation", "patient", "reference", "Observation.subject→Patient"},
		{"Observation", "subject", "reference", "Observation.subject"},
		{"Observation", "value-string", "string", "Observation.value.ofType(string) Observation.value.ofType(CodeableConcept).text"},
		{"Observation", "_lastUpdated", "date", "Resource.meta.lastUpdated"},
		{"Observation", "_text", "string", ""},
		{"Observation", "code-value-quantity", "composite", "Observation"},
		{"Patient", "phone", "token", "Patient.telecom.where(system='phone')"},
		{"Patient", "deceased", "token", "Patient.deceased"},
		{"Library", "depends-on", "reference", "Library.relatedArtifact.where(type='depends-on').resource"},
		{"InsurancePlan", "name", "string", "InsurancePlan.name InsurancePlan.alias"},
		{"Bundle", "message", "reference", "Bundle.entry[0].resource"},
		{"Location", "near", "special", "Location.position"},
	} {
		p, ok := r4.FindParam(c.resource, c.code)
		if !ok || p.Type().String() != c.kind || paths(p.Sources()) != c.want || p.Code() != c.code {
			t.Errorf("%s %s: %v %s %q", c.resource, c.code, ok, p.Type(), paths(p.Sources()))
		}
	}
	if _, ok := r4.FindParam("Bundle", "_text"); ok {
		t.Error("a Bundle has no narrative")
	}
	if _, ok := r4.FindParam("Nobody", "_id"); ok {
		t.Error("parameters of nothing")
	}
	if p, _ := r4.FindParam("Patient", "deceased"); !p.Sources()[0].Present() {
		t.Error("deceased is whether it is there")
	}
	if p, _ := r4.FindParam("Observation", "subject"); len(p.Targets()) != 4 {
		t.Errorf("%d targets", len(p.Targets()))
	}
	p, _ := r4.FindParam("MolecularSequence", "chromosome-variant-coordinate")
	if c := p.Components(); len(c) != 3 || !c[0].Sources()[0].Path().FromResource() || paths(c[1].Sources()) != "start" {
		t.Error("components of chromosome-variant-coordinate")
	}
}

// TestPaths walks every path of every parameter over the types.
func TestPaths(t *testing.T) {
	total := 0
	for typ := range r4.Resources {
		codes := map[string]bool{}
		for p := range r4.Params(typ.String()) {
			total++
			if codes[p.Code()] {
				t.Errorf("%s has %s twice", typ, p.Code())
			}
			codes[p.Code()] = true
			if found, ok := r4.FindParam(typ.String(), p.Code()); !ok || found != p {
				t.Errorf("%s %s is not found", typ, p.Code())
			}
			for _, s := range p.Sources() {
				at := typ
				for i := range s.Path().Steps() {
					m := r4.Lookup(at, s.Path().Step(i).Name)
					if m == 0 && at != r4.Resource {
						t.Errorf("%s: no step %d", s.Path(), i)
					}
					if at = m.Type(); s.Path().Step(i).As != 0 {
						at = s.Path().Step(i).As
					}
				}
			}
		}
	}
	if total < 2000 {
		t.Errorf("%d parameters", total)
	}
}

func TestCompartments(t *testing.T) {
	for _, c := range []struct{ compartment, resource, want string }{
		{"Patient", "Observation", "Observation.subject→Patient Observation.performer→Patient"},
		{"Patient", "Appointment", "Appointment.participant.actor→Patient"},
		{"Patient", "Medication", ""},
		{"Encounter", "Observation", "Observation.encounter→Encounter"},
		{"Practitioner", "Encounter", "Encounter.participant.individual→Practitioner"},
		{"RelatedPerson", "Patient", "Patient.link.other→RelatedPerson"},
		{"Device", "Observation", "Observation.subject→Device Observation.device→Device"},
		{"Nobody", "Observation", ""},
	} {
		if got := paths(r4.CompartmentElements(c.compartment, c.resource)); got != c.want {
			t.Errorf("%s of %s: %s", c.resource, c.compartment, got)
		}
	}
	inPatient := 0
	for typ := range r4.Resources {
		if r4.CompartmentElements("Patient", typ.String()) != nil {
			inPatient++
		}
	}
	if inPatient != 66 {
		t.Errorf("%d types in the compartment of a Patient", inPatient)
	}
}

// TestGenerated makes the tables again where the definitions are at hand
// (R4_DEFINITIONS names their folder): they must be the committed ones.
func TestGenerated(t *testing.T) {
	defs := os.Getenv("R4_DEFINITIONS")
	if defs == "" {
		t.Skip("R4_DEFINITIONS is not set")
	}
	out := t.TempDir()
	if err := os.Mkdir(filepath.Join(out, "testdata"), 0o755); err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command("go", "run", "./gen", "-definitions", defs, "-out", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	for _, name := range []string{"types_gen.go", "codes_gen.go", "search_gen.go", "names_gen.go", "testdata/uncompiled.golden"} {
		got, _ := os.ReadFile(filepath.Join(out, name))
		want, err := os.ReadFile(name)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s differs: run go generate", name)
		}
	}
}
