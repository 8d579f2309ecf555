package search

import (
	"cmp"
	"slices"
	"sync"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// schema is what this package knows of one resource type.
type schema struct {
	typ          string
	params       map[string]*param
	codes        []string // of the parameters that can be searched, sorted
	elements     []*element
	fields       []*field            // in the order of their ids
	compartments map[string][]source // references that put a resource into one
}

// element is one path into a resource, read once for all its fields.
type element struct {
	text   string // stable: Observation.component.code
	steps  []r4.Step
	leaf   string     // member of a HumanName or Address at the path's end
	exists bool       // its value is whether it exists and is not false
	added  *Parameter // read by its Eval instead of steps
	group  int        // steps to the composite's element it lies in, 0: none
	fields []*field

	types    []r4.TypeID
	implied  string // code system of all values, which do not name it; manySystems: see system
	repeats  bool   // one resource may hold several
	required bool   // the standard demands it; we never rely on that
}

// field is an element read as one kind of value. Its name keys the tokens, its
// id the values in cards.
type field struct {
	*element
	kind  kind
	id    fieldID
	order int    // place among the schema's fields
	words bool   // names and addresses: a search may start at any word, and trigrams
	base  *field // of a derived field: the one whose words tell that there is a value
}

// source is a field as one parameter reads it.
type source struct {
	*field
	only  string // references to this type alone, "" all
	loose bool   // part of a composite, but read from the resource's root
}

// param is one search parameter of one resource type.
type param struct {
	code       string
	kind       kind // 0 for composites
	targets    []string
	sources    []source
	components []component
	special    string // _id, _lastUpdated: not a matter of elements

	labels, typed, identified []source // what :text, :of-type and :identifier read
}

// component is one part of a composite.
type component struct {
	kind    kind
	sources []source
}

// Base returns the catalog of R4's own parameters. It is derived from the static
// tables once, at first use, and never changes.
var Base = sync.OnceValue(func() *Catalog {
	all := map[string]*schema{}
	for t := range r4.Resources {
		all[t.String()] = newSchema(t, nil)
	}
	return &Catalog{schemas: all, units: &units{}}
})

func schemaOf(typ string) *schema { return Base().schemas[typ] }

func newSchema(t r4.TypeID, added []*Parameter) *schema {
	s := &schema{typ: t.String(), params: map[string]*param{}, compartments: map[string][]source{}}
	b := schemaBuilder{s: s, root: t, elements: map[string]*element{}}
	for p := range r4.Params(s.typ) {
		if q := b.param(p); q != nil {
			s.params[q.code] = q
			s.codes = append(s.codes, q.code)
		}
	}
	for _, p := range added {
		b.added(p)
	}
	slices.Sort(s.codes)
	for _, c := range compartmentTypes {
		for _, src := range r4.CompartmentElements(c, s.typ) {
			s.compartments[c] = append(s.compartments[c], source{field: b.field(b.source(src), kindReference), only: c})
		}
	}
	b.nameWords()
	for _, e := range s.elements {
		s.fields = append(s.fields, e.fields...)
	}
	slices.SortFunc(s.fields, func(a, b *field) int { return cmp.Compare(a.id, b.id) })
	for i, f := range s.fields {
		f.order = i
	}
	return s
}
