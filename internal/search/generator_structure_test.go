package search_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

// structure makes a condition out of others, now and then.
func (g *generator) structure(typ string, depth int) (*plainQuery, search.Param, bool) {
	if depth == 0 || g.IntN(6) > 0 {
		return nil, search.Param{}, false
	}
	switch g.IntN(8) {
	case 0:
		id := fmt.Sprintf("list-%d", g.IntN(len(g.lists)+1))
		q := &plainQuery{plainStructure: plainStructure{listed: map[string]bool{}}}
		maps.Copy(q.listed, g.lists[id])
		return q, search.Param{Key: "_list", Value: id}, true
	case 1, 2, 3:
		q, text := g.filter(typ, depth)
		return q, search.Param{Key: "_filter", Value: text}, true
	}
	return g.has(typ, depth)
}

// has asks about what points here.
func (g *generator) has(typ string, depth int) (*plainQuery, search.Param, bool) {
	from, p := g.referrer(typ)
	if p == nil {
		return nil, search.Param{}, false
	}
	sub, kv := g.condition(from, depth-1)
	q := &plainQuery{param: p, plainStructure: plainStructure{has: sub, hasFrom: from}}
	return q, search.Param{Key: "_has:" + from + ":" + p.code + ":" + kv.Key, Value: kv.Value}, true
}

// referrer returns a type and a parameter by which it points to typ.
func (g *generator) referrer(typ string) (string, *plainParam) {
	for range 30 {
		from := g.pick(g.types)
		p := g.params[from][g.pick(g.codes[from])]
		if p.kind == "reference" && (slices.Contains(p.targets, typ) || slices.Contains(p.targets, "*")) {
			return from, p
		}
	}
	return "", nil
}

// filter makes the text of a _filter.
func (g *generator) filter(typ string, depth int) (*plainQuery, string) {
	if depth == 0 {
		return g.test(typ, depth)
	}
	switch g.IntN(5) {
	case 0:
		q, text := g.filter(typ, depth-1)
		return &plainQuery{plainStructure: plainStructure{logic: "not", kids: []*plainQuery{q}}}, "not" + g.pick([]string{"", " "}) + "(" + text + ")"
	case 1, 2:
		q, text := g.operand(typ, depth)
		for range 1 + g.IntN(3) { // from left to right, whatever joins them
			logic := g.pick([]string{"and", "or"})
			next, more := g.operand(typ, depth)
			q = &plainQuery{plainStructure: plainStructure{logic: logic, kids: []*plainQuery{q, next}}}
			text += " " + logic + " " + more
		}
		return q, text
	}
	return g.test(typ, depth)
}

func (g *generator) operand(typ string, depth int) (*plainQuery, string) {
	q, text := g.filter(typ, depth-1)
	if q.logic == "and" || q.logic == "or" {
		text = "(" + text + ")"
	}
	return q, text
}

// test makes one test, perhaps behind a reference.
func (g *generator) test(typ string, depth int) (*plainQuery, string) {
	for {
		p := g.params[typ][g.pick(g.codes[typ])]
		if p.kind == "reference" && depth > 0 && g.IntN(3) == 0 {
			if q, text := g.testChain(p, depth); q != nil {
				return q, text
			}
			continue
		}
		if depth > 0 && g.IntN(12) == 0 {
			if from, via := g.referrer(typ); via != nil {
				sub, text := g.test(from, 0)
				return &plainQuery{param: via, plainStructure: plainStructure{has: sub, hasFrom: from}}, "_has:" + from + ":" + via.code + ":" + text
			}
		}
		if p.kind == "composite" || (p.kind == "reference" || p.kind == "uri") && g.IntN(2) == 0 {
			continue
		}
		var values []plainNode
		for range 30 {
			if values = g.doc(typ).values(p); len(values) > 0 {
				break
			}
		}
		if len(values) == 0 {
			continue
		}
		if q, text := g.testValue(p, typ, values[g.IntN(len(values))]); q != nil {
			return q, text
		}
	}
}

func (g *generator) testChain(p *plainParam, depth int) (*plainQuery, string) {
	targets := p.targets
	if targets[0] == "*" {
		targets = g.types
	}
	to := g.pick(targets)
	if g.byType[to] == nil {
		return nil, ""
	}
	sub, text := g.test(to, depth-1)
	name := p.code
	if len(p.targets) > 1 || p.targets[0] == "*" {
		name += ":" + to
	}
	if g.IntN(3) == 0 {
		where, more := g.filter(to, depth-1)
		name += "[" + more + "]"
		sub = &plainQuery{plainStructure: plainStructure{logic: "and", kids: []*plainQuery{where, sub}}}
	}
	return &plainQuery{param: p, chain: sub, chainTo: to}, name + "." + text
}

var testOps = map[string][]string{
	"token": {"eq", "eq", "ne"}, "string": {"eq", "ne", "co", "sw", "ew"}, "date": {"eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb", "po"},
	"number": {"eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb"}, "quantity": {"eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb"},
	"reference": {"eq", "re"}, "uri": {"eq", "ne"},
}

