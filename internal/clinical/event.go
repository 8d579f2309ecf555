package clinical

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// EventLine is one entry of a patient's history.
type EventLine struct {
	ID     string
	Kind   string
	What   string
	When   string
	Detail string
	Status string
	Untrue bool   // entered in error, refuted, or not done: struck
	Order  Moment // for sorting; never printed
}

var eventStatus = map[string]string{
	"preparation": "In preparation", "in-progress": "In progress", "not-done": "Not done", "on-hold": "Suspended",
	"stopped": "Stopped", "completed": "Completed", "entered-in-error": "Entered in error", "unknown": "Status unknown",
}

// Event renders a record for the history; ok is false for types that have no
// place in it.
func (f *Formatter) Event(r *fhir.Resource) (e EventLine, ok bool) {
	root := r.Root()
	switch r.Type() {
	case "Encounter":
		v := f.Encounter(r)
		e = EventLine{Kind: "Visit", What: v.Class, Detail: recorded(v.Kind, v.Reason, v.Place), Status: v.Status, Order: v.Order}
	case "Condition":
		v := f.Problem(r)
		e = EventLine{Kind: "Problem", What: v.Name, Detail: v.Severity, Status: v.Status, Order: momentOf(root.Get("onset"))}
		if !e.Order.Known() {
			e.Order = momentOf(root.Get("recordedDate"))
		}
	case "MedicationRequest":
		v := f.Medication(r, nil)
		e = EventLine{Kind: "Medication", What: strings.TrimSuffix(v.Spoken, " – "+v.Status), Status: v.Status, Order: v.Order}
	case "AllergyIntolerance":
		v := f.allergy(root, r.ID())
		e = EventLine{Kind: "Allergy", What: v.Substance, Detail: v.Reactions, Status: v.Status, Order: momentOf(root.Get("recordedDate"))}
	case "Procedure":
		e = EventLine{Kind: "Procedure", What: Concept(root.Get("code")), Detail: recorded(Concept(root.Get("reasonCode"))), Status: words(eventStatus, root.Get("status").Text()), Order: momentOf(root.Get("performed"))}
	case "Immunization":
		e = EventLine{Kind: "Immunization", What: Concept(root.Get("vaccineCode")), Status: words(eventStatus, root.Get("status").Text()), Order: momentOf(root.Get("occurrence"))}
	case "DiagnosticReport":
		e = EventLine{Kind: "Report", What: Concept(root.Get("code")), Detail: recorded(Party(root.Get("performer")), orElse(text(root.Get("conclusion")), NotRecorded)), Status: words(resultStatus, root.Get("status").Text()), Order: momentOf(root.Get("effective"))}
	case "DocumentReference":
		v := f.Document(r)
		e = EventLine{Kind: "Document", What: v.Title, Detail: v.Format, Status: v.Status, Order: v.Order}
	default:
		return e, false
	}
	e.ID = r.ID()
	for _, code := range []string{root.Get("status").Text(), codeOf(root.Get("verificationStatus"), "")} {
		e.Untrue = e.Untrue || code == "entered-in-error" || code == "refuted" || code == "not-done"
	}
	e.Order = f.placed(e.Order)
	e.When = f.DateTime(e.Order)
	return e, true
}

// recorded joins what was recorded and leaves out what was not.
func recorded(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != NotRecorded && p != NotShown {
			kept = append(kept, p)
		}
	}
	return join(" – ", kept...)
}
