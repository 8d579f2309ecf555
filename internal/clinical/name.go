package clinical

import (
	"strings"
	"time"
	"unicode"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// PersonName is one name ready to print. It wraps; it is never cut.
type PersonName struct {
	Full      string // FAMILY, Given (Title)
	Preferred string // what the person likes to be called, "" if nothing else
	Latin     string // the name in Latin letters, if Full has none and the record knows it
	Family    string
	Given     string
}

// Name picks and renders the name of a Patient, Practitioner or other person
// whose name element is a list of HumanName.
func Name(person fhir.Node, at time.Time) PersonName {
	best, rank := fhir.Node{}, 0
	var nick string
	for n := range person.All("name") {
		use := n.Get("use").Text()
		if use == "nickname" {
			nick = join(" ", given(n), text(n.Get("family")))
			if nick == "" {
				nick = text(n.Get("text"))
			}
		}
		if r := nameRank(n, use, at); r > rank {
			best, rank = n, r
		}
	}
	p := HumanName(best)
	if nick != "" && !strings.EqualFold(nick, p.Given) {
		p.Preferred = nick
	}
	if !latin(p.Full) {
		p.Latin = latinName(person)
	}
	return p
}

// latinName is a name that every reader of the ward can compare with a
// wristband, "" if none is recorded.
func latinName(person fhir.Node) string {
	for n := range person.All("name") {
		use := n.Get("use").Text()
		if full := HumanName(n).Full; use != "nickname" && use != "old" && latin(full) && full != Unknown {
			return full
		}
	}
	return ""
}

func latin(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Latin, r) })
}

// nameRank prefers the official name, then the usual one, and any name in
// force to one that is over.
func nameRank(n fhir.Node, use string, at time.Time) int {
	rank := map[string]int{"official": 7, "usual": 6, "": 5, "temp": 4, "anonymous": 3, "nickname": 2}[use]
	if rank == 0 {
		rank = 1
	}
	if end := ParseMoment(n.Get("period").Get("end").Text()); end.Known() && end.at.Before(at) {
		return rank
	}
	return rank + 10
}

// HumanName renders one HumanName.
func HumanName(n fhir.Node) PersonName {
	p := PersonName{Family: strings.ToUpper(text(n.Get("family"))), Given: given(n)}
	switch {
	case p.Family != "" && p.Given != "":
		p.Full = p.Family + ", " + p.Given
	default:
		p.Full = p.Family + p.Given
	}
	if p.Full == "" {
		p.Full = orElse(text(n.Get("text")), Unknown)
		return p
	}
	var titles []string
	for t := range n.All("prefix") {
		titles = append(titles, strings.TrimSuffix(text(t), "."))
	}
	if title := join(" ", titles...); title != "" {
		p.Full += " (" + title + ")"
	}
	return p
}

func given(n fhir.Node) string {
	var all []string
	for g := range n.All("given") {
		all = append(all, text(g))
	}
	return join(" ", all...)
}

// Gender renders the administrative gender.
func Gender(code string) string {
	switch code {
	case "male":
		return "Male"
	case "female":
		return "Female"
	case "other":
		return "Other"
	case "unknown":
		return Unknown
	}
	return NotRecorded
}

// MRN returns the medical record number of a patient: the identifier of type
// MR that is in force.
func MRN(patient fhir.Node) string {
	for id := range patient.All("identifier") {
		if identifierType(id) == "MR" && id.Get("use").Text() != "old" {
			return orElse(text(id.Get("value")), NotRecorded)
		}
	}
	return NotRecorded
}

// Identifier is one number of a person beside the MRN, or of a coverage.
type Identifier struct {
	Label  string
	Value  string // masked if the kind demands it
	Masked bool
}

// masked are the kinds of identifier of which only the last four characters
// may be in a page: social security and insurance numbers.
var masked = map[string]string{
	"SS": "Social security number", "SB": "Social beneficiary number", "MB": "Member number", "SN": "Subscriber number",
	"MC": "Medicare number", "MA": "Medicaid number", "HC": "Health card number", "NIIP": "Insurance number",
}

// Identifiers lists the numbers of a patient other than the MRN. The full value
// of a masked one is not in the result.
func Identifiers(patient fhir.Node) []Identifier {
	all := WholeIdentifiers(patient)
	for i := range all {
		for _, label := range masked {
			if all[i].Label == label && !all[i].Masked {
				all[i].Value, all[i].Masked = Mask(all[i].Value), true
			}
		}
	}
	return all
}

// WholeIdentifiers is Identifiers with the values that the record was read with: whole,
// if they were asked for.
func WholeIdentifiers(of fhir.Node) []Identifier {
	var all []Identifier
	for id := range of.All("identifier") {
		kind := identifierType(id)
		if isSSN(id) {
			kind = "SS"
		}
		n := numberAt(id.Get("value"))
		if n.Value == "" || kind == "MR" || kind == "" && !n.Masked {
			continue
		}
		if label, ok := masked[kind]; ok {
			n.Label = label
		} else if n.Label = Concept(id.Get("type")); kind == "" {
			n.Label = "Number"
		}
		all = append(all, n)
	}
	return all
}

// numberAt reads a value, or what is shown of one that is masked.
func numberAt(value fhir.Node) Identifier {
	if s := text(value); s != "" {
		return Identifier{Value: s}
	}
	for x := range value.All("extension") {
		if x.Get("url").Text() == "http://hl7.org/fhir/StructureDefinition/rendered-value" {
			return Identifier{Value: text(x.Get("value")), Masked: true}
		}
	}
	return Identifier{}
}

// Mask hides all but the last four characters; short values entirely.
func Mask(s string) string {
	r := []rune(s)
	if len(r) < 6 {
		return "••••"
	}
	return "•••• " + string(r[len(r)-4:])
}

func isSSN(id fhir.Node) bool { return id.Get("system").Text() == "http://hl7.org/fhir/sid/us-ssn" }

func identifierType(id fhir.Node) string {
	for c := range id.Get("type").All("coding") {
		if code := c.Get("code").Text(); code != "" {
			return code
		}
	}
	if isSSN(id) {
		return "SS"
	}
	return ""
}
