package portal

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// consentLine is a Consent as people read it.
type consentLine struct {
	ID      string
	Status  string // its code, for the form that ends it
	State   string // in words
	Kind    string
	Rules   []ruleWords
	Since   string
	Until   string // "" without an end
	Over    bool
	Soon    bool   // it ends within a week
	Reason  string // in words, of a doctor's decision
	Second  string // whom a second look was asked of
	Answer  string
	Patient string // id
	By      string
	May     bool // the reader may end it
}

// ruleWords says who may not see what, or may.
type ruleWords struct {
	Who, What, Except string
	Permits           bool
}

func eachProvision(p fhir.Node, do func(fhir.Node)) {
	do(p)
	for inner := range p.All("provision") {
		eachProvision(inner, do)
	}
}

var kindWords = map[string]string{
	"mental": "mental health", "substances": "alcohol and drugs", "hiv": "HIV", "infection": "infections passed on by sex", "reproductive": "contraception and pregnancy",
	"violence": "violence and abuse", "laboratory": "laboratory results", "imaging": "X-rays, scans and other pictures",
}

func kindName(kind string) string { return cmp.Or(kindWords[kind], kind) }

var consentKinds = map[string]string{
	chart.HoldSystem + chart.HoldHarm: "A doctor’s decision", chart.HoldSystem + chart.HoldAsked: "The patient does not want to see it",
	chart.RequestSystem + chart.RequestRestriction: "Restriction", chart.RequestSystem + chart.RequestPaid: "Paid in full, not for the insurer",
}

var consentStates = map[string]string{
	"active": "In force", "proposed": "Waits for an answer", "rejected": "Refused", "inactive": "Ended", "draft": "Draft", "entered-in-error": "Entered in error",
}

// soon is how long before its end something is said to end soon.
const soon = 7 * 24 * time.Hour

// consentLine puts a Consent into words. names are those of actors without one.
func (p *Portal) consentLine(res *fhir.Resource, names map[string]string) consentLine {
	root := res.Root()
	provision := root.Get("provision")
	system, code := asked(res)
	line := consentLine{
		ID: res.ID(), Status: root.Get("status").Text(), Kind: cmp.Or(consentKinds[system+code], "Consent"),
		Patient: strings.TrimPrefix(root.Get("patient").Get("reference").Text(), "Patient/"),
		By:      root.Get("performer").Get("display").Text(),
	}
	line.State = cmp.Or(consentStates[line.Status], "Unknown")
	line.Since = p.longDate(cmp.Or(provision.Get("period").Get("start").Text(), root.Get("dateTime").Text()))
	if end := provision.Get("period").Get("end").Text(); end != "" {
		line.Until = p.longDate(end)
		if t := endOf(end, p.format.Zone()); !t.IsZero() {
			now := p.cfg.Clock.Now()
			line.Over = line.Status == "active" && !now.Before(t)
			line.Soon = line.Status == "active" && !line.Over && t.Sub(now) < soon
		}
	}
	if line.Over {
		line.State = "Over"
	}
	for e := range root.All("extension") {
		switch e.Get("url").Text() {
		case chart.AnswerExtension:
			line.Answer = e.Get("value").Text()
		case secondLook:
			line.Second = e.Get("value").Get("display").Text()
		}
	}
	if system == chart.HoldSystem && code == chart.HoldHarm {
		line.Reason = root.Get("policyRule").Get("text").Text()
		if words := harmWords[root.Get("policyRule").Get("coding").Get("code").Text()]; words != "" {
			line.Reason = words + ": " + line.Reason
		}
	}
	line.Rules = rulesOf(provision, names)
	for i, rule := range line.Rules {
		if system == chart.HoldSystem && rule.Who == everybody {
			line.Rules[i].Who = "The patient, and who acts for the patient,"
		}
		if since := provision.Get("dataPeriod").Get("start").Text(); since != "" {
			line.Rules[i].What += ", of tests taken since " + p.longDate(since)
		}
	}
	return line
}

// endOf is when a period of FHIR is over: a day with all of it.
func endOf(text string, zone *time.Location) time.Time {
	if t, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return t.AddDate(0, 0, 1)
	}
	t, _ := time.Parse(time.RFC3339, text)
	return t
}

func (p *Portal) longDate(text string) string {
	if text == "" {
		return "a day that is not recorded"
	}
	return p.format.LongDate(clinical.ParseMoment(text))
}

