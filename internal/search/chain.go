package search

import (
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/store"
)

// plans plans the queries of a chain.
func (p *planner) plans(c *chain, resolve Resolve) error {
	for _, sub := range c.subs {
		plan, err := sub.Plan(p.ctx, p.names, resolve)
		if err != nil {
			return err
		}
		p.subs[sub] = plan
	}
	return nil
}

// chain plans the links of a chain: as joins if the whole plan is exact, else
// by what resolve finds.
func (p *planner) chain(c *criterion, plan *Plan, resolve Resolve) (node, error) {
	var nodes []node
	set := map[string]bool{}
	for _, sub := range c.chain.subs {
		of := p.subs[sub].Expr
		if !plan.Exact {
			if resolve == nil {
				return node{}, fault.New(fault.Internal, "search.Plan", "")
			}
			ids, keys, err := resolve(p.ctx, sub)
			if err != nil {
				return node{}, err
			}
			for _, id := range ids {
				set[id.Type+"/"+id.ID] = true
			}
			of = store.Is{Keys: keys}
		}
		for _, s := range c.sources {
			if s.only == "" || s.only == sub.Type {
				nodes = append(nodes, node{expr: p.join(s.text, of), exact: p.exact})
			}
		}
	}
	if !plan.Exact {
		plan.sets[c.chain] = set
	}
	return p.or(nodes), nil
}

func (p *planner) join(field string, of store.Expr) store.Expr {
	if is, ok := of.(store.Is); ok {
		return store.To{Rel: p.names.Rel(field), Keys: is.Keys}
	}
	return store.Join{Rel: p.names.Rel(field), Of: of}
}
