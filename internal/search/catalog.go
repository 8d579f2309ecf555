package search

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Catalog is what resources are found by: R4's own parameters, and those added
// while the server runs. It is immutable and safe for concurrent use.
type Catalog struct {
	schemas map[string]*schema
	added   []*Parameter
	units   *units
	numbers *fhir.Numbers // that are shown masked; nil: none
}

// Parameter is a search parameter that R4 does not have.
type Parameter struct {
	// Number names it for ever, in tokens and in cards. It MUST NOT be used
	// again for another definition, nor for a changed one.
	Number  uint32
	Code    string
	Type    string   // number, date, string, token, reference, quantity or uri
	Base    []string // resource types it is of
	Targets []string // types a reference may point to; none: all
	// Expression is what Eval was made of; "" if that is unknown.
	Expression string
	// Eval visits what the parameter's expression finds: an element, or the
	// text of a value that is computed. An error means that it finds nothing.
	Eval func(r *fhir.Resource, visit func(n fhir.Node, computed string)) error

	// Indexing: resources are found by it from now on. Searchable: all are,
	// so that searches may use it. With neither, it is known only so that
	// what was indexed by it can be told from damage.
	Indexing, Searchable bool
}

// With returns the catalog that has these parameters beside R4's own. A code
// that the base type has already is refused.
func (c *Catalog) With(added ...*Parameter) (*Catalog, error) {
	next := &Catalog{schemas: map[string]*schema{}, added: added, units: c.units, numbers: c.numbers}
	byType := map[string][]*Parameter{}
	for _, p := range added {
		if kindNamed(p.Type) == 0 || p.Number == 0 || p.Eval == nil {
			return nil, fault.New(fault.Invalid, "search.With", "A search parameter's type is number, date, string, token, reference, quantity or uri.")
		}
		for _, typ := range p.Base {
			if Base().schemas[typ] == nil {
				return nil, fault.New(fault.Invalid, "search.With", "A search parameter's base is not a resource type of FHIR R4.")
			}
			byType[typ] = append(byType[typ], p)
		}
	}
	for typ, s := range Base().schemas {
		if byType[typ] != nil {
			s = newSchema(r4.ResourceByName(typ), byType[typ])
			if err := s.check(); err != nil {
				return nil, err
			}
		}
		next.schemas[typ] = s
	}
	return next, nil
}

// check refuses what could not be told apart.
func (s *schema) check() error {
	seen := map[fieldID]bool{containedID: true}
	for _, f := range s.fields {
		if seen[f.id] {
			return fault.New(fault.Conflict, "search.With", "The parameter's number collides with another field of a card; take the next one.")
		}
		seen[f.id] = true
	}
	for i := 1; i < len(s.codes); i++ {
		if s.codes[i] == s.codes[i-1] {
			return fault.New(fault.Conflict, "search.With", "The type has a search parameter of that code.")
		}
	}
	return nil
}

// Added returns the parameters beside R4's own. They MUST NOT be changed.
func (c *Catalog) Added() []*Parameter { return c.added }

func kindNamed(typ string) kind {
	switch typ {
	case "number":
		return kindNumber
	case "date":
		return kindDate
	case "string":
		return kindString
	case "token":
		return kindToken
	case "reference":
		return kindReference
	case "quantity":
		return kindQuantity
	case "uri":
		return kindURI
	}
	return 0
}

// added gives the schema a field for p, and the parameter itself if it may be
// searched by.
func (b *schemaBuilder) added(p *Parameter) {
	e := &element{
		text: fmt.Sprintf("%s.$%d", b.s.typ, p.Number), added: p, repeats: true,
		types: []r4.TypeID{r4.CodeableConcept, r4.Coding, r4.Identifier, r4.String},
	}
	f := b.field(b.intern(e), kindNamed(p.Type))
	if !p.Searchable {
		return
	}
	q := &param{code: p.Code, kind: f.kind, sources: []source{{field: f}}}
	if f.kind == kindReference {
		q.targets = p.Targets
		if len(q.targets) == 0 {
			for t := range r4.Resources {
				q.targets = append(q.targets, t.String())
			}
		}
	}
	if b.s.params[p.Code] == nil {
		b.s.params[p.Code] = q
	}
	b.s.codes = append(b.s.codes, p.Code)
}

