package search

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// convert calls add with the values node has for a field of that kind. A node
// that exists but says nothing to search for yields one empty value, so that
// :missing tells it from one that is not there. Types that a kind cannot be
// searched in (SampledData as a quantity, a text as a date) yield nothing.
func (f *field) convert(node fhir.Node, add func(entry)) {
	switch f.kind {
	case kindToken:
		tokens(node, f.exists, add)
	case kindString:
		if s := node.Text(); s != "" {
			add(entry{code: s, norm: normalize(s), words: f.words})
		}
	case kindDate:
		if s, ok := dates(node); ok {
			add(entry{span: s})
		}
	case kindNumber:
		if v, ok := numbers(node); ok {
			add(entry{number: v})
		}
	case kindQuantity:
		quantities(node, add)
	case kindReference:
		references(node, add)
	case kindURI:
		if s := node.Text(); s != "" {
			add(entry{code: s})
		}
	case kindPlace:
		place(node, add)
	case kindIdentified:
		identified(node, add)
	case kindTyped:
		typed(node, add)
	case kindLabel:
		labels(node, add)
	}
}

func tokens(node fhir.Node, exists bool, add func(entry)) {
	switch node.Type() {
	case "CodeableConcept":
		empty := true
		for c := range node.All("coding") {
			add(coded(c, "code"))
			empty = false
		}
		if empty {
			add(entry{})
		}
	case "Coding":
		add(coded(node, "code"))
	case "Identifier":
		add(coded(node, "value"))
	case "ContactPoint":
		add(entry{code: strings.ToLower(node.Get("value").Text()), folds: true})
	case "string", "markdown":
		add(entry{code: strings.ToLower(node.Text()), folds: true})
	default:
		s := node.Text()
		if exists {
			s = "true"
			if node.Text() == "false" {
				s = "false"
			}
		}
		if s != "" || node.Exists() {
			add(entry{code: s})
		}
	}
}

func coded(node fhir.Node, member string) entry {
	return entry{system: node.Get("system").Text(), code: node.Get(member).Text()}
}

func dates(node fhir.Node) (span, bool) {
	switch node.Type() {
	case "date", "dateTime":
		s, err := parseDate(node.Text())
		return s, err == nil
	case "instant": // no width
		s, err := parseDate(node.Text())
		s.hi = s.lo
		return s, err == nil
	case "Period":
		return period(node)
	case "Timing":
		return timing(node)
	}
	return span{}, false
}

// period spans from the first instant of its start to the last of its end. One
// that ends before it starts is a mistake, and means the time between the two.
func period(node fhir.Node) (span, bool) {
	start, err1 := parseDate(node.Get("start").Text())
	end, err2 := parseDate(node.Get("end").Text())
	switch {
	case err1 != nil && err2 != nil:
		return span{}, false
	case err1 != nil:
		return span{openLo, end.hi}, true
	case err2 != nil:
		return span{start.lo, openHi}, true
	case start.lo > end.hi:
		start, end = end, start
	}
	return span{start.lo, end.hi}, true
}

// timing spans its events and its bounds; the schedule itself is not looked at.
func timing(node fhir.Node) (span, bool) {
	s, ok := span{}, false
	join := func(t span) {
		if !ok {
			s, ok = t, true
		}
		s.lo, s.hi = min(s.lo, t.lo), max(s.hi, t.hi)
	}
	for e := range node.All("event") {
		if t, err := parseDate(e.Text()); err == nil {
			join(t)
		}
	}
	if b := node.Get("repeat").Get("bounds"); b.Type() == "Period" {
		if t, found := period(b); found {
			join(t)
		}
	}
	return s, ok
}

func numbers(node fhir.Node) (interval, bool) {
	if node.Type() == "Range" {
		return ranged(node)
	}
	n, err := parseNumber(node.Text())
	return point(n.decimal), err == nil
}

func ranged(node fhir.Node) (interval, bool) {
	v := interval{loInf: true, hiInf: true}
	if n, err := parseNumber(node.Get("low").Get("value").Text()); err == nil {
		v.lo, v.loInf = n.decimal, false
	}
	if n, err := parseNumber(node.Get("high").Get("value").Text()); err == nil {
		v.hi, v.hiInf = n.decimal, false
	}
	if !v.loInf && !v.hiInf && v.lo.cmp(v.hi) > 0 {
		v.lo, v.hi = v.hi, v.lo
	}
	return v, !v.loInf || !v.hiInf
}

const currencies = "urn:iso:std:iso:4217"

func quantities(node fhir.Node, add func(entry)) {
	switch node.Type() {
	case "SampledData":
		if v, ok := sampled(node); ok {
			add(measured(v, node.Get("origin")))
		}
	case "Money":
		if n, err := parseNumber(node.Get("value").Text()); err == nil {
			code := node.Get("currency").Text()
			add(entry{number: point(n.decimal), system: currencies, code: code, unit: code})
		}
	case "Range":
		if v, ok := ranged(node); ok {
			unit := node.Get("low")
			if !unit.Exists() {
				unit = node.Get("high")
			}
			add(measured(v, unit))
		}
	default: // Quantity and its specialisations
		if n, err := parseNumber(node.Get("value").Text()); err == nil {
			add(measured(compared(n.decimal, node.Get("comparator").Text()), node))
		}
	}
}

func measured(v interval, unit fhir.Node) entry {
	return entry{
		number: v, system: unit.Get("system").Text(),
		code: unit.Get("code").Text(), unit: unit.Get("unit").Text(),
	}
}

func references(node fhir.Node, add func(entry)) {
	text := ""
	switch node.Type() {
	case "Reference":
		text = node.Get("reference").Text()
	case "canonical", "uri", "url":
		text = node.Text()
	default: // a resource in its place: Bundle.entry[0].resource
		if schemaOf(node.Type()) == nil || !validID(node.Get("id").Text()) {
			return
		}
		text = node.Type() + "/" + node.Get("id").Text()
	}
	if typ, id, version := cutLocal(text); typ != "" && schemaOf(typ) != nil {
		add(entry{typ: typ, code: id, version: version})
		return
	}
	add(entry{code: text})
}
