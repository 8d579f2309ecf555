package search_test

import (
	"slices"

	"github.com/wardkeep/wardkeep/internal/search"
)

// structure makes a condition out of others, now and then.
func (g *generator) structure(typ string, depth int) (*plainQuery, search.Param, bool) {
	if depth == 0 || g.IntN(10) > 0 {
		return nil, search.Param{}, false
	}
	return g.has(typ, depth)
}

// has asks about what points here.
func (g *generator) has(typ string, depth int) (*plainQuery, search.Param, bool) {
	for range 20 {
		from := g.pick(g.types)
		p := g.params[from][g.pick(g.codes[from])]
		if p.kind != "reference" || !slices.Contains(p.targets, typ) && !slices.Contains(p.targets, "*") {
			continue
		}
		sub, kv := g.condition(from, depth-1)
		q := &plainQuery{param: p, plainStructure: plainStructure{has: sub, hasFrom: from}}
		return q, search.Param{Key: "_has:" + from + ":" + p.code + ":" + kv.Key, Value: kv.Value}, true
	}
	return nil, search.Param{}, false
}
