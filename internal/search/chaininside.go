package search

import (
	"bytes"
	"slices"
)

// A chain is followed into contained resources as well (FHIR R4 search,
// _contained): MedicationRequest?medication.code=a finds a request whose
// medication is the contained #m1. It ends there: what a contained resource
// itself refers to is not followed, and nothing but the container refers to it.

// chainInside plans what contains a resource that sub finds: a superset, as words
// do not say which reference is to which contained resource. any is false if there
// is nothing of the kind; beside joins, which are exact, nothing is planned.
func (p *planner) chainInside(sub *Query) (n node, any bool, err error) {
	if p.inside || uncontainable(sub.criteria) != "" {
		return node{}, false, nil
	}
	in := (&planner{ctx: p.ctx, names: insideNames{p.names, p.q.Type}, inside: true}).of(sub)
	if any, err = in.containsAny(p.names); err != nil || !any || p.joins {
		return node{}, any, err
	}
	n, err = in.all(sub.criteria)
	return node{expr: in.expr(n)}, true, err
}

// chainInside reports whether the record refers to a resource that it contains
// and that the chain finds.
func (m *matcher) chainInside(c *criterion) (found bool, err error) {
	for _, sub := range c.chain {
		ids, err := m.fragments(c.sources, sub.Type)
		if err != nil {
			return false, err
		}
		if ids == nil || uncontainable(sub.criteria) != "" {
			continue
		}
		plan, in := &Plan{q: sub}, cardReader{}
		err = m.card.contained(func(card []byte) (bool, error) {
			if err := in.open(card); err != nil {
				return false, err
			}
			if string(in.typ) == sub.Type && slices.ContainsFunc(ids, func(id []byte) bool { return bytes.Equal(id, in.id) }) {
				found, err = plan.Match(card)
			}
			return !found, err
		})
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// fragments returns the ids of contained resources that sources refer to, which
// may be of type typ.
func (m *matcher) fragments(sources []source, typ string) (ids [][]byte, err error) {
	for _, s := range sources {
		if s.only != "" && s.only != typ {
			continue
		}
		err := m.card.each(s.id, s.kind, func(v *value) bool {
			if !v.local && len(v.code) > 1 && v.code[0] == '#' {
				ids = append(ids, bytes.Clone(v.code[1:]))
			}
			return true
		})
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}
