package chart

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

// A Consent of FHIR R4 is enforced if it is active and its scope is the patient's
// privacy. A provision that denies keeps records from those it names, from all if
// it names nobody; one that permits lets those it names see them, and if it names
// nobody gives nobody anything that policy does not. What is nested in a provision
// is an exception to it, and holds under the conditions of both.
//
// What cannot be enforced is refused when a Consent is written. In one that is
// there all the same, by an import, a condition that is not understood makes a
// denial no narrower, and a permission void.

// provision is one rule of a Consent.
type provision struct {
	permit, deny bool // neither: it only holds what is nested
	start, end   time.Time
	actors       []string // references
	purposes     []string // codes of v3-PurposeOfUse
	since        string   // a day: of tests taken from then on; of holds alone
	condition
	nested []provision
}

// condition says of which records a provision is; each part may be empty.
type condition struct {
	Types  []string `json:",omitempty"`
	Labels []string `json:",omitempty"` // security labels, "system|code" as a search has them
	Kinds  []string `json:",omitempty"` // kinds of care: categories of policies/confidential.txt, and resultKinds
	Codes  []string `json:",omitempty"`
	Data   []datum  `json:",omitempty"`
	Before string   `json:",omitempty"` // a day: results of tests taken before it
	Odd    bool     `json:",omitempty"` // there is a condition that is not understood
}

// datum is a record that a provision names, with what belongs to it or without.
type datum struct {
	Type, ID string
	Related  bool
}

const (
	systemConsentScope  = "http://terminology.hl7.org/CodeSystem/consentscope"
	systemResourceTypes = "http://hl7.org/fhir/resource-types"
	systemActReason     = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	systemConsentAction = "http://terminology.hl7.org/CodeSystem/consentaction"
)

// otherScopes are those of consents that are not about privacy.
var otherScopes = []string{"adr", "research", "treatment"}

// inForce reports whether a Consent decides on who sees what.
func inForce(res *fhir.Resource) bool {
	root := res.Root()
	return root.Get("status").Text() == "active" &&
		!hasCode(root.Get("scope"), func(system, code string) bool {
			return system == systemConsentScope && slices.Contains(otherScopes, code)
		})
}

func hasCode(concept fhir.Node, is func(system, code string) bool) bool {
	for c := range concept.All("coding") {
		if is(c.Get("system").Text(), c.Get("code").Text()) {
			return true
		}
	}
	return false
}

// reader reads provisions and notes the first thing that cannot be enforced.
type reader struct {
	odd  string
	hold bool // it is a hold's: a dataPeriod that begins is understood
}

func (r *reader) strange(place string) bool {
	if r.odd == "" {
		r.odd = place
	}
	return true
}

// provisionOf reads a provision. place is its FHIRPath expression.
func (r *reader) provisionOf(node fhir.Node, place string) provision {
	p := provision{permit: node.Get("type").Text() == "permit", deny: node.Get("type").Text() == "deny"}
	period := node.Get("period")
	p.start, _ = startOf(period.Get("start").Text())
	p.end, _ = endOf(period.Get("end").Text())
	read := listReader{r, node, place, &p.Odd}
	p.actors = list(read, "actor", actorOf)
	p.purposes = list(read, "purpose", func(c fhir.Node) ([]string, bool) {
		code := c.Get("code").Text()
		return []string{code}, c.Get("system").Text() == systemActReason && Purpose(code)
	})
	p.Types = list(read, "class", func(c fhir.Node) ([]string, bool) {
		return []string{c.Get("code").Text()}, c.Get("system").Text() == systemResourceTypes
	})
	p.Labels = list(read, "securityLabel", func(c fhir.Node) ([]string, bool) { return tokensOf(c) })
	p.Labels, p.Kinds = kindsAmong(p.Labels)
	if len(p.Labels) > 0 && len(p.Kinds) > 0 { // any of them is asked for, and one search asks for one sort
		p.Labels, p.Kinds, p.Odd = nil, nil, r.strange(place+".securityLabel")
	}
	p.Codes = list(read, "code", func(c fhir.Node) ([]string, bool) { return tokensOf(slices.Collect(c.All("coding"))...) })
	p.Data = list(read, "data", datumOf)
	if node.Get("action").Exists() && !looksAtRecords(node) {
		p.Odd = r.strange(place + ".action")
	}
	if data := node.Get("dataPeriod"); data.Exists() {
		_, err := time.Parse(time.DateOnly, data.Get("start").Text())
		if p.since = data.Get("start").Text(); err != nil || !r.hold || data.Get("end").Exists() {
			p.since, p.Odd = "", r.strange(place+".dataPeriod")
		}
	}
	n := 0
	for inner := range node.All("provision") {
		p.nested = append(p.nested, r.provisionOf(inner, fmt.Sprintf("%s.provision[%d]", place, n)))
		n++
	}
	return p
}

