package terminology_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/defs"
	"github.com/wardkeep/wardkeep/internal/terminology"
)

// shelf is a Source of definitions written in tests.
type shelf map[string]string

func (s shelf) Canonical(_ context.Context, typ, url, version string) (*fhir.Resource, error) {
	text, ok := s[typ+" "+url]
	if !ok {
		return nil, nil
	}
	r, err := fhir.Parse([]byte(text))
	if err != nil || version != "" && r.Root().Get("version").Text() != version {
		return nil, err
	}
	return r, nil
}

func (s shelf) add(texts ...string) shelf {
	for _, text := range texts {
		var head struct{ ResourceType, URL string }
		if err := json.Unmarshal([]byte(text), &head); err != nil {
			panic(err)
		}
		s[head.ResourceType+" "+head.URL] = text
	}
	return s
}

func service(texts ...string) *terminology.Service {
	return terminology.New(terminology.Config{
		Source: terminology.Sources(shelf{}.add(texts...), terminology.Definitions()),
		Clock:  clock.NewManual(time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)),
	})
}

const birds = `{"resourceType":"CodeSystem","url":"urn:birds","version":"2","name":"Birds","status":"active","content":"complete","caseSensitive":true,
"valueSet":"urn:all-birds","property":[{"code":"legs","type":"integer"},{"code":"song","type":"string"},{"code":"status","uri":"http://hl7.org/fhir/concept-properties#status","type":"code"},
{"code":"alsoUnder","uri":"http://hl7.org/fhir/concept-properties#parent","type":"code"},{"code":"notSelectable","uri":"http://hl7.org/fhir/concept-properties#notSelectable","type":"boolean"}],
"concept":[{"code":"bird","display":"Bird","property":[{"code":"notSelectable","valueBoolean":true}],"concept":[
{"code":"song","display":"Song bird","concept":[{"code":"wren","display":"Wren","property":[{"code":"song","valueString":"loud"}],"designation":[{"language":"de","value":"Zaunkönig"}]},{"code":"tit","display":"Tit"}]},
{"code":"water","display":"Water bird","concept":[{"code":"duck","display":"Duck"},{"code":"dipper","display":"Dipper","property":[{"code":"alsoUnder","valueCode":"song"}]}]},
{"code":"dodo","display":"Dodo","property":[{"code":"status","valueCode":"retired"},{"code":"legs","valueInteger":2}]}]}]}`

func compose(include string) string {
	return `{"resourceType":"ValueSet","url":"urn:vs","status":"active","compose":{"include":[` + include + `]}}`
}

func filtered(filters string) string {
	return compose(`{"system":"urn:birds","filter":[` + filters + `]}`)
}

func filter(property, op, value string) string {
	return fmt.Sprintf(`{"property":%q,"op":%q,"value":%q}`, property, op, value)
}

func codes(t *testing.T, s *terminology.Service, req terminology.ExpandRequest) string {
	t.Helper()
	e, err := s.Expand(t.Context(), req)
	if err != nil {
		var f *fault.Error
		errors.As(err, &f)
		return f.Kind.String()
	}
	var out []string
	for _, c := range e.Contains {
		out = append(out, c.Code)
	}
	return strings.Join(out, " ")
}

