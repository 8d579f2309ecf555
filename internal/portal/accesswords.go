package portal

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/chart"
)

// accessWords tells of an access in words of people who are no staff.
func accessWords(a Access, names map[string]string, at string) accessRow {
	row := accessRow{Time: at, Who: names[a.Actor], What: whatWords(a.Action, a.Type), Purpose: purposeWord(a.Purpose), Emergency: a.Emergency}
	switch {
	case a.Own:
		row.Who = "You"
	case row.Who == "":
		row.Who = "The hospital’s computer system"
	}
	for _, r := range a.Roles {
		if words := roleWords[r]; words != "" && !a.Own {
			row.Role = words
			break
		}
	}
	if a.Own || row.Role == roleWords["patient"] || row.Role == roleWords["proxy"] {
		row.Purpose = ""
	}
	if a.Client != "" {
		row.App = "by an app that is not known any more"
		if name := names[a.Client]; name != "" {
			row.App = "by the app " + name
		}
	}
	return row
}

var roleWords = map[string]string{
	"doctor": "Doctor", "nurse": "Nurse", "charge": "Nurse in charge", "pharmacist": "Pharmacist", "lab": "Laboratory", "registration": "Registration",
	"billing": "Billing", "privacy": "Privacy office", "auditor": "Auditor", "admin": "Administration", "patient": "Patient", "proxy": "Acts for the patient",
}

var useWords = map[string]string{
	"TREAT": "Treatment", "HPAYMT": "Payment", "HOPERAT": "Running the hospital", "BTG": "Emergency", "PATRQT": "Asked for by the patient", "FAMRQT": "Asked for by the family",
	"PUBHLTH": "Public health", "HRESCH": "Research", "HMARKT": "Marketing", "HCOMPL": "Checking that rules are kept", "HLEGAL": "A legal matter", "HSYSADMIN": "Keeping the computer system running",
	"PATSFTY": "Safety of patients", "HQUALIMP": "Improving care", "TRAIN": "Training",
}

// purposeWord says what an access was for; of a purpose without words of its own, what
// its group is.
func purposeWord(code string) string {
	if words := useWords[code]; words != "" {
		return words
	}
	return useWords[chart.PurposeGroup(code)]
}

// whatWords says what was done, "" never: what is not known is told as just that.
func whatWords(action, typ string) string {
	if page, ok := strings.CutPrefix(typ, "chart: "); ok && action == "view" {
		return or("Opened ", pageWords[page], "a page of the record")
	}
	if words := viewWords[typ]; action == "view" && words != "" {
		return words
	}
	if words := deedWords[action]; words != "" {
		return words
	}
	verb, known := verbWords[action]
	if !known {
		return "Used the record"
	}
	return or(verb+" ", recordWords[typ], "a part of the record")
}

func or(verb, words, otherwise string) string {
	if words == "" {
		return verb + otherwise
	}
	return verb + words
}

var pageWords = map[string]string{
	"overview": "the overview", "results": "laboratory results", "vitals": "vital signs", "medications": "medications", "problems": "problems and diagnoses",
	"allergies": "allergies", "details": "the details of the person and of insurance", "visits": "visits", "documents": "documents", "document": "a document", "history": "the history", "apps": "the list of apps", "who looked": "this page", "privacy": "what was asked for about privacy", "paid in full": "what was paid in full", "keep from the patient": "a page on which something is kept from the patient",
}

var viewWords = map[string]string{
	"ward list": "Saw the name in the list of a ward", "find patient": "Found the name in a search", "find patient: wards": "Looked where the patient lies",
	"who looked at the record": "Asked who looked at the record", "apps": "Chose a patient for an app", "connect an app": "Chose a patient for an app",
}

var deedWords = map[string]string{
	"": "Opened something that this page does not name", "break-glass": "Opened the record in an emergency", "break-glass-again": "Opened the record in an emergency",
	"unmask": "Opened a whole number, such as that of the insurance", "locate": "Asked whether this person is known here", "notify": "News was sent to a program", "events": "News was sent to a program", "transaction": "Used several parts of the record", "batch": "Used several parts of the record",
}

var verbWords = map[string]string{
	"read": "Opened", "vread": "Opened an earlier version of", "history": "Opened earlier versions of", "search": "Looked up", "view": "Opened",
	"create": "Added", "update": "Changed", "patch": "Changed", "delete": "Removed", "export": "Copied",
}

var recordWords = map[string]string{
	"Patient": "name, birth date and address", "Observation": "results and measurements", "DiagnosticReport": "reports", "Condition": "problems and diagnoses",
	"AllergyIntolerance": "allergies", "MedicationRequest": "prescriptions", "MedicationAdministration": "doses given", "MedicationDispense": "medications handed out",
	"MedicationStatement": "medications taken", "Encounter": "visits", "Appointment": "appointments", "Procedure": "procedures", "Immunization": "vaccinations",
	"DocumentReference": "documents", "Binary": "a document", "Composition": "a document", "ImagingStudy": "pictures", "Media": "pictures", "CarePlan": "care plans",
	"CareTeam": "the care team", "Coverage": "insurance", "Claim": "bills", "ExplanationOfBenefit": "bills", "Consent": "consents", "ServiceRequest": "orders",
	"RelatedPerson": "relatives and who acts for the patient", "Specimen": "samples", "Goal": "goals", "Task": "tasks", "QuestionnaireResponse": "answers to questions",
}
