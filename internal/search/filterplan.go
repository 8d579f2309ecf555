package search

import (
	"slices"
	"strings"
)

// filter turns the text of _filter into conditions like those of parameters.
func (p *parser) filter(text string) (*criterion, error) {
	f, err := readFilter(text)
	if err != nil {
		return nil, err
	}
	c, err := p.compile(f)
	if err == errUnknown {
		err = p.unknown(f.unknown(p))
	}
	return c, err
}

// unknown returns the first name that is no parameter of the type.
func (f *filter) unknown(p *parser) string {
	for _, kid := range f.kids {
		if name := kid.unknown(p); name != "" {
			return name
		}
	}
	if f.kids == nil && !p.opt.searchable(p.s.typ, f.path[0].name) {
		return f.path[0].name
	}
	return ""
}

func (p *parser) compile(f *filter) (*criterion, error) {
	if f.kids == nil {
		return p.test(f.path, f.op, f.value)
	}
	c := &criterion{logic: f.logic}
	for _, kid := range f.kids {
		k, err := p.compile(kid)
		if err != nil {
			return nil, err
		}
		c.kids = append(c.kids, k)
	}
	return c, nil
}

// test compiles what holds for the values at the end of a path.
func (p *parser) test(path []filterStep, op, value string) (*criterion, error) {
	first := path[0]
	if rest, ok := strings.CutPrefix(first.name, "_has:"); ok && first.where == nil {
		return p.testHas(rest, path[1:], op, value)
	}
	name, typ, typed := strings.Cut(first.name, ":")
	q := p.s.params[name]
	if q == nil {
		return nil, errUnknown
	}
	if len(path) > 1 {
		return p.testChain(q, typ, first.where, path[1:], op, value)
	}
	if first.where != nil {
		return nil, invalid("not-supported", "_filter: a condition in [ ] is followed by a point and a parameter of what the reference points to.")
	}
	c := &criterion{param: q, sources: q.sources, kind: q.kind}
	types := q.targets
	if typed {
		if q.kind != kindReference || !slices.Contains(types, typ) {
			return nil, invalid("not-supported", "_filter: only a reference takes a colon, and a type that it may point to.")
		}
		types = []string{typ}
	}
	return p.testValue(c, types, op, value)
}

// testChain follows a reference to each type for which the rest has meaning.
func (p *parser) testChain(q *param, typ string, where *filter, rest []filterStep, op, value string) (*criterion, error) {
	if q.kind != kindReference {
		return nil, invalid("not-supported", "_filter: "+q.code+" is not a reference and cannot be followed.")
	}
	c := &criterion{param: q, sources: q.sources}
	for _, t := range q.targets {
		if typ != "" && typ != t || !p.opt.searchable(t, rest[0].name) {
			continue
		}
		if len(c.chain) == 8 {
			return nil, invalid("not-supported", "_filter: "+q.code+" may point to many types: name one, as in subject:Patient.name.")
		}
		sub, err := p.testSub(t, where, rest, op, value)
		if err == errUnknown {
			continue
		}
		if err != nil {
			return nil, err
		}
		c.chain = append(c.chain, sub)
	}
	if c.chain == nil {
		return nil, invalid("not-supported", "_filter: "+q.code+" points to no type with such a parameter.")
	}
	return c, nil
}

// testHas goes back along a reference: _has:Type:reference:rest.
func (p *parser) testHas(key string, rest []filterStep, op, value string) (*criterion, error) {
	q, typ, name, err := p.opt.cutHas(p.s.typ, key)
	if err != nil {
		return nil, err
	}
	sub, err := p.testSub(typ, nil, append([]filterStep{{name: name}}, rest...), op, value)
	if err == errUnknown {
		err = (&parser{s: p.opt.schema(typ)}).unknown(name)
	}
	if err != nil {
		return nil, err
	}
	return q.has(p.s.typ, sub), nil
}

