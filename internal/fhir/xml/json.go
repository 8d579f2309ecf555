package xml

import (
	"encoding/json"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// valueIsJSON reports whether a number or truth value can stand in JSON as it is.
func (n *node) valueIsJSON() bool {
	switch n.typ {
	case r4.Boolean:
		return n.value == "true" || n.value == "false"
	case r4.Integer, r4.PositiveInt, r4.UnsignedInt, r4.Decimal:
		if n.value == "" || n.value[0] != '-' && n.value[0]-'0' > 9 || n.value[len(n.value)-1]-'0' > 9 {
			return false
		}
		return json.Valid([]byte(n.value))
	}
	return true
}

func appendString(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil { // cannot be: a string has a JSON form
		return append(b, "null"...)
	}
	return append(b, quoted...)
}

func (n *node) appendValue(b []byte) []byte {
	switch n.typ {
	case r4.Boolean, r4.Integer, r4.PositiveInt, r4.UnsignedInt, r4.Decimal:
		return append(b, n.value...)
	}
	return appendString(b, n.value)
}

func (n *node) hasParts() bool { return len(n.attrs)+len(n.children) > 0 }

// appendObject writes n with its members in the order in which they first came;
// the items of a list come together.
func (n *node) appendObject(b []byte) []byte {
	b = append(b, '{')
	first := true
	name := func(s string) {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(appendString(b, s), ':')
	}
	if n.typ.Kind() == r4.Resourced {
		name("resourceType")
		b = appendString(b, n.typ.String())
	}
	for _, a := range n.attrs {
		name(a.name)
		b = appendString(b, a.value)
	}
	groups := make(map[r4.MemberID][]*node, len(n.children))
	order := make([]r4.MemberID, 0, len(n.children))
	for _, c := range n.children {
		if groups[c.member] == nil {
			order = append(order, c.member)
		}
		groups[c.member] = append(groups[c.member], c)
	}
	for _, m := range order {
		list := groups[m]
		if some(list, func(c *node) bool { return !c.typ.IsPrimitive() || c.hasValue }) {
			name(m.JSONName())
			b = appendList(b, m, list, false)
		}
		if some(list, func(c *node) bool { return c.typ.IsPrimitive() && c.hasParts() }) {
			name("_" + m.JSONName())
			b = appendList(b, m, list, true)
		}
	}
	return append(b, '}')
}

func some(list []*node, is func(*node) bool) bool {
	return slices.ContainsFunc(list, is)
}

// appendList writes the values of a member, or the ids and extensions of its
// primitives. Several of one that is no list are written as a list all the
// same, which fhir.Parse refuses.
func appendList(b []byte, m r4.MemberID, list []*node, parts bool) []byte {
	array := m.IsList() || len(list) > 1
	if array {
		b = append(b, '[')
	}
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		switch {
		case !n.typ.IsPrimitive() || parts && n.hasParts():
			b = n.appendObject(b)
		case !parts && n.hasValue:
			b = n.appendValue(b)
		default:
			b = append(b, "null"...)
		}
	}
	if array {
		b = append(b, ']')
	}
	return b
}
