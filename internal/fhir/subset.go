package fhir

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Summary is a mode of _summary.
type Summary uint8

const (
	SummaryFalse Summary = iota // everything
	SummaryTrue                 // elements marked as summary
	SummaryText                 // narrative, id, meta and mandatory elements
	SummaryData                 // everything but the narrative
	SummaryCount                // nothing: the caller answers with a count alone
)

// ParseSummary reads the value of _summary.
func ParseSummary(s string) (Summary, bool) {
	for i, name := range [...]string{"false", "true", "text", "data", "count"} {
		if s == name {
			return Summary(i), true
		}
	}
	return 0, false
}

// Subset says which part of a resource is asked for.
type Subset struct {
	Summary Summary

	// Elements are names of top-level elements, "name" or "Patient.name"; one
	// of another type does not count for a resource. If any is given, Summary
	// has no say.
	Elements []string
}

// IsWhole reports whether nothing is left out.
func (s Subset) IsWhole() bool { return s.Summary == SummaryFalse && len(s.Elements) == 0 }

// Subset returns the JSON of part of the resource, marked with the tag
// SUBSETTED; the whole JSON if nothing is left out; nil for SummaryCount.
// Mandatory and modifier elements are always there, so that what is left can be
// read and means the same.
func (r *Resource) Subset(s Subset) []byte {
	switch {
	case s.IsWhole():
		return r.JSON()
	case len(s.Elements) == 0 && s.Summary == SummaryCount:
		return nil
	}
	w := subsetter{d: r.d, out: make([]byte, 0, len(r.JSON())+160), want: s}
	w.resource(r)
	return w.out
}

// Subsetted is the tag of a resource of which a part is left out.
const Subsetted = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}`

type subsetter struct {
	d    *doc
	out  []byte
	want Subset
}

func (w *subsetter) resource(r *Resource) {
	w.out = append(w.out, `{"resourceType":"`...)
	w.out = append(w.out, r.Type()...)
	w.out = append(w.out, '"')
	bare := !r.Root().Get("meta").Exists()
	meta := r4.Lookup(r.TypeID(), "meta")
	if bare {
		w.meta(0)
	}
	for g := range w.d.groups(r.root) {
		if m := w.d.items[g.first].member; m == meta {
			w.meta(g.first)
		} else if w.keeps(r, m) {
			w.group(g, w.want.deep())
		}
	}
	w.out = append(w.out, '}')
}

// deep reports whether elements within elements are left out too.
func (s Subset) deep() bool { return len(s.Elements) == 0 && s.Summary == SummaryTrue }

// keeps decides on a top-level element.
func (w *subsetter) keeps(r *Resource, m r4.MemberID) bool {
	name := m.Name()
	switch {
	case name == "id" || m.IsRequired():
		return true
	case len(w.want.Elements) > 0:
		return m.IsModifier() || w.asked(r.Type(), name)
	case w.want.Summary == SummaryTrue:
		return m.InSummary() || m.IsModifier()
	case w.want.Summary == SummaryText:
		return m.IsModifier() || name == "text"
	}
	return name != "text" // SummaryData
}

func (w *subsetter) asked(typ, name string) bool {
	for _, e := range w.want.Elements {
		if of, elem, ok := strings.Cut(e, "."); ok {
			if of == typ && elem == name {
				return true
			}
		} else if e == name {
			return true
		}
	}
	return false
}

// meta writes the meta at item i (0: there is none) with the tag.
func (w *subsetter) meta(i uint32) {
	w.key("meta")
	w.out = append(w.out, '{')
	done := false
	if i != 0 {
		tag := r4.Lookup(r4.Meta, "tag")
		for g := range w.d.groups(i) {
			if w.d.items[g.first].member != tag {
				w.group(g, false)
				continue
			}
			w.group(g, false)
			w.out = append(w.out[:len(w.out)-1], ","+Subsetted+"]"...)
			done = true
		}
	}
	if !done {
		w.key("tag")
		w.out = append(w.out, "["+Subsetted+"]"...)
	}
	w.out = append(w.out, '}')
}

func (w *subsetter) key(name string) {
	if w.out[len(w.out)-1] != '{' {
		w.out = append(w.out, ',')
	}
	w.out = append(append(append(w.out, '"'), name...), '"', ':')
}

// group is one JSON member: a single item, or all those of its array.
type group struct {
	first, last uint32
	shadow      bool // written with an underscore
}

// groups yields the JSON members of the object at item self.
func (d *doc) groups(self uint32) func(func(group) bool) {
	return func(yield func(group) bool) {
		items := d.items
		end := items[self].next
		for i := self + 1; i < end; {
			g := group{first: i, last: i, shadow: d.underscored(i)}
			member := items[i].member
			for i = items[i].next; i < end && items[i].member == member && member.IsList() && d.underscored(i) == g.shadow; i = items[i].next {
				g.last = i
			}
			if !yield(g) {
				return
			}
		}
	}
}

// underscored reports whether the item stood under a name with an underscore.
func (d *doc) underscored(i uint32) bool {
	it := &d.items[i]
	return it.flags&flagShadow != 0 || it.flags&flagNoValue != 0 && d.body[it.start] == '{'
}

// group writes one member; with deep, without what is no summary in it.
func (w *subsetter) group(g group, deep bool) {
	first := &w.d.items[g.first]
	name := first.member.JSONName()
	if g.shadow {
		name = "_" + name
	}
	w.key(name)
	list := first.member.IsList()
	if list {
		w.out = append(w.out, '[')
	}
	if !deep || g.shadow || first.typ.IsPrimitive() || first.typ == r4.Extension || first.typ.Kind() == r4.Resourced {
		w.out = append(w.out, w.d.body[first.start:w.d.items[g.last].end]...)
	} else {
		for i := g.first; i <= g.last; i = w.d.items[i].next {
			if i != g.first {
				w.out = append(w.out, ',')
			}
			w.object(i)
		}
	}
	if list {
		w.out = append(w.out, ']')
	}
}

// object writes the summary of a datatype or part. One that would be left
// without anything is written whole.
func (w *subsetter) object(i uint32) {
	it := &w.d.items[i]
	from := len(w.out)
	w.out = append(w.out, '{')
	for g := range w.d.groups(i) {
		if m := w.d.items[g.first].member; m.InSummary() || m.IsRequired() || m.IsModifier() {
			w.group(g, true)
		}
	}
	if len(w.out) == from+1 {
		w.out = append(w.out[:from], w.d.body[it.start:it.end]...)
		return
	}
	w.out = append(w.out, '}')
}
