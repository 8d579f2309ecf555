package portal

import (
	"net/url"
	"strings"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// grantRow is one thing that an app may do, in plain words.
type grantRow struct {
	Value string // the scope, as the form sends it back
	Words string
	Fixed bool // it cannot be left out: without it the app cannot begin
}

// grantRows says what is granted, the records first.
func grantRows(a identity.Asked) []grantRow {
	var rows []grantRow
	for _, s := range a.Scopes {
		rows = append(rows, grantRow{Value: s.String(), Words: scopeWords(s)})
	}
	for _, word := range a.Words {
		rows = append(rows, grantRow{Value: word, Words: wordWords[word], Fixed: identity.Keeps(word)})
	}
	return rows
}

var wordWords = map[string]string{
	identity.WordOpenID:        "Know that it is you, by the number of your account",
	identity.WordFHIRUser:      "Know which practitioner or patient you are",
	identity.WordProfile:       "Know your name and your user name",
	identity.WordLaunch:        "Know whose chart it was started from",
	identity.WordLaunchPatient: "Know which patient you choose",
	identity.WordOnline:        "Stay connected until you sign out",
	identity.WordOffline:       "Stay connected when you are signed out, for up to a year",
}

// typeWords are the records people know by other names than the standard's.
var typeWords = map[string]string{
	identity.AnyType:     "everything in the record",
	"Patient":            "name, address and other personal details",
	"Observation":        "test results and measurements",
	"DiagnosticReport":   "reports of tests and images",
	"Condition":          "problems and diagnoses",
	"AllergyIntolerance": "allergies",
	"MedicationRequest":  "prescriptions", "MedicationAdministration": "medicines given",
	"MedicationStatement": "medicines taken", "MedicationDispense": "medicines handed out", "Medication": "the list of medicines",
	"Immunization": "vaccinations", "Procedure": "procedures", "Encounter": "visits", "Appointment": "appointments",
	"DocumentReference": "documents", "Binary": "files", "Coverage": "insurance", "Claim": "claims", "ExplanationOfBenefit": "bills",
	"CarePlan": "care plans", "CareTeam": "who is in the care team", "Goal": "goals", "Device": "devices",
	"Practitioner": "the list of staff", "PractitionerRole": "the list of staff and their roles",
	"Organization": "the list of organisations", "Location": "the list of places", "ServiceRequest": "orders", "Task": "tasks",
	"QuestionnaireResponse": "answers to questionnaires", "Consent": "consents", "RelatedPerson": "relatives",
}

// scopeWords is a scope as a sentence: "See test results and measurements of this
// patient".
func scopeWords(s identity.Scope) string {
	var verbs []string
	for _, v := range []struct {
		access identity.Access
		word   string
	}{
		{identity.AccessRead | identity.AccessSearch, "see"}, {identity.AccessCreate, "add"},
		{identity.AccessUpdate, "change"}, {identity.AccessDelete, "delete"},
	} {
		if s.Access&v.access != 0 {
			verbs = append(verbs, v.word)
		}
	}
	what := typeWords[s.Type]
	if what == "" {
		what = "records of the kind " + s.Type
	}
	whose := " of all patients you may see"
	if s.Level == identity.LevelPatient {
		whose = " of this patient"
	}
	if strings.HasPrefix(what, "the list of") {
		whose = ""
	}
	text := listed(verbs) + " " + what + whose
	if s.Query != "" {
		text += ", only where " + queryWords(s.Query)
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// queryWords reads the parameters of a granular scope: "category is laboratory".
func queryWords(query string) string {
	var parts []string
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		value, err := url.QueryUnescape(value)
		if err != nil {
			value = "?"
		}
		var values []string
		for one := range strings.SplitSeq(value, ",") {
			values = append(values, one[strings.LastIndexByte(one, '|')+1:])
		}
		parts = append(parts, strings.TrimPrefix(name, "_")+" is "+strings.Join(values, " or "))
	}
	return strings.Join(parts, " and ")
}

// listed joins words as people do: "see, add and change".
func listed(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
