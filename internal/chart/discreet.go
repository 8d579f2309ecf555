package chart

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// What a minor keeps to herself is told by the codes and labels of a record, by which
// searches are narrowed; and of visits, appointments and bills, which no search tells
// of, by looking into those of the few patients that somebody acts for.

// younger is a minor whom the actor acts for.
type younger struct {
	patients   vault.PatientSet
	categories []string
	told       []string // references to her visits and bills that tell of it
	codes      map[authz.Coding]bool
}

// held returns what is kept from the actor as a patient, or as one who acts for
// patients, of a type.
func (s *standing) held(ctx context.Context, typ string) ([]vault.Confine, error) {
	by, err := s.consented(ctx, typ)
	if err != nil {
		return nil, err
	}
	groups, err := s.younger(ctx)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(by.held)
	for _, group := range groups {
		queries, err := s.telltale(typ, group.categories)
		if err != nil {
			return nil, err
		}
		if typ == "Consent" {
			q, err := asksForHerself()
			if err != nil {
				return nil, err
			}
			queries = append(slices.Clone(queries), q)
		}
		for _, q := range append(slices.Clone(queries), naming(typ, group.told)...) {
			all = append(all, vault.Confine{Within: []vault.PatientSet{group.patients}, Matching: []*search.Query{q}})
		}
	}
	return all, nil
}

// younger returns the minors whom the actor acts for, each with what she keeps.
func (s *standing) younger(ctx context.Context) (groups []younger, err error) {
	if s.young != nil || s.actor.Kind != identity.KindPerson || !s.actor.HasRole("proxy") || s.census.minors.AdultAge == 0 {
		return s.young, nil
	}
	charges, err := s.charges(ctx)
	if err != nil {
		return nil, err
	}
	keeps := map[record.Key][]string{}
	for _, one := range s.census.minors.Confidential {
		set, err := s.census.confiding(ctx, charges, one.FromAge)
		if err != nil {
			return nil, err
		}
		for _, key := range set.Keys() {
			keeps[key] = append(keeps[key], one.Category)
		}
	}
	groups = []younger{} // asked for, even if there are none
	for _, key := range charges.Keys() {
		if len(keeps[key]) == 0 {
			continue
		}
		codes, err := s.codesOf(keeps[key])
		if err != nil {
			return nil, err
		}
		told, err := s.census.tells(ctx, codes, key, keeps[key])
		if err != nil {
			return nil, err
		}
		groups = append(groups, younger{vault.Patients(key), keeps[key], told, codes})
	}
	s.young = groups
	return groups, nil
}

// tellsItself reports whether a visit, a bill or the like that was deleted, and so is
// found by no search, tells of what a minor keeps.
func (s *standing) tellsItself(ctx context.Context, res Resource, patients []record.Key) (bool, error) {
	if res.Resource == nil || !slices.Contains(tellingTypes, res.TypeID.Type) {
		return false, nil
	}
	groups, err := s.younger(ctx)
	return slices.ContainsFunc(groups, func(group younger) bool {
		return group.patients.HasAny(patients) && saidBy(res.Resource, group.codes).tells
	}), err
}

// telltale returns the queries that find what of a type bears a label or a code of
// one of the categories. They are by R4's own parameters, as those of rowsQuery.
func (c *Chart) telltale(typ string, categories []string) (queries []*search.Query, err error) {
	name := typ + " " + strings.Join(categories, " ")
	if known, ok := c.discreet.Load(name); ok {
		return known.([]*search.Query), nil
	}
	var labels, codes []string
	for _, category := range categories {
		of := c.policy.Category(category)
		if of == nil {
			return nil, errCategory
		}
		labels, codes = append(labels, tokensFor(of.Labels)...), append(codes, tokensFor(of.Codes)...)
	}
	params := map[string][]string{"_security": labels}
	for p := range r4.Params(typ) {
		switch {
		case p.Code() == "security-label": // what a Consent is about, and what is in a document
			params[p.Code()] = slices.Concat(labels, codes, kindTokens(categories))
		case p.Code() != "_security" && coded(p):
			params[p.Code()] = codes
		}
	}
	for _, code := range slices.Sorted(maps.Keys(params)) {
		for run := range slices.Chunk(params[code], maxCodes) {
			q, err := search.Parse(typ, []search.Param{{Key: code, Value: strings.Join(run, ",")}}, search.Options{})
			if err != nil {
				return nil, err
			}
			queries = append(queries, q)
		}
	}
	c.discreet.Store(name, queries)
	return queries, nil
}

// errCategory: who configures a chart MUST name categories that there are.
var errCategory = fault.New(fault.Internal, "chart.telltale", "")

// maxCodes is how many values a condition of a search may have.
const maxCodes = 500

func tokensFor(codings []authz.Coding) (tokens []string) {
	for _, c := range codings {
		tokens = append(tokens, search.Escape(c.System)+"|"+search.Escape(c.Code))
	}
	return tokens
}

// coded reports whether a parameter reads codes of some system.
func coded(p r4.Param) bool {
	return p.Type() == r4.Token && slices.ContainsFunc(p.Sources(), func(source r4.Source) bool {
		at := source.Path().Root()
		for i := range source.Path().Steps() {
			step := source.Path().Step(i)
			at = r4.Lookup(at, step.Name).Type()
			if step.As != 0 {
				at = step.As
			}
		}
		return at == r4.CodeableConcept || at == r4.Coding
	})
}

// naming returns the queries that find the records that are named, and what belongs
// to a visit that is.
func naming(typ string, told []string) (queries []*search.Query) {
	var ids, visits []string
	for _, ref := range told {
		of, id, _ := strings.Cut(ref, "/")
		if of == typ {
			ids = append(ids, id)
		}
		if of == "Encounter" {
			visits = append(visits, ref)
		}
	}
	for _, list := range []struct {
		param  string
		values []string
	}{{"_id", ids}, {"encounter", visits}, {"context", visits}, {"data", dataOf(typ, told)}} {
		for run := range slices.Chunk(list.values, maxAlternatives) {
			q, err := search.Parse(typ, []search.Param{{Key: list.param, Value: strings.Join(run, ",")}}, search.Options{})
			if err == nil { // else there is no such parameter of the type
				queries = append(queries, q)
			}
		}
	}
	return queries
}

// dataOf returns what of it a Consent names as its data.
func dataOf(typ string, told []string) []string {
	if typ != "Consent" {
		return nil
	}
	return told
}
