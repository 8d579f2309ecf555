package clinical

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

var clinicalStatus = map[string]string{
	"active": "Active", "recurrence": "Recurrence", "relapse": "Relapse", "inactive": "Inactive", "remission": "In remission", "resolved": "Resolved",
}

var verification = map[string]string{
	"unconfirmed": "unconfirmed", "presumed": "presumed", "provisional": "provisional", "differential": "differential",
	"confirmed": "confirmed", "refuted": "refuted", "entered-in-error": "entered in error",
}

// ProblemLine is one condition.
type ProblemLine struct {
	ID        string
	Name      string
	Status    string
	Severity  string // "" if none was recorded
	Onset     string
	Ended     string // "" while it lasts
	Recorded  string
	By        string
	Current   bool
	Withdrawn bool
	Refuted   bool
}

// Problem renders a Condition. One without a clinical status stays current: it
// is safer to show too much.
func (f *Formatter) Problem(r *fhir.Resource) ProblemLine {
	root := r.Root()
	clinical, verified := codeOf(root.Get("clinicalStatus"), ""), codeOf(root.Get("verificationStatus"), "")
	p := ProblemLine{
		ID: r.ID(), Name: Concept(root.Get("code")), Onset: f.when(root.Get("onset")), Recorded: f.DateOf(root.Get("recordedDate")),
		By: Party(root.Get("recorder")), Withdrawn: verified == "entered-in-error", Refuted: verified == "refuted",
	}
	p.Status = join(", ", words(clinicalStatus, clinical), verification[verified])
	if s := root.Get("severity"); s.Exists() {
		p.Severity = Concept(s)
	}
	if end := root.Get("abatement"); end.Exists() {
		p.Ended = f.when(end)
	}
	switch clinical {
	case "inactive", "remission", "resolved":
	default:
		p.Current = !p.Withdrawn && verified != "refuted"
	}
	return p
}

// when renders onset, abatement and the like, which may be a date, a Period, an
// Age, a Range or words.
func (f *Formatter) when(n fhir.Node) string {
	switch kindOf(n) {
	case "age":
		return "At age " + Dose(n)
	case "range":
		return "At age " + join(" to ", Dose(n.Get("low")), Dose(n.Get("high")))
	case "string":
		return orElse(text(n), NotRecorded)
	case "period":
		return f.Period(n)
	}
	return f.DateOf(n)
}

// EncounterLine is one stay or visit.
type EncounterLine struct {
	ID       string
	Class    string
	Kind     string
	Status   string
	Start    string
	End      string
	Place    string
	Reason   string
	With     string
	Ongoing  bool
	Order    Moment // for sorting; never printed
	Location string // reference of the current location, "" if none
}

var encounterStatus = map[string]string{
	"planned": "Planned", "arrived": "Arrived", "triaged": "Triaged", "in-progress": "In progress", "onleave": "On leave",
	"finished": "Finished", "cancelled": "Cancelled", "entered-in-error": "Entered in error", "unknown": "Status unknown",
}

var encounterClass = map[string]string{
	"AMB": "Ambulatory", "EMER": "Emergency", "IMP": "Inpatient", "ACUTE": "Inpatient, acute", "NONAC": "Inpatient, not acute",
	"OBSENC": "Observation", "PRENC": "Pre-admission", "SS": "Short stay", "VR": "Virtual", "HH": "Home health", "FLD": "Field",
}

// Encounter renders an Encounter.
func (f *Formatter) Encounter(r *fhir.Resource) EncounterLine {
	root := r.Root()
	code := root.Get("status").Text()
	class := root.Get("class")
	e := EncounterLine{
		ID: r.ID(), Class: encounterClass[class.Get("code").Text()], Kind: Concept(root.Get("type")), Status: words(encounterStatus, code),
		Start: f.DateTimeOf(root.Get("period").Get("start")), End: f.DateTimeOf(root.Get("period").Get("end")),
		Reason: shown(r, "reasonCode", Concept(root.Get("reasonCode"))), With: shown(r, "participant", Party(root.Get("participant").Get("individual"))),
		Order: momentOf(root.Get("period")),
	}
	if e.Class == "" {
		e.Class = orElse(text(class.Get("display")), NotRecorded)
	}
	switch code {
	case "arrived", "triaged", "in-progress", "onleave":
		e.Ongoing = true
		e.End = "Not ended"
	}
	e.Place, e.Location = place(root)
	return e
}

// shown returns the words for an element, unless the reader is not shown it: then they
// would say that it was not recorded.
func shown(r *fhir.Resource, element, words string) string {
	if r.Hides(element) {
		return NotShown
	}
	return words
}

// Bed is where an encounter takes place now: its active locations from ward to
// bed, "" if none is named.
func Bed(encounter *fhir.Resource) string {
	var places []string
	for l := range encounter.Root().All("location") {
		if s := l.Get("status").Text(); s != "" && s != "active" {
			continue
		}
		if d := text(l.Get("location").Get("display")); d != "" {
			places = append(places, d)
		}
	}
	return strings.Join(places, ", ")
}

// place is the active location of an encounter, else its last, else the
// organisation that provides it.
func place(root fhir.Node) (display, reference string) {
	for l := range root.All("location") {
		at := l.Get("location")
		if s := l.Get("status").Text(); s == "completed" && display != "" {
			continue
		}
		display, reference = Party(at), at.Get("reference").Text()
		if l.Get("status").Text() == "active" {
			return display, reference
		}
	}
	if display == "" {
		display = Party(root.Get("serviceProvider"))
	}
	return display, reference
}
