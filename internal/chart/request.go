package chart

import (
	"slices"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
)

// What patients ask for bears a category of its own. A restriction is proposed by the
// patient and counts once a privacy officer agrees: the hospital may refuse (45 CFR
// 164.522(a)(1)(ii)). It must not refuse if she has paid in full and asks that her
// insurer is told nothing of it (164.522(a)(1)(vi)): whoever takes the money records
// that, and it counts at once.

// RequestSystem is the system of that category.
const RequestSystem = "urn:wardkeep:request"

// What is asked for, as codes of RequestSystem.
const (
	RequestRestriction = "restriction"
	RequestPaid        = "paid-in-full"
)

// AnswerExtension holds, of a request that was answered, why.
const AnswerExtension = "urn:wardkeep:answer"

// asksForHerself finds what patients ask for, which is told to nobody who acts for a
// minor that keeps something to herself.
func asksForHerself() (*search.Query, error) {
	codes := RequestSystem + "|" + RequestRestriction + "," + RequestSystem + "|" + RequestPaid + "," + HoldSystem + "|" + HoldAsked
	return search.Parse("Consent", []search.Param{{Key: "category", Value: codes}}, search.Options{})
}

// requestOf returns what a Consent asks for, "" if it is no request.
func requestOf(res *fhir.Resource) (what string) {
	for category := range res.Root().All("category") {
		hasCode(category, func(system, code string) bool {
			if system == RequestSystem {
				what = code
			}
			return false
		})
	}
	return what
}

func statusOf(res *fhir.Resource) string { return res.Root().Get("status").Text() }

var (
	errAnswers = fault.New(fault.Denied, "chart.requests",
		"You may answer what a patient asks for: agree to it as it stands, or refuse it. Ask registration to record other consents.")
	errOffice = fault.New(fault.Denied, "chart.requests",
		"The privacy office answers what a patient asks for. What she takes back at the front desk, registration records.")
	errRequest = fault.New(fault.Unprocessable, "chart.requests", "A Consent of the category "+RequestSystem+" says what the Patient, its one performer, asks for: "+
		"with "+RequestRestriction+" what is denied to whom; with "+RequestPaid+" that the purpose HPAYMT is denied one Encounter with what is related, or one Claim.")
)

// requests refuses a request that says something else than it may, or that somebody
// changes whose it is not; and of a privacy officer whatever else than answers, and than
// what she decides on harm as a doctor, which holds has looked at.
func (c *Chart) requests(actor Actor, old, next *fhir.Resource) error {
	if actor.HasRole("privacy") && !actor.HasRole("registration") && !answers(old, next) && !decides(old, next) {
		return errAnswers
	}
	if actor.Kind == identity.KindPerson && !theirs(c.atWork(actor), old, next) {
		return errOffice
	}
	what := requestOf(next)
	if what == "" {
		return nil
	}
	p := new(reader).provisionOf(next.Root().Get("provision"), "")
	own := performedBy(next, local(next.Root().Get("patient")))
	switch {
	case what == RequestRestriction && own && !p.any(func(p provision) bool { return p.permit }) && p.any(func(p provision) bool { return p.deny }):
	case what == RequestPaid && own && p.paid():
	default:
		return errRequest
	}
	return nil
}

// performedBy reports whether a Consent is one person's alone.
func performedBy(res *fhir.Resource, ref string) bool {
	all := slices.Collect(res.Root().All("performer"))
	return len(all) == 1 && local(all[0]) == ref
}

// paid reports whether a provision keeps one visit, or one bill, from payers.
func (p provision) paid() bool {
	return p.deny && slices.Equal(p.purposes, []string{"HPAYMT"}) && len(p.Data) == 1 && !p.Odd &&
		(p.Data[0].Type == "Encounter" && p.Data[0].Related || p.Data[0].Type == "Claim") &&
		len(p.actors)+len(p.Types)+len(p.Labels)+len(p.Kinds)+len(p.Codes)+len(p.nested) == 0 && p.end.IsZero()
}

// answers reports whether a version agrees to what was asked for, as it stands, or
// refuses it.
func answers(old, next *fhir.Resource) bool {
	return old != nil && requestOf(old) == RequestRestriction && statusOf(old) == "proposed" &&
		slices.Contains([]string{"active", "rejected"}, statusOf(next)) && sameBut(old, next, "status", "extension")
}

// theirs reports whether it is for somebody to write a request: what waits is answered by
// privacy officers alone, and what they agreed to nobody lifts whom it does not concern.
func theirs(actor Actor, old, next *fhir.Resource) bool {
	asked := old != nil && requestOf(old) == RequestRestriction
	switch {
	case !asked && requestOf(next) != RequestRestriction, actor.HasRole("privacy"):
		return true
	case asked && statusOf(old) == "proposed" && slices.Contains([]string{"active", "rejected"}, statusOf(next)):
		return false
	}
	return actor.HasRole("registration") || actor.HasRole("patient")
}

// decides reports whether a version begins, shortens or ends a decision on harm, and is
// nothing else.
func decides(old, next *fhir.Resource) bool {
	harm := func(res *fhir.Resource) bool { h, ok, _ := holdOf(res); return ok && h.ground == HoldHarm }
	return (old == nil || harm(old)) && (harm(next) || old != nil && statusOf(next) == "inactive" && sameBut(old, next, "status", "provision"))
}

// takesBack reports whether a patient ends what she asked for, and changes nothing of it.
func takesBack(old, next *fhir.Resource) bool {
	if old == nil || !slices.Contains([]string{"active", "proposed"}, statusOf(old)) || statusOf(next) != "inactive" {
		return false
	}
	if _, hold, _ := holdOf(old); hold {
		return false // by rules of its own
	}
	return performedBy(old, local(old.Root().Get("patient"))) && sameBut(old, next, "status")
}

// sameBut reports whether two versions say the same, some members apart.
func sameBut(a, b *fhir.Resource, names ...string) bool {
	x, errX := members(a.JSON())
	y, errY := members(b.JSON())
	if errX != nil || errY != nil {
		return false
	}
	apart := func(m member) bool { return m.name == "meta" || m.name == "text" || slices.Contains(names, m.name) }
	x, y = slices.DeleteFunc(x, apart), slices.DeleteFunc(y, apart)
	return len(x) == len(y) && !slices.ContainsFunc(x, func(m member) bool {
		other, there := memberNamed(y, m.name)
		return !there || !sameJSON(m.value, other)
	})
}

// Lacks returns the place in a Consent that is active, and about privacy, for which it
// keeps nothing, or more than it says; "" if there is none.
func (c *Chart) Lacks(res *fhir.Resource) string {
	if _, hold, lacks := holdOf(res); hold {
		return lacks
	}
	if !inForce(res) {
		return ""
	}
	var r reader
	p := r.provisionOf(res.Root().Get("provision"), "Consent.provision")
	if p.any(func(p provision) bool { return slices.ContainsFunc(p.Kinds, c.strangeKind) }) {
		r.strange("Consent.provision.securityLabel")
	}
	return r.odd
}
