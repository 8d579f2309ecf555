package search

import (
	"cmp"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/ucum"
)

// reader turns the text of one value into a pred.
type reader struct {
	code     string // of the parameter, for messages
	modifier string
	types    []string // a reference may point to
	sources  []source
	opt      Options
}

func (r *reader) wrong(form string) error {
	return invalid("value", r.code+" is "+form+".")
}

// special reads the value of a parameter that may not be a matter of elements.
func (r *reader) special(c *criterion, s string) (pred, error) {
	switch c.param.special {
	case "_id":
		id, err := unescape(s)
		if err != nil || !validID(id) {
			return nil, r.wrong("the id of a resource: letters, digits, - and ., at most 64")
		}
		return &idPred{id}, nil
	case "_lastUpdated":
		return r.date(s)
	}
	return r.value(c.kind, s)
}

// idPred asks for the resource's own id, which is in the card's head.
type idPred struct{ id string }

func (p *idPred) match(*value) bool { return false }

// tuple reads the parts of a composite, parted by $.
func (r *reader) tuple(q *param, s string) ([]pred, error) {
	parts := split(s, '$')
	if len(parts) != len(q.components) {
		return nil, r.wrong("as many values as it has parts, separated by $")
	}
	tuple := make([]pred, len(parts))
	for i, part := range parts {
		k := q.components[i].kind
		if k == kindReference {
			r.types = nil
			for t := range r4.Resources {
				r.types = append(r.types, t.String())
			}
		}
		p, err := r.value(k, part)
		if err != nil {
			return nil, err
		}
		tuple[i] = p
	}
	return tuple, nil
}

func (r *reader) value(k kind, s string) (pred, error) {
	if s == "" {
		return nil, invalid("value", r.code+" has an empty value.")
	}
	switch k {
	case kindToken, kindIdentified:
		return r.coded(s)
	case kindTyped:
		return r.typed(s)
	case kindPlace:
		return r.near(s)
	case kindDate:
		return r.date(s)
	case kindNumber:
		p, err := r.number(s)
		return &p, err
	case kindQuantity:
		return r.quantity(s)
	}
	text, err := unescape(s)
	if err != nil {
		return nil, r.wrong(`text in which , $ | and \ are escaped by \`)
	}
	switch k {
	case kindString:
		if r.modifier == "text" {
			return r.text(text)
		}
		return r.string(text)
	case kindBody:
		return r.text(text)
	case kindLabel:
		return r.string(text)
	case kindReference:
		return r.reference(text)
	}
	return r.uri(text)
}

func (r *reader) token(s string) (pred, error) {
	parts, err := r.bars(s)
	form := `code, system|code, |code or system|, with , $ | and \ escaped by \`
	if err != nil || len(parts) > 2 {
		return nil, r.wrong(form)
	}
	if len(parts) == 2 && r.bare() {
		return nil, r.wrong("a value without a system: no |, unless escaped by \\")
	}
	p := &tokenPred{anySystem: len(parts) == 1}
	if !p.anySystem {
		p.system = []byte(parts[0])
	}
	code := parts[len(parts)-1]
	if code == "" && len(p.system) == 0 {
		return nil, r.wrong(form)
	}
	p.code, p.lower = []byte(code), []byte(strings.ToLower(code))
	return p, nil
}

func (r *reader) string(text string) (pred, error) {
	p := &stringPred{original: []byte(text), norm: []byte(normalize(text))}
	switch r.modifier {
	case "exact":
		p.mode = textExact
		return p, nil
	case "contains":
		p.mode = textContains
	}
	if len(p.norm) == 0 {
		return nil, r.wrong("text with at least one letter or digit")
	}
	return p, nil
}

func (r *reader) date(s string) (pred, error) {
	o, text := cutOp(s)
	t, err := parseDate(text)
	if err != nil {
		return nil, r.wrong("a date: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss[.sss]][Z or +hh:mm], perhaps after eq, ne, gt, lt, ge, le, sa, eb or ap")
	}
	if o == opAp {
		t = t.widen(r.opt.Now.UnixMicro())
	}
	return &datePred{o, t}, nil
}

func (r *reader) number(s string) (numberPred, error) {
	o, text := cutOp(s)
	n, err := parseNumber(text)
	if err != nil {
		return numberPred{}, r.wrong("a number, perhaps after eq, ne, gt, lt, ge, le, sa, eb or ap")
	}
	p := numberPred{op: o, at: n.decimal}
	if o == opAp {
		p.low, p.high = n.around()
	} else {
		p.low, p.high = n.implicit()
	}
	return p, nil
}

func (r *reader) quantity(s string) (pred, error) {
	parts := split(s, '|')
	form := "number, number|system|code or number||code, perhaps after eq, ne, gt, lt, ge, le, sa, eb or ap"
	if len(parts) != 1 && len(parts) != 3 {
		return nil, r.wrong(form)
	}
	n, err := r.number(parts[0])
	if err != nil {
		return nil, r.wrong(form)
	}
	p := &quantityPred{numberPred: n}
	if len(parts) == 3 {
		system, err1 := unescape(parts[1])
		code, err2 := unescape(parts[2])
		if err1 != nil || err2 != nil {
			return nil, r.wrong(form)
		}
		p.system, p.code = []byte(system), []byte(code)
		p.units = cmp.Or(r.opt.Catalog, Base()).units
		if system == ucum.System {
			p.unit = p.units.get(code)
		}
	}
	return p, nil
}

func (r *reader) reference(text string) (pred, error) {
	if r.modifier == "below" || r.modifier == "above" {
		return r.tree(text)
	}
	p := &refPred{base: r.opt.BaseURL}
	local := text
	if r.opt.BaseURL != "" {
		if rest, ok := strings.CutPrefix(text, r.opt.BaseURL+"/"); ok {
			local = rest
		}
	}
	typ, id, version := cutLocal(local)
	switch {
	case typ != "":
		p.types, p.id, p.version = []string{typ}, id, version
		for _, t := range r.types {
			if t == typ {
				return p, nil
			}
		}
		return nil, r.wrong("a reference to one of: " + listed(r.types))
	case validID(text):
		p.types, p.id = r.types, text
		return p, nil
	case absolute(text):
		p.url = text
		return p, nil
	}
	return nil, r.wrong("an id, Type/id or an absolute URL")
}

func listed(types []string) string {
	if len(types) > 20 {
		return "the resource types of R4"
	}
	return strings.Join(types, ", ")
}
