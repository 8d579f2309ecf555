package clinical

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// MedicationLine is one medicine of a patient, in the order it is printed.
// Templates print Generic bold and a spaced dash between parts.
type MedicationLine struct {
	ID       string
	Generic  string
	Brand    string
	Strength string
	Form     string
	Dose     string // amount and unit; "" only if Text says it all
	Route    string
	When     string
	Text     string // the prescriber's words, if structure does not say it all
	Status   string // never blank
	Group    MedicationGroup
	Held     bool // suspended: shown with the current ones, marked
	Forbids  bool // an order NOT to give the medicine: never to be read as an order to give it
	Reason   string
	Started  string
	By       string
	Spoken   string // the whole line as one sentence, for labels and signing
	Order    Moment // for sorting; never printed

	full bool // Text is already only what the structure does not say
}

// MedicationGroup says where a line stands.
type MedicationGroup byte

const (
	MedicationCurrent   MedicationGroup = iota // also suspended, and whatever has no known status
	MedicationPast                             // stopped, completed, cancelled
	MedicationWithdrawn                        // entered in error: history only
)

var medicationStatus = map[string]struct {
	words string
	group MedicationGroup
}{
	"active":           {"Active", MedicationCurrent},
	"on-hold":          {"Suspended", MedicationCurrent},
	"draft":            {"Draft, not yet signed", MedicationCurrent},
	"intended":         {"Intended", MedicationCurrent},
	"in-progress":      {"In progress", MedicationCurrent},
	"preparation":      {"In preparation", MedicationCurrent},
	"unknown":          {"Status unknown", MedicationCurrent},
	"completed":        {"Completed", MedicationPast},
	"stopped":          {"Stopped", MedicationPast},
	"cancelled":        {"Cancelled", MedicationPast},
	"declined":         {"Declined", MedicationPast},
	"not-taken":        {"Not taken", MedicationPast},
	"not-done":         {"Not done", MedicationPast},
	"entered-in-error": {"Entered in error", MedicationWithdrawn},
}

// settings say for which place a medicine was ordered: the same drug may be on
// the list of the home and of the ward.
var settings = map[string]string{"inpatient": "on the ward", "community": "at home", "outpatient": "outpatient", "discharge": "for discharge"}

// Medication renders a MedicationRequest, MedicationStatement or
// MedicationAdministration. find returns the Medication a reference points to,
// nil if it is not at hand; find may be nil.
func (f *Formatter) Medication(r *fhir.Resource, find func(reference string) *fhir.Resource) MedicationLine {
	root := r.Root()
	drug := drugOf(r, find)
	line := MedicationLine{
		ID: r.ID(), Generic: drug.Generic, Brand: drug.Brand, Strength: drug.Strength, Form: drug.Form,
		Reason: Concept(root.Get("reasonCode")), By: Party(root.Get("requester")),
	}
	code := root.Get("status").Text()
	if s, ok := medicationStatus[code]; ok {
		line.Status, line.Group = s.words, s.group
	} else {
		line.Status = words(nil, code)
	}
	line.Held = code == "on-hold"
	if root.Get("doNotPerform").Text() == "true" {
		line.Forbids, line.Status = true, forbidden+", order "+strings.ToLower(line.Status)
	}
	if where := settings[codeOf(root.Get("category"), "")]; where != "" && line.Group == MedicationCurrent {
		line.Status += ", " + where
	}
	if why := root.Get("statusReason"); why.Exists() && line.Group != MedicationWithdrawn {
		line.Status += ": " + Spelled(Concept(why))
	}
	line.Order = momentOf(root.Get("authoredOn"))
	if !line.Order.Known() {
		line.Order = momentOf(root.Get("effective"))
	}
	line.Started = f.Date(line.Order)
	if from := momentOf(root.Get("effective")); from.Known() {
		line.Started = f.Date(from)
	}
	f.dosage(&line, root)
	line.Spoken = line.spoken()
	return line
}

// forbidden stands in the status of an order not to give a medicine, R4's
// doNotPerform.
const forbidden = "DO NOT GIVE"

const (
	noDose  = "not recorded"
	noTimes = "times not recorded"
)

// dosage fills dose, route and time; several steps are given in words, one
// after the other, so that none is lost.
func (f *Formatter) dosage(line *MedicationLine, root fhir.Node) {
	name := "dosageInstruction"
	if root.Get("dosage").Exists() {
		name = "dosage"
	}
	var steps, limits string
	var before fhir.Node
	n := 0
	for d := range root.All(name) {
		n++
		dose, route, when, written := doseOf(d), routeOf(d), f.frequency(d, line.Order), Spelled(d.Get("text").Text())
		line.Dose, line.Route, line.When, line.Text = dose, route, when, written
		limits = limitsOf(d)
		if n > 1 {
			steps += between(before, d)
		}
		steps += join(" – ", dose, route, when, written, limits)
		before = d
	}
	switch {
	case n == 0 && line.Forbids: // "DOSE not recorded" would read as an order to give
	case n == 0:
		line.Dose, line.When = noDose, noTimes
	case n > 1:
		line.Dose, line.Route, line.When = "", "", ""
		line.Text = steps
	case limits != "":
		line.Text = join(" – ", line.extra(), limits)
		line.full = true
	case line.Dose == "" && line.Text == "":
		line.Dose = noDose
	}
	if line.Dose == "" && n == 1 && line.Text == limits {
		line.Dose = noDose
	}
	if line.When == "" && !line.Forbids && (line.Text == "" || n == 1 && line.Text == limits) {
		line.When = noTimes
	}
}

