package search_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/search"
)

// plantTerms knows one value set, whose code is the first plant's.
type plantTerms struct{ system, code string }

func (p plantTerms) Members(_ context.Context, _ string, add func(system, code string)) error {
	add(p.system, p.code)
	return nil
}
func (p plantTerms) Below(_ context.Context, _, _ string) ([]string, error) {
	return []string{p.code}, nil
}
func (p plantTerms) Above(_ context.Context, _, _ string) ([]string, error) {
	return []string{p.code}, nil
}

// probe is one query: key and value, and which plants it finds.
type probe struct {
	key, value  string
	first, next bool
}

// Every parameter of R4 with every modifier and prefix it takes parses, plans,
// finds a resource that was made to have the value, and not one that was not.
func TestEveryParameter(t *testing.T) {
	params, sources, probes := 0, 0, 0
	var bare []string // parameters whose elements have no type that they read
	modifiers := map[string]int{}
	for typ := range r4.Resources {
		if testing.Short() && typ != r4.ResourceByName("Observation") {
			continue
		}
		for q := range r4.Params(typ.String()) {
			if q.Type() == r4.Special || len(q.Sources()) == 0 {
				continue
			}
			params++
			c := coverage{t: t, typ: typ, param: q}
			planted := 0
			for i := range q.Sources() {
				n := c.source(i)
				if n > 0 {
					sources++
				}
				planted += n
			}
			if probes += planted; planted == 0 && !strings.HasPrefix(q.Code(), "_") {
				bare = append(bare, typ.String()+"."+q.Code())
			}
			for _, m := range c.asked {
				modifiers[m]++
			}
			c.refusals()
		}
	}
	t.Logf("%d parameters, %d elements, %d probes; modifiers %v", params, sources, probes, modifiers)
	if len(bare) > 0 {
		t.Errorf("no plant for %v", bare)
	}
	if !testing.Short() && params < 1378 {
		t.Errorf("%d parameters, R4 has 1,378 of them", params)
	}
}

type coverage struct {
	t     *testing.T
	typ   r4.TypeID
	param r4.Param
	asked []string // modifiers
}

// source probes a parameter through one of its elements.
func (c *coverage) source(i int) int {
	q := c.param
	if strings.HasPrefix(q.Code(), "_") && (q.Code() == "_id" || q.Code() == "_lastUpdated") {
		return 0 // other tests
	}
	src := q.Sources()[i]
	aim := "Patient"
	if src.Only() != 0 {
		aim = src.Only().String()
	} else if len(q.Targets()) > 0 {
		aim = q.Targets()[0].String()
	}
	first, second := &planter{t: c.t, root: c.typ, n: 0, aim: aim}, &planter{t: c.t, root: c.typ, n: 1, aim: aim}
	a, b := first.resource(), second.resource()
	if q.Type() == r4.Composite {
		return c.composite(i, first, a, second, b)
	}
	kind := q.Type().String()
	if !first.plant(a, c.typ, stepsOf(src.Path()), kind) {
		return 0 // the element has no type that the kind reads
	}
	second.plant(b, c.typ, stepsOf(src.Path()), kind)
	docs := []*fhir.Resource{first.parse(a), second.parse(b)}
	list := c.probes(kind, first, src)
	c.ask(docs, list, kind)
	return len(list)
}

// composite plants a value for each part in one instance.
func (c *coverage) composite(i int, first *planter, a object, second *planter, b object) int {
	base := stepsOf(c.param.Sources()[i].Path())
	var values []string
	for _, part := range c.param.Components() {
		def, ok := r4.FindParam(c.typ.String(), part.Code())
		if !ok {
			c.t.Errorf("%s.%s: no part %s", c.typ, c.param.Code(), part.Code())
			return 0
		}
		kind, planted := def.Type().String(), false
		for _, rel := range part.Sources() {
			steps := stepsOf(rel.Path())
			if !rel.Path().FromResource() {
				steps = append(slices.Clone(base), steps...)
			}
			for _, k := range []string{kind, map[string]string{"token": "reference", "reference": "token"}[kind]} {
				if !planted && first.plant(a, c.typ, steps, k) {
					planted = second.plant(b, c.typ, steps, k)
					kind = k
				}
			}
		}
		if !planted {
			return 0
		}
		values = append(values, plain(kind, first))
	}
	docs := []*fhir.Resource{first.parse(a), second.parse(b)}
	list := []probe{{c.param.Code(), strings.Join(values, "$"), true, false}}
	c.ask(docs, list, "composite")
	return 1
}

