package search_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/search"
)

// generator makes queries out of values that are there, and near misses.
type generator struct {
	*rand.Rand
	params map[string]map[string]*plainParam
	codes  map[string][]string
	byType map[string][]*plainDoc
	types  []string
	lists  map[string]map[string]bool // items that Lists name, Type/id

	systems map[string]string // of elements of type code
}

func (g *generator) pick(list []string) string { return list[g.IntN(len(list))] }

func (g *generator) doc(typ string) *plainDoc {
	return g.byType[typ][g.IntN(len(g.byType[typ]))]
}

// condition makes one condition on typ; depth bounds chains.
func (g *generator) condition(typ string, depth int) (*plainQuery, search.Param) {
	for {
		if q, kv, ok := g.running(typ); ok {
			return q, kv
		}
		if q, kv, ok := g.structure(typ, depth); ok {
			return q, kv
		}
		p := g.params[typ][g.pick(g.codes[typ])]
		if (p.kind == "reference" || p.kind == "uri") && g.IntN(2) == 0 {
			continue // there are so many of them
		}
		q := &plainQuery{param: p}
		if p.kind == "reference" && depth > 0 && g.IntN(3) == 0 {
			if kv, ok := g.chain(q, typ, depth); ok {
				return q, kv
			}
			continue
		}
		var values []plainNode
		for range 30 {
			if values = g.doc(typ).values(p); len(values) > 0 || p.kind == "composite" {
				break
			}
		}
		if len(values) == 0 && p.kind != "composite" && g.IntN(8) > 0 {
			continue
		}
		return q, g.filled(q, typ, values)
	}
}

func (g *generator) chain(q *plainQuery, typ string, depth int) (search.Param, bool) {
	targets := q.param.targets
	if len(targets) == 1 && targets[0] == "*" {
		targets = g.types
	}
	to := g.pick(targets)
	if g.byType[to] == nil {
		return search.Param{}, false
	}
	sub, kv := g.condition(to, depth-1)
	name := q.param.code
	if len(q.param.targets) > 1 || q.param.targets[0] == "*" {
		name += ":" + to
	}
	q.chain, q.chainTo = sub, to
	return search.Param{Key: name + "." + kv.Key, Value: kv.Value}, true
}

func (g *generator) filled(q *plainQuery, typ string, values []plainNode) search.Param {
	p := q.param
	if g.IntN(4) == 0 {
		if kv, ok := g.modified(q, typ, values); ok {
			return kv
		}
		q.modifier, q.or = "", nil
	}
	switch roll := g.IntN(10); {
	case p.kind == "composite":
	case roll == 0:
		q.modifier = "missing"
		q.or = []string{g.pick([]string{"true", "false"})}
		return search.Param{Key: p.code + ":missing", Value: q.or[0]}
	case roll == 1 && p.kind == "token":
		q.modifier = "not"
	case roll < 4 && p.kind == "string":
		q.modifier = g.pick([]string{"exact", "contains"})
	}
	for range 1 + max(0, g.IntN(5)-2) {
		text := ""
		if p.kind == "composite" {
			text = g.tuple(p, typ)
		} else if len(values) > 0 {
			n := values[g.IntN(len(values))]
			text = g.value(p.kind, typ, n)
			if system := g.systems[typ+"."+n.name]; p.kind == "token" && system != "" && g.IntN(3) == 0 {
				text = system + "|" + g.pick([]string{search.Escape(asText(n.v)), "", "x"})
			}
		}
		if text == "" {
			text = map[string]string{"token": "nil", "string": "nil", "date": "2020", "number": "1", "quantity": "1", "reference": "nil", "uri": "urn:nil"}[p.kind]
		}
		if p.kind == "composite" && strings.Count(text, "$") != len(p.parts)-1 {
			text = "nil$1"
			if p.parts[1].kind == "date" {
				text = "nil$2020"
			}
		}
		q.or = append(q.or, text)
	}
	key := p.code
	if q.modifier != "" {
		key += ":" + q.modifier
	}
	return search.Param{Key: key, Value: strings.Join(q.or, ",")}
}

