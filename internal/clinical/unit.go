package clinical

import (
	"regexp"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// doseUnits maps units as they arrive (UCUM codes, RxNorm's capitals, habits)
// to the words that ISMP's list of error-prone abbreviations leaves standing.
var doseUnits = map[string]string{
	"ug": "mcg", "µg": "mcg", "μg": "mcg", "mcg": "mcg", "mg": "mg", "g": "g", "kg": "kg", "ng": "ng", "gm": "g",
	"ml": "mL", "cc": "mL", "l": "L", "dl": "dL", "ul": "microL", "µl": "microL",
	"u": "units", "iu": "units", "[iu]": "units", "[iu'u]": "units", "unt": "units", "unit": "units", "units": "units", "[usp'u]": "units",
	"meq": "mEq", "mmol": "mmol", "mol": "mol", "cal": "calories", "kcal": "kcal", "%": "%",
	"actuat": "actuation", "{actuat}": "actuation", "{actuation}": "actuation", "puff": "puff", "{puff}": "puff",
	"hr": "hour", "h": "hour", "min": "minute", "s": "second", "d": "day", "wk": "week", "mo": "month", "a": "year",
	"[drp]": "drop", "drop": "drop", "[tsp_us]": "teaspoon", "tab": "tablet", "tabs": "tablet", "cap": "capsule",
	"sqcm": "square cm", "cm2": "square cm", "m2": "square metre", "[lb_av]": "lb", "bau": "BAU", "mci": "mCi",
	"mg/ml": "mg per mL", "ng/kg": "ng per kg",
}

// countable units take an s.
var countable = map[string]bool{
	"tablet": true, "capsule": true, "puff": true, "drop": true, "actuation": true, "patch": true, "spray": true,
	"teaspoon": true, "hour": true, "day": true, "week": true, "month": true, "year": true, "minute": true, "second": true,
	"suppository": true, "vial": true, "dose": true, "calorie": true, "lozenge": true, "sachet": true,
}

// DoseUnit renders the unit of a dose. A slash reads "per".
func DoseUnit(unit string) string {
	unit = strings.TrimSuffix(Plain(unit), ".")
	if word, ok := doseUnits[strings.ToLower(unit)]; ok {
		return word
	}
	if over, under, ok := strings.Cut(unit, "/"); ok && over != "" && under != "" {
		return DoseUnit(over) + " per " + DoseUnit(under)
	}
	if inner, ok := strings.CutPrefix(unit, "{"); ok && strings.HasSuffix(inner, "}") {
		return DoseUnit(inner[:len(inner)-1])
	}
	if word := strings.ToLower(unit); countable[strings.TrimSuffix(word, "s")] {
		return strings.TrimSuffix(word, "s")
	}
	return safe(unit)
}

// Dose renders an amount with its unit, `0.5 mg`, `1,000 mcg`, `2 tablets`.
func Dose(q fhir.Node) string {
	value := q.Get("value").Text()
	if value == "" {
		return ""
	}
	unit := q.Get("unit").Text()
	if unit == "" {
		unit = q.Get("code").Text()
	}
	if unit == "" {
		return DoseNumber(value) + " (unit not recorded)"
	}
	return comparator(q) + withUnit(DoseNumber(value), DoseUnit(unit))
}

func withUnit(number, unit string) string {
	if countable[unit] && number != "1" {
		if base, ok := strings.CutSuffix(unit, "y"); ok && unit != "day" {
			unit = base + "ie"
		}
		if unit == "patch" {
			unit += "e"
		}
		unit += "s"
	}
	if unit == "%" {
		return number + "%"
	}
	return number + " " + unit
}

// comparator writes in words what a sign could lose: "<" beside a dose reads
// like a digit.
func comparator(q fhir.Node) string {
	return map[string]string{"<": "less than ", "<=": "at most ", ">=": "at least ", ">": "more than ", "ad": "enough to reach "}[q.Get("comparator").Text()]
}

// bothNumbers finds "0.15/30", the strengths of a combination.
var bothNumbers = regexp.MustCompile(`(\d)\s*/\s*(\d)`)

var unsafe = strings.NewReplacer("@", " at ", "|", " ", "<", " less than ", ">", " more than ", "/", " per ", "\\", " ", "&", " and ", "°", " degrees ")

// safe replaces the characters that a medication line must not bear.
func safe(s string) string {
	return Plain(unsafe.Replace(bothNumbers.ReplaceAllString(s, "$1 and $2")))
}

// labUnits are UCUM codes whose brackets say nothing to a reader. The unit
// itself is never changed.
var labUnits = map[string]string{
	"mm[Hg]": "mmHg", "cm[H2O]": "cmH2O", "Cel": "°C", "[degF]": "°F", "[pH]": "pH", "{INR}": "INR", "{score}": "score",
	"{count}": "count", "{T-score}": "T-score", "{nominal}": "", "{ratio}": "ratio", "[in_i]": "in", "[lb_av]": "lb",
	"10*3/uL": "×10³/microL", "10*6/uL": "×10⁶/microL", "10*9/L": "×10⁹/L", "10*12/L": "×10¹²/L",
	"mL/min/{1.73_m2}": "mL/min/1.73 m²", "kg/m2": "kg/m²", "/min": "per min", "{beats}/min": "beats per min", "{breaths}/min": "breaths per min",
	"1": "", "m[IU]/L": "mIU/L", "[IU]/L": "IU/L", "u[IU]/mL": "microIU/mL", "umol/L": "micromol/L",
}

// LabUnit renders the unit of a result as reported: only the micro sign, which
// reads as an m, and UCUM's brackets are written out.
func LabUnit(unit string) string {
	unit = Plain(unit)
	if word, ok := labUnits[unit]; ok {
		return word
	}
	for _, micro := range []string{"µg", "μg", "ug"} {
		if rest, ok := strings.CutPrefix(unit, micro); ok && (rest == "" || rest[0] == '/') {
			return "mcg" + rest
		}
	}
	return strings.NewReplacer("µ", "micro", "μ", "micro").Replace(unit)
}
