package fhir

import (
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// change replaces the text from start to end of the body and puts new items in
// front of item at. Changes come in the order of the text and do not overlap.
type change struct {
	start, end uint32
	text       []byte
	at         uint32
	items      []item // start and end relative to text, next relative to the first
}

// instant is how this package writes meta.lastUpdated.
const instant = "2006-01-02T15:04:05.000Z"

// Stamp returns a copy with id, meta.versionId and meta.lastUpdated set. The id
// MUST be a valid one. What was there stays where it was; what is new comes first.
func (r *Resource) Stamp(id string, version uint64, updated time.Time) *Resource {
	var changes []change
	root := r.Root()
	vid := strconv.AppendUint(nil, version, 10)
	when := updated.UTC().AppendFormat(nil, instant)
	if n := root.Get("id"); n.Exists() {
		changes = append(changes, n.replace(quote([]byte(id))))
	} else {
		changes = append(changes, insertAfterType(r, r4.Lookup(r.TypeID(), "id"), quote([]byte(id))))
	}
	if meta := root.Get("meta"); meta.Exists() {
		changes = append(changes, stampMeta(meta, quote(vid), quote(when))...)
	} else {
		changes = append(changes, insertMeta(r, quote(vid), quote(when)))
	}
	slices.SortStableFunc(changes, func(a, b change) int { return int(a.start) - int(b.start) })
	out := r.apply(changes)
	out.joinMeta()
	return out
}

// joinMeta hangs extensions of a versionId or lastUpdated that had no value on
// the new value.
func (r *Resource) joinMeta() {
	meta, items := r.Root().Get("meta"), r.d.items
	for i := meta.i + 1; i < items[meta.i].next; i = items[i].next {
		for j := items[i].next; j < items[meta.i].next; j = items[j].next {
			if items[j].member == items[i].member && items[j].flags == flagNoValue {
				items[j].flags, items[j].typ = flagShadow, r4.Element
				items[i].ext = j
			}
		}
	}
}

func quote(s []byte) []byte { return appendQuoted(make([]byte, 0, len(s)+2), s) }

func (n Node) replace(text []byte) change {
	it := n.item()
	return change{start: it.start, end: it.end, text: text}
}

// ReplaceTexts returns a copy with the values of strings replaced, which MUST be
// r's own and in the order of the text.
func (r *Resource) ReplaceTexts(strings iter.Seq[Node], next func(string) string) *Resource {
	var changes []change
	for n := range strings {
		if n.item().flags&flagNoValue == 0 {
			changes = append(changes, n.replace(quote([]byte(next(n.Text())))))
		}
	}
	if len(changes) == 0 {
		return r
	}
	return r.apply(changes)
}

// afterType is the place behind `"resourceType":"X"`, wherever it stands.
func afterType(r *Resource) uint32 {
	body, i := r.d.body, int(r.d.items[r.root].start)+1
	for {
		key := i
		i = skipValue(body, i)
		found := string(body[key:i]) == `"resourceType"`
		i = skipValue(body, i+1)
		if found {
			return uint32(i)
		}
		i++
	}
}

// insertAfterType puts a primitive behind resourceType. Its item comes before
// the first one that stands behind it.
func insertAfterType(r *Resource, m r4.MemberID, value []byte) change {
	text := appendMember(nil, m, value)
	c := r.insertion(text)
	start := uint32(len(text) - len(value))
	c.items = []item{{start: start, end: uint32(len(text)), next: 1, member: m, typ: m.Type(), ordinal: m.Ordinal()}}
	return c
}

func (r *Resource) insertion(text []byte) change {
	place := afterType(r)
	c := change{start: place, end: place, text: text, at: r.root + 1}
	items := r.d.items
	for c.at < items[r.root].next && items[c.at].start < place {
		c.at = items[c.at].next
	}
	return c
}

func appendMember(dst []byte, m r4.MemberID, value []byte) []byte {
	dst = append(dst, ',')
	dst = appendQuoted(dst, m.JSONName())
	return append(append(dst, ':'), value...)
}

func insertMeta(r *Resource, vid, when []byte) change {
	m := r4.Lookup(r.TypeID(), "meta")
	body, children := metaMembers(vid, when, true, true)
	value := append(append([]byte{'{'}, body...), '}')
	text := appendMember(nil, m, value)
	c := r.insertion(text)
	start := uint32(len(text) - len(value))
	c.items = []item{{start: start, end: uint32(len(text)), next: 3, member: m, typ: r4.Meta, ordinal: m.Ordinal()}}
	for _, ch := range children {
		ch.start, ch.end, ch.next = ch.start+start+1, ch.end+start+1, ch.next+1
		c.items = append(c.items, ch)
	}
	return c
}

// metaMembers writes the members of Meta that are asked for, with items whose
// offsets count from the first byte.
func metaMembers(vid, when []byte, withVersion, withUpdated bool) (text []byte, items []item) {
	add := func(name string, value []byte) {
		m := r4.Lookup(r4.Meta, name)
		text = appendMember(text, m, value)
		items = append(items, item{start: uint32(len(text)-len(value)) - 1, end: uint32(len(text)) - 1,
			next: uint32(len(items)) + 1, member: m, typ: m.Type(), ordinal: m.Ordinal()})
	}
	if withVersion {
		add("versionId", vid)
	}
	if withUpdated {
		add("lastUpdated", when)
	}
	return text[1:], items
}

func stampMeta(meta Node, vid, when []byte) []change {
	var changes []change
	version, updated := meta.Get("versionId"), meta.Get("lastUpdated")
	for _, f := range []struct {
		old  Node
		text []byte
	}{{version, vid}, {updated, when}} {
		if f.old.Raw() != nil {
			changes = append(changes, f.old.replace(f.text))
		}
	}
	if version.Raw() == nil || updated.Raw() == nil {
		text, items := metaMembers(vid, when, version.Raw() == nil, updated.Raw() == nil)
		place := meta.item().start + 1
		// meta has at least one member: an empty object is refused.
		changes = append(changes, change{start: place, end: place, text: append(text, ','), at: meta.i + 1, items: items})
	}
	return changes
}