// testSub is the query at the other end of a link.
func (p *parser) testSub(typ string, where *filter, rest []filterStep, op, value string) (*Query, error) {
	opt, err := p.step()
	if err != nil {
		return nil, err
	}
	sub := &parser{s: p.opt.schema(typ), opt: opt}
	c, err := sub.test(rest, op, value)
	if err != nil {
		return nil, err
	}
	q := &Query{Type: typ, opt: opt, criteria: []*criterion{c}}
	if where != nil {
		if c, err = sub.compile(where); err != nil {
			return nil, err
		}
		q.criteria = append(q.criteria, c)
	}
	return q, nil
}

// Which operators each kind of parameter takes; all take pr.
var filterKinds = map[kind]string{
	kindToken: "eq ne in ss sb", kindString: "eq ne co sw ew", kindDate: "eq ne gt lt ge le ap sa eb po",
	kindNumber: "eq ne gt lt ge le ap sa eb", kindQuantity: "eq ne gt lt ge le ap sa eb", kindReference: "eq re", kindURI: "eq ne",
}

func (p *parser) testValue(c *criterion, types []string, op, value string) (*criterion, error) {
	q := c.param
	k, ops := q.kind, filterKinds[q.kind]
	switch {
	case q.special == "_id":
		ops = "eq ne"
	case q.special != "":
		k, ops = kindDate, filterKinds[kindDate]
	case k == 0:
		ops = "eq"
	}
	if ops == "" {
		return nil, invalid("not-supported", "_filter does not take "+q.code+".")
	}
	if op != "pr" && !slices.Contains(strings.Fields(ops), op) || op == "pr" && (q.special != "" || q.kind == 0 || q.kind == kindBody) {
		return nil, invalid("not-supported", "_filter: "+q.code+" takes "+strings.Join(strings.Fields(ops), ", ")+".")
	}
	switch op {
	case "pr":
		if value != "true" && value != "false" {
			return nil, invalid("value", "_filter: pr takes true or false.")
		}
		missing := value == "false"
		c.missing = &missing
		return c, nil
	case "in", "ss", "sb":
		modifier := map[string]string{"in": "in", "ss": "below", "sb": "above"}[op]
		return p.criterion(Param{q.code + ":" + modifier, strings.ReplaceAll(value, ",", `\,`)})
	}
	r := reader{code: "_filter: " + q.code, types: types, sources: q.sources, opt: p.opt}
	if q.kind == 0 && q.special == "" {
		tuple, err := r.tuple(q, value)
		c.tuples = [][]pred{tuple}
		return c, err
	}
	pr, err := r.tested(c, k, op, value)
	c.not = q.special == "_id" && op == "ne"
	c.preds = []pred{pr}
	if err == nil {
		err = p.masking(c)
	}
	return c, err
}

// tested reads a value that an operator compares with.
func (r *reader) tested(c *criterion, k kind, op, value string) (pred, error) {
	switch k {
	case kindString:
		return r.textTested(op, value)
	case kindDate:
		if op == "po" { // neither end is widened
			pr, err := r.date("eq" + value)
			if err != nil {
				return nil, err
			}
			return &datePred{opAp, pr.(*datePred).at}, nil
		}
		return r.date(op + value)
	case kindNumber, kindQuantity:
		return r.value(k, op+value)
	case kindReference:
		return r.reference(value)
	case kindURI:
		return unequal(&uriPred{uri: value}, op), nil
	}
	pr, err := r.special(c, value)
	if err != nil || c.param.special != "" {
		return pr, err
	}
	return unequal(pr, op), nil
}

// textTested compares normal forms, except that nothing starts within a text.
func (r *reader) textTested(op, value string) (pred, error) {
	pr, err := r.string(value)
	if err != nil {
		return nil, err
	}
	text := pr.(*stringPred)
	switch op {
	case "co":
		text.mode = textContains
	case "sw":
		text.mode = textBegins
	case "ew":
		text.mode = textEnds
	default:
		text.mode = textEquals
	}
	return unequal(text, op), nil
}

func unequal(p pred, op string) pred {
	if op == "ne" {
		return &otherPred{p}
	}
	return p
}

// otherPred accepts what another refuses.
type otherPred struct{ than pred }

func (p *otherPred) match(v *value) bool { return !p.than.match(v) }
