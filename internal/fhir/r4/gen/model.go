package main

import (
	"fmt"
	"slices"
	"strings"
)

// fixed are the types that get the first numbers, in this order, and a constant
// in package r4: the primitives and those the parser treats by name.
var fixed = []string{
	"boolean", "integer", "positiveInt", "unsignedInt", "decimal",
	"string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid",
	"base64Binary", "date", "dateTime", "instant", "time", "xhtml",
	"Element", "BackboneElement", "Extension", "Reference", "Narrative", "Meta", "Coding",
	"CodeableConcept", "Identifier", "Quantity", "Resource", "DomainResource",
	"Bundle", "Bundle.entry", "Parameters", "Binary",
}

// kinds, as package r4 declares them.
const (
	kindPrimitive = iota + 1
	kindDatatype
	kindBackbone
	kindResource
	kindAbstract
)

type member struct {
	name     string // as in JSON: valueQuantity
	typ      string // "" for the base of a choice
	ordinal  int
	base     int // index within the type of the choice's base member, or -1
	list     bool
	required bool
	summary  bool
	modifier bool
	choice   bool // this is the base of a choice: not a JSON member
	binding  string
	concept  bool // the binding is on a CodeableConcept
	targets  []string
}

type typ struct {
	name     string
	kind     int
	element  bool // a backbone that is an Element, not a BackboneElement
	members  []member
	ordinals int
}

type model struct {
	types  []*typ
	byName map[string]*typ
}

func buildModel(d *definitions) (*model, error) {
	m := &model{byName: map[string]*typ{}}
	for i := range d.structures {
		if err := m.addStructure(&d.structures[i]); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(m.types, func(a, b *typ) int {
		x, y := slices.Index(fixed, a.name), slices.Index(fixed, b.name)
		switch {
		case x >= 0 && y >= 0:
			return x - y
		case x >= 0:
			return -1
		case y >= 0:
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
	for i, want := range fixed {
		if m.types[i].name != want {
			return nil, fmt.Errorf("type %s is missing", want)
		}
	}
	return m, m.resolve()
}

func (m *model) newType(name string, kind int) *typ {
	t := &typ{name: name, kind: kind}
	m.types = append(m.types, t)
	m.byName[name] = t
	return t
}

func (m *model) addStructure(s *structure) error {
	kind := kindDatatype
	switch {
	case s.Kind == "primitive-type":
		m.newType(s.ID, kindPrimitive)
		return nil
	case s.ID == "Resource" || s.ID == "DomainResource":
		kind = kindAbstract
	case s.Kind == "resource":
		kind = kindResource
	}
	m.newType(s.ID, kind)
	for i, e := range s.Snapshot.Element[1:] {
		cut := strings.LastIndexByte(e.Path, '.')
		parent := m.byName[e.Path[:cut]]
		if parent == nil {
			return fmt.Errorf("%s: no parent", e.Path)
		}
		rest := s.Snapshot.Element[i+2:]
		if len(rest) > 0 && strings.HasPrefix(rest[0].Path, e.Path+".") {
			back := m.newType(e.Path, kindBackbone)
			back.element = e.Type[0].Code == "Element"
		}
		if err := m.addElement(parent, &e); err != nil {
			return err
		}
	}
	return nil
}

func (m *model) addElement(parent *typ, e *element) error {
	name := e.Path[strings.LastIndexByte(e.Path, '.')+1:]
	proto := member{
		name: name, ordinal: parent.ordinals, base: -1, list: e.Max == "*",
		required: e.Min > 0, summary: e.IsSummary, modifier: e.IsModifier,
	}
	if e.Max != "*" && e.Max != "1" {
		return fmt.Errorf("%s: max %s", e.Path, e.Max)
	}
	if e.Binding.Strength == "required" {
		proto.binding, _, _ = strings.Cut(e.Binding.ValueSet, "|")
	}
	parent.ordinals++
	if base, ok := strings.CutSuffix(name, "[x]"); ok {
		proto.name, proto.choice = base, true
		at := len(parent.members)
		parent.members = append(parent.members, proto)
		for _, t := range e.Type {
			v := proto
			v.name, v.choice, v.base = base+strings.ToUpper(t.Code[:1])+t.Code[1:], false, at
			v.setType(t)
			parent.members = append(parent.members, v)
		}
		return nil
	}
	switch {
	case e.ContentReference != "":
		proto.typ = strings.TrimPrefix(e.ContentReference, "#")
	case m.byName[e.Path] != nil && strings.Contains(e.Path, "."):
		proto.typ = e.Path
	case len(e.Type) == 1:
		proto.setType(e.Type[0])
	default:
		return fmt.Errorf("%s: %d types", e.Path, len(e.Type))
	}
	if e.Path == parent.name+".id" && (parent.kind == kindResource || parent.kind == kindAbstract) {
		proto.typ = "id"
	}
	if e.Path == "Extension.url" {
		proto.typ = "uri"
	}
	parent.members = append(parent.members, proto)
	return nil
}

func (v *member) setType(t elementType) {
	v.typ = t.Code
	if strings.HasPrefix(t.Code, "http://hl7.org/fhirpath/System.") {
		v.typ = "string"
	}
	v.concept = v.typ == "CodeableConcept"
	if v.typ != "code" && v.typ != "CodeableConcept" {
		v.binding = ""
	}
	if v.typ != "Reference" {
		return
	}
	for _, p := range t.TargetProfile {
		name := p[strings.LastIndexByte(p, '/')+1:]
		if name == "Resource" {
			v.targets = nil
			return
		}
		v.targets = append(v.targets, name)
	}
}

// resolve checks that every type that is named exists and drops targets that
// are no R4 resource.
func (m *model) resolve() error {
	for _, t := range m.types {
		if t.ordinals > 64 {
			return fmt.Errorf("%s has %d elements, the parser's set holds 64", t.name, t.ordinals)
		}
		for i := range t.members {
			v := &t.members[i]
			if !v.choice && m.byName[v.typ] == nil {
				return fmt.Errorf("%s.%s: no type %q", t.name, v.name, v.typ)
			}
			v.targets = slices.DeleteFunc(v.targets, func(n string) bool {
				x := m.byName[n]
				return x == nil || x.kind != kindResource
			})
			slices.Sort(v.targets)
		}
	}
	return nil
}