// Extract reads a resource that is stamped with its id, version and time.
func (c *Catalog) Extract(r *fhir.Resource) (Document, error) {
	return c.extract(r, func(f *field) bool { return f.added.Indexing }, true)
}

// ExtractAs reads a resource as it was read when card was made: by R4's
// parameters, by those that left a value in card, and with what it contains if
// card does.
func (c *Catalog) ExtractAs(r *fhir.Resource, card []byte) (Document, error) {
	has, err := fieldsIn(card)
	if err != nil {
		return Document{}, err
	}
	doc, err := c.extract(r, func(f *field) bool { return has[f.id] }, has[containedID])
	return doc.marked(card), err
}

// ExtractAnew reads a resource as ExtractAs does, and by what is indexed now.
func (c *Catalog) ExtractAnew(r *fhir.Resource, card []byte) (Document, error) {
	has, err := fieldsIn(card)
	if err != nil {
		return Document{}, err
	}
	doc, err := c.extract(r, func(f *field) bool { return f.added.Indexing || has[f.id] }, true)
	return doc.marked(card), err
}

// marked puts the flags of an older card, which the resource does not tell, on the
// new one.
func (d Document) marked(old []byte) Document {
	if len(d.Card) > 0 {
		d.Card[0] |= old[0] & cardPosted
	}
	return d
}

// fieldsIn returns the fields that a card has values of.
func fieldsIn(card []byte) (map[fieldID]bool, error) {
	var r cardReader
	if err := r.open(card); err != nil {
		return nil, err
	}
	has := map[fieldID]bool{}
	for c := (cursor{r: &r, i: r.fields}); c.i < len(card); {
		id := c.bytes(3)
		if c.bytes(c.uvarint()); c.bad {
			return nil, errCard
		}
		has[fieldID(id[0])<<16|fieldID(id[1])<<8|fieldID(id[2])] = true
	}
	return has, nil
}

// addedElement reads an element by its parameter's expression. One that cannot
// be evaluated for this resource finds nothing in it: a definition somebody
// posted must not keep records from being written.
func (x *extractor) addedElement(e *element, r *fhir.Resource) {
	f := e.fields[0]
	var found []entry
	add := func(v entry) { found = append(found, v) }
	err := e.added.Eval(r, func(n fhir.Node, computed string) {
		if !n.Exists() {
			f.computed(computed, add)
			return
		}
		if leaves := leavesOf([]r4.TypeID{n.TypeID()}); f.kind == kindString && leaves != nil {
			for _, leaf := range leaves {
				for part := range n.All(leaf) {
					f.convert(part, add)
				}
			}
			return
		}
		f.convert(n, add)
	})
	if err != nil {
		return
	}
	for _, v := range found {
		x.value(f, v)
	}
}

// computed converts a value that no element holds.
func (f *field) computed(s string, add func(entry)) {
	switch f.kind {
	case kindToken, kindURI:
		add(entry{code: s})
	case kindString:
		add(entry{code: s, norm: normalize(s)})
	case kindDate:
		if v, err := parseDate(s); err == nil {
			add(entry{span: v})
		}
	case kindNumber:
		if n, err := parseNumber(s); err == nil {
			add(entry{number: point(n.decimal)})
		}
	}
}

// Params lists the parameters that a type can be searched by, in order.
func (c *Catalog) Params(typ string) []ParamInfo {
	s := c.schemas[typ]
	if s == nil {
		return nil
	}
	list := Params(typ)
	for _, p := range c.added {
		if p.Searchable && slices.Contains(p.Base, typ) {
			list = append(list, ParamInfo{Code: p.Code, Type: p.Type})
		}
	}
	return list
}

// IncludeNames lists what _include takes for a type, as Type:parameter.
func (c *Catalog) IncludeNames(typ string) []string {
	var names []string
	for _, p := range c.Params(typ) {
		if p.Type == "reference" {
			names = append(names, typ+":"+p.Code)
		}
	}
	return names
}

// String names a parameter for the audit log and for progress.
func (p *Parameter) String() string {
	return "search parameter " + strconv.FormatUint(uint64(p.Number), 10)
}

// schema returns what the query's catalog knows of a type.
func (o Options) schema(typ string) *schema {
	if o.Catalog == nil {
		return schemaOf(typ)
	}
	return o.Catalog.schemas[typ]
}
