package search

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// IncludeTargets returns what _include adds for r, without duplicates. For a
// resource that was itself included only _include:iterate counts.
func (q *Query) IncludeTargets(r *fhir.Resource, included bool) []TypeID {
	var out []TypeID
	for _, in := range q.Includes {
		if in.Source != r.Type() || included && !in.Iterate {
			continue
		}
		for _, p := range in.params {
			for _, s := range p.sources {
				s.targets(r, in.Target, func(id TypeID) {
					if !slices.Contains(out, id) {
						out = append(out, id)
					}
				})
			}
		}
	}
	return out
}

func (s *source) targets(r *fhir.Resource, target string, add func(TypeID)) {
	s.each(r.Root(), func(node fhir.Node, _ uint32) {
		references(node, func(v entry) {
			if v.typ != "" && (target == "" || target == v.typ) && (s.only == "" || s.only == v.typ) {
				add(TypeID{v.typ, v.code})
			}
		})
	})
}

// RevPlan finds the resources of Type that one _revinclude adds.
type RevPlan struct {
	Type string
	*Plan
}

// RevPlans plans the _revincludes for resources that were found: ids and keys
// name them in the same order. For resources that were themselves included only
// _revinclude:iterate counts.
func (q *Query) RevPlans(ctx context.Context, ids []TypeID, keys []record.Key, included bool, names Names) []RevPlan {
	var out []RevPlan
	for _, in := range q.RevIncludes {
		if included && !in.Iterate || len(ids) == 0 {
			continue
		}
		set := &setPred{ids: make(map[TypeID]bool, len(ids))}
		for _, id := range ids {
			if in.Target == "" || in.Target == id.Type {
				set.ids[id] = true
			}
		}
		c := &criterion{param: &param{kind: kindReference}, preds: []pred{set}}
		var any store.Or
		for _, p := range in.params {
			c.sources = append(c.sources, p.sources...)
			for _, s := range p.sources {
				any = append(any, store.To{Rel: names.Rel(s.text), Keys: keys})
			}
		}
		sub := &Query{Type: in.Source, criteria: []*criterion{c}}
		exact := names.Exact() && in.Target == "" && !slices.ContainsFunc(c.sources, func(s source) bool { return s.only != "" })
		out = append(out, RevPlan{in.Source, &Plan{Expr: any, Exact: exact, q: sub}})
	}
	return out
}

// setPred accepts local references to any of a set.
type setPred struct{ ids map[TypeID]bool }

func (p *setPred) match(v *value) bool {
	return v.local && p.ids[TypeID{string(v.typ), string(v.code)}]
}
