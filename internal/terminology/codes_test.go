package terminology_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/terminology"
)

const (
	gender = "http://hl7.org/fhir/ValueSet/administrative-gender"
	actSys = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	valid  = terminology.Valid
	bad    = terminology.Invalid
	open   = terminology.Unknown
)

func TestMembership(t *testing.T) {
	s := service(birds,
		compose(`{"system":"urn:birds","filter":[`+filter("concept", "is-a", "song")+`]},{"system":"http://snomed.info/sct","filter":[`+filter("concept", "is-a", "1")+`]},{"system":"urn:x","concept":[{"code":"a"}]}`),
		strings.NewReplacer("urn:vs", "urn:all-but", `}]}}`, `}],"exclude":[{"valueSet":["urn:nowhere"]}]}}`).Replace(compose(`{"system":"urn:birds"}`)),
		strings.ReplaceAll(strings.Replace(birds, `"caseSensitive":true`, `"caseSensitive":false`, 1), "urn:birds", "urn:folded"),
		strings.Replace(compose(`{"system":"urn:folded"}`), "urn:vs", "urn:folded-vs", 1),
		strings.Replace(filtered(filter("code", "regex", "(")), "urn:vs", "urn:broken", 1),
		strings.Replace(compose(`{"system":"urn:ietf:bcp:47","filter":[`+filter("script", "exists", "false")+","+filter("language", "=", "zh")+`]}`), "urn:vs", "urn:tags", 1),
		strings.Replace(compose(`{"system":"urn:ietf:bcp:47","filter":[`+filter("private-use", "exists", "true")+","+filter("region", "=", "DE")+`]}`), "urn:vs", "urn:private", 1),
		strings.Replace(compose(`{"system":"http://unitsofmeasure.org","filter":[`+filter("canonical", "=", "kg")+`]}`), "urn:vs", "urn:mass", 1),
	)
	for _, c := range []struct {
		vs, system, code string
		want             terminology.Verdict
	}{
		{gender, "http://hl7.org/fhir/administrative-gender", "male", valid},
		{gender, "", "male", valid},
		{gender, "", "Male", bad},
		{gender + "|4.0.1", "", "female", valid},
		{gender + "|9", "", "female", open},
		{gender, "http://hl7.org/fhir/name-use", "male", bad},
		{"urn:vs", "urn:birds", "wren", valid},
		{"urn:vs", "urn:birds", "duck", bad},
		{"urn:vs", "http://snomed.info/sct", "1", open},
		{"urn:vs", "urn:x", "a", valid},
		{"urn:vs", "urn:x", "b", bad},
		{"urn:vs", "urn:y", "a", bad},
		{"urn:vs", "", "a", valid},
		{"urn:vs", "", "zzz", open},
		{"urn:all-but", "urn:birds", "wren", open},
		{"urn:all-but", "urn:birds", "bat", bad},
		{"urn:folded-vs", "urn:folded", "DUCK", valid},
		{"urn:folded-vs", "urn:folded", "bat", bad},
		{"urn:broken", "urn:birds", "wren", open},
		{"urn:nowhere", "urn:birds", "wren", open},
		{"urn:mass", "http://unitsofmeasure.org", "mg", valid},
		{"urn:mass", "http://unitsofmeasure.org", "mL", bad},
		{"http://hl7.org/fhir/ValueSet/ucum-units", "", "mmol/L", valid},
		{"http://hl7.org/fhir/ValueSet/ucum-units", "", "mmols", bad},
		{"http://hl7.org/fhir/ValueSet/mimetypes", "", "application/pdf", valid},
		{"http://hl7.org/fhir/ValueSet/mimetypes", "", "text/plain; charset=utf-8", valid},
		{"http://hl7.org/fhir/ValueSet/mimetypes", "", "pdf", bad},
		{"http://hl7.org/fhir/ValueSet/all-languages", "urn:ietf:bcp:47", "de-CH", valid},
		{"http://hl7.org/fhir/ValueSet/all-languages", "urn:ietf:bcp:47", "de_CH?", bad},
		{"http://terminology.hl7.org/ValueSet/v2-2.4-0391", "http://terminology.hl7.org/CodeSystem/v2-0391", "RXAG", valid}, // the address has the version
		{"urn:tags", "urn:ietf:bcp:47", "zh-TW", valid},
		{"urn:tags", "urn:ietf:bcp:47", "zh-Hant-TW", bad},
		{"urn:tags", "urn:ietf:bcp:47", "de", bad},
		{"urn:private", "urn:ietf:bcp:47", "de-DE-u-co-phonebk-x-ward", valid},
		{"urn:private", "urn:ietf:bcp:47", "de-DE-x-ward", valid},
		{"urn:private", "urn:ietf:bcp:47", "de-DE-1996", bad},
		{"urn:private", "urn:ietf:bcp:47", "de-x-de", bad},
		{"http://hl7.org/fhir/ValueSet/currencies", "urn:iso:std:iso:4217", "EUR", open},
		{"http://hl7.org/fhir/ValueSet/concept-properties", "http://hl7.org/fhir/concept-properties", "inactive", valid}, // implicit
		{"http://snomed.info/sct?fhir_vs", "http://snomed.info/sct", "1", open},
		{"http://loinc.org/vs", "http://loinc.org", "1", open},
	} {
		got, err := s.InValueSet(t.Context(), c.vs, terminology.Coding{System: c.system, Code: c.code})
		if err != nil || got != c.want {
			t.Errorf("%s in %s: %d, want %d (%v)", c.code, c.vs, got, c.want, err)
		}
	}
}

