package search_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// planter makes the smallest resources that have a value for a parameter: what
// the standard demands, and the planted value. n tells one plant from another.
type planter struct {
	t    testing.TB
	root r4.TypeID
	n    int
	typ  r4.TypeID // of the element that was planted last
	at   r4.MemberID

	system, code string // of a code that was planted
	aim          string // type that a planted reference points to
}

// resource is a resource with what must be there.
func (p *planter) resource() object {
	r := p.object(p.root, 0)
	r["resourceType"] = p.root.String()
	return r
}

func (p *planter) object(t r4.TypeID, depth int) object {
	out := object{}
	seen := map[uint8]bool{}
	for m, end := t.Members(); m < end; m++ {
		if m.IsRequired() && !m.IsChoiceBase() && !seen[m.Ordinal()] && depth < 8 {
			seen[m.Ordinal()] = true
			out[m.JSONName()] = p.listed(m, p.filler(m, depth+1))
		}
	}
	return out
}

func (p *planter) listed(m r4.MemberID, v any) any {
	if m.IsList() {
		return []any{v}
	}
	return v
}

// filler is a value that no query of the test asks for.
func (p *planter) filler(m r4.MemberID, depth int) any {
	t := m.Type()
	if t.IsPrimitive() {
		return primitive(t, m, 9)
	}
	switch t {
	case r4.CodeableConcept, r4.Narrative:
		if t == r4.Narrative {
			return object{"status": "generated", "div": `<div xmlns="http://www.w3.org/1999/xhtml">x</div>`}
		}
		if b := m.Binding(); b != 0 {
			return object{"coding": []any{object{"system": b.System(), "code": b.All()[len(b.All())-1]}}}
		}
		return object{"text": "filler"}
	case r4.Reference:
		return object{"display": "filler"}
	case r4.Resource:
		return object{"resourceType": "Basic", "id": "filler", "code": object{"text": "filler"}}
	}
	o := p.object(t, depth)
	if len(o) > 0 {
		return o
	}
	first, end := t.Members()
	for m := first; m < end; m++ {
		if m.Type().IsPrimitive() && !m.IsChoice() && m.Name() != "id" && m.Name() != "reference" {
			o[m.JSONName()] = p.listed(m, primitive(m.Type(), m, 9))
			return o
		}
	}
	for m := first; m < end; m++ {
		if m.Type() != 0 && m.Type() != t && m.Name() != "extension" && m.Name() != "modifierExtension" && m.Name() != "id" {
			o[m.JSONName()] = p.listed(m, p.filler(m, depth+1))
			return o
		}
	}
	return o
}

// primitive is the n-th value of a primitive type.
func primitive(t r4.TypeID, m r4.MemberID, n int) any {
	switch t.String() {
	case "boolean":
		return n%2 == 0
	case "integer", "positiveInt", "unsignedInt":
		return json.Number(number(n))
	case "decimal":
		return json.Number(number(n) + ".0")
	case "code":
		if b := m.Binding(); b != 0 {
			return b.All()[min(n, len(b.All())-1)]
		}
		return fmt.Sprint("plant-", n)
	case "date":
		return year(n) + "-02-03"
	case "dateTime":
		return year(n) + "-02-03T04:05:06Z"
	case "instant":
		return year(n) + "-02-03T04:05:06.007Z"
	case "time":
		return "04:05:06"
	case "uri", "url":
		return fmt.Sprint("http://x.org/plants/", n)
	case "canonical":
		return fmt.Sprint("http://x.org/plants/", n, "|1.2")
	case "oid":
		return fmt.Sprint("urn:oid:1.2.", n)
	case "uuid":
		return fmt.Sprintf("urn:uuid:0696ac49-3128-87d3-7344-04510aa4f32%d", n)
	case "base64Binary":
		return "aGk="
	case "xhtml":
		return `<div xmlns="http://www.w3.org/1999/xhtml">x</div>`
	}
	return fmt.Sprint("Plant-", n)
}

// The plants' numbers and years: 0 is below 1, 9 is far above both.
func number(n int) string { return []string{"5", "500", "", "", "", "", "", "", "", "90000"}[n] }
func year(n int) string {
	return []string{"2020", "2030", "", "", "", "", "", "", "", "2080"}[n]
}

