package search

import (
	"maps"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// IncludeTargets returns what _include adds for r, without duplicates. For a
// resource that was itself included only _include:iterate counts.
func (q *Query) IncludeTargets(r *fhir.Resource, included bool) []TypeID {
	var out []TypeID
	for _, in := range q.Includes {
		if included && !in.Iterate {
			continue
		}
		for _, p := range in.from(q.opt.schema(r.Type())) {
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

// from returns the parameters by which a type is followed.
func (in *Include) from(s *schema) []*param {
	if in.Source != "*" && in.Source != s.typ {
		return nil
	}
	var list []*param
	for _, code := range s.codes {
		if p := s.params[code]; p.kind == kindReference && (in.Code == "*" || in.Code == code) {
			list = append(list, p)
		}
	}
	return list
}

// include reads Type:parameter, Type:parameter:Target, Type:* or *.
func (p *parser) include(name, value string, iterate bool) error {
	wrong := invalid("value", name+" is Type:parameter, Type:parameter:TargetType, Type:* or *, with a reference parameter of that type.")
	in := Include{Source: "*", Code: "*", Iterate: iterate}
	if value != "*" {
		parts := strings.Split(value, ":")
		if len(parts) < 2 || len(parts) > 3 || p.opt.schema(parts[0]) == nil {
			return wrong
		}
		in.Source, in.Code = parts[0], parts[1]
		if len(parts) == 3 {
			in.Target = parts[2]
		}
		params := in.from(p.opt.schema(in.Source))
		if params == nil || in.Target != "" && !slices.ContainsFunc(params, func(q *param) bool { return slices.Contains(q.targets, in.Target) }) {
			return wrong
		}
	}
	if name == "_include" {
		if !iterate && in.Source != "*" && !slices.Contains(p.opt.among, in.Source) {
			return invalid("value", "_include starts from the type searched for; _include:iterate may start from others.")
		}
		p.q.Includes = append(p.q.Includes, in)
		return nil
	}
	if !iterate && in.Target != "" && !slices.Contains(p.opt.among, in.Target) {
		return invalid("value", "_revinclude ends at the type searched for.")
	}
	p.q.RevIncludes = append(p.q.RevIncludes, in)
	return nil
}

func (s *source) targets(r *fhir.Resource, target string, add func(TypeID)) {
	read := func(node fhir.Node) {
		references(node, func(v entry) {
			if v.typ != "" && (target == "" || target == v.typ) && (s.only == "" || s.only == v.typ) {
				add(TypeID{v.typ, v.code})
			}
		})
	}
	if s.added != nil { // what cannot be evaluated points nowhere
		_ = s.added.Eval(r, func(node fhir.Node, _ string) { read(node) })
		return
	}
	s.each(r.Root(), func(node fhir.Node, _ uint32) { read(node) })
}

// RevPlan finds the resources of Type that one _revinclude adds.
type RevPlan struct {
	Type string
	*Plan
}

// RevPlans plans the _revincludes for resources that were found: ids and keys
// name them in the same order. For resources that were themselves included only
// _revinclude:iterate counts.
func (q *Query) RevPlans(ids []TypeID, keys []record.Key, included bool, names Names) []RevPlan {
	var out []RevPlan
	for _, in := range q.RevIncludes {
		if included && !in.Iterate || len(ids) == 0 {
			continue
		}
		set := &setPred{ids: make(map[TypeID]bool, len(ids)), types: map[string]bool{}}
		for _, id := range ids {
			if in.Target == "" || in.Target == id.Type {
				set.ids[id], set.types[id.Type] = true, true
			}
		}
		types := []string{in.Source}
		if in.Source == "*" {
			types = slices.Sorted(maps.Keys(Base().schemas))
		}
		for _, typ := range types {
			if plan := set.plan(typ, in.from(q.opt.schema(typ)), keys, names); plan != nil {
				plan.Exact = plan.Exact && in.Target == ""
				out = append(out, RevPlan{typ, plan})
			}
		}
	}
	return out
}

// plan finds the resources of a type that point to the set by params, nil if
// they point to other types alone.
func (p *setPred) plan(typ string, params []*param, keys []record.Key, names Names) *Plan {
	c := &criterion{param: &param{kind: kindReference}, preds: []pred{p}}
	var any store.Or
	exact := names.Exact()
	for _, q := range params {
		if !slices.ContainsFunc(q.targets, func(t string) bool { return p.types[t] }) {
			continue
		}
		for _, s := range q.sources {
			if s.only == "" || p.types[s.only] {
				c.sources = append(c.sources, s)
				any = append(any, store.To{Rel: names.Rel(s.text), Keys: keys})
				exact = exact && s.only == ""
			}
		}
	}
	if any == nil {
		return nil
	}
	return &Plan{Expr: any, Exact: exact, q: &Query{Type: typ, criteria: []*criterion{c}}}
}

// setPred accepts local references to any of a set.
type setPred struct {
	ids   map[TypeID]bool
	types map[string]bool // of ids
}

func (p *setPred) match(v *value) bool {
	return v.local && p.ids[TypeID{string(v.typ), string(v.code)}]
}