func TestImplicitOfLoaded(t *testing.T) {
	sct := strings.ReplaceAll(birds, "urn:birds", "http://snomed.info/sct")
	loinc := strings.ReplaceAll(birds, "urn:birds", "http://loinc.org")
	s := service(sct, loinc)
	for vs, want := range map[string]string{
		"http://snomed.info/sct?fhir_vs=isa/water": "water duck dipper",
		"http://snomed.info/sct?fhir_vs":           "bird song wren tit water duck dipper dodo",
		"http://loinc.org/vs":                      "bird song wren tit water duck dipper dodo",
		"http://snomed.info/sct?fhir_vs=refset/1":  "not supported",
		"http://snomed.info/sct?fhir_vs=isa/bat":   "unprocessable",
	} {
		if got := codes(t, s, terminology.ExpandRequest{ValueSet: vs, Count: -1}); got != want {
			t.Errorf("%s: %s, want %s", vs, got, want)
		}
	}
}

func TestValidateCode(t *testing.T) {
	s := service(birds, compose(`{"system":"urn:birds","concept":[{"code":"wren","display":"Jenny"},{"code":"bird"},{"code":"dodo"}]},{"system":"urn:far"}`))
	birdCode := func(code, display string) []terminology.Coding {
		return []terminology.Coding{{System: "urn:birds", Code: code, Display: display}}
	}
	for name, c := range map[string]struct {
		req      terminology.ValidateRequest
		want     terminology.Verdict
		inactive bool
	}{
		"display of the set":    {terminology.ValidateRequest{ValueSet: "urn:vs", Codings: birdCode("wren", "jenny")}, valid, false},
		"display of the system": {terminology.ValidateRequest{ValueSet: "urn:vs", Codings: birdCode("wren", " WREN ")}, valid, false},
		"designation":           {terminology.ValidateRequest{ValueSet: "urn:vs", Codings: birdCode("wren", "Zaunkönig")}, valid, false},
		"wrong display":         {terminology.ValidateRequest{ValueSet: "urn:vs", Codings: birdCode("wren", "Robin")}, bad, false},
		"abstract":              {terminology.ValidateRequest{ValueSet: "urn:vs", Codings: birdCode("bird", "")}, valid, false},
		"abstract, to be used":  {terminology.ValidateRequest{ValueSet: "urn:vs", Codings: birdCode("bird", ""), Concrete: true}, bad, false},
		"inactive":              {terminology.ValidateRequest{ValueSet: "urn:vs", Codings: birdCode("dodo", "")}, valid, true},
		"not in the set":        {terminology.ValidateRequest{ValueSet: "urn:vs", Codings: birdCode("duck", "")}, bad, false},
		"one of two":            {terminology.ValidateRequest{ValueSet: "urn:vs", Codings: append(birdCode("duck", ""), birdCode("wren", "")...)}, valid, false},
		"none of two":           {terminology.ValidateRequest{ValueSet: "urn:vs", Codings: append(birdCode("duck", ""), birdCode("tit", "")...)}, bad, false},
		"perhaps":               {terminology.ValidateRequest{ValueSet: "urn:vs", Codings: append([]terminology.Coding{{System: "urn:far", Code: "1"}}, birdCode("tit", "")...)}, open, false},
		"no codes":              {terminology.ValidateRequest{ValueSet: "urn:vs"}, bad, false},
		"system":                {terminology.ValidateRequest{Codings: birdCode("duck", "duck")}, valid, false},
		"not of the system":     {terminology.ValidateRequest{Codings: birdCode("bat", "")}, bad, false},
		"other version":         {terminology.ValidateRequest{Codings: []terminology.Coding{{System: "urn:birds", Version: "1", Code: "duck"}}}, open, false},
		"system not loaded":     {terminology.ValidateRequest{Codings: []terminology.Coding{{System: "urn:far", Code: "1"}}}, open, false},
		"no system":             {terminology.ValidateRequest{Codings: []terminology.Coding{{Code: "1"}}}, open, false},
		"unit":                  {terminology.ValidateRequest{Codings: []terminology.Coding{{System: "http://unitsofmeasure.org", Code: "mg", Display: "milligram"}}}, valid, false},
		"example of a system":   {terminology.ValidateRequest{Codings: []terminology.Coding{{System: "http://terminology.hl7.org/CodeSystem/service-type", Code: "none-such"}}}, open, false},
	} {
		got, err := s.ValidateCode(t.Context(), c.req)
		if err != nil || got.Verdict != c.want || got.Inactive != c.inactive || (got.Message == "") != (c.want == valid) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := s.ValidateCode(t.Context(), terminology.ValidateRequest{ValueSet: "urn:nowhere", Codings: birdCode("duck", "")}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a value set that is not loaded: %v", err)
	}
}

func TestHierarchy(t *testing.T) {
	s := service(birds, strings.NewReplacer("urn:birds", "urn:grouped", `"content"`, `"hierarchyMeaning":"grouped-by","content"`).Replace(birds))
	for _, c := range []struct{ system, a, b, want string }{
		{"urn:birds", "bird", "dipper", "subsumes"},
		{"urn:birds", "dipper", "song", "subsumed-by"},
		{"urn:birds", "dipper", "water", "subsumed-by"},
		{"urn:birds", "duck", "duck", "equivalent"},
		{"urn:birds", "duck", "wren", "not-subsumed"},
		{"urn:birds", "duck", "bat", "not found"},
		{"urn:grouped", "bird", "duck", "unprocessable"},
		{"urn:far", "a", "b", "not found"},
		{actSys, "_ActEncounterCode", "IMP", "subsumes"},
		{actSys, "IMP", "ACUTE", "subsumes"},
		{actSys, "IMP", "AMB", "not-subsumed"},
		{"http://unitsofmeasure.org", "g", "kg", "not supported"},
	} {
		got, err := s.Subsumes(t.Context(), c.system, "", c.a, c.b)
		var f *fault.Error
		if errors.As(err, &f) {
			got = f.Kind.String()
		}
		if got != c.want {
			t.Errorf("%s %s: %s, want %s", c.a, c.b, got, c.want)
		}
	}
	below, err := s.Below(t.Context(), "urn:birds", "song")
	above, err2 := s.Above(t.Context(), "urn:birds", "dipper")
	none, err3 := s.Below(t.Context(), "urn:birds", "bat")
	if err != nil || err2 != nil || err3 != nil || !slices.Equal(below, []string{"song", "wren", "tit", "dipper"}) ||
		!slices.Equal(above, []string{"dipper", "water", "song", "bird"}) || none != nil {
		t.Errorf("%v %v, %v %v, %v %v", below, err, above, err2, none, err3)
	}
	for _, system := range []string{"urn:far", "http://snomed.info/sct", ""} {
		if _, err := s.Below(t.Context(), system, "1"); !fault.Is(err, fault.NotFound) {
			t.Errorf("below in %s: %v", system, err)
		}
	}
	var members []string
	if err := s.Members(t.Context(), gender, func(system, code string) { members = append(members, code) }); err != nil || len(members) != 4 {
		t.Errorf("%v, %v", members, err)
	}
}

func TestLookup(t *testing.T) {
	s := service(birds)
	got, err := s.Lookup(t.Context(), terminology.LookupRequest{Coding: terminology.Coding{System: "urn:birds", Code: "wren"}, Language: "de"})
	if err != nil || got.Name != "Birds" || got.Version != "2" || got.Display != "Zaunkönig" || len(got.Designations) != 1 || len(got.Properties) != 2 ||
		got.Properties[0] != (terminology.Property{Code: "parent", Text: "song", IsRef: true}) || got.Properties[1].Value.Text() != "loud" {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = s.Lookup(t.Context(), terminology.LookupRequest{Coding: terminology.Coding{System: actSys, Code: "IMP"}, Properties: []string{"definition"}})
	if err != nil || got.Display != "inpatient encounter" || len(got.Properties) != 1 || len(got.Designations) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, c := range []terminology.Coding{{System: "urn:birds", Code: "bat"}, {System: "urn:far", Code: "1"}, {System: "urn:birds", Version: "1", Code: "wren"}, {System: "http://unitsofmeasure.org", Code: "nix"}} {
		if _, err := s.Lookup(t.Context(), terminology.LookupRequest{Coding: c}); !fault.Is(err, fault.NotFound) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestTranslate(t *testing.T) {
	const genderMap = "http://hl7.org/fhir/ConceptMap/cm-administrative-gender-v3"
	const v3 = "http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender"
	const fhirGender = "http://hl7.org/fhir/administrative-gender"
	other := `{"resourceType":"ConceptMap","url":"urn:map","status":"active","group":[{"source":"urn:a","target":"urn:b",
"element":[{"code":"1","target":[{"code":"one","equivalence":"wider","product":[{"property":"urn:p","system":"urn:q","value":"z"}]},{"equivalence":"unmatched"}]},{"code":"2","target":[{"equivalence":"disjoint"}]}],
"unmapped":{"mode":"MODE"}}]}`
	fixed := strings.NewReplacer("urn:map", "urn:fixed", `"MODE"`, `"fixed","code":"any"`).Replace(other)
	provided := strings.NewReplacer("urn:map", "urn:provided", `"MODE"`, `"provided"`).Replace(other)
	next := strings.NewReplacer("urn:map", "urn:next", `"MODE"`, `"other-map","url":"urn:fixed"`).Replace(other)
	loop := strings.NewReplacer("urn:map", "urn:loop", `"MODE"`, `"other-map","url":"urn:loop"`).Replace(other)
	far := strings.NewReplacer("urn:map", "urn:far", `"MODE"`, `"other-map","url":"urn:nowhere"`).Replace(other)
	s := service(fixed, provided, next, loop, far)
	for name, c := range map[string]struct {
		req   terminology.TranslateRequest
		want  string
		found bool
	}{
		"forward":   {terminology.TranslateRequest{ConceptMap: genderMap, Codings: []terminology.Coding{{System: fhirGender, Code: "male"}}}, "M equal", true},
		"reverse":   {terminology.TranslateRequest{ConceptMap: genderMap, Reverse: true, Codings: []terminology.Coding{{System: v3, Code: "M"}}}, "male equal", true},
		"no system": {terminology.TranslateRequest{ConceptMap: genderMap, Codings: []terminology.Coding{{Code: "male"}}}, "", false},
		"any map":   {terminology.TranslateRequest{Target: "http://terminology.hl7.org/ValueSet/v3-AdministrativeGender", Codings: []terminology.Coding{{System: fhirGender, Code: "female"}}}, "F equal", true},
		"target":    {terminology.TranslateRequest{TargetSystem: "http://terminology.hl7.org/CodeSystem/v2-0001", Codings: []terminology.Coding{{System: fhirGender, Code: "female"}}}, "F equal", true},
		"two lines": {terminology.TranslateRequest{ConceptMap: "urn:fixed", Codings: []terminology.Coding{{System: "urn:a", Code: "1"}}}, "one wider, unmatched", true},
		"turned":    {terminology.TranslateRequest{ConceptMap: "urn:fixed", Reverse: true, Codings: []terminology.Coding{{System: "urn:b", Code: "one"}}}, "1 narrower", true},
		"disjoint":  {terminology.TranslateRequest{ConceptMap: "urn:fixed", Codings: []terminology.Coding{{System: "urn:a", Code: "2"}}}, "disjoint", false},
		"fixed":     {terminology.TranslateRequest{ConceptMap: "urn:fixed", Codings: []terminology.Coding{{System: "urn:a", Code: "9"}}}, "any relatedto", true},
		"provided":  {terminology.TranslateRequest{ConceptMap: "urn:provided", Codings: []terminology.Coding{{System: "urn:a", Code: "9"}}}, "9 equal", true},
		"other map": {terminology.TranslateRequest{ConceptMap: "urn:next", Codings: []terminology.Coding{{System: "urn:a", Code: "9"}}}, "any relatedto", true},
		"loop":      {terminology.TranslateRequest{ConceptMap: "urn:loop", Codings: []terminology.Coding{{System: "urn:a", Code: "9"}}}, "unprocessable", false},
		"far":       {terminology.TranslateRequest{ConceptMap: "urn:far", Codings: []terminology.Coding{{System: "urn:a", Code: "9"}}}, "not supported", false},
		"nowhere":   {terminology.TranslateRequest{ConceptMap: "urn:nowhere"}, "not found", false},
	} {
		out, err := s.Translate(t.Context(), c.req)
		var lines []string
		for _, m := range out.Matches {
			lines = append(lines, strings.TrimSpace(m.Code+" "+m.Equivalence))
		}
		var f *fault.Error
		if errors.As(err, &f) {
			lines = []string{f.Kind.String()}
		}
		if got := strings.Join(lines, ", "); got != c.want || out.Found() != c.found {
			t.Errorf("%s: %s (%v), want %s", name, got, out.Found(), c.want)
		}
	}
}

func TestSupplement(t *testing.T) {
	supplement := `{"resourceType":"CodeSystem","url":"urn:more","status":"active","content":"supplement","supplements":"urn:birds","property":[{"code":"colour","type":"string"}],
"concept":[{"code":"duck","designation":[{"language":"fr","value":"Canard"}],"property":[{"code":"colour","valueString":"brown"}]}]}`
	vs := strings.Replace(filtered(filter("colour", "=", "brown")), `"status"`, `"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/valueset-supplement","valueCanonical":"urn:more"}],"status"`, 1)
	e, err := service(birds, supplement, vs).Expand(t.Context(), terminology.ExpandRequest{ValueSet: "urn:vs", Count: -1, Language: "fr"})
	if err != nil || len(e.Contains) != 1 || e.Contains[0].Display != "Canard" {
		t.Errorf("%+v, %v", e.Contains, err)
	}
	if got := codes(t, service(birds, vs), terminology.ExpandRequest{ValueSet: "urn:vs"}); got != "not supported" {
		t.Errorf("a supplement that is not loaded: %s", got)
	}
	if _, err := service(supplement).Below(t.Context(), "urn:more", "duck"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a supplement is no code system: %v", err)
	}
}

func FuzzFilter(f *testing.F) {
	for _, op := range []string{"=", "is-a", "descendent-of", "is-not-a", "regex", "in", "not-in", "generalizes", "exists"} {
		f.Add("concept", op, "song")
		f.Add("colour", op, "(((")
	}
	f.Fuzz(func(t *testing.T, property, op, value string) {
		text := strings.ToValidUTF8(filtered(filter(property, op, value)), "")
		if _, err := fhir.Parse([]byte(text)); err != nil {
			t.Skip()
		}
		s := terminology.New(terminology.Config{Source: shelf{}.add(birds, text), Clock: clock.System{}})
		e, err := s.Expand(t.Context(), terminology.ExpandRequest{ValueSet: "urn:vs", Count: -1})
		if err == nil {
			for _, c := range e.Contains {
				if v, err := s.InValueSet(t.Context(), "urn:vs", c.Coding); v != valid || err != nil {
					t.Fatalf("listed and not in: %v", err)
				}
			}
			return
		}
		if k := fault.KindOf(err); k != fault.Unprocessable && k != fault.NotSupported {
			t.Fatal(err)
		}
	})
}

func BenchmarkInValueSet(b *testing.B) {
	s := service()
	for name, c := range map[string]terminology.Coding{"system": {System: actSys, Code: "IMP"}, "code": {Code: "IMP"}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if v, _ := s.InValueSet(b.Context(), "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode", c); v != valid {
					b.Fatal(v)
				}
			}
		})
	}
}

// TestInactiveInAnyCase: a value set without inactive codes has none, however a
// code of a system that does not tell upper from lower case is written.
func TestInactiveInAnyCase(t *testing.T) {
	s := service(strings.Replace(birds, `"caseSensitive":true`, `"caseSensitive":false`, 1),
		strings.Replace(compose(`{"system":"urn:birds"}`), `"compose":{`, `"compose":{"inactive":false,`, 1))
	for code, want := range map[string]terminology.Verdict{"wren": terminology.Valid, "WREN": terminology.Valid, "dodo": terminology.Invalid, "Dodo": terminology.Invalid} {
		got, err := s.InValueSet(t.Context(), "urn:vs", terminology.Coding{System: "urn:birds", Code: code})
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", code, got, err)
		}
	}
}
