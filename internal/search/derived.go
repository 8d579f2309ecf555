package search

import (
	"slices"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Derived fields read the elements of a parameter for its modifiers.
const (
	kindIdentified kind = 'i' // the identifier of a reference, as a token
	kindTyped      kind = 'o' // an identifier under the codes of its type
	kindLabel      kind = 'l' // the text and displays of a code, the type's text of an identifier
)

// derive adds the fields that q's modifiers read.
func (b *schemaBuilder) derive(q *param) {
	for _, s := range q.sources {
		is := func(types ...r4.TypeID) bool {
			return slices.ContainsFunc(s.types, func(t r4.TypeID) bool { return slices.Contains(types, t) })
		}
		derived := func(k kind) source {
			f := b.field(s.element, k)
			f.base = s.field
			return source{field: f, only: s.only}
		}
		switch {
		case q.kind == kindReference && is(r4.Reference):
			q.identified = append(q.identified, derived(kindIdentified))
		case q.kind == kindToken && is(r4.Identifier):
			q.typed = append(q.typed, derived(kindTyped))
			q.labels = append(q.labels, derived(kindLabel))
		case q.kind == kindToken && is(r4.CodeableConcept, r4.Coding):
			q.labels = append(q.labels, derived(kindLabel))
		}
	}
}

// typed calls add with an identifier once for each code of its type.
func typed(node fhir.Node, add func(entry)) {
	value := node.Get("value").Text()
	if value == "" {
		return
	}
	for c := range node.Get("type").All("coding") {
		if e := coded(c, "code"); e.system != "" && e.code != "" {
			e.norm = value
			add(e)
		}
	}
}

// labels calls add with the texts that :text looks at.
func labels(node fhir.Node, add func(entry)) {
	label := func(n fhir.Node) {
		if s := n.Text(); s != "" {
			add(entry{code: s, words: true})
		}
	}
	switch node.TypeID() {
	case r4.CodeableConcept:
		label(node.Get("text"))
		for c := range node.All("coding") {
			label(c.Get("display"))
		}
	case r4.Coding:
		label(node.Get("display"))
	case r4.Identifier:
		label(node.Get("type").Get("text"))
	}
}

// typedPred asks for an identifier by a code of its type.
type typedPred struct{ system, code, value string }

func (p *typedPred) match(v *value) bool {
	return string(v.norm) == p.value && string(v.code) == p.code && string(v.system) == p.system
}

func (r *reader) typed(s string) (pred, error) {
	parts, err := r.bars(s)
	if err != nil || len(parts) != 3 || slices.Contains(parts, "") {
		return nil, r.wrong(`system|code|value, the first two of the identifier's type, with , $ | and \ escaped by \`)
	}
	return &typedPred{parts[0], parts[1], parts[2]}, nil
}

// bars splits a value at its bars and resolves the escapes of the parts.
func (r *reader) bars(s string) ([]string, error) {
	parts := split(s, '|')
	for i := range parts {
		text, err := unescape(parts[i])
		if err != nil {
			return nil, err
		}
		parts[i] = text
	}
	return parts, nil
}

// identified calls add with the identifier of a reference and the type it says
// it is of, by itself or by its literal reference.
func identified(node fhir.Node, add func(entry)) {
	id := node.Get("identifier")
	if !id.Exists() {
		return
	}
	e := coded(id, "value")
	if e.typ = node.Get("type").Text(); e.typ == "" {
		e.typ = typeOf(node.Get("reference").Text())
	}
	add(e)
}
