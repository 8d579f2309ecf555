package chart

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
)

var (
	errGrants = fault.New(fault.Denied, "chart.consents",
		"This Consent would open records to you. Ask somebody else, such as registration, to record it.")
	errDenies = fault.New(fault.Denied, "chart.consents",
		"This Consent keeps records from you. Ask somebody else, such as registration, to change it.")
)

// consents refuses a Consent that could not be enforced, and one by which its author
// would come to see more: by what it opens to him, or by what it closed to him before.
func (c *Chart) consents(ctx context.Context, actor Actor, old, next *fhir.Resource) error {
	if next.Type() != "Consent" || actor.Kind == identity.KindSystem {
		return nil
	}
	if err := c.holds(ctx, actor, old, next); err != nil {
		return err
	}
	if err := c.requests(actor, old, next); err != nil {
		return err
	}
	if err := c.enforceable(next); err != nil {
		return err
	}
	who, err := c.census.who(ctx, actor)
	if err != nil {
		return err
	}
	if names(next, who.refs, func(p provision) bool { return p.permit }) {
		return errGrants
	}
	if old != nil && names(old, others(actor, old, who.refs), func(p provision) bool { return p.deny }) {
		return errDenies
	}
	return nil
}

// others returns the references by which somebody is meant who may not change a Consent
// that names him: a patient may change the hold that she asked for.
func others(actor Actor, old *fhir.Resource, refs []string) []string {
	if h, ok, _ := holdOf(old); ok && h.ground == HoldAsked && h.patient == "Patient/"+actor.PatientID {
		return slices.DeleteFunc(slices.Clone(refs), func(ref string) bool { return ref == h.patient })
	}
	return refs
}

// names reports whether a provision that counts names one of the references.
func names(res *fhir.Resource, refs []string, counts func(provision) bool) bool {
	var in func(p provision) bool
	in = func(p provision) bool {
		named := slices.ContainsFunc(p.actors, func(ref string) bool { return slices.Contains(refs, ref) })
		return named && counts(p) || slices.ContainsFunc(p.nested, in)
	}
	return in(new(reader).provisionOf(res.Root().Get("provision"), ""))
}
