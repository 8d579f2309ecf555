package chart

import (
	"context"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// supportDepth bounds how far references are followed beyond the compartment.
const supportDepth = 3

// support adds what the records refer to: what is in nobody's compartment, such
// as practitioners and places, and what is about nobody but focus. seen are the
// records already sent.
func (c *Chart) support(ctx context.Context, req *request, from []Resource, er EverythingRequest, focus vault.PatientSet, seen map[record.Key]bool) ([]Resource, error) {
	sent := map[record.Key]bool{}
	for _, res := range from {
		sent[res.key] = true
	}
	s := supporting{chart: c, req: req, focus: focus, seen: seen, page: sent, types: setOf(er.Types), since: er.Since, within: typeIDOf(er.Type, er.ID)}
	for range supportDepth {
		before := len(s.found)
		for run := range slices.Chunk(referencesOf(from), includeRun) {
			if err := s.read(ctx, run); err != nil {
				return nil, err
			}
		}
		if from = s.found[before:]; len(from) == 0 {
			break
		}
	}
	return s.found, nil
}

type supporting struct {
	chart      *Chart
	req        *request
	focus      vault.PatientSet
	seen, page map[record.Key]bool
	types      map[string]struct{}
	since      string
	within     vault.TypeID // whose compartment the pages go through
	found      []Resource
}

func (s *supporting) read(ctx context.Context, ids []vault.TypeID) error {
	var refs []vault.Ref
	for _, id := range ids {
		_, asked := s.types[id.Type]
		if _, err := s.chart.reach(s.req.actor, authz.Search, id.Type); err == nil && (asked || len(s.types) == 0) {
			refs = append(refs, vault.Ref{TypeID: id})
		}
	}
	records, err := s.chart.vault.Read(ctx, refs)
	if err != nil {
		return err
	}
	before := len(s.found)
	for _, rec := range records {
		about := len(rec.Patients) == 0 || s.focus.HasAll(rec.Patients) && s.within.Type != "Patient"
		if !rec.Exists() || rec.Deleted || s.seen[rec.Key] || s.page[rec.Key] || !about {
			continue
		}
		res, err := open(rec)
		if err != nil {
			return err
		}
		res, allowed, err := s.chart.stand(s.req.actor).permit(ctx, authz.Search, res)
		if err != nil {
			return err
		}
		if !allowed || !changedAfter(res, s.since) || inCompartment(res, s.within) {
			continue
		}
		if len(s.found) == maxIncluded {
			return errManyIncludes
		}
		s.seen[rec.Key] = true
		s.req.discloses(res)
		s.found = append(s.found, res)
	}
	if len(s.found)-before < len(ids) {
		withholds(ctx)
	}
	return nil
}

// inCompartment reports whether a record is one of a compartment's own, which has
// its place on another page.
func inCompartment(res Resource, of vault.TypeID) bool {
	if res.TypeID == of {
		return true
	}
	for _, source := range r4.CompartmentElements(of.Type, res.TypeID.Type) {
		for ref := range fhir.EvalSource(res.Root(), source) {
			l := fhir.ParseLiteral(ref.Get("reference").Text())
			if l.Base == "" && typeIDOf(l.Type, l.ID) == of {
				return true
			}
		}
	}
	return false
}

// changedAfter reports whether a record was changed after an instant that a query
// has found well formed; "" for any.
func changedAfter(res Resource, since string) bool {
	t, err := time.Parse(time.RFC3339Nano, since)
	return err != nil || res.Updated.After(t)
}

// referencesOf returns what records of this server the resources refer to, each
// once.
func referencesOf(list []Resource) []vault.TypeID {
	var ids []vault.TypeID
	have := map[vault.TypeID]bool{}
	for _, res := range list {
		if res.Resource == nil {
			continue
		}
		for ref := range res.References() {
			l := fhir.ParseLiteral(ref.Get("reference").Text())
			id := typeIDOf(l.Type, l.ID)
			if l.Base == "" && !l.Local && l.ID != "" && !have[id] {
				have[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids
}