func TestCompose(t *testing.T) {
	const all = "bird song wren tit water duck dipper dodo"
	for _, c := range []struct{ vs, want string }{
		{compose(`{"system":"urn:birds"}`), all},
		{filtered(filter("concept", "is-a", "song")), "song wren tit dipper"},
		{filtered(filter("concept", "descendent-of", "song")), "wren tit dipper"},
		{filtered(filter("concept", "is-not-a", "song")), "bird water duck dodo"},
		{filtered(filter("concept", "generalizes", "dipper")), "bird song water dipper"},
		{filtered(filter("code", "in", "wren, duck")), "wren duck"},
		{filtered(filter("concept", "not-in", "wren,duck,bird")), "song tit water dipper dodo"},
		{filtered(filter("code", "regex", "d[a-z]*")), "duck dipper dodo"},
		{filtered(filter("code", "regex", "ui")), ""},
		{filtered(filter("display", "regex", ".* bird")), "song water"},
		{filtered(filter("song", "=", "loud")), "wren"},
		{filtered(filter("legs", "=", "2")), "dodo"},
		{filtered(filter("song", "exists", "true")), "wren"},
		{filtered(filter("song", "exists", "false")), "bird song tit water duck dipper dodo"},
		{filtered(filter("parent", "=", "water")), "duck dipper"},
		{filtered(filter("child", "exists", "false")), "wren tit duck dipper dodo"},
		{filtered(filter("concept", "is-a", "song") + "," + filter("concept", "is-a", "water")), "dipper"},
		{compose(`{"system":"urn:birds","concept":[{"code":"tit"},{"code":"wren"},{"code":"tit"}]}`), "tit wren"},
		{compose(`{"system":"urn:birds","concept":[{"code":"tit"}]},{"system":"http://snomed.info/sct","concept":[{"code":"1"}]}`), "tit 1"},
		{compose(`{"valueSet":["urn:all-birds"]}`), all},
		{compose(`{"system":"urn:birds","filter":[` + filter("concept", "is-a", "water") + `],"valueSet":["urn:songs"]}`), "dipper"},
		{compose(`{"valueSet":["urn:songs","urn:all-birds"]}`), "song wren tit dipper"},
		{compose(`{"valueSet":["http://hl7.org/fhir/ValueSet/administrative-gender"]}`), "male female other unknown"},
		{`{"resourceType":"ValueSet","url":"urn:vs","status":"active","compose":{"inactive":false,"include":[{"system":"urn:birds"}],"exclude":[{"valueSet":["urn:songs"]},{"system":"urn:birds","concept":[{"code":"bird"}]}]}}`, "water duck"},
		{`{"resourceType":"ValueSet","url":"urn:vs","status":"active","expansion":{"timestamp":"2020-01-01","contains":[{"system":"urn:x","code":"a","contains":[{"system":"urn:x","code":"b"}]},{"display":"group"}]}}`, "a b"},

		{filtered(filter("concept", "is-a", "bat")), "unprocessable"},
		{compose(`{"valueSet":["http://hl7.org/fhir/ValueSet/example-filter"]}`), "not supported"},
		{filtered(filter("colour", "=", "red")), "unprocessable"},
		{filtered(filter("code", "regex", "(a")), "unprocessable"},
		{filtered(filter("code", "regex", `(a)\1`)), "unprocessable"},
		{filtered(filter("code", "regex", "d)|(?:.*")), "unprocessable"},
		{filtered(filter("legs", "is-a", "2")), "not supported"},
		{compose(`{"system":"http://snomed.info/sct"}`), "not supported"},
		{compose(`{"system":"http://loinc.org","filter":[` + filter("parent", "=", "x") + `]}`), "not supported"},
		{compose(`{"system":"urn:birds","version":"1"}`), "not supported"},
		{compose(`{"system":"urn:birds"},{"valueSet":["urn:nowhere"]}`), "not supported"},
		{compose(`{"system":"http://terminology.hl7.org/CodeSystem/service-type"}`), "not supported"}, // an example of a system
		{compose(`{"system":"http://unitsofmeasure.org"}`), "unprocessable"},
		{compose(`{"valueSet":["urn:vs"]}`), "unprocessable"},
		{compose(`{"valueSet":["urn:loop"]}`), "unprocessable"},
		{`{"resourceType":"ValueSet","url":"urn:vs","status":"active"}`, "unprocessable"},
		{`{"resourceType":"ValueSet","url":"urn:vs","status":"active","expansion":{"timestamp":"2020-01-01","total":9,"contains":[{"system":"urn:x","code":"a"}]}}`, "unprocessable"},
		{`{"resourceType":"ValueSet","url":"urn:vs","status":"active","compose":{"include":[{"system":"urn:birds"}],"exclude":[{"valueSet":["urn:nowhere"]}]}}`, "not supported"},
	} {
		s := terminology.New(terminology.Config{Clock: clock.System{}, Source: terminology.Sources(birdShelf{shelf{}.add(birds, c.vs,
			strings.Replace(filtered(filter("concept", "is-a", "song")), "urn:vs", "urn:songs", 1),
			strings.Replace(compose(`{"valueSet":["urn:vs"]}`), "urn:vs", "urn:loop", 1),
		)}, terminology.Definitions())})
		for range 2 { // the second time from what is kept
			if got := codes(t, s, terminology.ExpandRequest{ValueSet: "urn:vs", Count: -1}); got != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.vs, got, c.want)
			}
		}
	}
}

// birdShelf knows an implicit value set too.
type birdShelf struct{ shelf }

func (b birdShelf) CodeSystemOf(ctx context.Context, valueSet string) (*fhir.Resource, error) {
	if valueSet != "urn:all-birds" {
		return nil, nil
	}
	return b.Canonical(ctx, "CodeSystem", "urn:birds", "")
}

