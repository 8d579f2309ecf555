package clinical_test

import (
	"testing"

	"github.com/wardkeep/wardkeep/internal/clinical"
)

func observation(t *testing.T, rest string) clinical.ResultCell {
	t.Helper()
	f := formatter(t, "America/New_York")
	return f.Result(parse(t, `{"resourceType":"Observation","id":"o","code":{"text":"Test"},`+rest+`}`), nil)
}

// TestFlagInWords holds that a flag sent as words is not replaced by a
// comparison, which knows nothing of "panic".
func TestFlagInWords(t *testing.T) {
	value := `"status":"final","valueQuantity":{"value":6.8,"unit":"mmol/L"},"referenceRange":[{"low":{"value":3.5},"high":{"value":5.1}}],`
	for words, want := range map[string]clinical.Level{"Panic value": clinical.LevelCritical, "Critical low": clinical.LevelCritical, "Normal": clinical.LevelNormal, "See comment": clinical.LevelAbnormal} {
		if got := observation(t, value+`"interpretation":[{"text":"`+words+`"}]`).Flag; got.Level != want || got.Derived {
			t.Errorf("%q: %+v", words, got)
		}
	}
}

// TestRangesOfOthers holds that a range is compared with only if it is the one
// normal range: not of the other sex, not a therapeutic one.
func TestRangesOfOthers(t *testing.T) {
	value := `"status":"final","valueQuantity":{"value":13,"unit":"g/dL"},"referenceRange":[`
	men := `{"low":{"value":13.5,"unit":"g/dL"},"high":{"value":17.5},"appliesTo":[{"text":"men"}]}`
	women := `{"low":{"value":12,"unit":"g/dL"},"high":{"value":15.5},"appliesTo":[{"text":"women"}]}`
	treatment := `{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/referencerange-meaning","code":"treatment","display":"Treatment"}]},"low":{"value":20},"high":{"value":30}}`
	normal := `{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/referencerange-meaning","code":"normal"}]},"low":{"value":12},"high":{"value":15}}`
	for ranges, want := range map[string][2]string{
		men:                      {"13.5 to 17.5 g/dL, men", "Below range"},
		men + "," + women:        {"13.5 to 17.5 g/dL, men; 12 to 15.5 g/dL, women", "Not flagged"},
		treatment:                {"Treatment 20 to 30", "Not flagged"},
		treatment + "," + normal: {"12 to 15", "In range"},
	} {
		got := observation(t, value+ranges+`]`)
		if got.Range != want[0] || got.Flag.Word != want[1] {
			t.Errorf("%s: %q, %q", ranges, got.Range, got.Flag.Word)
		}
	}
}

// TestNothingOfAResultIsLost holds for what stands beside a value.
func TestNothingOfAResultIsLost(t *testing.T) {
	part := `"component":[{"code":{"text":"Index"},"valueQuantity":{"value":3,"unit":"1"}}]`
	for rest, want := range map[string]string{
		`"status":"final","valueString":"Positive",` + part: "Positive, Index 3",
		`"status":"final",` + part:                          "Index 3",
		`"status":"final","valueRatio":{"numerator":{"value":1},"denominator":{"comparator":">","value":1280}}`:    "1 : > 1280",
		`"status":"final","valueRatio":{"numerator":{"value":3,"unit":"mg"},"denominator":{"value":2,"unit":"g"}}`: "3 mg : 2 g",
	} {
		if got := observation(t, rest); got.Value != want {
			t.Errorf("%s: %q", rest, got.Value)
		}
	}
	if got := observation(t, `"status":"final","valueInteger":1,"note":[{"text":"Hemolyzed"},{"text":"Repeat"}]`); got.Note != "Hemolyzed – Repeat" {
		t.Errorf("notes: %q", got.Note)
	}
	late := observation(t, `"status":"final","valueInteger":1,"issued":"2026-03-07T12:00:00Z"`)
	if !late.Order.Known() || late.Collected != "Not recorded" {
		t.Errorf("without a time of collection: %+v", late)
	}
	for status, want := range map[string]bool{"registered": true, "cancelled": true, "final": false} {
		if got := observation(t, `"status":"`+status+`"`); got.Pending != want {
			t.Errorf("%s: pending %v", status, got.Pending)
		}
	}
}

// TestFormerOfParts holds for a corrected pressure: the value struck is the
// pressure it was.
func TestFormerOfParts(t *testing.T) {
	f := formatter(t, "America/New_York")
	pressure := func(status, systolic string) string {
		return `{"resourceType":"Observation","id":"o","status":"` + status + `","code":{"text":"Pressure"},"component":[{"code":{"text":"Systolic"},"valueQuantity":{"value":` + systolic + `,"unit":"mm[Hg]"}}]}`
	}
	got := f.Result(parse(t, pressure("corrected", "120")), parse(t, pressure("final", "210")))
	if got.Former != "Systolic 210 mmHg" {
		t.Errorf("former: %q", got.Former)
	}
}

// TestDayWithoutTime holds that a result of today stands before one of last
// night, though it came without a time of day.
func TestDayWithoutTime(t *testing.T) {
	night := observation(t, `"status":"final","valueQuantity":{"value":1},"effectiveDateTime":"2026-03-06T21:00:00-05:00"`)
	today := observation(t, `"status":"final","valueQuantity":{"value":1},"effectiveDateTime":"2026-03-07"`)
	if !today.Order.Time().After(night.Order.Time()) || today.Point.At <= night.Point.At || today.Collected != "07-Mar-2026" {
		t.Errorf("today %v, last night %v", today.Order.Time(), night.Order.Time())
	}
}
