package search

import (
	"context"
	"encoding/binary"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// containedID is the field of a card that holds the cards of the resources
// contained in the record. It is the highest there is, so it comes last.
const containedID fieldID = 0xffffff

// inside names a field of what records of a type contain. No word of a record
// itself has such a field.
func inside(container, field string) string { return container + "#" + field }

// contained reads the resources contained in r, by R4's own parameters.
func (x *extractor) contained(c *Catalog, r *fhir.Resource) {
	seen := map[string]bool{}
	for node := range r.Root().All("contained") {
		in := c.containedIn(node)
		if in == nil {
			continue
		}
		for _, w := range append(in.doc.Words, Word{in.s.typ, []byte{tagContains}}) {
			w.Field = inside(x.s.typ, w.Field)
			if name := w.Field + "\x00" + string(w.Value); !seen[name] {
				seen[name] = true
				x.doc.Words = append(x.doc.Words, w)
			}
		}
		for _, ref := range in.doc.Refs {
			ref.Field = inside(x.s.typ, ref.Field)
			x.ref(ref)
		}
		x.card.contained = append(x.card.contained, in.doc.Card)
	}
}

// containedIn reads one contained resource, nil if there is none. It belongs to
// no compartment: its container does.
func (c *Catalog) containedIn(node fhir.Node) *extractor {
	r := node.Resource()
	if r == nil || c.schemas[r.Type()] == nil {
		return nil
	}
	in := c.elements(r, func(*field) bool { return false })
	in.doc.Card = in.card.bytes(in.s.typ, r.ID(), 0)
	return in
}

// writeContained writes the cards of contained resources.
func (w *cardWriter) writeContained() {
	if len(w.contained) == 0 {
		return
	}
	var all []byte
	for _, card := range w.contained {
		all = append(binary.AppendUvarint(all, uint64(len(card))), card...)
	}
	w.b = append(w.b, byte(containedID>>16), byte(containedID>>8&0xff), byte(containedID&0xff))
	w.b = append(binary.AppendUvarint(w.b, uint64(len(all))), all...)
}

// contained calls visit with the card of each contained resource in turn until
// it returns false.
func (r *cardReader) contained(visit func(card []byte) (more bool, err error)) error {
	for c := (cursor{r: r, i: r.fields}); c.i < len(r.b); {
		id := c.bytes(3)
		n := c.uvarint()
		if c.bad || n > uint64(len(r.b)-c.i) {
			return errCard
		}
		if fieldID(id[0])<<16|fieldID(id[1])<<8|fieldID(id[2]) != containedID {
			c.i += int(n)
			continue
		}
		for end := c.i + int(n); c.i < end; {
			card := c.bytes(c.uvarint())
			if c.bad || c.i > end {
				return errCard
			}
			if more, err := visit(card); err != nil || !more {
				return err
			}
		}
		return nil
	}
	return nil
}

// containing makes of a query one for the records that contain what inner finds
// (FHIR R4 search, _contained).
type containing struct {
	inner *Query
	self  bool // what inner finds itself counts as well: _contained=both
	each  bool // every resource that is found is an entry: _containedType=contained
}

// InContained reports whether the query looks into contained resources. Its parts
// are for one type of container each.
func (q *Query) InContained() bool {
	return q.within != nil || len(q.parts) > 0 && q.parts[0].within != nil
}

// GivesContained reports whether entries are the resources that match, those
// contained in a record among them, instead of the records.
func (q *Query) GivesContained() bool { return q.InContained() && q.Parts()[0].within.each }

// containing is the search that _contained asks for: in records of every type
// that may contain resources.
func (p *parser) containing() (*Query, error) {
	if err := p.containable(); err != nil {
		return nil, err
	}
	q := *p.q
	q.Type, q.criteria = "", nil
	for t := range r4.Resources {
		if r4.Lookup(t, "contained") == 0 {
			continue
		}
		q.parts = append(q.parts, &Query{Type: t.String(), Sort: q.Sort, opt: q.opt, within: &containing{
			inner: p.q, self: p.contained == "both" && p.s.typ == t.String(), each: p.containedType == "contained",
		}})
	}
	return &q, nil
}

// containable refuses what the standard leaves open for contained resources, and
// what they cannot be found by.
func (p *parser) containable() error {
	q, what := p.q, ""
	switch {
	case !p.opt.Contained:
		return invalid("not-supported", "_contained is false here. Contained resources are found by a search for one type, sent to that type.")
	case p.opt.Compartment != TypeID{}:
		what = "in a compartment"
	case len(q.Includes)+len(q.RevIncludes) > 0:
		what = "with _include or _revinclude"
	case len(q.Elements) > 0 && p.containedType != "contained":
		what = "with _elements, unless _containedType is contained"
	case len(q.Sort) > 0 && p.containedType == "contained":
		what = "with _sort if _containedType is contained"
	case len(q.Sort) > 1 || len(q.Sort) == 1 && q.Sort[0].Code != "_lastUpdated":
		what = "with _sort, but by _lastUpdated of the container"
	default:
		what = uncontainable(q.criteria)
	}
	if what == "" {
		return nil
	}
	return invalid("not-supported", "Contained resources are not searched for "+what+". Leave that out, or leave out _contained.")
}

// uncontainable names a condition that contained resources cannot be held
// against, "" if there is none.
func uncontainable(list []*criterion) string {
	for _, c := range list {
		switch {
		case c.kids != nil:
			if what := uncontainable(c.kids); what != "" {
				return what
			}
		case c.chain != nil || c.has != nil:
			return "by chains or _has"
		case c.lists != nil:
			return "by _list"
		case c.kind == kindBody:
			return "by _text or _content"
		case c.masked:
			return "by what numbers are read by that are shown masked"
		case c.hasTree():
			return "by :above or :below of a reference"
		case c.param.special == "_lastUpdated":
			return "by _lastUpdated, which they do not have"
		}
		for _, s := range c.sources {
			if s.added != nil {
				return "by search parameters that were added to the server"
			}
		}
	}
	return ""
}

// insideNames are the names of what records of one type contain. It is neither
// a Confiner nor exact: words of several contained resources lie in one record.
type insideNames struct {
	Names
	container string
}

func (n insideNames) Token(field string, value []byte) record.Token {
	return n.Names.Token(inside(n.container, field), value)
}
func (n insideNames) Rel(field string) record.Token { return n.Names.Rel(inside(n.container, field)) }
func (n insideNames) Exact() bool                   { return false }

// planContaining plans what contains what the inner query finds. It never is
// exact: which words are of one contained resource, only cards say.
func (q *Query) planContaining(ctx context.Context, names Names, resolve Resolve) (*Plan, error) {
	in := q.within.inner
	p := (&planner{ctx: ctx, names: insideNames{names, q.Type}, inside: true}).of(in)
	plan := &Plan{q: q, Expr: store.Or{}, inner: &Plan{q: in}}
	any, err := p.containsAny(names)
	if err == nil && any {
		var n node
		n, err = p.all(in.criteria)
		plan.Expr = p.expr(n)
	}
	if err != nil {
		return nil, err
	}
	if q.within.self {
		if plan.inner, err = in.Plan(ctx, names, resolve); err != nil {
			return nil, err
		}
		plan.Expr = store.Or{plan.inner.Expr, plan.Expr}
	}
	return plan, nil
}

// containsAny reports whether any record contains a resource of the type that p,
// a planner of what is inside, asks for.
func (p *planner) containsAny(names Names) (bool, error) {
	prober, ok := names.(Prober)
	if !ok {
		return true, nil
	}
	return prober.Any(p.ctx, p.class())
}

// holds counts the resources in a record's card that the inner query finds, the
// record itself among them if it may be: one is enough unless each counts.
func (p *Plan) holds(card []byte) (n int, err error) {
	w := p.q.within
	if w.self {
		ok, err := p.inner.Match(card)
		if ok {
			n = 1
		}
		if err != nil || ok && !w.each {
			return n, err
		}
	}
	var r cardReader
	if err := r.open(card); err != nil {
		return 0, err
	}
	if string(r.typ) != p.q.Type {
		return 0, nil
	}
	err = r.contained(func(card []byte) (bool, error) {
		ok, err := p.inner.Match(card)
		if ok {
			n++
		}
		return !ok || w.each, err
	})
	return n, err
}

// Entries returns how many entries of the answer a record makes that matches: one,
// unless contained resources are asked for.
func (p *Plan) Entries(card []byte) (int, error) {
	if p.q.within == nil || !p.q.within.each {
		return 1, nil
	}
	return p.holds(card)
}

// Found returns the resources contained in a record that the query finds, and
// whether the record itself is one. Only a query that GivesContained may be asked.
func (q *Query) Found(r *fhir.Resource) (self bool, contained []*fhir.Resource, err error) {
	c := q.opt.Catalog
	if c == nil {
		c = Base()
	}
	for _, part := range q.Parts() {
		if part.Type != r.Type() {
			continue
		}
		inner := &Plan{q: part.within.inner}
		if part.within.self {
			doc, err := c.Extract(r)
			if err == nil {
				self, err = inner.Match(doc.Card)
			}
			if err != nil {
				return false, nil, err
			}
		}
		for node := range r.Root().All("contained") {
			in := c.containedIn(node)
			if in == nil {
				continue
			}
			ok, err := inner.Match(in.doc.Card)
			if err != nil {
				return false, nil, err
			}
			if ok {
				contained = append(contained, node.Resource())
			}
		}
	}
	return self, contained, nil
}
