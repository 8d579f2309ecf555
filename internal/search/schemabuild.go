package search

import (
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

var compartmentTypes = [...]string{"Patient", "Encounter", "RelatedPerson", "Practitioner", "Device"}

type schemaBuilder struct {
	s        *schema
	root     r4.TypeID
	elements map[string]*element
}

func kindOf(t r4.ParamType) kind {
	switch t {
	case r4.Number:
		return kindNumber
	case r4.DateParam:
		return kindDate
	case r4.StringParam:
		return kindString
	case r4.Token:
		return kindToken
	case r4.ReferenceParam:
		return kindReference
	case r4.QuantityParam:
		return kindQuantity
	case r4.URIParam:
		return kindURI
	}
	return 0
}

// param returns nil for a parameter that is not a matter of elements.
func (b *schemaBuilder) param(p r4.Param) *param {
	q := &param{code: p.Code(), kind: kindOf(p.Type())}
	switch {
	case q.code == "_id" || q.code == "_lastUpdated":
		q.special = q.code
		return q
	case q.code == "_text" || q.code == "_content":
		q.kind = kindBody
		return q
	case q.code == "near":
		q.kind = kindPlace
	case len(p.Sources()) == 0 || p.Type() == r4.Special:
		return nil
	case p.Type() == r4.Composite:
		return b.composite(q, p)
	}
	for _, t := range p.Targets() {
		q.targets = append(q.targets, t.String())
	}
	if q.kind == kindReference && q.targets == nil {
		for t := range r4.Resources {
			q.targets = append(q.targets, t.String())
		}
	}
	for _, src := range p.Sources() {
		q.sources = append(q.sources, b.sources(src, q.kind)...)
	}
	b.derive(q)
	return q
}

// sources turns one element of the tables into fields: names and addresses
// become their parts, so that name, family and given share them.
func (b *schemaBuilder) sources(src r4.Source, k kind) []source {
	e := b.source(src)
	only := ""
	if src.Only() != 0 {
		only = src.Only().String()
	}
	if k != kindString {
		return []source{{field: b.field(e, k), only: only}}
	}
	var out []source
	for _, leaf := range leavesOf(e.types) {
		part := *e
		part.text, part.leaf, part.fields = e.text+"."+leaf, leaf, nil
		part.types = []r4.TypeID{r4.String}
		out = append(out, source{field: b.field(b.intern(&part), k), only: only})
	}
	if out == nil {
		out = append(out, source{field: b.field(e, k), only: only})
	}
	return out
}

// The parts of names and addresses that are strings.
func leavesOf(types []r4.TypeID) []string {
	for _, t := range types {
		switch t.String() {
		case "HumanName":
			return []string{"text", "family", "given", "prefix", "suffix"}
		case "Address":
			return []string{"text", "line", "city", "district", "state", "postalCode", "country"}
		}
	}
	return nil
}

func (b *schemaBuilder) source(src r4.Source) *element {
	e := &element{steps: stepsOf(src.Path()), exists: src.Present()}
	e.text = b.retype(src.Path().String())
	if e.exists {
		e.text += ".exists()"
	}
	b.walk(e)
	return b.intern(e)
}

// retype names what every resource has by the type at hand, so that tokens of
// different types differ.
func (b *schemaBuilder) retype(text string) string {
	if rest, ok := strings.CutPrefix(text, "Resource."); ok {
		return b.s.typ + "." + rest
	}
	return text
}

func stepsOf(p r4.Path) []r4.Step {
	steps := make([]r4.Step, p.Steps())
	for i := range steps {
		steps[i] = p.Step(i)
	}
	return steps
}

func (b *schemaBuilder) intern(e *element) *element {
	if have := b.elements[e.text]; have != nil {
		return have
	}
	b.elements[e.text] = e
	return e
}

// field makes e a field of the schema; only elements with fields are read.
func (b *schemaBuilder) field(e *element, k kind) *field {
	for _, f := range e.fields {
		if f.kind == k {
			return f
		}
	}
	f := &field{element: e, kind: k, id: idOf(k, e.text)}
	if len(e.fields) == 0 {
		b.s.elements = append(b.s.elements, e)
	}
	e.fields = append(e.fields, f)
	return f
}

func (b *schemaBuilder) composite(q *param, p r4.Param) *param {
	for _, c := range p.Components() {
		def, ok := r4.FindParam(b.s.typ, c.Code())
		if !ok {
			return nil
		}
		part := component{kind: kindOf(def.Type())}
		for _, base := range p.Sources() {
			for _, rel := range c.Sources() {
				e := b.component(base.Path(), rel)
				if e == nil {
					continue
				}
				part.kind = repaired(part.kind, e.types)
				part.sources = append(part.sources, source{field: b.field(e, part.kind), loose: rel.Path().FromResource()})
			}
		}
		q.components = append(q.components, part)
	}
	return q
}

// repaired corrects DocumentReference.relationship, whose parts are defined the
// wrong way round.
func repaired(k kind, types []r4.TypeID) kind {
	switch {
	case len(types) != 1:
	case k == kindReference && types[0] == r4.Code:
		return kindToken
	case k == kindToken && types[0] == r4.Reference:
		return kindReference
	}
	return k
}

func (b *schemaBuilder) component(base r4.Path, rel r4.Source) *element {
	text := rel.Path().String()
	e := &element{steps: stepsOf(rel.Path())}
	switch {
	case rel.Path().FromResource():
		e.text = strings.Replace(text, "%resource", b.s.typ, 1)
	case text == "$this":
		e.text, e.steps = base.String(), stepsOf(base)
	default:
		e.text = base.String() + "." + text
		e.steps = append(stepsOf(base), e.steps...)
	}
	if !b.walk(e) {
		return nil
	}
	e = b.intern(e)
	if !rel.Path().FromResource() {
		e.group = base.Steps()
	}
	return e
}

// nameWords marks the parts of names and addresses, by whatever parameter they
// are read.
func (b *schemaBuilder) nameWords() {
	for _, e := range b.s.elements {
		parent := &element{steps: e.steps}
		last := e.leaf
		if last == "" && len(e.steps) > 1 {
			parent.steps, last = e.steps[:len(e.steps)-1], e.steps[len(e.steps)-1].Name
		}
		b.walk(parent)
		for _, f := range e.fields {
			f.words = f.kind == kindString && slices.Contains(leavesOf(parent.types), last)
		}
	}
}
