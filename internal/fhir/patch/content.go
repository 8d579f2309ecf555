package patch

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// content makes the JSON of a part's value for member m of type parent, with the
// twin that holds id and extensions of a primitive. Of a choice it returns the
// member that the value's type selects.
func (e *editor) content(part *value, m r4.MemberID, parent r4.TypeID) (v, shadow *value, to r4.MemberID, err error) {
	if nested := part.get("part"); nested != nil {
		if m.IsChoiceBase() || m.Type().IsPrimitive() || m.Type().Kind() == r4.Abstract {
			return nil, nil, m, errPartValue
		}
		v, err = e.object(nested, m.Type(), 0)
		return v, nil, m, err
	}
	return e.single(part, m, parent)
}

// single takes value[x] or resource of a part.
func (e *editor) single(part *value, m r4.MemberID, parent r4.TypeID) (v, shadow *value, to r4.MemberID, err error) {
	suffix := ""
	for _, c := range part.members {
		name, isShadow := strings.CutPrefix(c.name, "_")
		s, isValue := strings.CutPrefix(name, "value")
		switch {
		case isValue && isShadow:
			shadow, suffix = c.value, s
		case isValue:
			v, suffix = c.value, s
		case name == "resource" && m.Type().Kind() == r4.Abstract:
			v, err = c.value.clone(&e.room)
			return v, nil, m, err
		}
	}
	if suffix == "" {
		return nil, nil, m, errPartValue
	}
	if m.IsChoiceBase() {
		if m = r4.Lookup(parent, m.Name()+suffix); m == 0 {
			return nil, nil, m, errPartValue
		}
	}
	if !fits(suffix, m.Type()) {
		return nil, nil, m, errPartValue
	}
	for _, half := range []**value{&v, &shadow} {
		if *half != nil {
			if *half, err = (*half).clone(&e.room); err != nil {
				return nil, nil, m, err
			}
		}
	}
	return v, shadow, m, nil
}

// fits reports whether value[x] of a type can be the value of an element of
// type t. Texts go for texts, because authors write valueString for a code; the
// parser has the last word on what they say.
func fits(suffix string, t r4.TypeID) bool {
	given := r4.Lookup(parameterPart, "value"+suffix).Type()
	if given == 0 {
		return false
	}
	if given == t {
		return true
	}
	isText := func(t r4.TypeID) bool {
		switch t {
		case r4.Boolean, r4.Integer, r4.PositiveInt, r4.UnsignedInt, r4.Decimal:
			return false
		}
		return t.IsPrimitive()
	}
	isNumber := func(t r4.TypeID) bool {
		return t == r4.Integer || t == r4.PositiveInt || t == r4.UnsignedInt || t == r4.Decimal
	}
	return isText(given) && isText(t) || isNumber(given) && isNumber(t)
}

// parameterPart is the type that has every value[x].
const parameterPart = r4.Extension

// object makes an element without a type of its own from parts named after its
// children.
func (e *editor) object(parts *value, t r4.TypeID, depth int) (*value, error) {
	if depth > maxDepth {
		return nil, errPartValue
	}
	obj := &value{kind: '{'}
	for _, part := range parts.items {
		name, _ := part.get("name").text()
		m, parent, err := findMember(t, name)
		if err != nil {
			return nil, err
		}
		var v, shadow *value
		if nested := part.get("part"); nested != nil && !m.IsChoiceBase() && !m.Type().IsPrimitive() && m.Type().Kind() != r4.Abstract {
			v, err = e.object(nested, m.Type(), depth+1)
		} else {
			v, shadow, m, err = e.single(part, m, parent)
		}
		if err != nil {
			return nil, err
		}
		if !m.IsList() {
			if obj.get(m.JSONName()) != nil || obj.get("_"+m.JSONName()) != nil {
				return nil, errThere
			}
			put(obj, m.JSONName(), v, shadow)
			continue
		}
		n := place{obj: obj, name: m.JSONName()}.length()
		insertItem(obj, m.JSONName(), n, n, v, shadow)
	}
	if len(obj.members) == 0 {
		return nil, errPartValue
	}
	return obj, nil
}