// listReader reads the lists of a provision.
type listReader struct {
	*reader
	node  fhir.Node
	place string
	odd   *bool
}

// list reads one of them. With one entry that is not understood it is as if it were
// not there: it may narrow nothing then.
func list[T any](r listReader, name string, read func(fhir.Node) ([]T, bool)) (all []T) {
	strange := false
	for node := range r.node.All(name) {
		some, ok := read(node)
		if strange = strange || !ok || len(some) == 0; !strange {
			all = append(all, some...)
		}
	}
	if strange {
		*r.odd = r.strange(r.place + "." + name)
		return nil
	}
	return all
}

// actorTypes are those of which it is known who stands for them.
var actorTypes = []string{"CareTeam", "Device", "Group", "Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"}

func actorOf(node fhir.Node) ([]string, bool) {
	ref := local(node.Get("reference"))
	typ, _, _ := strings.Cut(ref, "/")
	return []string{ref}, slices.Contains(actorTypes, typ)
}

// datumOf reads a record that a provision names: for itself, or an Encounter for all
// that belongs to it.
func datumOf(node fhir.Node) ([]datum, bool) {
	typ, id, ok := strings.Cut(local(node.Get("reference")), "/")
	related := node.Get("meaning").Text() != "instance"
	return []datum{{typ, id, related}}, ok && (!related || typ == "Encounter")
}

// tokensOf returns codings as a search has them.
func tokensOf(codings ...fhir.Node) (all []string, ok bool) {
	for _, c := range codings {
		token := search.Escape(c.Get("code").Text())
		if token == "" {
			return nil, false
		}
		if system := c.Get("system").Text(); system != "" {
			token = search.Escape(system) + "|" + token
		}
		all = append(all, token)
	}
	return all, true
}

// looksAtRecords reports whether a provision is about seeing records, among others.
func looksAtRecords(node fhir.Node) bool {
	for action := range node.All("action") {
		if hasCode(action, func(system, code string) bool {
			return system == systemConsentAction && (code == "access" || code == "disclose" || code == "use")
		}) {
			return true
		}
	}
	return false
}

// enforceable refuses a Consent of which some part could not be enforced: whoever
// records what a patient asks for must know it at once.
func (c *Chart) enforceable(res *fhir.Resource) error {
	if res.Type() != "Consent" || !inForce(res) && requestOf(res) == "" {
		return nil
	}
	_, hold, _ := holdOf(res)
	r := reader{hold: hold}
	if _, ok := patientRef(res); !ok {
		r.strange("Consent.patient")
	}
	if root := res.Root().Get("provision"); root.Exists() {
		if p := r.provisionOf(root, "Consent.provision"); p.any(func(p provision) bool { return slices.ContainsFunc(p.Kinds, c.strangeKind) }) {
			r.strange("Consent.provision.securityLabel")
		}
	}
	if r.odd == "" {
		return nil
	}
	return fault.New(fault.Unprocessable, "chart.enforceable", r.odd+" cannot be enforced here, so this Consent may not be active. "+
		"What can be: actors by reference (Practitioner, PractitionerRole, Organization, CareTeam, Group, RelatedPerson, Patient, Device), purposes of v3-ActReason, "+
		"classes of resource-types, securityLabel, code, period, and data: single records, or an Encounter with what belongs to it.")
}

// patientRef returns whose Consent it is.
func patientRef(res *fhir.Resource) (id string, ok bool) {
	return strings.CutPrefix(local(res.Root().Get("patient")), "Patient/")
}

// any reports whether something holds of a provision or of one nested in it.
func (p provision) any(is func(provision) bool) bool {
	return is(p) || slices.ContainsFunc(p.nested, func(inner provision) bool { return inner.any(is) })
}

// now reports whether a provision's period is now.
func (p provision) now(c clock.Clock) bool {
	now := c.Now()
	return !now.Before(p.start) && (p.end.IsZero() || now.Before(p.end))
}