func TestExpandRequest(t *testing.T) {
	s := service(birds, compose(`{"system":"urn:birds"}`))
	ask := func(change func(*terminology.ExpandRequest)) string {
		req := terminology.ExpandRequest{ValueSet: "urn:vs", Count: -1}
		change(&req)
		return codes(t, s, req)
	}
	for name, c := range map[string]struct {
		change func(*terminology.ExpandRequest)
		want   string
	}{
		"page":       {func(r *terminology.ExpandRequest) { r.Offset, r.Count = 2, 3 }, "wren tit water"},
		"none":       {func(r *terminology.ExpandRequest) { r.Count = 0 }, ""},
		"beyond":     {func(r *terminology.ExpandRequest) { r.Offset = 99 }, ""},
		"words":      {func(r *terminology.ExpandRequest) { r.Filter = "BIRD wat" }, "water"},
		"active":     {func(r *terminology.ExpandRequest) { r.ActiveOnly, r.Filter = true, "d" }, "bird song water duck dipper"},
		"selectable": {func(r *terminology.ExpandRequest) { r.SelectableOnly, r.Filter = true, "bird" }, "song water"},
		"language":   {func(r *terminology.ExpandRequest) { r.Language, r.Filter = "de-AT", "könig" }, "wren"},
		"not loaded": {func(r *terminology.ExpandRequest) { r.ValueSet = "urn:nowhere" }, "not found"},
	} {
		if got := ask(c.change); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	e, err := s.Expand(t.Context(), terminology.ExpandRequest{ValueSet: "urn:vs", Count: 1, Offset: 2, Designations: true, Language: "de"})
	if err != nil || e.Total != 8 || len(e.Contains) != 1 || e.Contains[0].Display != "Zaunkönig" || len(e.Contains[0].Designations) != 1 || !slices.Equal(e.Used, []string{"urn:birds|2"}) {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestMissingIsNamed: what is not loaded is named, and nothing of the request.
func TestMissingIsNamed(t *testing.T) {
	s := service(compose(`{"system":"http://snomed.info/sct","filter":[` + filter("concept", "is-a", "404684003") + `]}`))
	_, err := s.Expand(t.Context(), terminology.ExpandRequest{ValueSet: "urn:vs"})
	if !fault.Is(err, fault.NotSupported) || !strings.Contains(fault.Public(err), "http://snomed.info/sct") || strings.Contains(err.Error(), "404684003") {
		t.Errorf("%v", err)
	}
	_, err = s.Expand(t.Context(), terminology.ExpandRequest{ValueSet: "urn:Jane-Doe"})
	if !fault.Is(err, fault.NotFound) || strings.Contains(err.Error(), "Jane") {
		t.Errorf("%v", err)
	}
}

func TestForget(t *testing.T) {
	shelf := shelf{}.add(birds, compose(`{"system":"urn:birds","concept":[{"code":"tit"}]}`))
	s := terminology.New(terminology.Config{Source: shelf, Clock: clock.System{}})
	req := terminology.ExpandRequest{ValueSet: "urn:vs", Count: -1}
	before := codes(t, s, req)
	shelf.add(compose(`{"system":"urn:birds","concept":[{"code":"wren"}]}`))
	kept := codes(t, s, req)
	s.Forget("urn:vs")
	after := codes(t, s, req)
	shelf.add(compose(`{"system":"urn:birds"}`), strings.Replace(birds, `{"code":"duck","display":"Duck"},`, "", 1))
	s.Reset()
	if reset := codes(t, s, req); before != "tit" || kept != "tit" || after != "wren" || strings.Contains(reset, "duck") {
		t.Errorf("%s, %s, %s, %s", before, kept, after, reset)
	}
	// A value set is made anew when the code system it draws on changes.
	shelf.add(birds)
	s.Forget("urn:birds")
	if got := codes(t, s, req); !strings.Contains(got, "duck") {
		t.Error(got)
	}
}

// TestRequired compiles every value set that R4 binds as required. Each can be
// listed, or says by name why not.
func TestRequired(t *testing.T) {
	sets := map[string]bool{}
	for _, body := range defs.All("StructureDefinition") {
		var sd struct {
			Derivation string
			Snapshot   struct {
				Element []struct {
					Binding struct{ Strength, ValueSet string }
				}
			}
		}
		if err := json.Unmarshal(body, &sd); err != nil {
			t.Fatal(err)
		}
		for _, e := range sd.Snapshot.Element {
			if e.Binding.Strength == "required" && sd.Derivation == "specialization" {
				sets[e.Binding.ValueSet] = true
			}
		}
	}
	listed, notListed := 0, map[string]string{}
	s := service()
	for url := range sets {
		e, err := s.Expand(t.Context(), terminology.ExpandRequest{ValueSet: url, Count: -1})
		switch {
		case err == nil && e.Total > 0:
			listed++
		case err == nil:
			t.Errorf("%s: an empty success", url)
		default:
			notListed[url] = fault.Public(err)
		}
	}
	want := []string{
		"http://hl7.org/fhir/ValueSet/currencies|4.0.1", // ISO 4217 is not loaded
		"http://hl7.org/fhir/ValueSet/mimetypes|4.0.1",  // a grammar
		"http://hl7.org/fhir/ValueSet/ucum-units|4.0.1", // a grammar
		"http://loinc.org/vs/LL379-9|4.0.1",             // LOINC is not loaded
	}
	for url, reason := range notListed {
		t.Logf("%s: %s", url, reason)
		if !slices.Contains(want, url) || reason == "" {
			t.Errorf("%s cannot be listed: %s", url, reason)
		}
	}
	t.Logf("%d of %d are listed", listed, len(sets))
	if listed < 200 || len(notListed) != len(want) {
		t.Errorf("%d listed, %d not", listed, len(notListed))
	}
}
