package search

import (
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/store"
)

// chain plans the links of a chain. What resolve finds is exact as it is.
func (p *planner) chain(c *criterion, plan *Plan) (node, error) {
	var nodes []node
	set := map[string]bool{}
	for _, sub := range c.chain.subs {
		of, joined, err := p.joinable(sub, plan.Exact)
		if err == nil && !joined {
			of, err = p.resolved(sub, set)
		}
		if err != nil {
			return node{}, err
		}
		if joined {
			set = nil
		}
		for _, s := range c.sources {
			if s.only == "" || s.only == sub.Type {
				nodes = append(nodes, node{expr: p.join(s.text, of), exact: p.exact})
			}
		}
	}
	if set != nil {
		plan.sets[c.chain] = set
	}
	return p.or(nodes), nil
}

// joinable returns the middle of a chain as a set, if the rest of the plan is
// exact and it is so itself.
func (p *planner) joinable(sub *Query, rest bool) (e store.Expr, ok bool, err error) {
	confiner, may := p.names.(Confiner)
	if !may || !rest {
		return nil, false, nil
	}
	plan, err := sub.Plan(p.ctx, p.names, p.resolve)
	if err != nil || !plan.Exact {
		return nil, false, err
	}
	return confiner.Confine(p.ctx, sub.Type, plan.Expr)
}

// resolved returns the middle of a chain as the records resolve finds, and adds
// them to set, if there is one.
func (p *planner) resolved(sub *Query, set map[string]bool) (store.Expr, error) {
	if p.resolve == nil {
		return nil, fault.New(fault.Internal, "search.Plan", "")
	}
	ids, keys, err := p.resolve(p.ctx, sub)
	if err != nil {
		return nil, err
	}
	if set != nil {
		for _, id := range ids {
			set[id.Type+"/"+id.ID] = true
		}
	}
	return store.Is{Keys: keys}, nil
}

// join is every record with an edge to a member of of.
func (p *planner) join(field string, of store.Expr) store.Expr {
	if is, ok := of.(store.Is); ok {
		return store.To{Rel: p.names.Rel(field), Keys: is.Keys}
	}
	return store.Join{Rel: p.names.Rel(field), Of: of}
}
