package expect

import "slices"

// Provision is one rule of a Consent in the words of FHIR R4: a condition that lists
// nothing asks for nothing, and what lies in a rule are exceptions to it.
type Provision struct {
	Deny     bool
	Actors   []string // references by which callers are known
	Purposes []string
	Classes  []string // types of records
	Codes    []string
	Labels   []string
	Records  []string // data, meaning instance
	Visits   []string // data, meaning related: an Encounter and what belongs to it
	Idle     bool     // its period is over, or has not begun
	But      []Provision
}

// effect is what a rule comes to for one look.
type effect int

const (
	silence effect = iota
	denial
	permission
)

// says: a rule speaks of a look that meets all its conditions; the exception that speaks
// of it as well has the last word.
func (p Provision) says(c Caller, role string, t Target) effect {
	if p.Idle || !meets(p.Actors, c.Names) || !p.purposed(c, role) || !meets(p.Classes, []string{t.Type}) || !p.reads(t) {
		return silence
	}
	for _, but := range p.But {
		if e := but.says(c, role, t); e != silence {
			return e
		}
	}
	if p.Deny {
		return denial
	}
	return permission
}

// reads says whether it speaks of the record.
func (p Provision) reads(t Target) bool {
	data := len(p.Records)+len(p.Visits) == 0 || slices.Contains(p.Records, t.ID) || t.Visit != "" && slices.Contains(p.Visits, t.Visit)
	return data && meets(p.Codes, t.Codes) && meets(p.Labels, t.Labels)
}

func meets(wanted, have []string) bool {
	return len(wanted) == 0 || slices.ContainsFunc(wanted, func(w string) bool { return slices.Contains(have, w) })
}

// works are the purposes of people's work.
var works = map[string]string{"doctor": "TREAT", "nurse": "TREAT", "pharmacist": "TREAT", "lab": "TREAT", "charge": "TREAT", "billing": "HPAYMT",
	"registration": "HOPERAT", "admin": "HOPERAT", "patient": "PATRQT", "proxy": "FAMRQT"}

// purposed: purpose of use is asked for. A denial is not got out of by stating another
// purpose than that of one's work, nor by stating none; a permission is for the purpose
// that is stated.
func (p Provision) purposed(c Caller, role string) bool {
	work := works[role]
	switch {
	case len(p.Purposes) == 0:
		return true
	case p.Deny:
		return slices.Contains(p.Purposes, c.Purpose) || slices.Contains(p.Purposes, work) || c.Purpose == "" && work == ""
	case c.Purpose != "":
		return slices.Contains(p.Purposes, c.Purpose)
	}
	return slices.Contains(p.Purposes, work)
}

// wished applies the Consents of a patient to what one role asks for. The wish is against
// others, not against herself (45 CFR 164.524), and an emergency is treated with what is
// withheld (164.522(a)(1)(iii)).
func wished(role string, c Caller, t Target) Answer {
	if role == "patient" && slices.Contains(t.Relations, "self") {
		return Allowed
	}
	for _, p := range t.Consents {
		if p.says(c, role, t) != denial {
			continue
		}
		switch {
		case c.Kind == "person" && slices.Contains(t.Relations, "emergency"):
		case role == "proxy" && len(p.Actors) == 0:
			return Unsaid // who acts for her stands where she does (164.502(g)), unless he is named
		case role == "registration" && (t.Type == "Consent" || t.Type == "Patient"), role == "privacy" && t.Type == "Consent":
			return Unsaid // they keep the paper
		default:
			return Forbidden
		}
	}
	if slices.ContainsFunc(t.Consents, func(p Provision) bool { return p.doubtful(c, t) }) {
		return Unsaid
	}
	return Allowed
}

// coded are the types whose code everybody takes from the same place.
var coded = []string{"Condition", "Observation", "AllergyIntolerance", "MedicationRequest", "Procedure", "DiagnosticReport", "ServiceRequest"}

// doubtful: whether a code that is looked for in a record without an element of that name
// keeps it closed is not said; nor what becomes of who does two kinds of work, of which
// one is denied.
func (p Provision) doubtful(c Caller, t Target) bool {
	return p.Deny && (len(p.Codes) > 0 && !slices.Contains(coded, t.Type) || len(c.Roles) > 1 && slices.ContainsFunc(c.Roles, func(role string) bool { return p.says(c, role, t) == denial })) ||
		slices.ContainsFunc(p.But, func(but Provision) bool { return but.doubtful(c, t) })
}

// opened says whether a Consent opens the record to the caller. One that names nobody
// says no more than the house itself.
func opened(role string, c Caller, t Target) bool {
	return slices.ContainsFunc(t.Consents, func(p Provision) bool { return len(p.Actors) > 0 && p.says(c, role, t) == permission })
}

// released says what reaches a patient and who acts for her: all, but for what is held,
// and but for what a minor keeps to herself. Neither bears on those who treat her.
func released(role string, c Caller, t Target) Answer {
	if role != "patient" && role != "proxy" {
		return Allowed
	}
	for _, h := range t.Holds {
		if h.says(c, role, t) == denial {
			return Forbidden
		}
	}
	switch {
	case role == "proxy" && t.Confidential:
		return Forbidden
	case role == "proxy" && t.Doubtful:
		return Unsaid
	}
	return Allowed
}

// own: to a record of one's own nobody comes by one's work. It is opened as to any other
// patient, by the role of one.
func own(role string, t Target) Answer {
	if t.Own && role != "patient" {
		return Forbidden
	}
	return Allowed
}

// MayState says who may unmask for a purpose: of those whose work may need a whole number,
// nobody for what is none of theirs, and nobody who says no purpose.
func MayState(c Caller, purpose string) Answer {
	c.Purpose = purpose
	if c.Kind != "client" {
		c.Roles = c.working()
	}
	if MayUnmask(c) == Forbidden || !slices.Contains([]string{"HPAYMT", "TREAT", "HOPERAT", "PATRQT", "FAMRQT"}, purpose) {
		return Forbidden
	}
	return Unsaid
}
