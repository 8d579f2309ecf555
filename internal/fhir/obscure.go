package fhir

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// How a value is told that is there and not shown (R4, extensions rendered-value and
// data-absent-reason): without the value itself, so that nobody takes what is left of a
// number for the number.
const (
	urlRendered = "http://hl7.org/fhir/StructureDefinition/rendered-value"
	urlAbsent   = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
)

// maxPlaces bounds the places that are told of.
const maxPlaces = 100

// Places returns where the numbers are that Obscure masks, the first hundred of them.
func (n *Numbers) Places(r *Resource) (places []string) {
	for _, hit := range n.In(r) {
		value, number := valueOf(hit)
		if number != "" && len(places) < maxPlaces {
			places = append(places, value.Path())
		}
	}
	return places
}

// Obscure returns the resource with its numbers masked. Text that repeats one is masked
// too, the narratives are left out, and the tag SUBSETTED tells of it. A resource without
// numbers is returned as it is.
func (n *Numbers) Obscure(r *Resource) (*Resource, error) {
	hits := n.In(r)
	if hits == nil {
		return r, nil
	}
	e, any := splicer{r: r}, false
	for i := r.root + 1; i < r.d.items[r.root].next; i++ {
		if it := &r.d.items[i]; it.typ == r4.Narrative && it.member.Name() == "text" {
			e.remove(i)
		}
	}
	for _, hit := range hits {
		value, number := valueOf(hit)
		if number == "" {
			continue // a kind of number without one
		}
		any = true
		e.hide(value, number)
	}
	if !any {
		return r, nil
	}
	for at, text := range needlesOf(hits).texts(r) {
		e.replace(at, text)
	}
	e.tag()
	return Parse(e.text())
}

// texts yields the strings that repeat a number, with what is shown of them.
func (words needles) texts(r *Resource) func(func(uint32, string) bool) {
	return func(yield func(uint32, string) bool) {
		literal := r4.Lookup(r4.Reference, "reference")
		for i := r.root + 1; i < r.d.items[r.root].next; i++ {
			it := &r.d.items[i]
			if it.typ != r4.String && it.typ != r4.Markdown || it.member == literal || it.flags != 0 {
				continue
			}
			text := Node{r.d, i, r.root}.Text()
			if shown := words.blot(text); shown != text && !yield(i, shown) {
				return
			}
		}
	}
}

// rendered is what the extension says that is shown of a value.
func rendered(value Node) string {
	for x := range value.All("extension") {
		if x.Get("url").Text() == urlRendered {
			return x.Get("value").Text()
		}
	}
	return ""
}

// isMasked reports whether a value is told to be there and not shown.
func isMasked(value Node) bool {
	if value.Text() != "" {
		return false
	}
	for x := range value.All("extension") {
		if x.Get("url").Text() == urlAbsent && x.Get("value").Text() == "masked" {
			return true
		}
	}
	return false
}

func maskedValue(number string) []byte {
	text := []byte(`{"extension":[`)
	if number != "" {
		text = append(text, `{"url":"`+urlRendered+`","valueString":`...)
		text = append(append(text, quote([]byte(Obscured(number)))...), "},"...)
	}
	return append(text, `{"url":"`+urlAbsent+`","valueCode":"masked"}]}`...)
}

// splicer gathers changes to the text of a resource.
type splicer struct {
	r       *Resource
	changes []change
}

func (e *splicer) splice(start, end uint32, text []byte) {
	e.changes = append(e.changes, change{start: start, end: end, text: text})
}

// settle puts the changes into the order of the text, and leaves out those in the place
// of a larger one. What is put in comes before what is taken out behind it.
func (e *splicer) settle() {
	slices.SortStableFunc(e.changes, func(a, b change) int {
		if a.start == b.start && (a.end == a.start) != (b.end == b.start) {
			return cmp.Compare(a.end, b.end)
		}
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end))
	})
	end := uint32(0)
	e.changes = slices.DeleteFunc(e.changes, func(c change) bool {
		if c.start < end {
			return true
		}
		end = c.end
		return false
	})
}

// gone reports whether an element is in the place of a change, once they are settled.
func (e *splicer) gone(i uint32) bool {
	at := e.r.d.items[i].start
	n, _ := slices.BinarySearchFunc(e.changes, at, func(c change, at uint32) int { return cmp.Compare(c.end, at+1) })
	return n < len(e.changes) && e.changes[n].start <= at
}

func (e *splicer) replace(i uint32, text string) {
	e.splice(e.r.d.items[i].start, e.r.d.items[i].end, quote([]byte(text)))
}

// key returns where the name of a member begins.
func (e *splicer) key(i uint32) uint32 {
	at := e.r.d.items[i].start - 2 // the name's closing quotation mark, before the colon
	return uint32(bytes.LastIndexByte(e.r.d.body[:at], '"'))
}

// remove takes out a member that is no list.
func (e *splicer) remove(i uint32) {
	body, start, end := e.r.d.body, e.key(i), e.r.d.items[i].end
	if body[start-1] == ',' {
		start--
	} else if body[end] == ',' {
		end++
	}
	e.splice(start, end, nil)
}

// hide puts in place of a value that there is one.
func (e *splicer) hide(value Node, number string) {
	it := value.item()
	text := append(append([]byte(`"_`), it.member.JSONName()...), `":`...)
	e.splice(e.key(value.i), it.end, append(text, maskedValue(number)...))
	if it.ext != 0 {
		e.remove(it.ext)
	}
}

// tag marks the resource as one of which a part is left out.
func (e *splicer) tag() {
	meta := e.r.Root().Get("meta")
	if !meta.Exists() {
		at := afterType(e.r)
		e.splice(at, at, []byte(`,"meta":{"tag":[`+Subsetted+`]}`))
		return
	}
	var last Node
	for last = range meta.All("tag") {
		if last.Get("code").Text() == "SUBSETTED" {
			return
		}
	}
	if last.Exists() {
		e.splice(last.item().end, last.item().end, []byte(","+Subsetted))
		return
	}
	at := meta.item().start + 1
	e.splice(at, at, []byte(`"tag":[`+Subsetted+`],`))
}

// text is the text with all changes made.
func (e *splicer) text() []byte {
	e.settle()
	root := e.r.d.items[e.r.root]
	out := make([]byte, 0, int(root.end-root.start)+256*len(e.changes))
	at := root.start
	for _, c := range e.changes {
		out = append(append(out, e.r.d.body[at:c.start]...), c.text...)
		at = c.end
	}
	return append(out, e.r.d.body[at:root.end]...)
}