func (g *generator) testValue(p *plainParam, typ string, n plainNode) (*plainQuery, string) {
	q := &plainQuery{param: p}
	if g.IntN(10) == 0 {
		q.op, q.or = "pr", []string{g.pick([]string{"true", "false"})}
		return q, p.code + " pr " + q.or[0]
	}
	text := g.value(p.kind, typ, n)
	if text == "" {
		return nil, ""
	}
	q.op = g.pick(testOps[p.kind])
	switch p.kind {
	case "string", "uri", "reference":
		text = plainUnescape(text)
	case "date", "number", "quantity":
		_, text = plainOp(text)
	}
	q.or = []string{text}
	shown := text
	if strings.ContainsAny(text, " \t\n)]\"") || g.IntN(2) == 0 {
		quoted, _ := json.Marshal(text)
		shown = string(quoted)
	}
	if p.kind == "uri" || p.kind == "reference" {
		q.or[0] = search.Escape(text) // as the plain reading takes them
	}
	return q, p.code + " " + q.op + " " + shown
}

// listResources makes Lists of what is there, some of it taken off again.
func listResources(t testing.TB, resources []*fhir.Resource) (out []*fhir.Resource, items map[string]map[string]bool) {
	items = map[string]map[string]bool{}
	for i := range 6 {
		var entries []any
		id := fmt.Sprintf("list-%d", i)
		items[id] = map[string]bool{}
		for j := i; j < len(resources); j += 3 + 11*i {
			of := resources[j].Type() + "/" + resources[j].ID()
			e := map[string]any{"item": map[string]any{"reference": of}}
			switch j % 5 {
			case 0:
				e["deleted"] = true
			case 1:
				e["deleted"] = false
				fallthrough
			default:
				items[id][of] = true
			}
			entries = append(entries, e)
		}
		src, err := json.Marshal(map[string]any{"resourceType": "List", "status": "current", "mode": "working", "entry": entries})
		if err != nil {
			t.Fatal(err)
		}
		limits := fhir.Limits{Bytes: 1 << 30}
		r, err := limits.Parse(src)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r.Stamp(id, 1, stamped))
	}
	return out, items
}

// search is one generated search: of one type or several, perhaps within a
// compartment.
type generated struct {
	types []string
	conds map[string][]*plainQuery // by type
	query *search.Query
	label string
}

func (g *generator) search(t testing.TB, typ string) generated {
	opt := search.Options{BaseURL: baseURL, Now: testNow}
	out := generated{types: []string{typ}, conds: map[string][]*plainQuery{}}
	var params []search.Param
	several := g.IntN(15) == 0
	if several {
		out.types = []string{"Observation", g.pick([]string{"Condition", "Procedure", "Encounter", "CarePlan"}), "Patient"}[:2+g.IntN(2)]
	}
	for range 1 + max(0, g.IntN(5)-2) {
		if several {
			params = append(params, g.shared(&out))
			continue
		}
		c, kv := g.condition(typ, 2)
		out.conds[typ] = append(out.conds[typ], c)
		params = append(params, kv)
	}
	if of := g.pick([]string{"Patient", "Encounter"}); g.IntN(10) == 0 && !slices.ContainsFunc(out.types, func(t string) bool { return plainCompartments[of][t] == nil }) {
		at := g.doc(of).id
		opt.Compartment = search.TypeID{Type: of, ID: at}
		for _, t := range out.types {
			out.conds[t] = append(out.conds[t], &plainQuery{plainStructure: plainStructure{within: of + "/" + at}})
		}
	}
	var err error
	if several {
		params = append(params, search.Param{Key: "_type", Value: strings.Join(out.types, ",")})
		out.query, err = search.ParseSystem(params, opt)
	} else {
		out.query, err = search.Parse(typ, params, opt)
	}
	out.label = fmt.Sprintf("%s in %v: %q", strings.Join(out.types, ","), opt.Compartment, params)
	if err == nil {
		out.query, err = out.query.Resolve(t.Context(), testTerms{})
	}
	if err != nil {
		t.Fatalf("%s: %v", out.label, err)
	}
	return out
}

// shared makes a condition that all types of a search have.
func (g *generator) shared(out *generated) search.Param {
	for {
		q, kv := g.condition(out.types[0], 0)
		if q.param == nil || q.param.kind == "composite" || q.param.kind == "reference" || slices.ContainsFunc(out.types, func(t string) bool {
			p := g.params[t][q.param.code]
			return p == nil || p.kind != q.param.kind
		}) || strings.Contains(kv.Key, ":") && q.modifier != "missing" && q.modifier != "not" {
			continue
		}
		for _, t := range out.types {
			c := *q
			c.param = g.params[t][q.param.code]
			out.conds[t] = append(out.conds[t], &c)
		}
		return kv
	}
}