// tuple takes the parts of a composite from one instance, or not.
func (g *generator) tuple(p *plainParam, typ string) string {
	for range 20 {
		base := g.pick(p.expr)
		nodes := []plainNode{g.doc(typ).root}
		if strings.Contains(base, ".") {
			nodes = plainEval(nodes[0], base, true)
		}
		if len(nodes) == 0 {
			continue
		}
		var parts []string
		same := nodes[g.IntN(len(nodes))]
		for _, part := range p.parts {
			at := same
			if g.IntN(3) == 0 {
				at = nodes[g.IntN(len(nodes))]
			}
			var found []plainNode
			for _, e := range part.expr {
				found = append(found, plainEval(at, e, false)...)
			}
			if len(found) == 0 {
				break
			}
			s := g.value(part.kind, typ, found[g.IntN(len(found))])
			if strings.Contains(s, `\`) || s == "" {
				break
			}
			parts = append(parts, s)
		}
		if len(parts) == len(p.parts) {
			return strings.Join(parts, "$")
		}
	}
	return ""
}

func (g *generator) value(kind, typ string, n plainNode) string {
	switch kind {
	case "token":
		return g.token(n)
	case "string":
		return g.text(n)
	case "date":
		return g.date(typ, n)
	case "number":
		return g.number(asText(n.v))
	case "quantity":
		return g.quantity(n)
	case "reference":
		return g.reference(n)
	}
	s := asText(n.v)
	if g.IntN(6) == 0 && len(s) > 3 {
		s = s[:len(s)-1]
	}
	return search.Escape(s)
}

func (g *generator) token(n plainNode) string {
	all := plainCodings(n)
	if len(all) == 0 {
		return ""
	}
	c := all[g.IntN(len(all))]
	code, system := c.code, c.system
	switch g.IntN(12) {
	case 0:
		code = strings.ToUpper(code)
	case 1:
		code += "x"
	case 2:
		system += "x"
	}
	code, system = search.Escape(code), search.Escape(system)
	form := g.IntN(8)
	_, isBool := n.v.(bool)
	switch {
	case n.name == "telecom" || isBool:
		return code // nothing there can have a system
	case form < 3 && code != "" || system == "" && form < 7 && code != "":
		return code
	case form == 3 && code != "":
		return "|" + code
	case form == 4 && system != "":
		return system + "|"
	case system == "" || code == "":
		return ""
	}
	return system + "|" + code
}

func (g *generator) text(n plainNode) string {
	parts := nameParts(n)
	if len(parts) == 0 {
		return ""
	}
	s := []rune(g.pick(parts))
	if len(s) == 0 {
		return ""
	}
	from, to := 0, len(s)
	switch g.IntN(6) {
	case 0:
	case 1, 2:
		to = 1 + g.IntN(len(s))
	case 3:
		from = g.IntN(len(s))
		to = from + 1 + g.IntN(min(6, len(s)-from))
	case 4: // from a word
		for i := range s {
			if i > 0 && s[i-1] == ' ' && g.IntN(2) == 0 {
				from = i
			}
		}
		to = from + 1 + g.IntN(len(s)-from)
	case 5:
		s[g.IntN(len(s))] = 'q'
	}
	out := string(s[from:to])
	switch g.IntN(5) {
	case 0:
		out = strings.ToUpper(out)
	case 1:
		out = strings.NewReplacer("e", "é", "o", "Ö", "n", "ñ").Replace(out)
	}
	if plainNormal(out) == "" {
		return ""
	}
	return search.Escape(out)
}

func (g *generator) op() string {
	return g.pick([]string{"", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})
}

func (g *generator) date(typ string, n plainNode) string {
	s, ok := plainSpanOf(typ, n)
	if !ok {
		return ""
	}
	t := s.from
	if t.IsZero() || !s.to.IsZero() && g.IntN(2) == 0 {
		t = s.to
	}
	switch g.IntN(8) {
	case 0:
		t = t.Add(time.Duration(g.IntN(5)-2) * time.Second)
	case 1:
		t = t.Add(time.Duration(g.IntN(5)-2) * 24 * time.Hour)
	case 2:
		t = t.AddDate(g.IntN(7)-3, g.IntN(7)-3, 0)
	case 3:
		t = t.Add(-time.Microsecond)
	case 4:
		t = t.AddDate(100*(g.IntN(9)-4), 0, 0)
		t = t.AddDate(max(0, 1-t.Year()), 0, 0)
	}
	if g.IntN(3) == 0 {
		t = t.In(time.FixedZone("", (g.IntN(50)-25)*900))
	}
	layout := g.pick([]string{"2006", "2006-01", "2006-01-02", "2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04Z07:00",
		"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.000Z07:00", "2006-01-02T15:04:05.000000"})
	if t.Year() < 1 || t.Year() > 9998 {
		return ""
	}
	return g.op() + t.Format(layout)
}

func (g *generator) number(s string) string {
	if _, ok := rat(s); !ok {
		return ""
	}
	f, _ := strconv.ParseFloat(s, 64)
	switch g.IntN(7) {
	case 0:
		s = strconv.FormatFloat(f, 'f', g.IntN(4), 64)
	case 1:
		s = strconv.FormatFloat(f, 'e', g.IntN(4), 64)
	case 2:
		s = strconv.FormatFloat(f*(0.8+0.4*g.Float64()), 'f', g.IntN(5), 64)
	case 3:
		s = strconv.FormatFloat(-f, 'f', g.IntN(3), 64)
	case 4:
		s = "0"
	}
	return g.op() + s
}

func (g *generator) reference(n plainNode) string {
	ref := asText(n.v)
	if _, ok := n.v.(map[string]any); ok {
		ref = n.text("reference")
	}
	if strings.HasPrefix(ref, "#") {
		return ""
	}
	typ, id, ok := strings.Cut(ref, "/")
	if !ok || strings.Contains(ref, ":") {
		return search.Escape(ref)
	}
	switch g.IntN(7) {
	case 0, 1:
		id, _, _ = strings.Cut(id, "/")
		return id
	case 2:
		return baseURL + "/" + ref
	case 3:
		return typ + "/" + id[:len(id)-1] + "z"
	case 4:
		unversioned, _, _ := strings.Cut(ref, "/_history/")
		return unversioned + "/_history/1"
	}
	return ref
}