// plain is the value of the first plant as a query has it.
func plain(kind string, p *planter) string {
	switch kind {
	case "token":
		return tokenOf(p)
	case "date":
		return "2020-02-03"
	case "number":
		return "5"
	case "quantity":
		if p.typ.String() == "Money" {
			return "5|urn:iso:std:iso:4217|EUR"
		}
		return "5000|http://unitsofmeasure.org|ug"
	case "reference":
		if p.typ == r4.Reference {
			return p.aim + "/plant-0"
		}
		if p.typ == r4.Resource {
			return p.aim + "/plant-0"
		}
	case "string":
		return "plant 0"
	}
	return search.Escape(fmt.Sprint(primitive(p.typ, p.at, 0)))
}

func tokenOf(p *planter) string {
	switch p.typ.String() {
	case "CodeableConcept", "Coding", "Identifier":
		return search.Escape(p.code)
	case "ContactPoint":
		return "plant-0"
	case "dateTime":
		return "true"
	}
	return search.Escape(fmt.Sprint(primitive(p.typ, p.at, 0)))
}

var orderedProbes = map[string][2][]string{ // what finds only the first plant, what only the second
	"date":     {{"2020-02-03", "eq2020-02-03", "ne2030-02-03", "lt2025", "le2025", "eb2025", "ap2020-02-03"}, {"gt2025", "ge2025", "sa2025"}},
	"number":   {{"5", "eq5", "ne500", "lt50", "le5", "eb6", "ap5"}, {"gt50", "ge500", "sa50"}},
	"quantity": {{"5", "eq5", "ne500", "lt50", "le5", "eb6", "ap5", "5||mg", "5|http://unitsofmeasure.org|mg", "5000|http://unitsofmeasure.org|ug", "lt0.05|http://unitsofmeasure.org|g", "ap5e-3|http://unitsofmeasure.org|g"}, {"gt50", "ge500", "sa50", "gt5.1|http://unitsofmeasure.org|mg", "ge0.5|http://unitsofmeasure.org|g"}},
}

func (c *coverage) probes(kind string, p *planter, src r4.Source) []probe {
	code := c.param.Code()
	list := []probe{{code, plain(kind, p), true, false}, {code + ":missing", "false", true, true}, {code + ":missing", "true", false, false}}
	if both, ok := orderedProbes[kind]; ok {
		for side, values := range both {
			for _, v := range values {
				if p.typ.String() == "Money" && strings.Contains(v, "|") {
					continue
				}
				list = append(list, probe{code, v, side == 0, side == 1})
			}
		}
	}
	switch kind {
	case "token":
		list = append(list, c.tokenProbes(p)...)
	case "string":
		text := fmt.Sprint("Plant-", 0)
		list = append(list, probe{code + ":exact", text, true, false}, probe{code + ":exact", "plant-0", false, false},
			probe{code + ":contains", "ANT-0", true, false}, probe{code + ":text", "0 AND plant", true, false})
	case "uri":
		list = append(list, probe{code + ":below", "http://x.org/plants/0", !urn(p), false}, probe{code + ":above", "http://x.org/plants/0/more", !urn(p), false})
	case "reference":
		switch {
		case p.typ == r4.Reference:
			list = append(list, probe{code, "plant-0", true, false}, probe{code + ":" + p.aim, "plant-0", true, false}, probe{code + ":identifier", "urn:s|plant-0", true, false},
				probe{code + ":identifier", "plant-1", false, true})
		case p.typ == r4.Canonical:
			list = append(list, probe{code, "http://x.org/plants/0", true, false}, probe{code + ":below", "http://x.org/plants/0|1", true, false}, probe{code + ":below", "http://x.org/plants/0|2", false, false})
		}
	}
	return list
}

func urn(p *planter) bool { return p.typ.String() == "oid" || p.typ.String() == "uuid" }

