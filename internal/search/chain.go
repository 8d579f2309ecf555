package search

import (
	"errors"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// chain plans what a reference points to. A type of which the caller may see
// nothing cannot match, as long as another is left.
func (p *planner) chain(c *criterion) (node, error) {
	p.linked = true
	var nodes []node
	set := map[string]bool{}
	var denied error
	for _, sub := range c.chain {
		of, err := p.middle(sub, func(id TypeID, _ []byte) error {
			set[id.Type+"/"+id.ID] = true
			return nil
		})
		if fault.Is(err, fault.Denied) {
			denied = err
			continue
		}
		if err != nil {
			return node{}, err
		}
		if of == nil {
			return anything, nil
		}
		for _, s := range c.sources {
			if s.only == "" || s.only == sub.Type {
				nodes = append(nodes, node{expr: p.join(s.text, of), exact: p.exact})
			}
		}
		contained, any, err := p.chainInside(sub)
		switch {
		case err != nil:
			return node{}, err
		case any && p.joins: // only cards tell which reference is to what is contained
			return anything, nil
		case any:
			nodes = append(nodes, contained)
		}
	}
	if nodes == nil && denied != nil {
		return node{}, denied
	}
	if !p.joins {
		p.sets[c] = set
	}
	return p.or(nodes), nil
}

// pointed plans what something points to. Where the set that points was resolved, its cards
// say where to.
func (p *planner) pointed(c *criterion) (node, error) {
	p.linked = true
	set := map[string]bool{}
	var ids []TypeID
	var card cardReader
	of, err := p.middle(c.has, func(_ TypeID, b []byte) error {
		if err := card.open(b); err != nil {
			return err
		}
		return card.targets(c.sources, p.q.Type, func(id string) {
			if name := p.q.Type + "/" + id; !set[name] {
				set[name] = true
				ids = append(ids, TypeID{p.q.Type, id})
			}
		})
	})
	if err != nil {
		return node{}, err
	}
	switch {
	case of == nil:
		return anything, nil
	case p.joins:
		var any store.Or
		for _, s := range c.sources {
			any = append(any, store.Targets{Rel: p.names.Rel(s.text), Of: of})
		}
		// One relation may point to several types.
		return node{expr: store.And{p.class(), any}, exact: p.exact}, nil
	}
	p.sets[c] = set
	keys, err := p.keys(ids)
	return node{expr: store.Is{Keys: keys}, exact: p.exact}, err
}

// targets calls add with the ids of the resources of type typ that sources
// point to.
func (r *cardReader) targets(sources []source, typ string, add func(id string)) error {
	for _, s := range sources {
		err := r.each(s.id, s.kind, func(v *value) bool {
			if v.local && string(v.typ) == typ {
				add(string(v.code))
			}
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// middle returns the set at the other end of a link: while joins are made, as
// what its plan finds, nil if that would not be exact; else as the records that
// resolve finds, each of which found is told.
func (p *planner) middle(sub *Query, found func(TypeID, []byte) error) (store.Expr, error) {
	if p.joins {
		return p.joined(sub)
	}
	if p.resolve == nil {
		return nil, fault.Wrap(fault.Internal, "search.Plan", errResolve)
	}
	var is store.Is
	err := p.resolve(p.ctx, sub, func(id TypeID, key record.Key, card []byte) error {
		if len(is.Keys) == maxMiddle {
			return fault.New(fault.TooCostly, "search.Plan", "A reference is followed to or from too many records. Add conditions to them.")
		}
		is.Keys = append(is.Keys, key)
		return found(id, card)
	})
	return is, err
}

// maxMiddle bounds the records that one link of a chain may lead through, where
// it cannot be a join.
const maxMiddle = 500_000

var errResolve = errors.New("a link has nothing to resolve it")

func (p *planner) joined(sub *Query) (store.Expr, error) {
	inner := p.of(sub)
	inner.joins = true
	n, err := inner.all(sub.criteria)
	if err != nil || !n.exact {
		return nil, err
	}
	e, exact, err := p.names.(Confiner).Confine(p.ctx, sub.Type, inner.expr(n))
	if err != nil || !exact {
		return nil, err
	}
	return e, nil
}

// join is every record with an edge to a member of of.
func (p *planner) join(field string, of store.Expr) store.Expr {
	if is, ok := of.(store.Is); ok {
		return store.To{Rel: p.names.Rel(field), Keys: is.Keys}
	}
	return store.Join{Rel: p.names.Rel(field), Of: of}
}
