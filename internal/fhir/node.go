package fhir

import (
	"iter"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Node is one element of a resource: a small value that points into it. The
// zero Node is absent, and every method works on it.
type Node struct {
	d    *doc
	i    uint32
	root uint32 // resource that paths start from
}

func (n Node) item() *item { return &n.d.items[n.i] }

// Exists reports whether the element is there.
func (n Node) Exists() bool { return n.d != nil }

// Name returns the element's name, of a choice without its type: value. The
// root of a resource has none.
func (n Node) Name() string {
	if n.d == nil || n.i == n.root {
		return ""
	}
	return n.item().member.Name()
}

// Member returns the member of its parent that the element is, 0 for the root of
// what was parsed and for the absent Node.
func (n Node) Member() r4.MemberID {
	if n.d == nil {
		return 0
	}
	return n.item().member
}

// Type returns the element's FHIR type: Quantity, code, BackboneElement; of a
// resource its type.
func (n Node) Type() string { return n.TypeID().FHIRType() }

// TypeID returns the type as package r4 numbers it, 0 if absent. Parts of a
// resource have each their own.
func (n Node) TypeID() r4.TypeID {
	if n.d == nil {
		return 0
	}
	return n.item().typ
}

// Path returns the element's place as FHIRPath from the resource: lists have an
// index, choices no type: Observation.component[0].value.
func (n Node) Path() string {
	if n.d == nil {
		return ""
	}
	return n.d.path(n.root, n.i)
}

// children returns the run of items in which the children are.
func (n Node) children() (first, end uint32, t r4.TypeID) {
	it := n.item()
	if !it.typ.IsPrimitive() {
		return n.i + 1, it.next, it.typ
	}
	if it.ext != 0 {
		return it.ext + 1, n.d.items[it.ext].next, r4.Element
	}
	return n.i + 1, it.next, r4.Element // a primitive without value bears its own
}

// Get returns the child called name, the first item of a list, the absent Node
// if there is none. A choice goes by its element's name: Get("value") finds
// valueQuantity. Get("valueQuantity") finds that type only.
func (n Node) Get(name string) Node {
	if n.d == nil {
		return Node{}
	}
	i, end, t := n.children()
	m := r4.Lookup(t, name)
	if m == 0 {
		return Node{}
	}
	return n.from(i, end, m)
}

// from returns the first child at i or later that is member m.
func (n Node) from(i, end uint32, m r4.MemberID) Node {
	ordinal, any := m.Ordinal(), m.IsChoiceBase()
	for items := n.d.items; i < end; i = items[i].next {
		it := &items[i]
		if it.ordinal == ordinal && it.flags&flagShadow == 0 && (any || it.member == m) {
			return Node{n.d, i, n.root}
		}
	}
	return Node{}
}

// All yields every child called name, whether it is a list or single.
func (n Node) All(name string) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if n.d == nil {
			return
		}
		i, end, t := n.children()
		m := r4.Lookup(t, name)
		if m == 0 {
			return
		}
		for {
			c := n.from(i, end, m)
			if !c.Exists() || !yield(c) {
				return
			}
			i = c.item().next
		}
	}
}

// Scan calls yield with every child that is member m of n's type (of Element, if
// n is primitive), and returns how many children it looked at. It is All for
// those who count work.
func (n Node) Scan(m r4.MemberID, yield func(Node)) (seen int) {
	if n.d == nil || m == 0 {
		return 0
	}
	i, end, _ := n.children()
	ordinal, any := m.Ordinal(), m.IsChoiceBase()
	for items := n.d.items; i < end; i = items[i].next {
		seen++
		if it := &items[i]; it.ordinal == ordinal && it.flags&flagShadow == 0 && (any || it.member == m) {
			yield(Node{n.d, i, n.root})
		}
	}
	return seen
}

// Children yields every child in the order of the text. Those of a primitive
// are its id and extensions.
func (n Node) Children() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if n.d == nil {
			return
		}
		i, end, _ := n.children()
		for ; i < end; i = n.d.items[i].next {
			if n.d.items[i].flags&flagShadow == 0 && !yield(Node{n.d, i, n.root}) {
				return
			}
		}
	}
}

// Raw returns the value's JSON without insignificant white space, nil if absent
// or without a value. It MUST NOT be changed.
func (n Node) Raw() []byte {
	if n.d == nil || n.item().flags&flagNoValue != 0 {
		return nil
	}
	it := n.item()
	return n.d.body[it.start:it.end:it.end]
}

// Text returns a primitive's value: strings unescaped, numbers with their
// digits, true or false; "" if absent, without a value or not primitive.
func (n Node) Text() string {
	if !n.IsPrimitive() {
		return ""
	}
	return unquote(n.Raw())
}

// AppendText appends what Text returns.
func (n Node) AppendText(dst []byte) []byte {
	raw := n.Raw()
	switch {
	case !n.IsPrimitive() || len(raw) == 0:
		return dst
	case raw[0] == '"':
		return unescape(dst, raw[1:len(raw)-1])
	}
	return append(dst, raw...)
}

// IsPrimitive reports whether the element is of a primitive type.
func (n Node) IsPrimitive() bool { return n.TypeID().IsPrimitive() }

// IsList reports whether the element is an item of a list.
func (n Node) IsList() bool { return n.d != nil && n.i != n.root && n.item().member.IsList() }

// Resource returns the resource that stands at n (a Bundle's entry, a contained
// one), sharing the text; nil if n is no resource.
func (n Node) Resource() *Resource {
	if n.TypeID().Kind() != r4.Resourced {
		return nil
	}
	return &Resource{d: n.d, root: n.i}
}

// path builds the FHIRPath of item i from root. Items still open have no next
// yet; they contain all that follows.
func (d *doc) path(root, i uint32) string {
	b := make([]byte, 0, 64)
	b = append(b, d.items[root].typ.String()...)
	for at := root; at != i; {
		child := at + 1
		for d.items[child].next != 0 && d.items[child].next <= i {
			child = d.items[child].next
		}
		it := &d.items[child]
		b = append(append(b, '.'), it.member.Name()...)
		if it.member.IsList() {
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(d.index(at, child)), 10)
			b = append(b, ']')
		}
		at = child
	}
	return string(b)
}

// index counts the siblings of the same kind before child.
func (d *doc) index(parent, child uint32) int {
	n := 0
	want := &d.items[child]
	for i := parent + 1; i < child; i = d.items[i].next {
		if d.items[i].member == want.member && d.items[i].flags&flagShadow == want.flags&flagShadow {
			n++
		}
	}
	return n
}