// between says how a step follows the one before: after it if the order gives
// them different numbers, else beside it (R4: the same number is at the same
// time), as a dose of the morning and another of the evening.
func between(before, next fhir.Node) string {
	a, b := before.Get("sequence").Text(), next.Get("sequence").Text()
	if a != "" && b != "" && a != b {
		return "; then "
	}
	return "; and "
}

// limitsOf is what an instruction adds to dose, route and times: a most that
// may not be passed, how to give it, what to heed. None of it may be lost.
func limitsOf(d fhir.Node) string {
	var parts []string
	if most := ratio(d.Get("maxDosePerPeriod"), " in "); most != "" {
		parts = append(parts, "at most "+most)
	}
	for _, limit := range []struct{ name, words string }{{"maxDosePerAdministration", " each time"}, {"maxDosePerLifetime", " in a lifetime"}} {
		if most := Dose(d.Get(limit.name)); most != "" {
			parts = append(parts, "at most "+most+limit.words)
		}
	}
	for _, name := range []string{"site", "method"} {
		if c := d.Get(name); c.Exists() {
			parts = append(parts, name+": "+Spelled(Concept(c)))
		}
	}
	for c := range d.All("additionalInstruction") {
		parts = append(parts, Spelled(Concept(c)))
	}
	if s := Spelled(d.Get("patientInstruction").Text()); s != "" {
		parts = append(parts, s)
	}
	return strings.Join(parts, " – ")
}

func doseOf(d fhir.Node) string {
	rate := d.Get("doseAndRate")
	if !rate.Exists() {
		rate = d // MedicationAdministration.dosage holds dose and rate itself
	}
	dose := rate.Get("dose")
	out := Dose(dose)
	if low := dose.Get("low"); low.Exists() {
		out = span(low, dose.Get("high"))
	}
	speed := rate.Get("rate")
	switch {
	case speed.Get("numerator").Exists():
		out = join(" at ", out, ratio(speed, " per "))
	case speed.Get("low").Exists():
		out = join(" at ", out, span(speed.Get("low"), speed.Get("high")))
	case speed.Exists():
		out = join(" at ", out, Dose(speed))
	}
	return out
}

// span renders a range of doses, naming a unit they share once.
func span(low, high fhir.Node) string {
	if high.Exists() && unitText(low) == unitText(high) && unitText(high) != "" {
		return DoseNumber(low.Get("value").Text()) + " to " + Dose(high)
	}
	return join(" to ", Dose(low), Dose(high))
}

// routes replaces the few names that are not plain words.
var routes = map[string]string{"26643006": "oral", "47625008": "intravenous", "78421000": "intramuscular", "34206005": "subcutaneous",
	"PO": "oral", "IV": "intravenous", "IM": "intramuscular", "SC": "subcutaneous", "SUBCUT": "subcutaneous"}

func routeOf(d fhir.Node) string {
	r := d.Get("route")
	if !r.Exists() {
		return ""
	}
	if w, ok := routes[strings.ToUpper(codeOf(r, ""))]; ok {
		return w
	}
	name := safe(Concept(r))
	if w, ok := routes[strings.ToUpper(name)]; ok {
		return w
	}
	name = strings.ToLower(name)
	return strings.TrimSuffix(strings.TrimSuffix(name, " use"), " route")
}

// LinePart is one part of a medication line after the generic name.
type LinePart struct {
	Text string
	Dose bool // printed bold behind the word DOSE
}

// Parts returns the line's parts after the generic name, in order, without the
// empty ones.
func (m MedicationLine) Parts() []LinePart {
	var parts []LinePart
	for i, p := range []string{m.Brand, m.Strength, m.Form, m.Dose, m.Route, m.When, m.extra()} {
		if p != "" {
			parts = append(parts, LinePart{Text: p, Dose: i == 3})
		}
	}
	return parts
}

// extra is the free text when it adds to the structure.
func (m MedicationLine) extra() string {
	if !m.full && m.Dose != "" && m.When != "" && !adds(m.Text, strings.Join([]string{m.Dose, m.Route, m.When, m.Form}, " ")) {
		return ""
	}
	return m.Text
}

// sameWords are words of free text that say what the structure says otherwise.
var sameWords = map[string]string{
	"mouth": "oral", "orally": "oral", "subcutaneously": "subcutaneous", "intravenously": "intravenous",
	"intramuscularly": "intramuscular", "topically": "topical", "tablet": "tablet", "tablets": "tablet",
}

// adds reports whether free text has a word that is not said yet. In doubt it
// does: a line said twice is better than a word lost.
func adds(text, said string) bool {
	known := map[string]bool{"by": true, "take": true, "once": true, "give": true, "the": true}
	fields := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ' ' || r == ';' || r == '–' })
	}
	for _, w := range fields(said) {
		w = strings.TrimRight(w, ",.")
		known[w] = true
		if same, ok := sameWords[w]; ok {
			known[same] = true
		}
	}
	for _, w := range fields(text) {
		w = strings.TrimRight(w, ",.")
		if same, ok := sameWords[w]; ok {
			w = same
		}
		if !known[w] {
			return true
		}
	}
	return false
}

func (m MedicationLine) spoken() string {
	said := []string{m.Generic}
	if m.Forbids {
		said = []string{forbidden, m.Generic}
	}
	for _, p := range m.Parts() {
		if p.Dose {
			p.Text = "DOSE " + p.Text
		}
		said = append(said, p.Text)
	}
	return strings.Join(append(said, m.Status), " – ")
}
