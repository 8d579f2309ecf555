package chart

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// local returns the record a reference points to, as Type/id.
func local(reference fhir.Node) string {
	ref := fhir.ParseLiteral(reference.Get("reference").Text())
	if ref.Base != "" || ref.ID == "" {
		return ""
	}
	return ref.Type + "/" + ref.ID
}

// gather returns the subjects of the matching records that count. A record's compartment
// would not do: a CareTeam lies in that of every patient it names, and naming
// somebody as a member must not open his chart.
func (c *census) gather(ctx context.Context, typ string, counts func(*fhir.Resource) bool, params ...search.Param) (vault.PatientSet, error) {
	return c.gatherBy(ctx, typ, counts, func(res *fhir.Resource) []vault.TypeID {
		id, ok := patientOf(res)
		if !ok {
			return nil
		}
		return []vault.TypeID{id}
	}, params...)
}

// gatherBy is gather where whose says which patients a record speaks of.
func (c *census) gatherBy(ctx context.Context, typ string, counts func(*fhir.Resource) bool, whose func(*fhir.Resource) []vault.TypeID, params ...search.Param) (vault.PatientSet, error) {
	q, err := search.Parse(typ, params, search.Options{Now: c.clock.Now()})
	if err != nil {
		return vault.PatientSet{}, err
	}
	records, err := c.vault.AllWithBodies(ctx, q)
	if err != nil {
		return vault.PatientSet{}, err
	}
	var subjects []vault.TypeID
	for _, r := range records {
		res, err := fhir.Parse(r.Body)
		if err != nil {
			return vault.PatientSet{}, fault.Wrap(fault.Internal, "chart.gather", err)
		}
		if counts(res) {
			subjects = append(subjects, whose(res)...)
		}
	}
	keys, err := c.vault.Keys(ctx, subjects)
	return vault.Patients(keys...), err
}

// patientOf returns the patient a record is about: itself, or its subject.
func patientOf(res *fhir.Resource) (vault.TypeID, bool) {
	if res.Type() == "Patient" {
		return typeIDOf("Patient", res.ID()), true
	}
	ref := fhir.ParseLiteral(res.Root().Get("subject").Get("reference").Text())
	if ref.Base != "" || ref.Type != "Patient" || ref.ID == "" {
		return vault.TypeID{}, false
	}
	return typeIDOf("Patient", ref.ID), true
}
