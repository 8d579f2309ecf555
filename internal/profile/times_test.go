package profile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/profile"
)

// TestTimes: dates that contradict each other, or the clock.
func TestTimes(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	v := profile.New(profile.Config{Definitions: shelf{}, Codes: codes(shelf{}), Now: func() time.Time { return noon }})
	const observation = `"Observation","code":{"text":"x"},`
	for _, c := range []struct{ text, wrong string }{
		{`"Patient","birthDate":"1980-01-02","deceasedDateTime":"1979-12-31"`, "Patient.deceased"},
		{`"Patient","birthDate":"1980-01-02","deceasedDateTime":"1979"`, "Patient.deceased"},
		{`"Patient","birthDate":"1980-02","deceasedDateTime":"1980-01-31T10:00:00Z"`, ""},
		{`"Patient","birthDate":"1980-02","deceasedDateTime":"1980-01-30T10:00:00Z"`, "Patient.deceased"},
		{`"Patient","birthDate":"1980-01-02","deceasedDateTime":"1980-01-01T23:00:00Z"`, ""},
		{`"Patient","birthDate":"1980","deceasedDateTime":"1980-05"`, ""},
		{`"Patient","birthDate":"1980-01-02","deceasedBoolean":true`, ""},
		{`"Patient","deceasedDateTime":"1980-05"`, ""},
		{`"Patient","birthDate":"2026-11-23"`, ""},
		{`"Patient","birthDate":"2026-11-24"`, "Patient.birthDate"},
		{`"Patient","birthDate":"2027"`, "Patient.birthDate"},
		{`"Patient","deceasedDateTime":"2027-01-01T00:00:00Z"`, "Patient.deceased"},
		{observation + `"status":"final","effectiveDateTime":"2026-11-25T00:00:00Z"`, "Observation.effective"},
		{observation + `"status":"final","effectiveInstant":"2026-11-25T00:00:00Z"`, "Observation.effective"},
		{observation + `"status":"final","effectivePeriod":{"start":"2027-01-01"}`, "Observation.effective.start"},
		{observation + `"status":"final","effectivePeriod":{"end":"2027-01-01"}`, ""},
		{observation + `"status":"final","effectiveTiming":{"event":["2027-01-01"]}`, ""},
		{observation + `"status":"registered","effectiveDateTime":"2027-01-01"`, ""},
		{`"Procedure","status":"completed","subject":{"display":"x"},"performedDateTime":"2027-01-01"`, "Procedure.performed"},
		{`"Procedure","status":"completed","subject":{"display":"x"},"performedString":"2027"`, ""},
		{`"Procedure","status":"preparation","subject":{"display":"x"},"performedDateTime":"2027-01-01"`, ""},
		{`"Immunization","status":"completed","vaccineCode":{"text":"x"},"patient":{"display":"x"},"occurrenceDateTime":"2027-01-01"`, "Immunization.occurrence"},
		// R4's own.
		{`"Encounter","status":"finished","class":{"code":"AMB"},"period":{"start":"2026-02-01","end":"2026-01-01"}`, "Encounter.period"},
	} {
		res, err := fhir.Parse([]byte(`{"resourceType":` + c.text + `}`))
		check(t, err)
		r := validate(t, v, res)
		var places []string
		for _, i := range r.Issues {
			if i.Severity == "error" {
				places = append(places, i.Path)
			}
		}
		if got := strings.Join(places, " "); got != c.wrong {
			t.Errorf("%s: wrong at %q, want %q", c.text, got, c.wrong)
		}
	}
}
