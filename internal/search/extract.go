package search

import (
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// CompartmentField is the field of the references by which a resource belongs
// to a patient's compartment.
const CompartmentField = "compartment.Patient"

// Document is what a resource is found by. Words and Refs hold no duplicates.
type Document struct {
	Words    []Word
	Refs     []RefTo
	Card     []byte
	Patients []string // ids of the patients in whose compartment it is, sorted
}

// Extract reads a resource by R4's own parameters.
func Extract(r *fhir.Resource) (Document, error) { return Base().Extract(r) }

// extract reads a resource; reads says by which added parameters, and contained
// whether also what it contains.
func (c *Catalog) extract(r *fhir.Resource, reads func(*field) bool, contained bool) (Document, error) {
	if c.schemas[r.Type()] == nil {
		return Document{}, fault.New(fault.Invalid, "search.Extract", "This resource type is not of FHIR R4.")
	}
	updated := int64(0)
	if t, err := parseDate(r.Root().Get("meta").Get("lastUpdated").Text()); err == nil {
		updated = t.lo
	}
	x := c.elements(r, reads)
	x.compartments(r)
	if err := c.enclosed(x, r); err != nil {
		return Document{}, err
	}
	x.patients()
	if contained {
		x.contained(c, r)
	}
	x.doc.Card = x.card.bytes(x.s.typ, r.ID(), updated)
	return x.doc, nil
}

// elements reads the elements of a resource.
func (c *Catalog) elements(r *fhir.Resource, reads func(*field) bool) *extractor {
	s := c.schemas[r.Type()]
	x := &extractor{s: s, units: c.units, card: newCardWriter(len(s.fields))}
	x.doc.Words = make([]Word, 0, 32)
	for _, e := range s.elements {
		if e.added == nil {
			x.element(e, r.Root())
		} else if reads(e.fields[0]) {
			x.from, x.seen = len(x.doc.Words), nil
			x.addedElement(e, r)
		}
	}
	return x
}

type extractor struct {
	s     *schema
	units *units
	doc   Document
	card  *cardWriter
	from  int             // doc.Words of the element at hand begin here
	seen  map[string]bool // of the element at hand, once it has many
	refs  map[RefTo]bool  // once there are many
}

func (x *extractor) element(e *element, root fhir.Node) {
	x.from, x.seen = len(x.doc.Words), nil
	found := false
	e.each(root, func(node fhir.Node, group uint32) {
		found = true
		for _, f := range e.fields {
			x.node(f, node, group)
		}
	})
	if !found && e.exists { // exists() of what is absent is false
		x.value(e.fields[0], entry{code: "false"})
	}
}

func (x *extractor) node(f *field, node fhir.Node, group uint32) {
	f.convert(node, func(v entry) {
		v.group = group
		x.value(f, v)
	})
}

func (x *extractor) value(f *field, v entry) {
	v.kind = f.kind
	if !x.card.add(f, v) {
		return
	}
	if f.kind == kindReference && v.typ != "" {
		x.ref(RefTo{f.text, v.typ, v.code})
	}
	add := func(w []byte) { x.word(f.text, w) }
	if f.hasPresent() {
		add([]byte{tagPresent, byte(f.kind)})
	}
	v.index(f, add)
	if f.kind == kindQuantity && v.system != "" && v.code != "" {
		amountScale(v.system, v.code, x.units).words(v.number, add)
	}
}

// hasPresent reports whether values of f are marked as present. Those of a tree
// are not: its widest nodes say it. Nor is what the standard demands: it hardly ever is
// missing.
func (f *field) hasPresent() bool { return !f.ordered() && !f.required && f.base == nil }

// ordered reports whether the words of f are nodes of a tree.
func (f *field) ordered() bool {
	return f.kind == kindDate || f.kind == kindNumber || f.kind == kindQuantity
}

// index calls add with the words of v as a value of f.
func (v *entry) index(f *field, add func([]byte)) {
	switch v.kind {
	case kindToken, kindIdentified:
		if v.code == "" {
			return
		}
		add(word(tagCode, v.code))
		if v.system != "" {
			add(pairWord(tagSystem, v.system, v.code))
		} else if f.mayHaveSystem() {
			add(word(tagNoSystem, v.code))
		}
	case kindString:
		textWords(v.norm, f.words, add)
		if f.words {
			gramWords(v.norm, add)
		}
	case kindDate:
		dateWords(v.span, add)
	case kindNumber, kindQuantity:
		plainScale.words(v.number, add)
	case kindReference:
		if v.typ == "" {
			uriWords(v.code, add)
		}
	case kindURI:
		uriWords(v.code, add)
	case kindTyped:
		add(typedWord(v.system, v.code, v.norm))
	}
}

// uriWords adds the whole URI, and without the version if it is a canonical one
// with a version.
func uriWords(uri string, add func([]byte)) {
	if uri == "" {
		return
	}
	add(word(tagURI, uri))
	if i := strings.IndexByte(uri, '|'); i > 0 {
		add(word(tagURI, uri[:i]))
	}
}

// mayHaveSystem reports whether values of f can have a system, so that having
// none is worth a token.
func (f *field) mayHaveSystem() bool {
	return f.kind == kindIdentified || slices.ContainsFunc(f.types, func(t r4.TypeID) bool {
		return t == r4.CodeableConcept || t == r4.Coding || t == r4.Identifier
	})
}

// few is how many things are looked through one by one.
const few = 24

// word adds a word unless the element has it already.
func (x *extractor) word(name string, w []byte) {
	have := x.doc.Words[x.from:]
	switch {
	case x.seen != nil:
		if x.seen[string(w)] {
			return
		}
		x.seen[string(w)] = true
	case len(have) < few:
		for i := range have {
			if string(have[i].Value) == string(w) {
				return
			}
		}
	default:
		x.seen = make(map[string]bool, 2*few)
		for i := range have {
			x.seen[string(have[i].Value)] = true
		}
		x.word(name, w)
		return
	}
	x.doc.Words = append(x.doc.Words, Word{name, w})
}

func (x *extractor) ref(r RefTo) {
	switch {
	case x.refs != nil:
		if x.refs[r] {
			return
		}
		x.refs[r] = true
	case len(x.doc.Refs) < few:
		if slices.Contains(x.doc.Refs, r) {
			return
		}
	default:
		x.refs = make(map[RefTo]bool, 2*few)
		for _, have := range x.doc.Refs {
			x.refs[have] = true
		}
		x.ref(r)
		return
	}
	x.doc.Refs = append(x.doc.Refs, r)
}

// compartments notes the patients the resource belongs to. A patient belongs to
// itself.
func (x *extractor) compartments(r *fhir.Resource) {
	add := func(id string) { x.doc.Patients = append(x.doc.Patients, id) }
	if x.s.typ == "Patient" && r.ID() != "" {
		add(r.ID())
	}
	if x.s.typ == "Binary" { // it is in no compartment of R4, but has the rights of its context
		ref := fhir.ParseLiteral(r.Root().Get("securityContext").Get("reference").Text())
		if ref.Type == "Patient" && ref.Base == "" && ref.ID != "" {
			add(ref.ID)
		}
	}
	for _, f := range x.s.compartments["Patient"] {
		if v := x.card.fields[f.order]; v != nil {
			for i := range v.values {
				if v.values[i].typ == "Patient" {
					add(v.values[i].code)
				}
			}
		}
	}
}

// enclosed adds the patients of what a Bundle holds. R4 puts a Bundle into no
// compartment, but it shows no less than its entries do.
func (c *Catalog) enclosed(x *extractor, r *fhir.Resource) error {
	b, ok := r.AsBundle()
	if !ok {
		return nil
	}
	for _, e := range b.Entries() {
		if e.Resource == nil {
			continue
		}
		doc, err := c.extract(e.Resource, func(*field) bool { return false }, false)
		if err != nil {
			return err
		}
		x.doc.Patients = append(x.doc.Patients, doc.Patients...)
	}
	return nil
}

// patients makes edges of those that were found.
func (x *extractor) patients() {
	slices.Sort(x.doc.Patients)
	x.doc.Patients = slices.Compact(x.doc.Patients)
	for _, id := range x.doc.Patients {
		x.ref(RefTo{CompartmentField, "Patient", id})
	}
}

// each visits the nodes of an element, with the number of the composite's
// instance they lie in.
func (e *element) each(root fhir.Node, visit func(fhir.Node, uint32)) {
	w := elementWalk{e: e, visit: visit}
	w.step(root, 0)
}

type elementWalk struct {
	e     *element
	visit func(fhir.Node, uint32)
	group uint32
	count uint32
}

func (w *elementWalk) step(node fhir.Node, i int) {
	if i == w.e.group && i > 0 {
		w.count++
		w.group = w.count
	}
	if i == len(w.e.steps) {
		if w.e.leaf == "" {
			w.visit(node, w.group)
			return
		}
		for leaf := range node.All(w.e.leaf) {
			w.visit(leaf, w.group)
		}
		return
	}
	s := &w.e.steps[i]
	n := 0
	for child := range node.All(s.Name) {
		if s.As != 0 && child.Type() != s.As.String() {
			continue
		}
		if s.Where != "" && child.Get(s.Where).Text() != s.Equals {
			continue
		}
		if n++; s.Index < 0 || s.Index == n-1 {
			w.step(child, i+1)
		}
	}
}
