package clinical_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/clinical"
)

func TestDoseNumbers(t *testing.T) {
	for in, want := range map[string]string{
		"0.5": "0.5", "0.50": "0.5", "1.0": "1", "5.00": "5", "1000": "1,000", "999": "999", "1234567.80": "1,234,567.8",
		"0": "0", "0.0": "0", "-0.50": "-0.5", "1e3": "1,000", "2.5E-1": "0.25", "1.50e2": "150", ".5": "0.5", "010": "10",
		"twenty": "twenty", "": "", "1e99999": "1e99999", "100000.125": "100,000.125",
	} {
		if got := clinical.DoseNumber(in); got != want {
			t.Errorf("DoseNumber(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDoseNumberNeverMisleads(t *testing.T) {
	shape := regexp.MustCompile(`^-?(0|[1-9]\d{0,2}(,\d{3})*)(\.\d*[1-9])?$`)
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.Int64Range(0, 1e12).Draw(t, "whole")
		part := rapid.StringMatching(`(\.[0-9]{1,8})?`).Draw(t, "part")
		in := fmt.Sprint(whole) + part
		got := clinical.DoseNumber(in)
		if !shape.MatchString(got) {
			t.Fatalf("DoseNumber(%q) = %q", in, got)
		}
		back := strings.ReplaceAll(got, ",", "")
		if want := strings.TrimSuffix(strings.TrimRight(in, "0"), "."); part != "" && back != want {
			t.Fatalf("DoseNumber(%q) = %q lost digits", in, got)
		}
	})
}

func TestDoseUnits(t *testing.T) {
	for in, want := range map[string]string{
		"ug": "mcg", "µg": "mcg", "μg": "mcg", "MCG": "mcg", "U": "units", "IU": "units", "[iU]": "units", "UNT": "units",
		"cc": "mL", "ml": "mL", "mL": "mL", "mg.": "mg", "MG/ML": "mg per mL", "UNT/ML": "units per mL", "MG/ACTUAT": "mg per actuation",
		"{tablet}": "tablet", "Tablets": "tablet", "mg/kg/h": "mg per kg per hour",
	} {
		if got := clinical.DoseUnit(in); got != want {
			t.Errorf("DoseUnit(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDoses(t *testing.T) {
	for in, want := range map[string]string{
		`{"value":0.50,"unit":"mg"}`:                                     "0.5 mg",
		`{"value":1000,"unit":"ug"}`:                                     "1,000 mcg",
		`{"value":10,"unit":"U"}`:                                        "10 units",
		`{"value":2,"unit":"tablet"}`:                                    "2 tablets",
		`{"value":1.0,"unit":"Tablet"}`:                                  "1 tablet",
		`{"value":3,"unit":"patch"}`:                                     "3 patches",
		`{"value":5,"comparator":"<","unit":"mg"}`:                       "less than 5 mg",
		`{"value":1.0}`:                                                  "1 (unit not recorded)",
		`{"value":0.9,"unit":"%"}`:                                       "0.9%",
		`{"unit":"mg"}`:                                                  "",
		`{"value":2.5,"code":"mL","system":"http://unitsofmeasure.org"}`: "2.5 mL",
	} {
		r := parse(t, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":`+in+`}`)
		if got := clinical.Dose(r.Root().Get("value")); got != want {
			t.Errorf("Dose(%s) = %q, want %q", in, got, want)
		}
	}
}

func TestLabUnitsKeepTheUnit(t *testing.T) {
	for in, want := range map[string]string{
		"ug/mL": "mcg/mL", "µg/dL": "mcg/dL", "mm[Hg]": "mmHg", "mmol/L": "mmol/L", "U/L": "U/L", "Cel": "°C", "{INR}": "INR", "umol/L": "micromol/L", "µmol/L": "micromol/L",
	} {
		if got := clinical.LabUnit(in); got != want {
			t.Errorf("LabUnit(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestGenericNames(t *testing.T) {
	for in, want := range map[string]string{
		"Hydralazine Hydrochloride": "hydrALAZINE hydrochloride",
		"HYDROXYZINE":               "hydrOXYzine",
		"amLODIPine":                "amLODIPine",
		"prednisolone":              "prednisoLONE",
		"prednisone":                "predniSONE",
		"Metformin hydrochloride":   "metFORMIN hydrochloride",
		"insulin human, isophane":   "insulin human, isophane",
		"vincristine-like":          "vinCRIStine-like",
	} {
		if got := clinical.Generic(in); got != want {
			t.Errorf("Generic(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDrugs(t *testing.T) {
	for in, want := range map[string]clinical.Drug{
		"amLODIPine 2.5 MG Oral Tablet":                       {Generic: "amLODIPine", Strength: "2.5 mg", Form: "oral tablet"},
		"Acetaminophen 325 MG Oral Tablet [Tylenol]":          {Generic: "acetaminophen", Brand: "TYLENOL", Strength: "325 mg", Form: "oral tablet"},
		"Penicillin V Potassium 250 MG Oral Tablet":           {Generic: "penicillin v potassium", Strength: "250 mg", Form: "oral tablet"},
		"72 HR Fentanyl 0.025 MG/HR Transdermal System":       {Generic: "fentaNYL", Strength: "0.025 mg per hour", Form: "transdermal system, 72 hours"},
		"Verapamil Hydrochloride 40 MG":                       {Generic: "verapamil hydrochloride", Strength: "40 mg"},
		"Vitamin B 12 5 MG/ML Injectable Solution":            {Generic: "vitamin b 12", Strength: "5 mg per mL", Form: "injectable solution"},
		"Jolivette 28 Day Pack":                               {Generic: "jolivette 28 day pack"},
		"NuvaRing 0.12/0.015 MG per 24HR 21 Day Vaginal Ring": {Generic: "nuvaring 0.12 and 0.015 mg per 24hr 21 day vaginal ring"},
		"Acetaminophen 300 MG / Hydrocodone Bitartrate 5 MG Oral Tablet": {
			Generic: "acetaminophen and HYDROcodone bitartrate", Strength: "300 mg and 5 mg", Form: "oral tablet"},
		"Abuse-Deterrent 12 HR Oxycodone Hydrochloride 10 MG Extended Release Oral Tablet [Oxycontin]": {
			Generic: "oxyCODONE hydrochloride", Brand: "OXYCONTIN", Strength: "10 mg", Form: "abuse-deterrent extended release oral tablet, 12 hours"},
		"insulin human, isophane 70 UNT/ML / Regular Insulin, Human 30 UNT/ML Injectable Suspension [Humulin]": {
			Generic: "insulin human, isophane and regular insulin, human", Brand: "HUMULIN", Strength: "70 units per mL and 30 units per mL", Form: "injectable suspension"},
		"co-trimoxazole": {Generic: "co-trimoxazole"},
	} {
		if got := clinical.ParseDrug(in); got != want {
			t.Errorf("ParseDrug(%q)\n got %+v\nwant %+v", in, got, want)
		}
	}
}

func TestSpelledWritesAbbreviationsOut(t *testing.T) {
	for in, want := range map[string]string{
		"10U QD": "10 units daily", "1 tab Q.O.D.": "1 tablet every other day", "5 µg IV": "5 mcg IV", ".5mg bid": "0.5 mg twice daily",
		"2cc TID prn": "2 mL 3 times daily prn", "1.0 mg": "1 mg", "100IU qid": "100 units 4 times daily",
		"Every six hours (qualifier value)\n": "Every six hours", "1/2 tablet & rest": "half a tablet and rest", "hold if BP 90/60": "hold if BP 90 over 60", "5 mg/day": "5 mg per day", "1 1/2 tablets": "1 and a half tablets",
	} {
		if got := clinical.Spelled(in); got != want {
			t.Errorf("Spelled(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestTextIsNotSaidTwice holds for a prescriber's words that repeat the
// structure; words that add something stay.
func TestTextIsNotSaidTwice(t *testing.T) {
	f := formatter(t, "America/New_York")
	for text, shown := range map[string]bool{
		"5 mg by mouth once daily":           false,
		"Take 5 mg orally daily.":            false,
		"5 mg by mouth every evening":        true,
		"50 mg by mouth daily":               true,
		"5 mg daily, hold if pulse under 50": true,
		"5 mg subcutaneously daily":          true,
	} {
		m := f.Medication(parse(t, `{"resourceType":"MedicationRequest","status":"active","intent":"order","medicationCodeableConcept":{"text":"warfarin"},"subject":{"reference":"Patient/p"},"dosageInstruction":[{"text":"`+text+`","route":{"text":"Oral"},"timing":{"repeat":{"frequency":1,"period":1,"periodUnit":"d"}},"doseAndRate":[{"doseQuantity":{"value":5,"unit":"mg"}}]}]}`), nil)
		if got := len(m.Parts()) == 4; got != shown {
			t.Errorf("%q: %s", text, m.Spoken)
		}
	}
}

func TestTestNames(t *testing.T) {
	f := formatter(t, "America/New_York")
	for _, c := range []struct{ code, name, detail string }{
		{`"coding":[{"system":"http://loinc.org","code":"2823-3","display":"Potassium [Moles/volume] in Serum or Plasma"}]`, "Potassium", "[Moles/volume] in Serum or Plasma"},
		{`"coding":[{"system":"http://loinc.org","code":"2828-2","display":"Potassium [Moles/volume] in Urine"}]`, "Potassium", "[Moles/volume] in Urine"},
		{`"coding":[{"system":"http://loinc.org","code":"2823-3","display":"Potassium [Moles/volume] in Serum or Plasma"}],"text":"Kalium"`, "Kalium", ""},
		{`"coding":[{"system":"http://loinc.org","code":"85354-9","display":"Blood pressure panel with all children optional"}]`, "Blood pressure", "panel with all children optional"},
		{`"coding":[{"system":"http://example.org","code":"x","display":"Depth in meadow"}]`, "Depth in meadow", ""},
		{`"coding":[{"system":"http://loinc.org","code":"2823-3"}]`, "Code 2823-3 (no name given)", ""},
		{`"text":"Written"`, "Written", ""},
	} {
		r := f.Result(parse(t, `{"resourceType":"Observation","status":"final","code":{`+c.code+`}}`), nil)
		if r.Test != c.name || r.Detail != c.detail {
			t.Errorf("%s: %q, %q", c.code, r.Test, r.Detail)
		}
	}
}

// TestGivenTwiceInOneHour holds that the night of a clock change keeps both
// doses, in order and told apart.
func TestGivenTwiceInOneHour(t *testing.T) {
	f := formatter(t, "America/New_York")
	given := func(when string) clinical.GivenLine {
		return f.Given(parse(t, `{"resourceType":"MedicationAdministration","status":"completed","medicationCodeableConcept":{"text":"insulin"},"subject":{"reference":"Patient/p"},"effectiveDateTime":"`+when+`","dosage":{"dose":{"value":8,"unit":"U"}}}`), nil)
	}
	first, second := given("2026-11-01T01:30:00-04:00"), given("2026-11-01T01:30:00-05:00")
	if first.When != "01-Nov-2026 01:30 (UTC-04:00)" || second.When != "01-Nov-2026 01:30 (UTC-05:00)" || !first.Order.Time().Before(second.Order.Time()) || first.Dose != "8 units" {
		t.Errorf("%+v %+v", first, second)
	}
}

// FuzzDrug holds that no name loses its letters and none of the characters a
// medication line must not bear gets through.
func FuzzDrug(f *testing.F) {
	for _, s := range []string{"lisinopril 10 MG Oral Tablet", "A / B 5 MG / C", "[x]", "1 ML x", "a@b|c<d>e/f\\g&h°", "", "NDA1 2 HR  3 MG"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d := clinical.ParseDrug(s)
		if bad := strings.ContainsAny(d.Generic+d.Strength+d.Form, `@|<>/\&°`); bad {
			t.Fatalf("ParseDrug(%q) = %+v", s, d)
		}
		if d.Generic == "" && strings.Trim(clinical.Plain(s), " ") != "" && d.Brand == "" {
			t.Fatalf("ParseDrug(%q) lost the name: %+v", s, d)
		}
	})
}
