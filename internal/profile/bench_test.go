package profile_test

import (
	"context"
	"testing"

	"github.com/wardkeep/wardkeep/internal/profile"
)

// lab is a laboratory result of 2 KB that claims the profile of US Core.
const lab = `{"resourceType":"Observation","id":"serum-sodium","meta":{"profile":["http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab"]},
"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Sodium 140 mmol/L in serum, drawn on the ward in the morning, within the reference range of the laboratory.</p></div>"},
"identifier":[{"use":"official","system":"http://lab.example.org/results","value":"A-2026-118834"}],
"status":"final",
"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"Laboratory"}],"text":"Laboratory"}],
"code":{"coding":[{"system":"http://loinc.org","code":"2951-2","display":"Sodium [Moles/volume] in Serum or Plasma"},{"system":"http://lab.example.org/tests","code":"NA","display":"Sodium"}],"text":"Sodium"},
"subject":{"reference":"Patient/p1","display":"Tester, Ina"},
"encounter":{"reference":"Encounter/e1"},
"effectiveDateTime":"2026-11-21T06:40:00+01:00","issued":"2026-11-21T08:12:31.000+01:00",
"performer":[{"reference":"Practitioner/lab-1","display":"Lab"},{"reference":"Organization/lab","display":"Laboratory of the hospital"}],
"valueQuantity":{"value":140,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"},
"interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"N","display":"Normal"}],"text":"Normal"}],
"note":[{"time":"2026-11-21T08:12:31+01:00","text":"Haemolysis index below the limit."}],
"specimen":{"reference":"Specimen/s1"},
"device":{"display":"Analyser 4"},
"referenceRange":[{"low":{"value":136,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"},"high":{"value":145,"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"},
"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/referencerange-meaning","code":"normal","display":"Normal Range"}]},"text":"136-145"}]}`

func BenchmarkValidate(b *testing.B) {
	s, _ := usCore(b, "610")
	v := profile.New(profile.Config{Definitions: s, Codes: codes(s)})
	res := parse(b, lab)
	if r := validate(b, v, res); !r.OK() {
		b.Fatal(show(r))
	}
	for b.Loop() {
		if _, err := v.Validate(context.Background(), profile.Request{Resource: res}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(res.JSON())), "bytes")
}
