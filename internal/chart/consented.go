package chart

import (
	"slices"
	"strings"
	"sync"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// confined is what consents say to an actor of one type: what is kept from him, what is
// opened to him, and what is held from him. Searches are narrowed by it, and records decided on.
type confined struct{ withheld, granted, held []vault.Confine }

// of returns what is said of a type.
func (s *said) of(typ string, kinds kindQueries) (*confined, error) {
	if c, ok := s.types.Load(typ); ok {
		return c.(*confined), nil
	}
	out := &confined{}
	for _, part := range []struct {
		rules []rule
		into  *[]vault.Confine
		deny  bool
	}{{s.withheld, &out.withheld, true}, {s.granted, &out.granted, false}, {s.held, &out.held, true}} {
		for _, one := range part.rules {
			some, err := one.confines(typ, part.deny, kinds)
			if err != nil {
				return nil, err
			}
			for i := range some {
				if part.deny {
					some[i].Within = append(some[i].Within, one.patients)
				} else {
					some[i].Whole = append(some[i].Whole, one.patients)
				}
			}
			*part.into = append(*part.into, some...)
		}
	}
	s.types.Store(typ, out)
	return out, nil
}

// confines returns the ways in which a record of a type falls under a rule; none: it
// cannot. A condition that cannot be asked of the type makes a denial no narrower,
// and a permission void.
func (r rule) confines(typ string, deny bool, kinds kindQueries) ([]vault.Confine, error) {
	ways := []vault.Confine{{}}
	for _, c := range r.If {
		alternatives, err := c.queries(typ, deny, kinds)
		if err != nil || len(alternatives) == 0 {
			return nil, err
		}
		var next []vault.Confine
		for _, way := range ways {
			for _, queries := range alternatives {
				next = append(next, vault.Confine{Matching: slices.Concat(way.Matching, queries)})
			}
		}
		ways = next
	}
	for _, except := range r.Except {
		some, err := except.confines(typ, !deny, kinds)
		if err != nil {
			return nil, err
		}
		for i := range ways {
			ways[i].Except = append(ways[i].Except, some...)
		}
	}
	return ways, nil
}

// queries returns what a record of a type has to match all of, in each way in which
// the condition holds.
func (c condition) queries(typ string, deny bool, kinds kindQueries) (ways [][]*search.Query, err error) {
	if c.Odd && !deny || len(c.Types) > 0 && !slices.Contains(c.Types, typ) {
		return nil, nil
	}
	var all []*search.Query
	for _, list := range []search.Param{{Key: "_security", Value: strings.Join(c.Labels, ",")}, {Key: "code", Value: c.permitted(deny)}, {Key: whenTaken[typ], Value: before(c.Before)}} {
		if list.Value == "" {
			continue
		}
		q, err := search.Parse(typ, []search.Param{list}, search.Options{})
		switch {
		case err == nil:
			all = append(all, q)
		case !deny:
			return nil, nil // there is no such parameter of the type
		}
	}
	ways, err = c.ofKinds(typ, deny, all, kinds)
	if deny {
		ways = c.ofCodes(typ, ways)
	}
	if err != nil || len(c.Data) == 0 {
		return ways, err
	}
	var named [][]*search.Query
	for _, d := range c.Data {
		for _, param := range d.params(typ) {
			q, err := search.Parse(typ, []search.Param{param}, search.Options{})
			for _, way := range ways {
				if err == nil { // else there is no such parameter of the type
					named = append(named, append(slices.Clone(way), q))
				}
			}
		}
	}
	return named, nil
}

// permitted are the codes of a permission. It is of what the record itself is; those of a
// denial are looked for all over it.
func (c condition) permitted(deny bool) string {
	if deny {
		return ""
	}
	return strings.Join(c.Codes, ",")
}

// uncoded are the types that tell who somebody is: no code of what was found, ordered or
// done is in an instance of them.
var uncoded = []string{"Patient", "Person", "RelatedPerson"}

// ofCodes returns the ways in which a record bears one of a denial's codes, in whatever
// element records of the type are found by: the rule applies if the code is in an instance
// (R4, Consent.provision.code). Types of which that cannot be asked are denied whole.
func (c condition) ofCodes(typ string, ways [][]*search.Query) (bearing [][]*search.Query) {
	if len(c.Codes) == 0 {
		return ways
	}
	if slices.Contains(uncoded, typ) {
		return nil
	}
	if p, _ := r4.FindParam(typ, "code"); !p.Exists() || !coded(p) {
		return ways
	}
	for p := range r4.Params(typ) {
		if !coded(p) || strings.HasPrefix(p.Code(), "_") {
			continue
		}
		q, err := search.Parse(typ, []search.Param{{Key: p.Code(), Value: strings.Join(c.Codes, ",")}}, search.Options{})
		if err != nil {
			return ways
		}
		for _, way := range ways {
			bearing = append(bearing, append(slices.Clone(way), q))
		}
	}
	return bearing
}

// whenTaken are the parameters by which results are found by the time that they are of.
var whenTaken = map[string]string{"DiagnosticReport": "date", "ImagingStudy": "started", "Media": "created", "Observation": "date"}

// before asks for what was over when a day began.
func before(day string) string {
	if day == "" {
		return ""
	}
	return "eb" + day
}

// params are the searches that find a record, or what belongs to it.
func (d datum) params(typ string) (list []search.Param) {
	if d.Type == typ {
		list = append(list, search.Param{Key: "_id", Value: d.ID})
	}
	if d.Related {
		ref := d.Type + "/" + d.ID
		list = append(list, search.Param{Key: "encounter", Value: ref}, search.Param{Key: "context", Value: ref})
	}
	return list
}

// falls reports whether a record falls under one of the confines, which are by R4's own
// parameters. Patients are those in whose compartment it lies.
func (c *Chart) falls(res Resource, patients []record.Key, under []vault.Confine) (bool, error) {
	return fallsBy(sync.OnceValues(func() ([]byte, error) { return search.CardOf(c.stamped(res)) }), patients, under)
}

func fallsBy(card func() ([]byte, error), patients []record.Key, under []vault.Confine) (bool, error) {
	for _, one := range under {
		if ok, err := fallsUnder(card, patients, one); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

func fallsUnder(card func() ([]byte, error), patients []record.Key, one vault.Confine) (bool, error) {
	for _, set := range one.Within {
		if !set.HasAny(patients) {
			return false, nil
		}
	}
	for _, set := range one.Whole {
		if !set.HasAll(patients) {
			return false, nil
		}
	}
	for _, q := range one.Matching {
		opened, err := card()
		if err != nil {
			return false, fault.Wrap(fault.Internal, "chart.falls", err)
		}
		if ok, err := q.MatchesCard(opened); err != nil || !ok {
			return false, fault.Wrap(fault.Internal, "chart.falls", err)
		}
	}
	except, err := fallsBy(card, patients, one.Except)
	return !except, err
}
