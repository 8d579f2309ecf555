package clinical

import (
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// GivenLine is one administration of a medicine.
type GivenLine struct {
	ID      string
	When    string // with the offset in the hour that a clock change repeats
	Generic string
	Brand   string
	Dose    string
	Route   string
	Status  string
	Reason  string // why it was not given, "" if none was recorded
	By      string
	Done    bool // false: not given, stopped, or entered in error
	Order   Moment
}

// Given renders a MedicationAdministration.
func (f *Formatter) Given(r *fhir.Resource, find func(reference string) *fhir.Resource) GivenLine {
	root := r.Root()
	drug := drugOf(r, find)
	code := root.Get("status").Text()
	g := GivenLine{
		ID: r.ID(), Generic: drug.Generic, Brand: drug.Brand, Order: f.placed(momentOf(root.Get("effective"))),
		Dose: orElse(doseOf(root.Get("dosage")), "dose not recorded"), Route: routeOf(root.Get("dosage")),
		Status: words(givenStatus, code), By: Party(root.Get("performer").Get("actor")), Done: code == "completed" || code == "in-progress",
	}
	g.When = f.DateTime(g.Order)
	if why := root.Get("statusReason"); why.Exists() {
		g.Reason = Concept(why)
	}
	return g
}

var givenStatus = map[string]string{
	"completed": "Given", "in-progress": "Being given", "not-done": "Not given", "on-hold": "Paused", "stopped": "Stopped",
	"entered-in-error": "Entered in error", "unknown": "Status unknown",
}
