package clinical_test

import (
	"testing"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// TestPregnancy holds that only a pregnancy that may still last is said, with
// the weeks of today and not of the day it was recorded. It is 7 March.
func TestPregnancy(t *testing.T) {
	f := formatter(t, "America/New_York")
	o := func(loinc, status, at, value string) *fhir.Resource {
		return parse(t, `{"resourceType":"Observation","id":"o","status":"`+status+`","code":{"coding":[{"system":"http://loinc.org","code":"`+loinc+`"}]},"effectiveDateTime":"`+at+`",`+value+`}`)
	}
	yes := `"valueCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"77386006"}]}`
	no := `"valueCodeableConcept":{"coding":[{"system":"http://snomed.info/sct","code":"60001007"}]}`
	is := o("82810-3", "final", "2026-02-01", yes)
	due := func(day string) *fhir.Resource {
		return o("11778-8", "final", "2026-02-01", `"valueDateTime":"`+day+`"`)
	}
	for name, c := range map[string]struct {
		list []*fhir.Resource
		want string
	}{
		"nothing":                {nil, ""},
		"34 weeks and 1 day":     {[]*fhir.Resource{is, due("2026-04-17")}, "Pregnant, 34 weeks (due 17-Apr-2026)"},
		"a day short of 34":      {[]*fhir.Resource{due("2026-04-19"), is}, "Pregnant, 33 weeks (due 19-Apr-2026)"},
		"without a due date":     {[]*fhir.Resource{is}, "Pregnant (recorded 01-Feb-2026)"},
		"due date long past":     {[]*fhir.Resource{is, due("2025-09-01")}, "Pregnant (recorded 01-Feb-2026)"},
		"not any more":           {[]*fhir.Resource{is, o("82810-3", "final", "2026-03-01", no)}, ""},
		"no longer, in error":    {[]*fhir.Resource{is, o("82810-3", "entered-in-error", "2026-03-01", no)}, "Pregnant (recorded 01-Feb-2026)"},
		"pregnancy years ago":    {[]*fhir.Resource{o("82810-3", "final", "2024-02-01", yes), due("2024-06-01")}, ""},
		"entered in error":       {[]*fhir.Resource{o("82810-3", "entered-in-error", "2026-03-01", yes)}, ""},
		"a due date and no word": {[]*fhir.Resource{due("2026-04-17")}, ""},
	} {
		if got := f.Pregnancy(c.list, at(t, now)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestSameNameAndBirthDate holds that two people of one name and birth date are
// told apart where they stand together, whoever else stands beside them.
func TestSameNameAndBirthDate(t *testing.T) {
	f := formatter(t, "America/New_York")
	row := func(id, given, line string) clinical.PatientRow {
		return f.Row(parse(t, `{"resourceType":"Patient","id":"`+id+`","name":[{"family":"Carter","given":["`+given+`"]}],"birthDate":"1979-05-14","address":[{"line":["`+line+`"],"city":"Port Alder"}]}`), "", at(t, now))
	}
	rows := []clinical.PatientRow{row("a", "Michaela", "1 Oak St"), row("b", "Michael", "2 Elm St"), row("c", "Michael", "3 Ash St")}
	clinical.MarkSimilar(rows)
	const same = "Same name and birth date as another in this list: compare MRN and address"
	for i, want := range []string{"Similar name in this list", same, same} {
		if rows[i].Alert.Reason != want {
			t.Errorf("row %d: %q", i, rows[i].Alert.Reason)
		}
	}
	if rows[1].Address != "2 Elm St, Port Alder" {
		t.Errorf("address: %q", rows[1].Address)
	}
}

// TestLatinName holds that a name no reader of the ward can compare with a
// wristband comes with the letters the record has for it.
func TestLatinName(t *testing.T) {
	arabic := parse(t, `{"resourceType":"Patient","id":"p","name":[{"use":"official","family":"الحسيني","given":["عبد"]},{"use":"usual","family":"Al-Husseini","given":["Abd"]}]}`)
	if got := clinical.Name(arabic.Root(), at(t, now)); got.Latin != "AL-HUSSEINI, Abd" {
		t.Errorf("%+v", got)
	}
	english := parse(t, `{"resourceType":"Patient","id":"p","name":[{"use":"official","family":"Smith"},{"use":"usual","family":"Jones"}]}`)
	if got := clinical.Name(english.Root(), at(t, now)); got.Latin != "" {
		t.Errorf("%+v", got)
	}
}
