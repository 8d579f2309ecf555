package patch

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// place is where an element stands in the tree: a member of an object, or an
// item of its array. Of a primitive the twin "_name" belongs to it.
type place struct {
	obj        *value
	name       string // JSON name
	index      int    // in the array, -1 if it is none
	element    string // the element's name: value for valueQuantity
	parent     fhir.Node
	parentType r4.TypeID
	primitive  bool
	above      []step // objects from the root to obj
}

// step is one object on the way, by the member that holds it.
type step struct {
	obj       *value
	name      string
	index     int
	primitive bool
}

// object returns the object that holds the children of the element at p, made
// if it is a primitive that had none; the root for the zero place.
func (p place) object(root *value) *value {
	if p.obj == nil {
		return root
	}
	if !p.primitive {
		return p.item(p.name)
	}
	if o := p.item("_" + p.name); o != nil && o.kind == '{' {
		return o
	}
	o := &value{kind: '{'}
	if p.index < 0 {
		p.obj.set("_"+p.name, o)
		return o
	}
	list := twin(p.obj, "_"+p.name, p.length())
	list.items[p.index] = o
	return o
}

func (p place) item(name string) *value {
	v := p.obj.get(name)
	if v == nil || p.index < 0 {
		return v
	}
	if v.kind != '[' || p.index >= len(v.items) {
		return nil
	}
	return v.items[p.index]
}

// length is the number of items in the list that p is in.
func (p place) length() int {
	n := 0
	for _, name := range []string{p.name, "_" + p.name} {
		if v := p.obj.get(name); v != nil {
			n = max(n, len(v.items))
		}
	}
	return n
}

// locate finds the place of an element by its path.
func (e *editor) locate(n fhir.Node) (place, error) {
	segments := strings.Split(n.Path(), ".")
	if len(segments) == 1 {
		return place{}, errWhole
	}
	at, p := e.res.Root(), place{}
	var above []step
	for _, segment := range segments[1:] {
		name, index := segment, -1
		if open := strings.IndexByte(segment, '['); open >= 0 {
			name = segment[:open]
			var err error
			if index, err = strconv.Atoi(segment[open+1 : len(segment)-1]); err != nil {
				return p, errNone
			}
		}
		child, ok := childAt(at, name, max(index, 0))
		if !ok {
			return p, errNone
		}
		obj := p.object(e.root)
		if obj == nil || obj.kind != '{' {
			return p, errNone
		}
		p = place{obj: obj, name: jsonName(at.TypeID(), name, child.TypeID()), index: index, element: name, parent: at,
			parentType: elementType(at.TypeID()), primitive: child.IsPrimitive(), above: above}
		above = append(above[:len(above):len(above)], step{obj, p.name, index, p.primitive})
		at = child
	}
	return p, nil
}

func childAt(n fhir.Node, name string, index int) (fhir.Node, bool) {
	for child := range n.All(name) {
		if index == 0 {
			return child, true
		}
		index--
	}
	return fhir.Node{}, false
}

// elementType is the type whose members an element of type t has.
func elementType(t r4.TypeID) r4.TypeID {
	if t.IsPrimitive() {
		return r4.Element
	}
	return t
}

// jsonName returns the name of a member in JSON; of a choice that of its type.
func jsonName(parent r4.TypeID, name string, t r4.TypeID) string {
	if m := r4.Lookup(elementType(parent), name); m.IsChoiceBase() {
		if m = choice(elementType(parent), m, t); m != 0 {
			return m.JSONName()
		}
	}
	return name
}

// choice returns the member of a choice that has type t, 0 if there is none.
func choice(parent r4.TypeID, base r4.MemberID, t r4.TypeID) r4.MemberID {
	for m, end := parent.Members(); m < end; m++ {
		if m.IsChoice() && m.Ordinal() == base.Ordinal() && m.Type() == t {
			return m
		}
	}
	return 0
}

// findMember finds the element of a name in a type. Of a choice the base is
// found, or the member if the name has a type.
func findMember(parent r4.TypeID, name string) (r4.MemberID, r4.TypeID, error) {
	t := elementType(parent)
	m := r4.Lookup(t, name)
	if m == 0 {
		return 0, 0, errNoElement
	}
	return m, t, nil
}

func null() *value { return &value{kind: 's', raw: []byte("null")} }

// twin returns the array of a name with at least n items, nulls where it had
// none.
func twin(obj *value, name string, n int) *value {
	list := obj.get(name)
	if list == nil || list.kind != '[' {
		list = &value{kind: '['}
		obj.set(name, list)
	}
	for len(list.items) < n {
		list.items = append(list.items, null())
	}
	return list
}

// put sets a member that does not repeat, and its twin.
func put(obj *value, name string, v, shadow *value) {
	for _, half := range []member{{name, v}, {"_" + name, shadow}} {
		if half.value == nil {
			obj.remove(half.name)
		} else {
			obj.set(half.name, half.value)
		}
	}
}

func (v *value) rename(from, to string) {
	for _, prefix := range []string{"", "_"} {
		if i := v.find(prefix + from); i >= 0 {
			v.members[i].name = prefix + to
		}
	}
}

// insertItem puts an item into a list of n, and its twin into the twin list.
func insertItem(obj *value, name string, at, n int, v, shadow *value) {
	for _, half := range []struct {
		name string
		item *value
	}{{name, v}, {"_" + name, shadow}} {
		if half.item == nil && obj.get(half.name) == nil {
			continue
		}
		list := twin(obj, half.name, n)
		item := half.item
		if item == nil {
			item = null()
		}
		list.items = append(list.items, nil)
		copy(list.items[at+1:], list.items[at:])
		list.items[at] = item
	}
	tidy(obj, name)
}

// removeItem takes an item and its twin out of a list.
func removeItem(obj *value, name string, at int) (v, shadow *value) {
	take := func(name string) (item *value) {
		list := obj.get(name)
		if list == nil || at >= len(list.items) {
			return nil
		}
		item = list.items[at]
		list.items = slices.Delete(list.items, at, at+1)
		if item.isNull() {
			return nil
		}
		return item
	}
	return take(name), take("_" + name)
}

// tidy drops the halves of a list that hold nothing.
func tidy(obj *value, name string) {
	for _, half := range []string{name, "_" + name} {
		list := obj.get(half)
		if list == nil || list.kind != '[' {
			continue
		}
		empty := true
		for _, item := range list.items {
			empty = empty && item.isNull()
		}
		if empty {
			obj.remove(half)
		}
	}
}

// remove takes the element out, and what holds nothing without it.
func (e *editor) remove(p place) {
	drop(p.obj, p.name, p.index)
	obj := p.obj
	for i := len(p.above) - 1; i >= 0 && len(obj.members) == 0; i-- {
		s := p.above[i]
		if s.primitive {
			dropTwin(s.obj, s.name, s.index)
		} else {
			drop(s.obj, s.name, s.index)
		}
		obj = s.obj
	}
}

func drop(obj *value, name string, index int) {
	if index >= 0 {
		removeItem(obj, name, index)
		tidy(obj, name)
		return
	}
	obj.remove(name)
	obj.remove("_" + name)
}

// dropTwin takes away what a primitive had beside its value; an item without
// either is taken out.
func dropTwin(obj *value, name string, index int) {
	if index < 0 {
		obj.remove("_" + name)
		return
	}
	if v := obj.get(name); v == nil || index >= len(v.items) || v.items[index].isNull() {
		drop(obj, name, index)
		return
	}
	obj.get("_" + name).items[index] = null()
	tidy(obj, name)
}
