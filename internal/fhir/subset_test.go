package fhir_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

const tag = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}`

func TestSubset(t *testing.T) {
	const in = `{"resourceType":"Observation","id":"a","meta":{"versionId":"2","tag":[{"code":"x"}]},"text":{"status":"generated","div":"<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"},` +
		`"extension":[{"url":"u","valueCode":"a"}],"modifierExtension":[{"url":"u","valueCode":"a"}],"status":"final","code":{"id":"c","coding":[{"code":"1","display":"d","userSelected":true}],"text":"x"},"note":[{"text":"n"}],` +
		`"_issued":{"extension":[{"url":"u","valueCode":"a"}]},"valueQuantity":{"value":1.00,"extension":[{"url":"u","valueCode":"a"}]},"interpretation":[{"text":"i"}],"component":[{"code":{"text":"k"},"valueString":"v","interpretation":[{"text":"i"}]}]}`
	const meta = `"meta":{"versionId":"2","tag":[{"code":"x"},` + tag + `]}`
	for _, c := range []struct {
		name string
		want fhir.Subset
		out  string
	}{
		{"false", fhir.Subset{}, in},
		{"count", fhir.Subset{Summary: fhir.SummaryCount}, ``},
		{"true", fhir.Subset{Summary: fhir.SummaryTrue}, `{"resourceType":"Observation","id":"a",` + meta +
			`,"modifierExtension":[{"url":"u","valueCode":"a"}],"status":"final","code":{"coding":[{"code":"1","display":"d","userSelected":true}],"text":"x"},"_issued":{"extension":[{"url":"u","valueCode":"a"}]},"valueQuantity":{"value":1.00},"component":[{"code":{"text":"k"},"valueString":"v"}]}`},
		{"text", fhir.Subset{Summary: fhir.SummaryText}, `{"resourceType":"Observation","id":"a",` + meta +
			`,"text":{"status":"generated","div":"<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"},"modifierExtension":[{"url":"u","valueCode":"a"}],"status":"final","code":{"id":"c","coding":[{"code":"1","display":"d","userSelected":true}],"text":"x"}}`},
		{"elements", fhir.Subset{Elements: []string{"note", "Observation.interpretation", "Patient.component"}, Summary: fhir.SummaryTrue}, `{"resourceType":"Observation","id":"a",` + meta +
			`,"modifierExtension":[{"url":"u","valueCode":"a"}],"status":"final","code":{"id":"c","coding":[{"code":"1","display":"d","userSelected":true}],"text":"x"},"note":[{"text":"n"}],"interpretation":[{"text":"i"}]}`},
		{"choice", fhir.Subset{Elements: []string{"value"}}, `{"resourceType":"Observation","id":"a",` + meta +
			`,"modifierExtension":[{"url":"u","valueCode":"a"}],"status":"final","code":{"id":"c","coding":[{"code":"1","display":"d","userSelected":true}],"text":"x"},"valueQuantity":{"value":1.00,"extension":[{"url":"u","valueCode":"a"}]}}`},
	} {
		if got := string(mustParse(t, spaced(in)).Subset(c.want)); got != c.out {
			t.Errorf("%s gave\n%s\nwant\n%s", c.name, got, c.out)
		}
	}
	if got, want := string(mustParse(t, `{"resourceType":"Patient","photo":[{"title":"a"}]}`).Subset(fhir.Subset{Summary: fhir.SummaryTrue})), `{"resourceType":"Patient","meta":{"tag":[`+tag+`]}}`; got != want {
		t.Errorf("without meta: %s", got)
	}
}

// TestSubsetsAreValid takes part of every example in every way: the parts must
// be resources themselves, but for what contained resources they mention.
func TestSubsetsAreValid(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(testdata(t, "r4-examples"), "*.json"))
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := fhir.Parse(body)
		if err != nil || r.Root().Get("contained").Exists() {
			continue
		}
		for _, s := range []fhir.Subset{{Summary: fhir.SummaryTrue}, {Summary: fhir.SummaryText}, {Summary: fhir.SummaryData}, {Elements: []string{"id"}}} {
			if _, err := fhir.Parse(r.Subset(s)); err != nil {
				t.Errorf("%s %v: %s", filepath.Base(name), s, issues(err))
			}
		}
	}
}

func TestParseSummary(t *testing.T) {
	for s, want := range map[string]fhir.Summary{"true": fhir.SummaryTrue, "false": fhir.SummaryFalse, "text": fhir.SummaryText, "data": fhir.SummaryData, "count": fhir.SummaryCount} {
		if got, ok := fhir.ParseSummary(s); !ok || got != want {
			t.Errorf("%s: %v %v", s, got, ok)
		}
	}
	if _, ok := fhir.ParseSummary("all"); ok {
		t.Error("took an unknown mode")
	}
}
