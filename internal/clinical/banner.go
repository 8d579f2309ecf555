package clinical

import (
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// Banner identifies the patient at the top of each page about one patient.
type Banner struct {
	ID        string
	Name      PersonName
	Born      string // `Born 12-Mar-1961 (65 y)`
	Died      string // `Died 03-Jan-2026 (aged 64 y)`, "" for the living
	Deceased  bool
	Gender    string
	MRN       string
	Photo     string // reference of the photo, "" if none
	Allergies AllergyState
	Alert     NameAlert
	Pregnancy string // `Pregnant, 34 weeks`, "" if nothing says so
}

// NameAlert marks patients who are easily taken for another.
type NameAlert struct {
	On     bool
	Reason string
}

// PatientBanner renders the banner of a Patient at an instant.
func (f *Formatter) PatientBanner(patient *fhir.Resource, allergies AllergyState, now time.Time) Banner {
	root := patient.Root()
	born := birth(root)
	b := Banner{
		ID: patient.ID(), Name: Name(root, now), Gender: Gender(root.Get("gender").Text()), MRN: MRN(root),
		Photo: root.Get("photo").Get("url").Text(), Allergies: allergies, Alert: alertOf(root),
	}
	b.Born = "Born " + f.BirthDate(root)
	if !born.Known() {
		b.Born = "Birth date " + strings.ToLower(f.BirthDate(root))
	}
	dead := root.Get("deceased")
	at := ParseMoment(dead.Text())
	switch {
	case at.Known():
		b.Deceased, b.Died = true, "Died "+f.Date(at)+" ("+f.agedAt(born, at)+")"
	case dead.Text() == "true":
		b.Deceased, b.Died = true, "Died, date not recorded"
	default:
		b.Born += " (" + f.Age(born, now) + ")"
	}
	return b
}

// agedAt is the age at death, which needs a day to be exact.
func (f *Formatter) agedAt(born, died Moment) string {
	if !died.Exact() {
		return "age at death about " + f.Age(born, died.at)
	}
	at := died.at
	if died.form == momentDay {
		y, m, d := at.Date()
		at = time.Date(y, m, d, 12, 0, 0, 0, f.zone)
	}
	return "aged " + f.Age(born, at)
}

// BirthDate renders the date of birth alone, as lists show it.
func (f *Formatter) BirthDate(patient fhir.Node) string { return f.DateOf(patient.Get("birthDate")) }

// birth is the moment of birth, with the time if the birthTime extension of the
// birth date gives one.
func birth(patient fhir.Node) Moment {
	date := patient.Get("birthDate")
	for e := range date.All("extension") {
		if e.Get("url").Text() == "http://hl7.org/fhir/StructureDefinition/patient-birthTime" {
			if m := ParseMoment(e.Get("value").Text()); m.Known() {
				return m
			}
		}
	}
	return ParseMoment(date.Text())
}

// alertOf marks what the record itself says: twins, and names that are not
// known or stand in for one.
func alertOf(patient fhir.Node) NameAlert {
	if m := patient.Get("multipleBirth"); m.Text() != "" && m.Text() != "false" {
		reason := "Twin or multiple birth"
		if kindOf(m) == "integer" {
			reason += ", number " + text(m)
		}
		return NameAlert{true, reason}
	}
	for n := range patient.All("name") {
		if use := n.Get("use").Text(); use == "temp" || use == "anonymous" {
			return NameAlert{true, "Temporary or unidentified name"}
		}
	}
	if !patient.Get("name").Exists() {
		return NameAlert{true, "Unidentified patient"}
	}
	return NameAlert{}
}
