package emergency

import (
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

// Whom is whom the locator seeks: by the whole number, or by the full name and the
// birth date.
type Whom struct {
	MRN           string
	Given, Family string
	Born          string // YYYY-MM-DD
}

// Trimmed returns w without spaces too many.
func (w Whom) Trimmed() Whom {
	for _, s := range []*string{&w.MRN, &w.Given, &w.Family, &w.Born} {
		*s = strings.Join(strings.Fields(*s), " ")
	}
	return w
}

func (w *Whom) named() bool { return w.Given != "" && w.Family != "" && w.Born != "" }

// Check says what is missing.
func (w *Whom) Check() error {
	const op = "emergency.Whom"
	for _, s := range []string{w.MRN, w.Given, w.Family, w.Born} {
		if len(s) > 200 {
			return fault.New(fault.Invalid, op, "That is too long for a number or a name.")
		}
	}
	if w.MRN == "" && !w.named() {
		return fault.New(fault.Invalid, op, "Give the whole MRN, or given name, family name and birth date.")
	}
	if _, err := time.Parse(time.DateOnly, w.Born); w.Born != "" && err != nil {
		return fault.New(fault.Invalid, op, "Write the birth date as 1961-03-12.")
	}
	return nil
}

// Is reports whether the patient is described by the number, or by the full name and
// the birth date; closely, by both.
func (w *Whom) Is(patient *fhir.Resource, closely bool) bool {
	number, person := w.MRN != "" && hasMRN(patient, w.MRN), w.named() && w.person(patient)
	if closely {
		return number && person
	}
	return (w.MRN == "" || number) && (!w.named() || person) && (number || person)
}

func (w *Whom) person(patient *fhir.Resource) bool {
	if patient.Root().Get("birthDate").Text() != w.Born {
		return false
	}
	for name := range patient.Root().All("name") {
		var given []string
		for g := range name.All("given") {
			given = append(given, g.Text())
		}
		if len(given) == 0 {
			continue
		}
		family, first, all := search.Normal(name.Get("family").Text()), search.Normal(given[0]), search.Normal(strings.Join(given, " "))
		is := func(f, g string) bool { return f == family && (g == first || g == all) }
		if f, g := search.Normal(w.Family), search.Normal(w.Given); is(f, g) || is(g, f) { // people write them in either order
			return true
		}
	}
	return false
}

// hasMRN reports whether the patient has, or had, the medical record number.
func hasMRN(patient *fhir.Resource, mrn string) bool {
	for id := range patient.Root().All("identifier") {
		if id.Get("value").Text() == mrn && IsMRN(id) {
			return true
		}
	}
	return false
}

// IsMRN reports whether an identifier is a medical record number.
func IsMRN(id fhir.Node) bool {
	for coding := range id.Get("type").All("coding") {
		if coding.Get("code").Text() == "MR" {
			return true
		}
	}
	return false
}
