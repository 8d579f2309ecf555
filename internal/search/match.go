package search

import (
	"errors"
	"sync"
)

// matcher is what one evaluation of a card needs; plans keep some.
type matcher struct {
	card   cardReader
	groups map[uint32]int
	key    []byte
	best   []byte
	name   []byte
	body   func() (*bodyText, error) // nil: bodies are not looked into
}

var errJoined = errors.New("search: a card is held against a plan of joins")

type matchers struct{ pool sync.Pool }

func (p *matchers) get() *matcher {
	if m, ok := p.pool.Get().(*matcher); ok {
		return m
	}
	return &matcher{groups: map[uint32]int{}}
}

// Match reports whether the resource whose card this is answers the query. It
// looks at nothing else, so it is right whatever found the card. A plan whose
// links are joins is exact, and has nothing to match cards with: an error.
func (p *Plan) Match(card []byte) (bool, error) { return p.match(card, nil) }

func (p *Plan) match(card []byte, body func() (*bodyText, error)) (bool, error) {
	if p.q.within != nil {
		n, err := p.holds(card)
		return n > 0, err
	}
	m := p.matchers.get()
	defer p.matchers.pool.Put(m)
	m.body = body
	if err := m.card.open(card); err != nil {
		return false, err
	}
	if string(m.card.typ) != p.q.Type {
		return false, nil
	}
	bodies := p.q.Bodies()
	for _, last := range [...]bool{false, true} { // what needs a body comes last
		for _, c := range p.q.criteria {
			if last != (bodies && anyBody([]*criterion{c})) {
				continue
			}
			if ok, err := m.criterion(p, c); err != nil || !ok {
				return false, err
			}
		}
		if !bodies {
			break
		}
	}
	return true, nil
}

func (m *matcher) criterion(p *Plan, c *criterion) (bool, error) {
	switch {
	case c.kids != nil:
		for _, kid := range c.kids {
			if ok, err := m.criterion(p, kid); err != nil || ok != (c.logic == allOf) {
				return c.logic == anyOf, err
			}
		}
		return c.logic != anyOf, nil
	case c.kind == kindBody:
		return m.inBody(c)
	case c.hasTree():
		set := p.sets[c]
		return m.some(c.sources, func(v *value) bool {
			m.name = append(append(append(m.name[:0], v.typ...), '/'), v.code...)
			return v.local && set[string(m.name)] || c.accepts(v)
		})
	case c.has != nil || c.lists != nil:
		set, known := p.sets[c]
		m.name = append(append(append(m.name[:0], m.card.typ...), '/'), m.card.id...)
		if !known {
			return false, errJoined
		}
		return set[string(m.name)], nil
	case c.chain != nil:
		set, known := p.sets[c]
		if !known {
			return false, errJoined
		}
		found, err := m.some(c.sources, func(v *value) bool {
			m.name = append(append(append(m.name[:0], v.typ...), '/'), v.code...)
			return v.local && set[string(m.name)]
		})
		if found || err != nil {
			return found, err
		}
		return m.chainInside(c)
	case c.missing != nil:
		if c.param.special != "" { // every record has an id and a time
			return !*c.missing, nil
		}
		found, err := m.some(c.sources, func(*value) bool { return true })
		return found != *c.missing, err
	case c.tuples != nil:
		return m.composite(c)
	case c.compartment != TypeID{}:
		if c.compartment.Type == p.q.Type && c.compartment.ID == string(m.card.id) {
			return true, nil
		}
	case c.param.special != "":
		return m.special(c) != c.not, nil
	}
	found, err := m.some(c.sources, c.accepts)
	if err == nil && c.masked {
		found, err = m.ofMasked(c, found)
	}
	return found != c.not, err
}

// accepts reports whether any alternative takes v.
func (c *criterion) accepts(v *value) bool {
	for _, pr := range c.preds {
		if pr.match(v) {
			return true
		}
	}
	return false
}

// special looks at what the card's head holds.
func (m *matcher) special(c *criterion) bool {
	for _, pr := range c.preds {
		switch pr := pr.(type) {
		case *idPred:
			if pr.id == string(m.card.id) {
				return true
			}
		case *datePred:
			m.card.v.span = span{m.card.updated, m.card.updated}
			if pr.match(&m.card.v) {
				return true
			}
		}
	}
	return false
}

// some reports whether accept takes any value of the sources.
func (m *matcher) some(sources []source, accept func(*value) bool) (found bool, err error) {
	for i := range sources {
		s := &sources[i]
		m.card.v.field = s.field
		err = m.card.each(s.id, s.kind, func(v *value) bool {
			if s.only != "" && !v.points(s.only) {
				return true
			}
			found = accept(v)
			return !found
		})
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// points reports whether a reference names a resource of that type. A reference
// by identifier alone may not say what type it is of.
func (v *value) points(typ string) bool {
	if v.kind == kindIdentified {
		return len(v.typ) == 0 || string(v.typ) == typ
	}
	if v.local {
		return string(v.typ) == typ
	}
	return typeOf(string(v.code)) == typ
}

// composite looks for an instance in which every part of an alternative has a
// value that it accepts.
func (m *matcher) composite(c *criterion) (bool, error) {
	for _, tuple := range c.tuples {
		clear(m.groups)
		bound := 0 // parts that are tied to an instance
		for i, pr := range tuple {
			tied, loose, err := m.part(c.param.components[i].sources, pr, bound)
			if err != nil {
				return false, err
			}
			if tied {
				bound++
			}
			if !tied && !loose {
				bound = -1
				break
			}
		}
		for _, n := range m.groups {
			if bound > 0 && n == bound {
				return true, nil
			}
		}
	}
	return false, nil
}

// part counts up the instances that have accepted all parts before this one.
func (m *matcher) part(sources []source, pr pred, bound int) (tied, loose bool, err error) {
	for i := range sources {
		s := &sources[i]
		m.card.v.field = s.field
		err = m.card.each(s.id, s.kind, func(v *value) bool {
			switch {
			case !pr.match(v):
			case s.loose:
				loose = true
			case m.groups[v.group] == bound:
				m.groups[v.group] = bound + 1
				tied = true
			}
			return true
		})
		if err != nil {
			return false, false, err
		}
	}
	return tied, loose, nil
}
