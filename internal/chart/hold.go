package chart

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// A hold is a Consent by which a record, or a visit with what belongs to it, is kept
// from the patient or from who acts for her, and from nobody else; or, if she asks for
// it, kinds of results, until a day. There are two
// grounds: the patient asks for it, or a doctor has decided that access would endanger
// somebody's life or safety (45 CFR 164.524(a)(3), 171.201).

// HoldSystem is the system of the category of a Consent that is a hold.
const HoldSystem = "urn:wardkeep:hold"

// Grounds of a hold, as codes of HoldSystem.
const (
	HoldAsked = "patient-request"
	HoldHarm  = "harm"
)

// maxHold is for how long one decision keeps something from somebody.
const maxHold = 30 * 24 * time.Hour

type hold struct {
	ground  string
	patient string // Patient/x
	by      string // who asked or decided
	reason  string
	provision
}

// holdOf reads a hold; ok says that it is one, and lacks where it is not whole. What is
// not whole holds nothing: without a ground nothing is kept from a patient.
func holdOf(res *fhir.Resource) (h hold, ok bool, lacks string) {
	root := res.Root()
	grounds := 0
	for category := range root.All("category") {
		hasCode(category, func(system, code string) bool {
			if system == HoldSystem {
				h.ground, grounds = code, grounds+1
			}
			return false
		})
	}
	if grounds == 0 || root.Get("status").Text() != "active" {
		return hold{}, false, ""
	}
	r := reader{hold: true}
	h.provision = r.provisionOf(root.Get("provision"), "Consent.provision")
	if filed, ok := startOf(root.Get("meta").Get("lastUpdated").Text()); ok && h.ground == HoldHarm && h.end.After(filed.Add(maxHold)) {
		h.end = filed.Add(maxHold) // by whatever road it came: one decision is for thirty days
	}
	h.patient, h.reason = local(root.Get("patient")), strings.TrimSpace(root.Get("policyRule").Get("text").Text())
	performers := 0
	for performer := range root.All("performer") {
		h.by, performers = local(performer), performers+1
	}
	return h, true, h.lacks(r.odd, grounds == 1, performers == 1, inForce(res))
}

func (h hold) lacks(odd string, oneGround, oneAuthor, inForce bool) string {
	harm := h.ground == HoldHarm
	stranger := func(ref string) bool { return ref != h.patient && !strings.HasPrefix(ref, "RelatedPerson/") }
	for _, part := range []struct {
		place string
		wrong bool
	}{
		{odd, odd != ""},
		{"Consent.category", !oneGround || !harm && h.ground != HoldAsked},
		{"Consent.scope", !inForce},
		{"Consent.patient", !strings.HasPrefix(h.patient, "Patient/")},
		{"Consent.performer", !oneAuthor || harm && !strings.HasPrefix(h.by, "Practitioner/") || !harm && h.by != h.patient},
		{"Consent.policyRule.text", harm && h.reason == ""},
		{"Consent.provision.type", !h.deny},
		{"Consent.provision.period.end", harm && h.end.IsZero()},
		{"Consent.provision.actor", slices.ContainsFunc(h.actors, stranger)},
		{"Consent.provision.data", len(h.Data) != 1 && !(!harm && h.results())},
		{"Consent.provision", len(h.purposes)+len(h.Labels)+len(h.Codes)+len(h.nested) > 0 || len(h.Data) > 0 && (len(h.Types)+len(h.Kinds) > 0 || h.since != "")},
	} {
		if part.wrong {
			return part.place
		}
	}
	return ""
}

// resultTypes are those in which results come.
var resultTypes = []string{"DiagnosticReport", "ImagingStudy", "Media", "Observation"}

// results reports whether a hold is of kinds of results, until a day.
func (h hold) results() bool {
	other := func(typ string) bool { return !slices.Contains(resultTypes, typ) }
	return len(h.Data) == 0 && !h.end.IsZero() && len(h.Types) > 0 && !slices.ContainsFunc(h.Types, other)
}

// kept returns what a hold, the Consent of an id, keeps from the listener. The decision
// that something would do harm is kept with it: its reason tells.
func (l listener) kept(id string, h *hold) []rule {
	self := slices.Contains(l.who, h.patient)
	if !h.now(l.clock) || !(self || l.actor.HasRole("proxy")) || !l.named(h.provision) {
		return nil
	}
	one := rule{If: []condition{h.condition}}
	if h.since != "" {
		one.Except = []rule{{If: []condition{{Before: h.since}}}}
	}
	rules := []rule{one}
	if h.ground == HoldHarm || !self {
		rules = append(rules, rule{If: []condition{{Types: []string{"Consent"}, Data: []datum{{Type: "Consent", ID: id}}}}})
	}
	return rules
}

// keptUntil returns until when decisions that access would do harm keep something of a
// patient from the actor, zero if none does.
func (c *census) keptUntil(ctx context.Context, actor Actor, patient string) (until time.Time, err error) {
	if any, err := c.anyConsent(ctx); err != nil || !any {
		return until, err
	}
	who, err := c.who(ctx, actor)
	if err != nil {
		return until, err
	}
	r := &c.consents
	r.mu.Lock()
	defer r.mu.Unlock()
	l := listener{clock: c.clock, actor: actor, who: who.refs}
	for id, one := range r.byID {
		if h := one.hold; h != nil && h.ground == HoldHarm && h.patient == patient && h.end.After(until) && len(l.kept(id, h)) > 0 {
			until = h.end
		}
	}
	return until, nil
}