// rulesOf puts into words what a provision denies and permits. What is nested in it
// excepts from it.
func rulesOf(provision fhir.Node, names map[string]string) (rules []ruleWords) {
	typ := provision.Get("type").Text()
	if typ != "deny" && typ != "permit" {
		for inner := range provision.All("provision") {
			rules = append(rules, rulesOf(inner, names)...)
		}
		return rules
	}
	one := ruleWords{Who: whoWords(provision, names), What: thingWords(provision), Permits: typ == "permit"}
	for inner := range provision.All("provision") {
		if inner.Get("type").Text() == typ {
			rules = append(rules, rulesOf(inner, names)...)
			continue
		}
		one.Except = joined("; ", one.Except, whoWords(inner, names)+": "+thingWords(inner))
	}
	return append([]ruleWords{one}, rules...)
}

func joined(between, a, b string) string {
	switch "" {
	case a:
		return b
	case b:
		return a
	}
	return a + between + b
}

var actorWords = map[string]string{
	"Practitioner": "Somebody who works here", "PractitionerRole": "Somebody who works here", "Organization": "An organisation", "CareTeam": "A care team", "Group": "A group",
	"Patient": "The patient", "RelatedPerson": "Somebody who acts for the patient", "Device": "An app or program",
}

// whoWords says of whom a provision is.
func whoWords(provision fhir.Node, names map[string]string) string {
	var who []string
	for a := range provision.All("actor") {
		ref := a.Get("reference").Get("reference").Text()
		typ, _, _ := strings.Cut(ref, "/")
		name := cmp.Or(a.Get("reference").Get("display").Text(), names[ref], actorWords[typ], "Somebody")
		if !slices.Contains(who, name) {
			who = append(who, name)
		}
	}
	var uses []string
	for u := range provision.All("purpose") {
		uses = append(uses, strings.ToLower(cmp.Or(useWords[u.Get("code").Text()], u.Get("code").Text())))
	}
	switch {
	case len(who) == 0 && len(uses) == 1 && uses[0] == "payment":
		return billingWords
	case len(who) == 0 && len(uses) == 0:
		return everybody
	case len(who) == 0:
		return "Whoever works on " + strings.Join(uses, ", ")
	case len(uses) > 0:
		return strings.Join(who, ", ") + ", for " + strings.Join(uses, ", ")
	}
	return strings.Join(who, ", ")
}

const (
	everybody    = "Everybody"
	billingWords = "Billing, and the insurer"
)

// resultClasses are the types in which results come.
var resultClasses = []string{"Observation", "DiagnosticReport", "ImagingStudy", "Media"}

// thingWords says of what a provision is.
func thingWords(provision fhir.Node) string {
	var what, kinds []string
	add := func(words string) {
		if words != "" && !slices.Contains(what, words) {
			what = append(what, words)
		}
	}
	var classes []string
	for c := range provision.All("class") {
		classes = append(classes, c.Get("code").Text())
	}
	results := slices.Equal(classes, resultClasses)
	for _, class := range classes {
		if !results {
			add(cmp.Or(recordWords[class], class))
		}
	}
	for l := range provision.All("securityLabel") {
		if l.Get("system").Text() == chart.KindSystem {
			kinds = append(kinds, kindName(l.Get("code").Text()))
			continue
		}
		add("what is labelled " + cmp.Or(l.Get("display").Text(), l.Get("code").Text()))
	}
	for c := range provision.All("code") {
		add(clinical.Concept(c))
	}
	for d := range provision.All("data") {
		ref := d.Get("reference")
		typ, _, _ := strings.Cut(ref.Get("reference").Text(), "/")
		one := "one record of " + cmp.Or(recordWords[typ], "the chart")
		if typ == "Encounter" {
			one = "one visit"
		}
		add(cmp.Or(ref.Get("display").Text(), one))
	}
	words := strings.Join(what, ", ")
	switch {
	case results && words == "":
		words = joined(": ", "All test results and measurements", strings.Join(kinds, ", "))
	case len(kinds) > 0 && words == "":
		words = strings.Join(kinds, ", ")
	case len(kinds) > 0:
		words += ", of " + strings.Join(kinds, ", ")
	}
	return cmp.Or(words, "everything in the record")
}