func (c *coverage) tokenProbes(p *planter) []probe {
	code := c.param.Code()
	list := []probe{{code + ":not", tokenOf(p), false, true}}
	switch p.typ.String() {
	case "CodeableConcept", "Coding":
		list = append(list, probe{code, p.system + "|" + tokenOf(p), true, false}, probe{code, "|" + tokenOf(p), false, false}, probe{code, p.system + "|", true, true}, probe{code, "urn:x|" + tokenOf(p), false, false},
			probe{code + ":text", "plant 0", true, false}, probe{code + ":in", "http://x.org/vs", true, false}, probe{code + ":not-in", "http://x.org/vs", false, true},
			probe{code + ":below", p.system + "|top", true, false}, probe{code + ":above", p.system + "|top", true, false})
	case "Identifier":
		list = append(list, probe{code, "urn:s|plant-0", true, false}, probe{code, "|plant-0", false, false}, probe{code + ":text", "plant 0", true, false},
			probe{code + ":of-type", "urn:t|T|plant-0", true, false}, probe{code + ":of-type", "urn:t|X|plant-0", false, false})
	case "code":
		if system := p.at.Binding().System(); p.at.Binding() != 0 && system != "" {
			list = append(list, probe{code, system + "|" + tokenOf(p), true, false}, probe{code, "|" + tokenOf(p), false, false}, probe{code, system + "|", true, true},
				probe{code + ":in", "http://x.org/vs", true, false}, probe{code + ":below", system + "|top", true, false})
		}
	}
	return list
}

// ask puts both plants into stores of wide and of narrow tokens.
func (c *coverage) ask(docs []*fhir.Resource, list []probe, kind string) {
	terms := plantTerms{"urn:s", "plant-0"}
	for _, pr := range list {
		if value, system, ok := strings.Cut(pr.value, "|top"); ok && system == "" {
			terms.system = value
		}
	}
	if terms.system != "urn:s" {
		terms.code = list[0].value
	}
	stores := []*memory{newMemory(c.t, 64, docs), newMemory(c.t, 12, docs)}
	for _, pr := range list {
		label := fmt.Sprintf("%s?%s=%s (%s)", c.typ, pr.key, pr.value, kind)
		_, modifier, _ := strings.Cut(pr.key, ":")
		c.asked = append(c.asked, modifier)
		q, err := search.Parse(c.typ.String(), []search.Param{{Key: pr.key, Value: pr.value}}, search.Options{Now: testNow})
		if err == nil {
			q, err = q.Resolve(c.t.Context(), terms)
		}
		if err != nil {
			c.t.Errorf("%s: %v", label, err)
			continue
		}
		for _, m := range stores {
			found, plan, _ := m.run(c.t, q)
			want := []int32{}
			for i, is := range []bool{pr.first, pr.next} {
				if is {
					want = append(want, int32(i))
				}
				if ok, err := m.match(plan, i); err != nil || ok != is {
					c.t.Errorf("%s: Match says %v of plant %d, %v", label, ok, i, err)
				}
			}
			if !slices.Equal(append([]int32{}, found...), want) {
				c.t.Errorf("%s: %d bits find %v, want %v: %s", label, m.bits, found, want, docs[0].JSON())
			}
		}
	}
}

// refusals: a modifier that R4 does not define for the type is refused, and the
// refusal names those it does.
func (c *coverage) refusals() {
	never := map[string][]string{
		"token": {"exact", "contains", "identifier", "Patient"}, "string": {"not", "in", "of-type", "above", "identifier"}, "date": {"exact", "not", "text", "below"},
		"number": {"exact", "not", "text", "below"}, "quantity": {"exact", "not", "text", "below"}, "uri": {"exact", "contains", "not", "text", "in"},
		"reference": {"exact", "contains", "not", "in", "of-type"}, "composite": {"missing", "not", "exact", "text"},
	}[c.param.Type().String()]
	for _, m := range never {
		_, err := search.Parse(c.typ.String(), []search.Param{{Key: c.param.Code() + ":" + m, Value: "2020"}}, search.Options{})
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || !strings.Contains(f.Public, "takes") {
			c.t.Errorf("%s?%s:%s: %v", c.typ, c.param.Code(), m, err)
		}
	}
}
