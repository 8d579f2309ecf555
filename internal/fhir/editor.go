package fhir

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// editor copies a resource with changes made to its text and its items, so that
// nothing has to be parsed again.
type editor struct {
	src     *doc
	root    uint32
	changes []change
	delta   []int    // growth of the text by the changes up to and with each
	added   []uint32 // items put in by the changes up to and with each
}

// apply returns a resource of its own with the changes made.
func (r *Resource) apply(changes []change) *Resource {
	root := r.d.items[r.root]
	e := editor{src: r.d, root: r.root, changes: changes}
	grown, added := 0, uint32(0)
	for _, c := range changes {
		grown += len(c.text) - int(c.end-c.start)
		added += uint32(len(c.items))
		e.delta, e.added = append(e.delta, grown), append(e.added, added)
	}
	out := new(struct {
		doc
		res Resource
	})
	out.items = make([]item, 0, int(root.next-r.root+added))
	out.body = make([]byte, 0, int(root.end-root.start)+grown)
	e.text(&out.doc)
	e.move(&out.doc)
	out.res.d = &out.doc
	return &out.res
}

func (e *editor) text(out *doc) {
	root := e.src.items[e.root]
	at := root.start
	for _, c := range e.changes {
		out.body = append(out.body, e.src.body[at:c.start]...)
		out.body = append(out.body, c.text...)
		at = c.end
	}
	out.body = append(out.body, e.src.body[at:root.end]...)
}

// place is where the old offset is in the new text. No change ends where an
// item starts, and only the change of an item ends where it ends.
func (e *editor) place(old uint32) uint32 {
	n := sort.Search(len(e.changes), func(i int) bool { return e.changes[i].end > old })
	new := int(old - e.src.items[e.root].start)
	if n > 0 {
		new += e.delta[n-1]
	}
	return uint32(new)
}

// index is the number that the old item has in the copy; with before, that of
// what was put in just in front of it.
func (e *editor) index(old uint32, before bool) uint32 {
	new := old - e.root
	for i := len(e.changes) - 1; i >= 0; i-- {
		c := &e.changes[i]
		if len(c.items) > 0 && (c.at < old || c.at == old && !before) {
			return new + e.added[i]
		}
	}
	return new
}

func (e *editor) move(out *doc) {
	end := e.src.items[e.root].next
	next, inserting := 0, e.added != nil && e.added[len(e.added)-1] > 0
	for i := e.root; i <= end; i++ {
		for ; inserting && next < len(e.changes) && e.changes[next].at <= i; next++ {
			e.insert(out, next)
		}
		if i == end {
			break
		}
		it := e.src.items[i]
		it.start, it.end = e.place(it.start), e.place(it.end)
		if !inserting {
			it.next -= e.root
			if it.ext != 0 {
				it.ext -= e.root
			}
		} else {
			it.next = e.index(it.next, true)
			if it.ext != 0 {
				it.ext = e.index(it.ext, false)
			}
		}
		out.items = append(out.items, it)
	}
	out.items[0].next = uint32(len(out.items))
	out.items[0].member = 0
}

// insert appends the items of one change.
func (e *editor) insert(out *doc, n int) {
	c := &e.changes[n]
	base := uint32(len(out.items))
	from := uint32(int(c.start-e.src.items[e.root].start) + e.delta[n] - (len(c.text) - int(c.end-c.start)))
	for _, it := range c.items {
		it.start, it.end, it.next = it.start+from, it.end+from, it.next+base
		out.items = append(out.items, it)
	}
}

// Rewrite returns the resource with its links replaced: ref is called with the
// text of every Reference.reference, and of every uri, url, oid, uuid and
// canonical that starts with urn:, and gives the new text or false. If nothing
// changes, the resource itself is returned. A new text that could not stand in
// a resource is an error of the caller.
func (r *Resource) Rewrite(ref func(string) (string, bool)) (*Resource, error) {
	var changes []change
	literal := r4.Lookup(r4.Reference, "reference")
	end := r.d.items[r.root].next
	for i := r.root + 1; i < end; i++ {
		it := &r.d.items[i]
		isLink := it.member == literal && it.flags&flagShadow == 0
		if !isLink && !mayBeURN(it, r.d.body) || it.flags&flagNoValue != 0 {
			continue
		}
		if text, ok := ref(unquote(r.d.body[it.start:it.end])); ok {
			if text == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
				return nil, fault.New(fault.Internal, "fhir.Rewrite", "")
			}
			changes = append(changes, change{start: it.start, end: it.end, text: quote([]byte(text))})
		}
	}
	if len(changes) == 0 {
		return r, nil
	}
	return r.apply(changes), nil
}

func mayBeURN(it *item, body []byte) bool {
	switch it.typ {
	case r4.URI, r4.URL, r4.OID, r4.UUID, r4.Canonical:
		return it.end-it.start > 6 && string(body[it.start+1:it.start+5]) == "urn:"
	}
	return false
}
