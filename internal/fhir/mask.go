package fhir

import (
	"bytes"
	"maps"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Mask says which elements of a resource or datatype are shown. The nil Mask shows
// all. Names are those of elements, a choice without its type: deceased. It MUST
// NOT be changed once it is in use.
type Mask struct {
	// Only, unless it is nil, names what is shown; each as its own Mask says.
	Only map[string]*Mask
	// But names what is shown in part, or with a nil Mask not at all.
	But map[string]*Mask
}

// of returns what is shown of a member, and whether any of it is.
func (m *Mask) of(name string) (sub *Mask, shown bool) {
	switch {
	case m == nil:
		return nil, true
	case m.Only != nil:
		sub, shown = m.Only[name]
		return sub, shown
	}
	sub, named := m.But[name]
	return sub, !named || sub != nil
}

// Shows reports whether the element at a path is shown with all that is in it.
func (m *Mask) Shows(path ...string) bool {
	for _, name := range path {
		var shown bool
		if m, shown = m.of(name); !shown {
			return false
		}
	}
	return m == nil
}

// Or returns the Mask that shows what either does.
func (m *Mask) Or(other *Mask) *Mask {
	if m == nil || other == nil {
		return nil
	}
	out := &Mask{}
	names := map[string]*Mask{}
	if m.Only != nil && other.Only != nil {
		out.Only = map[string]*Mask{}
		maps.Copy(names, m.Only)
		maps.Copy(names, other.Only)
	} else {
		out.But = map[string]*Mask{}
		maps.Copy(names, m.But)
		maps.Copy(names, other.But)
	}
	for name := range names {
		a, inA := m.of(name)
		b, inB := other.of(name)
		sub := a
		if inA && inB {
			sub = a.Or(b)
		} else if inB {
			sub = b
		}
		shown := inA || inB
		switch {
		case out.Only != nil:
			out.Only[name] = sub
		case !shown:
			out.But[name] = nil
		case sub != nil:
			out.But[name] = sub
		}
	}
	if out.Only == nil && len(out.But) == 0 {
		return nil
	}
	return out
}

// Masked returns the resource with what the Mask of its type shows, marked with
// the tag SUBSETTED if there is one; those it holds, contained or as entries, are
// cut by the Masks of their types. What it contains and only hidden elements refer
// to is hidden with them. Its id, meta and implicitRules are always there.
func (r *Resource) Masked(of func(typ string) *Mask) (*Resource, error) {
	w := masker{subsetter: subsetter{d: r.d}, of: of, dropped: map[uint32]bool{}}
	if of(r.Type()) == nil && !w.nested(r.root) {
		return r, nil
	}
	for again := true; again; {
		w.out = make([]byte, 0, len(r.JSON())+160)
		w.resource(r.root, true)
		again = w.drop(r)
	}
	out, err := Parse(w.out)
	if err != nil {
		return nil, err
	}
	return &Resource{d: out.d, root: out.root, mask: of(r.Type())}, nil
}

// Hides reports whether all of an element was kept back when the resource was Masked:
// its absence then says nothing.
func (r *Resource) Hides(element string) bool {
	_, shown := r.mask.of(element)
	return !shown
}

type masker struct {
	subsetter
	of      func(typ string) *Mask
	dropped map[uint32]bool // contained resources that are left out
}

// drop leaves out what is contained and referred to no more, and reports whether
// there was any.
func (w *masker) drop(r *Resource) (any bool) {
	for c := range r.Root().All("contained") {
		ref := []byte(`"#` + c.Get("id").Text() + `"`)
		if !w.dropped[c.i] && bytes.Contains(r.JSON(), ref) && !bytes.Contains(w.out, ref) {
			w.dropped[c.i], any = true, true
		}
	}
	return any
}

// nested reports whether an item holds a resource that is cut.
func (w *masker) nested(i uint32) bool {
	for j := i + 1; j < w.d.items[i].next; j++ {
		if t := w.d.items[j].typ; t.Kind() == r4.Resourced && w.of(t.String()) != nil {
			return true
		}
	}
	return false
}

func (w *masker) resource(i uint32, outer bool) {
	t := w.d.items[i].typ
	m := w.of(t.String())
	w.out = append(append(append(w.out, `{"resourceType":"`...), t.String()...), '"')
	bare := true
	for g := range w.d.groups(i) {
		switch name := w.d.items[g.first].member.Name(); {
		case name == "meta" && outer && m != nil && !g.shadow:
			w.meta(g.first)
			bare = false
		case name == "id" || name == "meta" || name == "implicitRules":
			w.subsetter.group(g, false)
		default:
			w.group(g, m, name)
		}
	}
	if bare && outer && m != nil {
		w.meta(0)
	}
	w.out = append(w.out, '}')
}

func (w *masker) group(g group, m *Mask, name string) {
	sub, shown := m.of(name)
	if !shown {
		return
	}
	cut := false
	for i := g.first; i <= g.last; i = w.d.items[i].next {
		it := &w.d.items[i]
		cut = cut || sub != nil || w.dropped[i] || it.typ.Kind() == r4.Resourced && w.of(it.typ.String()) != nil || w.nested(i)
	}
	first := &w.d.items[g.first]
	if !cut || g.shadow || first.typ.IsPrimitive() {
		w.subsetter.group(g, false)
		return
	}
	before := len(w.out)
	w.key(first.member.JSONName())
	if first.member.IsList() {
		w.out = append(w.out, '[')
	}
	empty := true
	for i := g.first; i <= g.last; i = w.d.items[i].next {
		if w.dropped[i] {
			continue
		}
		from := len(w.out)
		if !empty {
			w.out = append(w.out, ',')
		}
		if w.d.items[i].typ.Kind() == r4.Resourced {
			w.resource(i, false)
		} else if !w.part(i, sub) {
			w.out = w.out[:from] // FHIR has no empty elements
			continue
		}
		empty = false
	}
	if empty {
		w.out = w.out[:before]
		return
	}
	if first.member.IsList() {
		w.out = append(w.out, ']')
	}
}

// part writes a datatype or part of a resource, and reports whether there is
// anything in it.
func (w *masker) part(i uint32, m *Mask) bool {
	w.out = append(w.out, '{')
	from := len(w.out)
	for g := range w.d.groups(i) {
		w.group(g, m, w.d.items[g.first].member.Name())
	}
	w.out = append(w.out, '}')
	return len(w.out) > from+1
}