// value is the n-th value of a type that a parameter of a kind reads, nil if the
// kind does not read the type.
func (p *planter) value(kind string, m r4.MemberID, t r4.TypeID, n int) any {
	p.system, p.code = "urn:s", fmt.Sprint("plant-", n)
	if b := m.Binding(); b != 0 && (t == r4.CodeableConcept || t == r4.Coding) {
		p.system, p.code = b.System(), b.All()[min(n, len(b.All())-1)]
	}
	code := object{"system": p.system, "code": p.code, "display": fmt.Sprint("Plant ", n)}
	switch kind + " " + t.String() {
	case "token CodeableConcept":
		return object{"coding": []any{code}}
	case "token Coding":
		return code
	case "token Identifier":
		return object{"system": "urn:s", "value": fmt.Sprint("plant-", n), "type": object{"coding": []any{object{"system": "urn:t", "code": "T"}}, "text": fmt.Sprint("Plant ", n)}}
	case "token ContactPoint":
		return object{"system": "phone", "value": fmt.Sprint("Plant-", n)}
	case "string HumanName":
		return object{"family": fmt.Sprint("Plant-", n)}
	case "string Address":
		return object{"city": fmt.Sprint("Plant-", n)}
	case "date Period":
		return object{"start": year(n) + "-02-03", "end": year(n) + "-02-03"}
	case "date Timing":
		return object{"event": []any{year(n) + "-02-03"}}
	case "number Range":
		return object{"low": object{"value": json.Number(number(n))}, "high": object{"value": json.Number(number(n))}}
	case "quantity Money":
		return object{"value": json.Number(number(n)), "currency": "EUR"}
	case "quantity Range":
		return object{"low": measure(n), "high": measure(n)}
	case "quantity SampledData":
		return object{"origin": measure(n), "period": 1, "dimensions": 1, "data": "0"}
	case "quantity Quantity", "quantity Age", "quantity Duration", "quantity Count", "quantity Distance":
		return measure(n)
	case "reference Reference":
		if allowed := m.Targets(); len(allowed) > 0 && !slices.Contains(allowed, r4.ResourceByName(p.aim)) {
			p.aim = allowed[0].String()
		}
		return object{"reference": fmt.Sprint(p.aim, "/plant-", n), "identifier": object{"system": "urn:s", "value": fmt.Sprint("plant-", n)}}
	case "reference Resource":
		r := p.object(r4.ResourceByName(p.aim), 0)
		r["resourceType"], r["id"] = p.aim, fmt.Sprint("plant-", n)
		return r
	case "reference canonical", "reference uri", "uri uri", "uri url", "uri canonical", "uri oid",
		"token boolean", "token code", "token id", "token string", "token uri", "token markdown", "token dateTime",
		"string string", "string markdown", "date date", "date dateTime", "date instant", "number decimal", "number integer", "number positiveInt", "number unsignedInt":
		return primitive(t, m, n)
	}
	return nil
}

func measure(n int) object {
	return object{"value": json.Number(number(n)), "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
}

// plant puts the n-th value at the end of a path, and reports whether it could.
func (p *planter) plant(r object, t r4.TypeID, steps []r4.Step, kind string) bool {
	step := steps[0]
	for _, m := range membersAt(t, step) {
		var v any
		have := r[m.JSONName()]
		if list, ok := have.([]any); ok {
			have = list[0]
		}
		if len(steps) == 1 {
			if v = p.value(kind, m, m.Type(), p.n); v == nil {
				continue
			}
			p.typ, p.at = m.Type(), m
		} else {
			inner, ok := have.(object)
			if !ok {
				inner = p.object(m.Type(), 0)
			}
			if !p.plant(inner, m.Type(), steps[1:], kind) {
				continue
			}
			v = inner
		}
		if o, ok := v.(object); ok && step.Where != "" {
			o[step.Where] = step.Equals
		}
		for other, end := t.Members(); other < end; other++ { // of a choice one
			if other.IsChoice() && other.Ordinal() == m.Ordinal() {
				delete(r, other.JSONName())
			}
		}
		r[m.JSONName()] = p.listed(m, v)
		return true
	}
	return false
}

// membersAt are the members a step may lead to.
func membersAt(t r4.TypeID, step r4.Step) (out []r4.MemberID) {
	m := r4.Lookup(t, step.Name)
	if m == 0 {
		return nil
	}
	if !m.IsChoiceBase() {
		return []r4.MemberID{m}
	}
	for at, end := t.Members(); at < end; at++ {
		if at.IsChoice() && at.Name() == step.Name && (step.As == 0 || at.Type() == step.As) {
			out = append(out, at)
		}
	}
	return out
}

func stepsOf(path r4.Path) (steps []r4.Step) {
	for i := range path.Steps() {
		steps = append(steps, path.Step(i))
	}
	return steps
}

func (p *planter) parse(r object) *fhir.Resource {
	src, err := json.Marshal(r)
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := fhir.Parse(src)
	if err != nil {
		var f *fault.Error
		errors.As(err, &f)
		p.t.Fatalf("%s: %+v", strings.ReplaceAll(string(src), "\n", " "), f.Issues)
	}
	return res.Stamp(fmt.Sprint("plant-", p.n), 1, stamped)
}
