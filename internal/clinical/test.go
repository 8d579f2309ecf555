package clinical

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// shortNames are what clinicians call tests whose LOINC names are long. The
// sender's full name is shown beside it, so that serum and urine never merge.
var shortNames = map[string]string{
	"98979-8": "eGFR", "62238-1": "eGFR", "33914-3": "eGFR",
	"6690-2": "White blood cells", "789-8": "Red blood cells", "4548-4": "Hemoglobin A1c",
	"1742-6": "ALT", "1920-8": "AST", "6768-6": "Alkaline phosphatase", "1975-2": "Bilirubin, total",
	"3094-0": "Urea nitrogen", "33762-6": "NT-proBNP", "89579-7": "Troponin I, high sensitivity",
	"85354-9": "Blood pressure", "55284-4": "Blood pressure", "59408-5": "Oxygen saturation", "2708-6": "Oxygen saturation",
	"72514-3": "Pain score", "19935-6": "Peak expiratory flow", "33452-4": "Peak expiratory flow", "8339-4": "Birth weight", "11881-0": "Fundal height", "39156-5": "Body mass index", "9843-4": "Head circumference", "3016-3": "TSH",
	"1988-5": "C-reactive protein", "9318-7": "Albumin to creatinine, urine", "14959-1": "Albumin to creatinine, urine",
}

// testName splits a test's name into what is read first and the rest. Names
// other than LOINC's are kept whole.
func testName(code fhir.Node) (name, detail string) {
	full := Concept(code)
	loinc := codeOf(code, "loinc.org")
	if loinc == "" {
		return full, ""
	}
	display := ""
	for c := range code.All("coding") {
		if c.Get("code").Text() == loinc {
			display = text(c.Get("display"))
		}
	}
	if written := text(code.Get("text")); written != "" && written != display {
		return untagged(written), ""
	}
	if short, ok := shortNames[loinc]; ok {
		if strings.EqualFold(short, full) || full == NotRecorded || display == "" {
			return short, ""
		}
		if rest, ok := strings.CutPrefix(full, short+" "); ok {
			return short, rest
		}
		return short, full
	}
	end := len(full)
	for _, mark := range []string{" [", " in ", " by ", " panel", " - "} {
		if i := strings.Index(full, mark); i > 0 && i < end {
			end = i
		}
	}
	return full[:end], strings.TrimSpace(full[end:])
}
