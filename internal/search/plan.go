package search

import (
	"context"

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

// Confiner is a Names whose caller may not see every record. Confine returns the
// part of e, an exact set of records of type typ, that may be seen, and whether
// that part is exact.
//
// It is asked for the middle of a chain, so that one can be a join. A Names
// without it never gets a join: what a chain tells of a record that a search
// would not show is a disclosure, and only Resolve knows of those.
type Confiner interface {
	Confine(ctx context.Context, typ string, e store.Expr) (confined store.Expr, exact bool, err error)
}

// Prober is a Names that can look into the store. Any reports whether e finds
// any record at all, whoever may see it. Without it, all is thought to be there.
type Prober interface {
	Any(ctx context.Context, e store.Expr) (bool, error)
}

// Resolve runs a query, rechecks it, and calls found with all it finds and their
// cards, which are valid until it returns: the middle of a chain. It MUST apply
// the access policy that a search by the caller would.
type Resolve func(ctx context.Context, q *Query, found func(id TypeID, key record.Key, card []byte) error) error

// Plan is a query as equality over tokens.
type Plan struct {
	// Expr finds every record the query asks for, and unless Exact others too.
	Expr  store.Expr
	Exact bool
	// Sure, unless it is nil, finds a part of what an inexact plan stands for
	// and nothing else: it needs no recheck.
	Sure store.Expr
	// Joined: some link of a chain is a join, and Match has nothing to go by.
	Joined bool

	q    *Query
	sets map[*criterion]map[string]bool // what links of chains have found: Type/id

	inner *Plan // of the query for what is contained

	matchers matchers
}

// Plan plans q. Subtraction is used only for what is exact; everything else
// that negates is left to Match.
//
// Links of chains become joins if all of q is exact then and names is a Confiner.
// Otherwise resolve runs their queries, and Match knows what they found.
func (q *Query) Plan(ctx context.Context, names Names, resolve Resolve) (*Plan, error) {
	if q.within != nil {
		return q.planContaining(ctx, names, resolve)
	}
	p := (&planner{ctx: ctx, names: names, exact: names.Exact(), resolve: resolve}).of(q)
	_, may := names.(Confiner)
	p.joins = may && p.exact
	n, err := p.all(q.criteria)
	if err == nil && p.joins && p.linked && !n.exact {
		p.joins = false
		n, err = p.all(q.criteria)
	}
	if err != nil {
		return nil, err
	}
	plan := &Plan{q: q, Expr: p.expr(n), Exact: p.exact && n.exact, Joined: p.joins && p.linked, sets: p.sets}
	if p.exact && !n.exact {
		plan.Sure = n.sure
	}
	return plan, nil
}

type planner struct {
	ctx     context.Context
	names   Names
	q       *Query
	exact   bool
	resolve Resolve

	inside bool // what is planned is contained in records of another type
	joins  bool // links are joins, or the plan is made anew without
	linked bool // there are any
	sets   map[*criterion]map[string]bool
}

// of returns a planner of another query.
func (p *planner) of(q *Query) *planner {
	inner := *p
	inner.q, inner.linked, inner.sets = q, false, map[*criterion]map[string]bool{}
	return &inner
}

func (p *planner) expr(n node) store.Expr {
	if n.all {
		return p.class()
	}
	return n.expr
}

// all plans conditions that must all hold.
func (p *planner) all(list []*criterion) (node, error) {
	nodes, err := p.each(list)
	return p.and(nodes), err
}

func (p *planner) each(list []*criterion) ([]node, error) {
	nodes := make([]node, 0, len(list))
	for _, c := range list {
		n, err := p.criterion(c)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// joint plans conditions that are joined to one.
func (p *planner) joint(c *criterion) (node, error) {
	nodes, err := p.each(c.kids)
	switch {
	case err != nil:
		return node{}, err
	case c.logic == allOf:
		return p.and(nodes), nil
	case c.logic == anyOf:
		return p.or(nodes), nil
	}
	return p.not(p.or(nodes)), nil
}

func (p *planner) criterion(c *criterion) (node, error) {
	switch {
	case c.chain != nil:
		return p.chain(c)
	case c.has != nil:
		return p.pointed(c)
	case c.lists != nil:
		return p.listed(c)
	case c.kids != nil:
		return p.joint(c)
	case c.kind == kindBody:
		return anything, nil
	case c.hasTree():
		return p.hierarchy(c)
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
	if c.masked {
		n = n.loose()
	}
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
			if p.inside { // the id of a contained resource has no word
				return anything, nil
			}
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
		alternatives = append(alternatives, p.and(parts).loose())
	}
	return p.or(alternatives), nil
}

// present is what has any value for the condition's parameter.
func (p *planner) present(c *criterion) node {
	if c.param.special != "" {
		return node{all: true, exact: true}
	}
	nodes := make([]node, 0, len(c.sources))
	for _, s := range c.sources {
		nodes = append(nodes, p.presence(s))
	}
	return p.or(nodes)
}

func (p *planner) presence(s source) node {
	if s.base != nil { // what is derived is no more than what it is derived from
		s.field = s.base
	}
	switch {
	case s.kind == kindDate:
		return p.any(s.text, true, centuryWords()...)
	case s.ordered():
		return p.any(s.text, true, plainScale.present()...)
	case !s.hasPresent():
		return anything
	}
	return p.any(s.text, s.only == "", []byte{tagPresent, byte(s.kind)})
}
