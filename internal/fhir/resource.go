// Package fhir reads and writes FHIR R4 resources as JSON. Parse is the front
// door: what it returns obeys the structure of the standard, and what it refuses
// it names by place, never by value. It does no I/O.
package fhir

import (
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Limits bounds what Parse takes. A zero field means its default.
type Limits struct {
	Bytes       int // of one resource; 16 MiB
	BundleBytes int // of a Bundle; 64 MiB
	Depth       int // of nested JSON objects and arrays; 64
	Nodes       int // elements, because a few bytes of text can make one; 1 Mi
	BundleNodes int // elements of a Bundle; 4 Mi
	Contained   int // resources contained in one; 1,000
	Entries     int // of a Bundle; 50,000
	Issues      int // findings reported at most; 20
}

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.Bytes, 16<<20)
	def(&l.BundleBytes, 64<<20)
	def(&l.Depth, 64)
	def(&l.Nodes, 1<<20)
	def(&l.BundleNodes, 4<<20)
	def(&l.Contained, 1000)
	def(&l.Entries, 50_000)
	def(&l.Issues, 20)
	l.BundleBytes = min(l.BundleBytes, 1<<31-1)
	l.Bytes = min(l.Bytes, l.BundleBytes)
	return l
}

// Resource is one parsed resource. It is immutable and safe for concurrent use.
// Resources that come out of one Bundle share its text.
type Resource struct {
	d    *doc
	root uint32
	mask *Mask // what it was cut by, so that what is not shown is not taken for not recorded
}

// doc is the text without insignificant white space, and its elements in the
// order in which they come (a parent before its children).
type doc struct {
	body  []byte
	items []item
}

// item is one element: an object or a primitive value. Arrays have no item of
// their own, their items bear the same member. The object of an "_name" sibling
// is an item too, marked shadow, and hangs on the primitive's item by ext.
type item struct {
	start, end uint32 // of the JSON value in body
	next       uint32 // the item after this one's descendants; 0 while open
	ext        uint32 // shadow of a primitive, 0 if none
	member     r4.MemberID
	typ        r4.TypeID
	flags      uint8
	ordinal    uint8
}

const (
	flagShadow  = 1 << iota // id and extension of a primitive whose value stands elsewhere
	flagNoValue             // a primitive without a value
)

// Parse reads one resource under the default limits. It keeps src, which MUST
// NOT be changed afterwards. The error is a *fault.Error of kind Invalid or
// TooLarge whose issues name each place by FHIRPath and no value of the input.
func Parse(src []byte) (*Resource, error) { return Limits{}.Parse(src) }

// Parse reads one resource under limits l.
func (l Limits) Parse(src []byte) (*Resource, error) {
	l = l.withDefaults()
	if len(src) > l.BundleBytes {
		return nil, fault.New(fault.TooLarge, "fhir.Parse", "The resource is larger than this server takes.")
	}
	out := new(struct {
		doc
		res Resource
	})
	out.items = make([]item, 1, min(len(src)/24+16, 1<<18))
	p := parser{src: src, lim: l, d: &out.doc}
	p.document()
	if len(p.issues) > 0 {
		return nil, p.fail()
	}
	out.body = p.compact()
	out.res.d = &out.doc
	return &out.res, nil
}

// Type returns the resource's type: Observation.
func (r *Resource) Type() string { return r.d.items[r.root].typ.String() }

// TypeID returns the resource's type as package r4 numbers it.
func (r *Resource) TypeID() r4.TypeID { return r.d.items[r.root].typ }

// ID returns the resource's logical id, "" if it has none.
func (r *Resource) ID() string { return r.Root().Get("id").Text() }

// Root returns the resource as a node.
func (r *Resource) Root() Node { return Node{d: r.d, i: r.root, root: r.root} }

// JSON returns the resource without insignificant white space: members in the
// order in which they came, digits as they came. It MUST NOT be changed.
func (r *Resource) JSON() []byte {
	it := &r.d.items[r.root]
	return r.d.body[it.start:it.end:it.end]
}
