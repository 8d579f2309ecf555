package search

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Names turns names into what the store knows them by. Package seal and the
// cells of names are behind it.
type Names interface {
	Token(field string, value []byte) record.Token
	Class(typ string) record.Token
	Rel(field string) record.Token
	// Exact reports whether tokens are wide enough for two words never to
	// share one. If not, every plan is a superset.
	Exact() bool
	// Keys returns the keys of resources, in order, zero for those nobody
	// has mentioned.
	Keys(ctx context.Context, ids []TypeID) ([]record.Key, error)
}

// Resolve runs a query whose plan is not exact, rechecks it, and returns all it
// finds. It MUST apply the same access policy as a search by the caller would.
type Resolve func(ctx context.Context, q *Query) (ids []TypeID, keys []record.Key, err error)

// Plan is a query as equality over tokens.
type Plan struct {
	// Expr finds every record the query asks for, and unless Exact others too.
	Expr  store.Expr
	Exact bool

	q    *Query
	sets map[*chain]map[string]bool // what links of chains point to: Type/id

	matchers matchers
}

// Plan plans q. Subtraction is used only for what is exact; everything else
// that negates is left to Match.
//
// A chain whose query is exact becomes a join if the rest of q is exact too.
// Otherwise resolve runs it, because Match needs to know what it found.
func (q *Query) Plan(ctx context.Context, names Names, resolve Resolve) (*Plan, error) {
	p := &planner{ctx: ctx, names: names, q: q, exact: names.Exact(), subs: map[*Query]*Plan{}}
	plan := &Plan{q: q, Exact: p.exact, sets: map[*chain]map[string]bool{}}
	var nodes []node
	for _, c := range q.criteria {
		if c.chain != nil {
			if err := p.plans(c.chain, resolve); err != nil {
				return nil, err
			}
			for _, sub := range c.chain.subs {
				plan.Exact = plan.Exact && p.subs[sub].Exact
			}
			continue
		}
		n, err := p.criterion(c)
		if err != nil {
			return nil, err
		}
		plan.Exact = plan.Exact && n.exact
		nodes = append(nodes, n)
	}
	for _, c := range q.criteria {
		if c.chain == nil {
			continue
		}
		n, err := p.chain(c, plan, resolve)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	n := p.and(nodes)
	plan.Expr = n.expr
	if n.all {
		plan.Expr = store.All{Class: names.Class(q.Type)}
	}
	return plan, nil
}

type planner struct {
	ctx   context.Context
	names Names
	q     *Query
	exact bool
	subs  map[*Query]*Plan
}

// node is a part of a plan. Its expression is a superset of what it stands for,
// and equal to it if exact.
type node struct {
	expr  store.Expr
	exact bool
	all   bool       // every record of the class; expr is not set
	minus store.Expr // to be taken from all, which is set
}

var nothing = node{expr: store.Or{}, exact: true}

// anything is the superset that says nothing.
var anything = node{all: true}

func (p *planner) or(nodes []node) node {
	out := node{exact: true}
	var terms store.Or
	for _, n := range nodes {
		out.exact = out.exact && n.exact
		switch {
		case n.all && n.minus == nil:
			out.all = true
		case n.all:
			terms = append(terms, store.Minus{Of: p.class(), Without: n.minus})
		default:
			if inner, ok := n.expr.(store.Or); ok {
				terms = append(terms, inner...)
			} else {
				terms = append(terms, n.expr)
			}
		}
	}
	switch {
	case out.all:
	case len(terms) == 1:
		out.expr = terms[0]
	default:
		out.expr = terms
	}
	return out
}

func (p *planner) and(nodes []node) node {
	out := node{exact: true}
	var terms store.And
	var without store.Or
	for _, n := range nodes {
		out.exact = out.exact && n.exact
		switch {
		case !n.all:
			if inner, ok := n.expr.(store.And); ok {
				terms = append(terms, inner...)
			} else {
				terms = append(terms, n.expr)
			}
		case n.minus != nil:
			without = append(without, n.minus)
		}
	}
	if len(terms) == 0 && len(without) == 0 {
		out.all = true
		return out
	}
	switch len(terms) {
	case 0:
		out.expr = p.class()
	case 1:
		out.expr = terms[0]
	default:
		out.expr = terms
	}
	switch len(without) {
	case 0:
	case 1:
		out.expr = store.Minus{Of: out.expr, Without: without[0]}
	default:
		out.expr = store.Minus{Of: out.expr, Without: without}
	}
	return out
}

// not turns an exact set round; of a superset nothing can be taken away.
func (p *planner) not(n node) node {
	switch {
	case !n.exact:
		return anything
	case n.minus != nil:
		return node{expr: n.minus, exact: true}
	case n.all:
		return nothing
	}
	return node{all: true, minus: n.expr, exact: true}
}

func (p *planner) class() store.Expr { return store.All{Class: p.names.Class(p.q.Type)} }

func (p *planner) has(field string, words ...[]byte) []store.Expr {
	out := make([]store.Expr, len(words))
	for i, w := range words {
		out[i] = store.Has{Token: p.names.Token(field, w)}
	}
	return out
}

// any is the union of words; exact says whether it is just what is meant.
func (p *planner) any(field string, exact bool, words ...[]byte) node {
	if len(words) == 1 {
		return node{expr: p.has(field, words[0])[0], exact: exact && p.exact}
	}
	return node{expr: store.Or(p.has(field, words...)), exact: exact && p.exact}
}

// criterion plans a condition that is not a chain.
func (p *planner) criterion(c *criterion) (node, error) {
	switch {
	case c.missing != nil:
		n := p.present(c)
		if *c.missing {
			n = p.not(n)
		}
		return n, nil
	case c.tuples != nil:
		return p.composite(c)
	case c.compartment != TypeID{}:
		return p.compartment(c)
	}
	var nodes []node
	for _, pr := range c.preds {
		n, err := p.special(c, pr)
		if err != nil {
			return node{}, err
		}
		nodes = append(nodes, n)
	}
	n := p.or(nodes)
	if c.not {
		n = p.not(n)
	}
	return n, nil
}

// compartment plans a compartment: a patient's has an edge of its own, of which
// the patient has one too. It is the only edge that all types share, so the type
// has to be said.
func (p *planner) compartment(c *criterion) (node, error) {
	if c.compartment.Type == "Patient" {
		f := &field{element: &element{text: CompartmentField}}
		n, err := p.edges(source{field: f}, []TypeID{c.compartment})
		return p.and([]node{n, {expr: p.class(), exact: true}}), err
	}
	n, err := p.pred(c.sources, c.preds[0])
	if err != nil || c.compartment.Type != p.q.Type {
		return n, err
	}
	self, err := p.is(c.compartment.ID)
	return p.or([]node{n, self}), err
}

func (p *planner) special(c *criterion, pr pred) (node, error) {
	if c.param.special != "" {
		switch pr := pr.(type) {
		case *idPred:
			return p.is(pr.id)
		case *datePred:
			return p.during(pr), nil
		}
	}
	return p.pred(c.sources, pr)
}

// pred plans one alternative over all elements it may be found in.
func (p *planner) pred(sources []source, pr pred) (node, error) {
	nodes := make([]node, 0, len(sources))
	for _, s := range sources {
		n, err := p.leaf(s, pr)
		if err != nil {
			return node{}, err
		}
		nodes = append(nodes, n)
	}
	return p.or(nodes), nil
}

// composite is the intersection of its parts, each anywhere; which values stand
// together only the card knows.
func (p *planner) composite(c *criterion) (node, error) {
	var alternatives []node
	for _, tuple := range c.tuples {
		var parts []node
		for i, pr := range tuple {
			n, err := p.pred(c.param.components[i].sources, pr)
			if err != nil {
				return node{}, err
			}
			parts = append(parts, n)
		}
		n := p.and(parts)
		n.exact = false
		alternatives = append(alternatives, n)
	}
	return p.or(alternatives), nil
}

// present is what has any value for the condition's parameter.
func (p *planner) present(c *criterion) node {
	nodes := make([]node, 0, len(c.sources))
	for _, s := range c.sources {
		nodes = append(nodes, p.presence(s))
	}
	return p.or(nodes)
}

func (p *planner) presence(s source) node {
	switch {
	case s.kind == kindDate:
		return p.any(s.text, true, centuryWords()...)
	case !s.hasPresent():
		return anything
	}
	return p.any(s.text, s.only == "", []byte{tagPresent, byte(s.kind)})
}

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
