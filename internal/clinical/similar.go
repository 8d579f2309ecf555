package clinical

import (
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// PatientRow is a patient in a list: the name, two identifiers, and what tells
// people with similar names apart.
type PatientRow struct {
	ID        string
	Name      PersonName
	Born      string // `12-Mar-1961 (65 y)`
	Gender    string
	MRN       string
	Place     string // ward and bed
	Deceased  bool
	Died      string
	Alert     NameAlert
	Allergies string // "" where lists do not show them
	Address   string // where the patient lives, for those with a name alert
}

// Row renders a patient for a list. place is the ward and bed, or "".
func (f *Formatter) Row(patient *fhir.Resource, place string, now time.Time) PatientRow {
	b := f.PatientBanner(patient, AllergyState{}, now)
	return PatientRow{
		ID: b.ID, Name: b.Name, Born: strings.TrimPrefix(b.Born, "Born "), Gender: b.Gender, MRN: b.MRN,
		Place: orElse(Plain(place), "No ward recorded"), Deceased: b.Deceased, Died: b.Died, Alert: b.Alert,
		Address: address(patient.Root().Get("address")),
	}
}

func address(n fhir.Node) string {
	if s := text(n.Get("text")); s != "" {
		return s
	}
	lines := ""
	for l := range n.All("line") {
		lines = join(", ", lines, text(l))
	}
	return orElse(join(", ", lines, text(n.Get("city"))), NotRecorded)
}

// MarkSimilar sets the name alert of every row whose name could be read for
// that of another row: in the list, in the ward, in what was found.
func MarkSimilar(rows []PatientRow) {
	keys := make([][2]string, len(rows))
	for i, r := range rows {
		keys[i] = [2]string{folded(r.Name.Family), folded(r.Name.Given)}
	}
	for i := range rows {
		if rows[i].Alert.On {
			continue
		}
		var alert NameAlert
		for j := range rows {
			switch {
			case i == j || rows[i].ID == rows[j].ID || !similar(keys[i], keys[j]):
			case keys[i] == keys[j] && rows[i].Born == rows[j].Born:
				alert = NameAlert{true, "Same name and birth date as another in this list: compare MRN and address"}
			case !alert.On:
				alert = NameAlert{true, "Similar name in this list"}
			}
		}
		rows[i].Alert = alert
	}
}

// Similar reports whether two names could be taken for one another.
func Similar(a, b PersonName) bool {
	return similar([2]string{folded(a.Family), folded(a.Given)}, [2]string{folded(b.Family), folded(b.Given)})
}

func similar(a, b [2]string) bool {
	if a[0] == "" || b[0] == "" || distance(a[0], b[0]) > slack(a[0]) {
		return false
	}
	x, y := firstWord(a[1]), firstWord(b[1])
	if x == "" || y == "" || distance(x, y) <= slack(x) {
		return true
	}
	return len(x) >= 3 && len(y) >= 3 && x[:3] == y[:3]
}

// slack is the number of letters that may differ before an eye notices.
func slack(s string) int {
	if len(s) > 4 {
		return 1
	}
	return 0
}

// folded is a name as a hurried reader sees it: small letters without marks,
// spaces and digits.
func folded(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case unicode.IsLetter(r):
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte(' ')
		}
	}
	return strings.TrimSpace(b.String())
}

func firstWord(s string) string {
	first, _, _ := strings.Cut(s, " ")
	return first
}

// distance is the Levenshtein distance, up to 2: more is far enough.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if d := len(x) - len(y); d > 1 || d < -1 {
		return 2
	}
	before := make([]int, len(y)+1)
	for j := range before {
		before[j] = j
	}
	for i, r := range x {
		diagonal := before[0]
		before[0] = i + 1
		for j, s := range y {
			cost := diagonal
			if r != s {
				cost = min(diagonal, before[j], before[j+1]) + 1
			}
			diagonal, before[j+1] = before[j+1], cost
		}
	}
	return min(before[len(y)], 2)
}
