package search

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// chain reads what follows a reference: a query on each type it may point to
// that has such a parameter.
func (p *parser) chain(c *criterion, modifier, rest, value string) error {
	if c.param.kind != kindReference {
		return invalid("not-supported", c.param.code+" is not a reference and cannot be followed.")
	}
	types := c.param.targets
	if modifier != "" {
		if !slices.Contains(types, modifier) {
			_, err := p.modifier(c, modifier)
			if err == nil {
				err = invalid("not-supported", c.param.code+" is followed by a type, as in subject:Patient.name.")
			}
			return err
		}
		types = []string{modifier}
	}
	types = slices.DeleteFunc(slices.Clone(types), func(t string) bool { return !p.opt.searchable(t, rest) })
	switch n := len(types); {
	case n == 0 && modifier != "" || n == 0 && len(c.param.targets) == 1:
		return (&parser{s: p.opt.schema(cmp.Or(modifier, c.param.targets[0]))}).unknown(rest)
	case n == 0:
		return invalid("not-supported", c.param.code+" points to no type with such a parameter.")
	case n > 8:
		return invalid("not-supported", c.param.code+" may point to many types: name one, as in subject:Patient.name.")
	}
	for _, t := range types {
		sub, err := p.link(t, rest, value)
		if err != nil {
			return err
		}
		c.chain = append(c.chain, sub)
	}
	return nil
}

// searchable reports whether a type has the parameter that a key begins with.
func (o Options) searchable(typ, key string) bool {
	if rest, ok := strings.CutPrefix(key, "_has:"); ok {
		_, _, _, err := o.cutHas(typ, rest)
		return err == nil
	}
	name, _, _ := strings.Cut(key, ".")
	name, _, _ = strings.Cut(name, ":")
	if name == "_filter" || name == "_list" {
		return true
	}
	return o.schema(typ).params[name] != nil
}

// link reads the query at the other end of a reference.
func (p *parser) link(typ, key, value string) (*Query, error) {
	opt, err := p.step()
	if err != nil {
		return nil, err
	}
	return Parse(typ, []Param{{key, value}}, opt)
}

// step counts a link, and returns the options of the query at its other end.
func (p *parser) step() (Options, error) {
	opt := p.opt
	opt.depth++
	opt.Lenient, opt.Compartment = false, TypeID{}
	if *opt.links++; opt.depth > maxDepth || *opt.links > maxLinks {
		return opt, invalid("too-costly", fmt.Sprintf("A search may follow %d references in a row, and %d in all with every type they may point to. Naming types, as in subject:Patient.name, makes fewer.", maxDepth, maxLinks))
	}
	return opt, nil
}

// has reads Type:reference:rest: a query on the type that refers.
func (p *parser) has(key, value string) (*criterion, error) {
	q, typ, rest, err := p.opt.cutHas(p.s.typ, key)
	if err != nil {
		return nil, err
	}
	sub, err := p.link(typ, rest, value)
	if err != nil {
		return nil, err
	}
	return q.has(p.s.typ, sub), nil
}

// has is the condition that what sub finds points to a resource of type typ by q.
func (q *param) has(typ string, sub *Query) *criterion {
	c := &criterion{param: q, has: sub}
	for _, s := range q.sources {
		if s.only == "" || s.only == typ {
			c.sources = append(c.sources, s)
		}
	}
	return c
}

// cutHas splits what follows _has: and finds the reference by which typ is
// pointed to.
func (o Options) cutHas(typ, key string) (q *param, from, rest string, err error) {
	parts := strings.SplitN(key, ":", 3)
	if len(parts) < 3 || parts[2] == "" || o.schema(parts[0]) == nil {
		return nil, "", "", invalid("value", "_has is _has:Type:reference:parameter, as in _has:Observation:patient:code.")
	}
	s := o.schema(parts[0])
	if q = s.params[parts[1]]; q != nil && q.kind == kindReference && slices.Contains(q.targets, typ) {
		return q, parts[0], parts[2], nil
	}
	var offer []string
	for _, code := range s.codes {
		if have := s.params[code]; have.kind == kindReference && slices.Contains(have.targets, typ) {
			offer = append(offer, code)
		}
	}
	text := "No parameter of " + parts[0] + " points to " + typ + "."
	if offer != nil {
		text = "_has: of the parameters of " + parts[0] + ", these point to " + typ + ": " + strings.Join(offer, ", ") + "."
	}
	return nil, "", "", invalid("not-supported", text)
}
