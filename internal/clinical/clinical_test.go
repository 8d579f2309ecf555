package clinical_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

func formatter(t *testing.T, zone string) *clinical.Formatter {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	f, err := clinical.New(loc)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func parse(t *testing.T, src string) *fhir.Resource {
	t.Helper()
	r, err := fhir.Parse([]byte(src))
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) {
			t.Fatalf("%v in %s", f.Issues, src)
		}
		t.Fatalf("%v in %s", err, src)
	}
	return r
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNewRefusesNoZone(t *testing.T) {
	if _, err := clinical.New(nil); err == nil {
		t.Fatal("a formatter without a facility zone was made")
	}
}

func TestDates(t *testing.T) {
	f := formatter(t, "America/New_York")
	for _, c := range []struct{ in, date, dateTime, long string }{
		{"2026-03-07", "07-Mar-2026", "07-Mar-2026", "7 March 2026"},
		{"1961-03", "Approx Mar-1961", "Approx Mar-1961", "about March 1961"},
		{"1961", "Approx 1961", "Approx 1961", "about 1961"},
		{"2024-02-29", "29-Feb-2024", "29-Feb-2024", "29 February 2024"},
		{"2026-03-07T14:05:00-05:00", "07-Mar-2026", "07-Mar-2026 14:05", "7 March 2026"},
		{"2026-03-08T03:30:00Z", "07-Mar-2026", "07-Mar-2026 22:30", "7 March 2026"},
		{"2026-03-07T14:05:59.123+00:00", "07-Mar-2026", "07-Mar-2026 09:05", "7 March 2026"},
		{"", "Not recorded", "Not recorded", "not recorded"},
		{"yesterday", "Not recorded", "Not recorded", "not recorded"},
		{"2026-02-30", "Not recorded", "Not recorded", "not recorded"},
		{"2026-13", "Not recorded", "Not recorded", "not recorded"},
	} {
		m := clinical.ParseMoment(c.in)
		if got := f.Date(m); got != c.date {
			t.Errorf("Date(%q) = %q, want %q", c.in, got, c.date)
		}
		if got := f.DateTime(m); got != c.dateTime {
			t.Errorf("DateTime(%q) = %q, want %q", c.in, got, c.dateTime)
		}
		if got := f.LongDate(m); got != c.long {
			t.Errorf("LongDate(%q) = %q, want %q", c.in, got, c.long)
		}
	}
}

// TestClockChanges walks through the nights on which clocks move.
func TestClockChanges(t *testing.T) {
	for _, c := range []struct{ zone, in, want string }{
		{"America/New_York", "2026-11-01T04:59:00Z", "00:59"},
		{"America/New_York", "2026-11-01T05:00:00Z", "01:00 (UTC-04:00)"},
		{"America/New_York", "2026-11-01T05:30:00Z", "01:30 (UTC-04:00)"},
		{"America/New_York", "2026-11-01T06:30:00Z", "01:30 (UTC-05:00)"},
		{"America/New_York", "2026-11-01T06:59:59Z", "01:59 (UTC-05:00)"},
		{"America/New_York", "2026-11-01T07:00:00Z", "02:00"},
		{"America/New_York", "2026-03-08T06:59:00Z", "01:59"},
		{"America/New_York", "2026-03-08T07:00:00Z", "03:00"},
		{"Europe/Berlin", "2026-10-25T00:30:00Z", "02:30 (UTC+02:00)"},
		{"Europe/Berlin", "2026-10-25T01:30:00Z", "02:30 (UTC+01:00)"},
		{"Europe/Berlin", "2026-10-25T02:30:00Z", "03:30"},
		{"Australia/Lord_Howe", "2026-04-04T14:45:00Z", "01:45 (UTC+11:00)"},
		{"Australia/Lord_Howe", "2026-04-04T15:15:00Z", "01:45 (UTC+10:30)"},
		{"Asia/Kolkata", "2026-11-01T05:30:00Z", "11:00"},
	} {
		if got := formatter(t, c.zone).Clock(at(t, c.in)); got != c.want {
			t.Errorf("%s %s = %q, want %q", c.zone, c.in, got, c.want)
		}
	}
}

// TestLocalesDoNotMatter holds because nothing here asks for one: the process
// environment changes nothing.
func TestLocalesDoNotMatter(t *testing.T) {
	for _, lang := range []string{"en_US.UTF-8", "en_GB.UTF-8", "de_DE.UTF-8", "ar_EG.UTF-8", "C"} {
		t.Setenv("LANG", lang)
		t.Setenv("LC_ALL", lang)
		t.Setenv("TZ", "Asia/Tokyo")
		f := formatter(t, "America/Chicago")
		if got := f.DateTime(clinical.ParseMoment("2026-03-07T20:05:00Z")); got != "07-Mar-2026 14:05" {
			t.Errorf("%s: %q", lang, got)
		}
		if got := clinical.DoseNumber("1234.50"); got != "1,234.5" {
			t.Errorf("%s: %q", lang, got)
		}
	}
}

func TestAges(t *testing.T) {
	f := formatter(t, "America/New_York")
	for _, c := range []struct{ born, now, want string }{
		{"1961-03-12", "2026-03-11T17:00:00Z", "64 y"},
		{"1961-03-12", "2026-03-12T17:00:00Z", "65 y"},
		{"1961-03-12", "2026-03-12T03:00:00Z", "64 y"}, // still the 11th at the bedside
		{"2004-02-29", "2025-02-28T17:00:00Z", "20 y"},
		{"2004-02-29", "2025-03-01T17:00:00Z", "21 y"},
		{"2026-03-07", "2026-03-07T17:00:00Z", "0 d"},
		{"2026-02-08", "2026-03-07T17:00:00Z", "27 d"},
		{"2026-02-07", "2026-03-07T17:00:00Z", "4 w"},
		{"2025-03-08", "2026-03-07T17:00:00Z", "52 w"},
		{"2025-03-07", "2026-03-07T17:00:00Z", "12 m"},
		{"2024-03-08", "2026-03-07T17:00:00Z", "23 m"},
		{"2020-01-07", "2026-03-07T17:00:00Z", "6 y 2 m"},
		{"2020-03-07", "2026-03-07T17:00:00Z", "6 y"},
		{"2008-03-07", "2026-03-07T17:00:00Z", "18 y"},
		{"1961", "2026-03-07T17:00:00Z", "64 to 65 y"},
		{"1961-03", "2026-04-07T17:00:00Z", "approx 65 y"},
		{"2026-03-07T10:00:00-05:00", "2026-03-07T17:59:00Z", "2 h"},
		{"2026-03-05T10:00:00-05:00", "2026-03-07T15:00:00Z", "2 d"},
		{"2030-01-01", "2026-03-07T17:00:00Z", "age unknown"},
		{"", "2026-03-07T17:00:00Z", "age unknown"},
	} {
		if got := f.Age(clinical.ParseMoment(c.born), at(t, c.now)); got != c.want {
			t.Errorf("Age(%q, %s) = %q, want %q", c.born, c.now, got, c.want)
		}
	}
}

func TestPlainHidesNothing(t *testing.T) {
	for in, want := range map[string]string{
		"a\u202eb\u2066c":          "abc",
		"line\nbreak\tand  gap":    "line break and gap",
		"नमस्ते":                   "नमस्ते",
		" x ":                      "x",
		"\u0645\u06cc\u200c\u062e": "\u0645\u06cc\u200c\u062e", // a joiner that belongs to the word stays
	} {
		if got := clinical.Plain(in); got != want {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}
