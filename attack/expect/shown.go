package expect

import (
	"slices"
	"strings"
)

// What a role is there for (minimum necessary, 45 CFR
// 164.502(b)). A type that stands in neither list of a role is unsaid.
var (
	money    = []string{"Coverage", "Claim", "ClaimResponse", "ExplanationOfBenefit", "Account", "Invoice", "PaymentNotice"}
	clinical = []string{
		"Patient", "Encounter", "Condition", "Observation", "AllergyIntolerance", "MedicationRequest", "MedicationStatement",
		"MedicationAdministration", "MedicationDispense", "Immunization", "Procedure", "DiagnosticReport", "DocumentReference", "Composition", "Binary",
		"ServiceRequest", "CarePlan", "Goal", "FamilyMemberHistory", "ClinicalImpression", "Specimen", "QuestionnaireResponse", "Media",
	}
	medicines = []string{"MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration", "AllergyIntolerance"}
	// notes are words that people wrote about people: of no use to who bills,
	// registers or fills.
	notes = []string{
		"DocumentReference", "Composition", "Binary", "CarePlan", "Goal", "FamilyMemberHistory", "ClinicalImpression", "QuestionnaireResponse", "Media",
	}
)

// rule is what a role is shown of types of which it may see some record at all.
type rule struct{ shown, hidden []string }

var rules = map[string]rule{
	"doctor":     {shown: slices.Concat(clinical, []string{"CareTeam", "List", "Appointment", "RelatedPerson"})},
	"nurse":      {shown: []string{"Patient", "Encounter", "Condition", "Observation", "AllergyIntolerance", "MedicationRequest", "Procedure", "Immunization"}, hidden: money},
	"pharmacist": {shown: slices.Concat(medicines, []string{"Condition"}), hidden: slices.Concat(money, notes, []string{"FamilyMemberHistory", "Procedure"})},
	"lab": {shown: []string{"Specimen"}, hidden: slices.Concat(money, notes,
		[]string{"MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration", "Immunization", "Procedure"})},
	"billing": {shown: []string{"Coverage", "Claim"}, hidden: slices.Concat(notes, medicines,
		[]string{"Observation", "DiagnosticReport", "Immunization", "Specimen", "Condition", "Procedure"})},
	"registration": {hidden: slices.Concat(notes, medicines, []string{"Observation", "DiagnosticReport", "Immunization", "Specimen", "Condition", "Procedure"})},
	// Administrators, officers and auditors keep the house, not the charts.
	"admin": {hidden: slices.Concat(clinical, money)}, "privacy": {hidden: slices.Concat(clinical, money)}, "auditor": {hidden: slices.Concat(clinical, money)},
	"charge":  {hidden: money},
	"patient": {shown: clinical}, "proxy": {shown: clinical},
}

// demographics are the elements of Patient that identify and reach somebody.
var demographics = []string{"id", "identifier", "name", "telecom", "address", "birthDate"}

// shown says whether a role is shown a type, or an element of it.
func shown(role string, t Target) Answer {
	r := rules[role]
	switch {
	case slices.Contains(r.hidden, t.Type), t.Element == "presentedForm" && !slices.Contains([]string{"doctor", "patient", "proxy"}, role):
		return Forbidden // of staff, report files are for doctors
	case role == "pharmacist" && t.Type == "Observation", role == "lab" && t.Type == "Observation":
		return results(role, t.Category)
	case role == "lab" && (t.Type == "ServiceRequest" || t.Type == "DiagnosticReport"):
		return labOrders(t)
	case role == "billing" && t.Type == "Patient":
		return within(t.Element, demographics, []string{"text", "photo"})
	case role == "billing" && t.Type == "Encounter":
		return within(t.Element, []string{"id", "class", "type"}, []string{"text"})
	case role == "pharmacist" && t.Type == "Condition", role == "pharmacist" && slices.Contains(medicines, t.Type):
		return within(t.Element, []string{"id", "code", "identifier", "medication"}, nil)
	case role == "nurse" && slices.Contains(r.shown, t.Type):
		return within(t.Element, []string{"id", "code", "identifier", "name", "medication", "value"}, nil)
	case slices.Contains(r.shown, t.Type):
		return Allowed
	}
	return Unsaid
}

// results are Observations: a pharmacist is shown those that the formulary ties to a
// drug, the laboratory its own.
func results(role, category string) Answer {
	switch {
	case category == "social-history", category == "survey":
		return Forbidden
	case role == "lab" && category == "vital-signs":
		return Forbidden
	case role == "pharmacist" && category == "laboratory-formulary", role == "lab" && strings.HasPrefix(category, "laboratory"):
		return Allowed
	case role == "pharmacist" && category == "laboratory-other":
		return Forbidden
	}
	return Unsaid
}

// labOrders: orders and results are the laboratory's, report files are for doctors.
func labOrders(t Target) Answer {
	switch {
	case t.Category != "laboratory":
		return Forbidden
	}
	return within(t.Element, []string{"id", "identifier", "code"}, nil)
}

// within is the answer for a record of which some elements are said to be shown,
// some not, and of the others nothing is said.
func within(element string, yes, no []string) Answer {
	switch {
	case element == "" || slices.Contains(yes, element):
		return Allowed
	case slices.Contains(no, element):
		return Forbidden
	}
	return Unsaid
}

// scoped says whether SMART scopes reach a record for reading. A scope of level patient
// reaches the patient in context alone, one with a category the records of it.
func scoped(scopes []string, t Target, context string) Answer {
	for _, s := range scopes {
		level, rest, _ := strings.Cut(s, "/")
		name, letters, ok := strings.Cut(rest, ".")
		letters, filter, _ := strings.Cut(letters, "?")
		if !ok || name != "*" && name != t.Type || !strings.Contains(letters, "r") {
			continue
		}
		category, _ := strings.CutPrefix(filter, "category=")
		if (level != "patient" || context == t.Patient) && strings.HasPrefix(t.Category, category) {
			return Allowed
		}
	}
	return Forbidden
}

// MayChange is the answer to a change: whom a record is hidden from, and whose scopes
// lack the letter, may not change it. That somebody may look says nothing of changes.
func MayChange(c Caller, t Target, letter string) Answer {
	look := c
	look.Scopes = nil
	lettered := c.Kind == "person"
	for _, s := range c.Scopes {
		level, rest, _ := strings.Cut(s, "/")
		name, letters, _ := strings.Cut(rest, ".")
		look.Scopes = append(look.Scopes, level+"/*.r")
		lettered = lettered || (name == "*" || name == t.Type) && strings.Contains(letters, letter)
	}
	if !lettered || May(look, t) == Forbidden {
		return Forbidden
	}
	return Unsaid
}
