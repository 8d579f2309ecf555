package fhir_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// vitals is an Observation of 2 KB as monitors send them.
var vitals = []byte(`{"resourceType":"Observation","id":"blood-pressure-1","meta":{"versionId":"3","lastUpdated":"2024-05-02T09:31:00.123Z","profile":["http://hl7.org/fhir/StructureDefinition/vitalsigns"]},` +
	`"identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:187e0c12-8dd2-67e2-99b2-bf273c878281"}],"basedOn":[{"reference":"ServiceRequest/1234"}],"status":"final",` +
	`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"Vital Signs"}]}],` +
	`"code":{"coding":[{"system":"http://loinc.org","code":"85354-9","display":"Blood pressure panel with all children optional"}],"text":"Blood pressure systolic & diastolic"},` +
	`"subject":{"reference":"Patient/2f1c7a4e-61f0-4d6b-a0e7-2a63f7b0c5ce"},"encounter":{"reference":"Encounter/c3e6a1c1-bb2b-4a46-a9d1-6d0a0f6f1a38"},"effectiveDateTime":"2024-05-02T09:30:10+01:00",` +
	`"performer":[{"reference":"Practitioner/4711","display":"Ward nurse"}],"interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"L","display":"low"}],"text":"Below low normal"}],` +
	`"bodySite":{"coding":[{"system":"http://snomed.info/sct","code":"368209003","display":"Right arm"}]},` +
	`"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6","display":"Systolic blood pressure"}]},"valueQuantity":{"value":107.0,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"},` +
	`"interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"N","display":"normal"}],"text":"Normal"}]},` +
	`{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4","display":"Diastolic blood pressure"}]},"valueQuantity":{"value":60,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"},` +
	`"interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"L","display":"low"}],"text":"Below low normal"}]}]}`)

func BenchmarkParse(b *testing.B) {
	b.SetBytes(int64(len(vitals)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fhir.Parse(vitals); err != nil {
			b.Fatal(issues(err))
		}
	}
}

// BenchmarkParsePretty has half its bytes in white space.
func BenchmarkParsePretty(b *testing.B) {
	body := []byte(strings.ReplaceAll(strings.ReplaceAll(string(vitals), `,"`, ",\n          \""), `":`, `": `))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fhir.Parse(body); err != nil {
			b.Fatal(issues(err))
		}
	}
}

func BenchmarkStamp(b *testing.B) {
	r, err := fhir.Parse(vitals)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		r.Stamp("blood-pressure-1", 4, now)
	}
}

// BenchmarkEvalAll reads every search parameter of an Observation.
func BenchmarkEvalAll(b *testing.B) {
	r, err := fhir.Parse(vitals)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		for p := range r4.Params("Observation") {
			for _, s := range p.Sources() {
				for range fhir.EvalSource(r.Root(), s) {
				}
			}
		}
	}
}

func BenchmarkParseSynthea(b *testing.B) {
	body := readBzip2(b, synthea(b)[2])
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fhir.Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSummary(b *testing.B) {
	r, err := fhir.Parse(vitals)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Subset(fhir.Subset{Summary: fhir.SummaryTrue})
	}
}
