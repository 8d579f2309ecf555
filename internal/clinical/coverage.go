package clinical

import (
	"slices"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// CoverageLine is one insurance of a patient.
type CoverageLine struct {
	ID      string
	Plan    string
	Payer   string
	Member  string // who the patient is to the subscriber
	Status  string
	From    string
	Numbers []Identifier
}

var coverageStatus = map[string]string{
	"active": "Active", "cancelled": "Cancelled", "draft": "Draft", "entered-in-error": "Entered in error",
}

// Coverage renders an insurance. Its numbers are as they were read, each once.
func (f *Formatter) Coverage(r *fhir.Resource) CoverageLine {
	root := r.Root()
	line := CoverageLine{
		ID: r.ID(), Plan: Concept(root.Get("type")), Payer: Party(root.Get("payor")), Member: Concept(root.Get("relationship")),
		Status: words(coverageStatus, root.Get("status").Text()), From: f.DateOf(root.Get("period").Get("start")),
	}
	add := func(n Identifier, label string) {
		if n.Label == "" || n.Label == NotRecorded {
			n.Label = label
		}
		if n.Value != "" && !slices.ContainsFunc(line.Numbers, func(have Identifier) bool { return have.Value == n.Value }) {
			line.Numbers = append(line.Numbers, n)
		}
	}
	for _, n := range WholeIdentifiers(root) {
		add(n, "Member number")
	}
	add(numberAt(root.Get("subscriberId")), "Subscriber number")
	return line
}
