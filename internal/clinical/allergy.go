package clinical

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// AllergyKind is what may be said about a patient's allergies: exactly one.
type AllergyKind byte

const (
	AllergiesUnavailable AllergyKind = iota // denied, failed or never loaded: the zero value, on purpose
	AllergiesNotRecorded                    // loaded, and nobody has recorded anything that settles it
	AllergiesNone                           // somebody recorded that there are none
	AllergiesKnown
)

// String is the statement as the banner prints it.
func (k AllergyKind) String() string {
	return [...]string{"Allergies unavailable", "Allergies not recorded", "No known allergies", "Known allergies"}[k]
}

// Slug names the kind for style sheets.
func (k AllergyKind) Slug() string {
	return [...]string{"unavailable", "unrecorded", "none", "known"}[k]
}

// AllergyState is the statement of the banner with its lines. Its zero value
// says "Allergies unavailable": a page that forgets to load them says so.
type AllergyState struct {
	Kind   AllergyKind
	Detail string        // who and when for "No known allergies"; what else must be said
	Known  []AllergyLine // in force, severe first
	Others []AllergyLine // resolved, refuted, entered in error
}

// Statement is the text of Kind.
func (s AllergyState) Statement() string { return s.Kind.String() }

// AllergyLine is one allergy or intolerance.
type AllergyLine struct {
	ID        string
	Substance string
	Kind      string // Allergy, Intolerance, or that it was not recorded
	Category  string
	Reactions string
	Severe    bool
	Severity  string // word, never blank
	Status    string
	Recorded  string
	By        string
	Withdrawn bool
}

// noKnown are the codes that assert the absence of all allergies; narrower ones
// (drug, food, environment) assert less and never stand for all. SNOMED CT, and
// the code system of the International Patient Summary.
var (
	noKnown = map[string]bool{"716186003": true, "160244002": true, "no-known-allergies": true}
	noSome  = map[string]bool{
		"409137002": true, "428607008": true, "429625007": true, "716184000": true, "716220001": true, "428197003": true,
		"no-known-medication-allergies": true, "no-known-environmental-allergies": true, "no-known-food-allergies": true,
	}
	noInformation = map[string]bool{"no-allergy-info": true, "1631000175102": true}
)

// Allergies decides what may be said. err is the failure of loading them; any
// failure, a denial too, makes them unavailable.
func (f *Formatter) Allergies(list []*fhir.Resource, err error) AllergyState {
	if fault.Is(err, fault.Denied) {
		return AllergyState{Kind: AllergiesUnavailable, Detail: "They are not shown to your role."}
	}
	if err != nil {
		return AllergyState{Kind: AllergiesUnavailable, Detail: "They could not be loaded. Ask the patient and check the paper record."}
	}
	var s AllergyState
	var none, partial []string
	for _, r := range list {
		root := r.Root()
		inForce := allergyInForce(root)
		all, some := coded(root, noKnown), coded(root, noSome)
		switch {
		case all && inForce:
			none = append(none, f.asserted(root))
		case some && inForce:
			partial = append(partial, Concept(root.Get("code"))+" ("+f.asserted(root)+")")
		case all || some || coded(root, noInformation):
		case inForce:
			s.Known = append(s.Known, f.allergy(root, r.ID()))
		default:
			s.Others = append(s.Others, f.allergy(root, r.ID()))
		}
	}
	s.Known = severeFirst(s.Known)
	return s.settled(none, partial)
}

// settled picks the one statement: a known allergy outweighs an assertion that
// there are none, and the contradiction is said.
func (s AllergyState) settled(none, partial []string) AllergyState {
	switch {
	case len(s.Known) > 0:
		s.Kind = AllergiesKnown
		if len(none) > 0 {
			s.Detail = "Also recorded: no known allergies (" + none[0] + "). Clarify with the patient."
		}
	case len(none) > 0:
		s.Kind, s.Detail = AllergiesNone, none[0]
	case len(partial) > 0:
		s.Kind, s.Detail = AllergiesNotRecorded, strings.Join(partial, "; ")+"; others not recorded"
	case len(s.Others) > 0:
		s.Kind, s.Detail = AllergiesNotRecorded, "Only entries that do not apply: resolved, refuted or entered in error"
	default:
		s.Kind = AllergiesNotRecorded
	}
	return s
}

// coded reports whether any coding of the substance is in set.
func coded(root fhir.Node, set map[string]bool) bool {
	for c := range root.Get("code").All("coding") {
		if set[c.Get("code").Text()] {
			return true
		}
	}
	return false
}

func (f *Formatter) asserted(root fhir.Node) string {
	who := Party(root.Get("asserter"))
	if !root.Get("asserter").Exists() {
		who = Party(root.Get("recorder"))
	}
	if who == NotRecorded {
		who = "by whom not recorded"
	}
	when := f.DateOf(root.Get("recordedDate"))
	if when == NotRecorded {
		when = "date not recorded"
	}
	return who + ", " + when
}

func allergyInForce(root fhir.Node) bool {
	switch codeOf(root.Get("verificationStatus"), "") {
	case "refuted", "entered-in-error":
		return false
	}
	switch codeOf(root.Get("clinicalStatus"), "") {
	case "inactive", "resolved":
		return false
	}
	return true
}

func (f *Formatter) allergy(root fhir.Node, id string) AllergyLine {
	line := AllergyLine{
		ID: id, Substance: Concept(root.Get("code")), Kind: orElse(sentence(text(root.Get("type"))), "Allergy or intolerance"),
		Recorded: f.DateOf(root.Get("recordedDate")), By: Party(root.Get("recorder")),
		Withdrawn: codeOf(root.Get("verificationStatus"), "") == "entered-in-error",
	}
	for c := range root.All("category") {
		line.Category = join(", ", line.Category, sentence(text(c)))
	}
	line.Category = orElse(line.Category, NotRecorded)
	worst := ""
	for r := range root.All("reaction") {
		var seen []string
		for m := range r.All("manifestation") {
			seen = append(seen, Concept(m))
		}
		severity := r.Get("severity").Text()
		if worst == "" || severity == "severe" || severity == "moderate" && worst == "mild" {
			worst = severity
		}
		line.Reactions = join("; ", line.Reactions, join(" – ", strings.Join(seen, ", "), severity))
	}
	line.Reactions = orElse(line.Reactions, "Reaction not recorded")
	line.Severe = worst == "severe" || root.Get("criticality").Text() == "high"
	line.Severity = allergySeverity(root.Get("criticality").Text(), worst)
	line.Status = join(", ", words(clinicalStatus, codeOf(root.Get("clinicalStatus"), "")), verification[codeOf(root.Get("verificationStatus"), "")])
	return line
}

func allergySeverity(criticality, worst string) string {
	risk := map[string]string{"high": "High risk", "low": "Low risk", "unable-to-assess": "Risk could not be assessed"}[criticality]
	if worst != "" {
		worst = sentence(worst) + " reaction"
	}
	return orElse(join(", ", risk, worst), "Severity not recorded")
}

func severeFirst(lines []AllergyLine) []AllergyLine {
	var severe, rest []AllergyLine
	for _, l := range lines {
		if l.Severe {
			severe = append(severe, l)
		} else {
			rest = append(rest, l)
		}
	}
	return append(severe, rest...)
}
