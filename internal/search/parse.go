package search

import (
	"cmp"
	"fmt"
	"strings"
)

// Parse reads a search for resources of type typ. Errors are fault.Invalid and
// name what would be valid.
func Parse(typ string, params []Param, opt Options) (*Query, error) {
	return parse([]string{typ}, params, opt)
}

// parse reads a search for several types, each parameter for all of them.
func parse(types []string, params []Param, opt Options) (*Query, error) {
	if len(params) > maxParams {
		return nil, invalid("too-costly", fmt.Sprintf("More than %d parameters.", maxParams))
	}
	size := 0
	for _, kv := range params {
		size += len(kv.Key) + len(kv.Value)
	}
	if size > maxQuery {
		return nil, invalid("too-costly", fmt.Sprintf("The parameters have more than %d bytes.", maxQuery))
	}
	if opt.links == nil {
		opt.links = new(int)
	}
	opt.among = types
	list := make(parsers, len(types))
	for i, typ := range types {
		s := opt.schema(typ)
		if s == nil {
			return nil, invalid("not-found", "There is no such resource type in FHIR R4.")
		}
		list[i] = &parser{s: s, opt: opt, q: &Query{Type: typ, opt: opt, Count: cmp.Or(opt.DefaultCount, 50)}}
		if err := list[i].compartment(); err != nil {
			return nil, err
		}
	}
	for _, kv := range params {
		used, err := list.one(kv)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			if used {
				p.q.Used = append(p.q.Used, kv)
			} else {
				p.q.Ignored = append(p.q.Ignored, shown(kv.Key))
			}
		}
	}
	if in := list[0].contained; in == "true" || in == "both" {
		return list[0].containing()
	}
	return list.query(), nil
}

type parsers []*parser

// one reads a parameter for each type; used is false if it was left out as
// lenient handling asks for.
func (list parsers) one(kv Param) (used bool, err error) {
	lenient := list[0].opt.Lenient
	if lenient && kv.Value == "" {
		return false, nil
	}
	for i, p := range list {
		err := p.one(kv)
		if err != errUnknown {
			if err != nil {
				return false, err
			}
			continue
		}
		if !lenient {
			return false, p.unknown(kv.Key)
		}
		for _, before := range list[:i] { // what is unknown for one is left out for all
			before.q.criteria = before.q.criteria[:len(before.q.criteria)-1]
		}
		return false, nil
	}
	return true, nil
}

// query is the whole search.
func (list parsers) query() *Query {
	if len(list) == 1 {
		return list[0].q
	}
	q := *list[0].q
	q.Type, q.criteria = "", nil
	for _, p := range list {
		q.parts = append(q.parts, p.q)
	}
	return &q
}

type parser struct {
	s    *schema
	opt  Options
	q    *Query
	seen []string // control parameters that may come once

	contained, containedType string // the parameters of that name
}

// errUnknown is the only error that Lenient forgives.
var errUnknown = invalid("not-supported", "unknown parameter")

// shown names a parameter that nobody knows, if that can be told from its value.
func shown(key string) string {
	name, _, _ := strings.Cut(key, ":")
	name, _, _ = strings.Cut(name, ".")
	if len(name) <= 40 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == "" {
		return "The parameter " + name
	}
	return "A parameter"
}

func (p *parser) unknown(key string) error {
	return invalid("not-supported", fmt.Sprintf("%s is not one of %s. Its parameters: %s. For every search: %s.",
		shown(key), p.s.typ, strings.Join(p.s.codes, ", "), strings.Join(controls[:], ", ")))
}

func (p *parser) one(kv Param) error {
	if kv.Value == "" {
		return invalid("value", "A parameter has no value.")
	}
	if kv.Key == "_query" {
		return invalid("not-supported", "_query names a query that a server defines; this one defines none. Use search parameters or _filter.")
	}
	if strings.HasPrefix(kv.Key, "_") {
		if done, err := p.control(kv); done || err != nil {
			return err
		}
	}
	c, err := p.criterion(kv)
	if err != nil {
		return err
	}
	p.q.criteria = append(p.q.criteria, c)
	return nil
}

// criterion reads name[:modifier], name[:Type].rest or _has:Type:name:rest.
func (p *parser) criterion(kv Param) (*criterion, error) {
	if rest, ok := strings.CutPrefix(kv.Key, "_has:"); ok {
		return p.has(rest, kv.Value)
	}
	switch kv.Key {
	case "_filter":
		return p.filter(kv.Value)
	case "_list":
		return p.list(kv.Value)
	}
	head, rest, chained := strings.Cut(kv.Key, ".")
	name, modifier, modified := strings.Cut(head, ":")
	q := p.s.params[name]
	if q == nil {
		return nil, errUnknown
	}
	c := &criterion{param: q, sources: q.sources, kind: q.kind}
	if chained {
		return c, p.chain(c, modifier, rest, kv.Value)
	}
	types := q.targets
	if modified {
		var err error
		if types, err = p.modifier(c, modifier); err != nil {
			return nil, err
		}
	}
	if modifier == "missing" {
		if kv.Value != "true" && kv.Value != "false" {
			return nil, invalid("value", name+":missing is true or false.")
		}
		missing := kv.Value == "true"
		c.missing = &missing
		return c, nil
	}
	if err := p.values(c, modifier, types, kv.Value); err != nil {
		return nil, err
	}
	return c, p.masking(c)
}

func (p *parser) values(c *criterion, modifier string, types []string, text string) error {
	alternatives := split(text, ',')
	if len(alternatives) > maxValues {
		return invalid("too-costly", fmt.Sprintf("%s has more than %d values.", c.param.code, maxValues))
	}
	r := reader{code: c.param.code, modifier: modifier, types: types, sources: c.sources, opt: p.opt}
	for _, s := range alternatives {
		if c.param.kind == 0 && c.param.special == "" {
			tuple, err := r.tuple(c.param, s)
			if err != nil {
				return err
			}
			c.tuples = append(c.tuples, tuple)
			continue
		}
		pr, err := r.special(c, s)
		if err != nil {
			return err
		}
		c.preds = append(c.preds, pr)
	}
	return nil
}

func (p *parser) compartment() error {
	at := p.opt.Compartment
	if at == (TypeID{}) {
		return nil
	}
	c := &criterion{sources: p.s.compartments[at.Type], compartment: at}
	if !p.s.within(at.Type) || !validID(at.ID) {
		return invalid("not-supported", p.s.typ+" does not belong to that compartment.")
	}
	c.preds = []pred{&refPred{types: []string{at.Type}, id: at.ID}}
	p.q.criteria = append(p.q.criteria, c)
	return nil
}
