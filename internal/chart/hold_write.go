package chart

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/vault"
)

var (
	errDecides = fault.New(fault.Denied, "chart.holds",
		"Only a doctor who has to do with the patient decides that something would do harm, or ends such a decision.")
	errOwnHolds = fault.New(fault.Denied, "chart.holds",
		"You may ask for restrictions, which the privacy office answers, record holds that you ask for yourself, and end both. Ask registration to record other consents.")
)

// holds refuses a hold that lacks something, or that its author may not decide on or
// end. A decision that is in force is not changed but to end sooner: who renews it
// decides anew.
func (c *Chart) holds(ctx context.Context, actor Actor, old, next *fhir.Resource) error {
	var before hold
	was := false
	if old != nil {
		before, was, _ = holdOf(old)
	}
	h, is, lacks := holdOf(next)
	if own := "Patient/" + actor.PatientID; actor.HasRole("patient") && actor.PatientID != "" && (local(next.Root().Get("patient")) == own || was && before.patient == own) {
		asks := old == nil && requestOf(next) == RequestRestriction && statusOf(next) == "proposed"
		holds := (was || old == nil) && !(was && before.ground != HoldAsked) && !(is && h.ground != HoldAsked) && (is || was && !inForce(next))
		if !asks && !holds && !takesBack(old, next) {
			return errOwnHolds
		}
	}
	if lacks != "" {
		return fault.New(fault.Unprocessable, "chart.holds", lacks+" does not say what a hold must: category "+HoldSystem+" with "+HoldAsked+" or "+HoldHarm+
			"; for harm the Practitioner who decides (performer), the reason (policyRule.text) and period.end; for a request the Patient as performer; "+
			"and a provision of type deny with one record as data, or an Encounter with what is related, and no actors but the Patient and RelatedPersons; "+
			"a patient's request may instead name classes of results, and perhaps their kind (securityLabel) and the day from which tests count (dataPeriod.start), with period.end.")
	}
	if !(was && before.ground == HoldHarm) && !(is && h.ground == HoldHarm) {
		return nil
	}
	for _, one := range []struct {
		there bool
		hold
	}{{was, before}, {is, h}} {
		if !one.there {
			continue
		}
		if ok, err := c.decidesFor(ctx, actor, one.patient); err != nil {
			return err
		} else if !ok {
			return errDecides
		}
	}
	if is && h.ground == HoldHarm {
		return c.decision(actor, before, was && before.ground == HoldHarm, h)
	}
	return nil
}

// decision refuses one that is not its author's own, that lasts too long, or that
// widens what was decided.
func (c *Chart) decision(actor Actor, before hold, was bool, h hold) error {
	now, place := c.clock.Now(), ""
	switch {
	case h.by != "Practitioner/"+actor.PractitionerID:
		place = "Consent.performer must be you, who decides."
	case !h.end.After(now) || h.end.Sub(now) > maxHold:
		place = "Consent.provision.period.end must lie ahead, and within 30 days."
	case was && (h.patient != before.patient || h.end.After(before.end) || !slices.Equal(h.Data, before.Data) || !slices.Equal(h.actors, before.actors)):
		place = "Consent.provision of a decision in force can only end sooner: end it, and record a new decision."
	default:
		return nil
	}
	return fault.New(fault.Unprocessable, "chart.holds", place)
}

// decidesFor reports whether the actor is a doctor who has to do with a patient, and
// does not act for her as well.
func (c *Chart) decidesFor(ctx context.Context, actor Actor, patient string) (bool, error) {
	if actor.Kind != identity.KindPerson || !c.atWork(actor).HasRole("doctor") || len(patient) <= len("Patient/") {
		return false, nil
	}
	keys, err := c.vault.Keys(ctx, []vault.TypeID{typeIDOf("Patient", patient[len("Patient/"):])})
	if err != nil {
		return false, err
	}
	if panel, err := c.census.panel(ctx, actor, authz.RelationProxy); err != nil || panel.HasAny(keys) {
		return false, err
	}
	for _, relation := range []authz.Relation{authz.RelationWard, authz.RelationTeam} {
		panel, err := c.census.panel(ctx, actor, relation)
		if err != nil || panel.HasAny(keys) {
			return err == nil, err
		}
	}
	return false, nil
}
