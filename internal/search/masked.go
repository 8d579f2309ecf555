package search

import (
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Masked returns the catalog of somebody who is shown numbers masked. What he finds
// records by is what he is shown of them: where a number may be among the values that a
// condition looks at, the masked body has the last word, as in a search in running text.
// Conditions that name a kind of number that is masked are refused.
func (c *Catalog) Masked(numbers *fhir.Numbers) *Catalog {
	next := *c
	next.numbers = numbers
	return &next
}

var errMasked = invalid("suppressed", "Records are not found by numbers that are shown masked: social security and insurance numbers, and others that policies/fields.txt lists. Search by the medical record number, or by name and birth date.")

// masking marks a condition whose values may be numbers that are masked, and refuses
// one that asks for such.
func (p *parser) masking(c *criterion) error {
	if p.opt.Catalog == nil || p.opt.Catalog.numbers == nil || c.missing != nil || c.chain != nil || c.param.special != "" {
		return nil
	}
	n := p.opt.Catalog.numbers
	if !slices.ContainsFunc(c.sources, func(s source) bool { return s.mayBeNumber(n) }) {
		return nil
	}
	for _, pr := range c.preds {
		if asksFor(n, pr) {
			return errMasked
		}
		t, isToken := pr.(*tokenPred)
		if isToken && len(t.code) == 0 {
			continue // of which system, which is shown
		}
		c.masked = true
	}
	if !c.masked {
		return nil
	}
	for _, s := range c.sources {
		if s.added == nil && len(p.opt.among) < 2 && n.Elements[s.last(p.s.typ)] != "" {
			return errMasked // there is nothing else in the element
		}
	}
	return nil
}

// mayBeNumber reports whether a value of a source can be a number that is masked, or be
// computed of one.
func (s source) mayBeNumber(n *fhir.Numbers) bool {
	switch {
	case s.added != nil:
		return s.kind == kindToken || s.kind == kindString
	case s.kind == kindIdentified, s.kind == kindTyped:
		return true
	}
	return s.kind == kindToken && slices.Contains(s.types, r4.Identifier)
}

// last returns the member at the end of an element's path, 0 if it has none.
func (e *element) last(typ string) (m r4.MemberID) {
	t := r4.ResourceByName(typ)
	for _, name := range e.path() {
		if m = r4.Lookup(t, name); m == 0 {
			return 0
		}
		t = m.Type()
	}
	return m
}

// asksFor reports whether a condition names a kind of number that is masked.
func asksFor(n *fhir.Numbers, pr pred) bool {
	switch pr := pr.(type) {
	case *tokenPred:
		return !pr.anySystem && len(pr.code) > 0 && n.NamesSystem(string(pr.system))
	case *typedPred:
		return n.NamesType(pr.system, pr.code)
	case *otherPred:
		return asksFor(n, pr.than)
	}
	return false
}

// ofMasked answers a condition on what is shown of the body. found is whether a value
// of the card meets it: what is shown has no others.
func (m *matcher) ofMasked(c *criterion, found bool) (bool, error) {
	if !found {
		return false, nil
	}
	if m.body == nil {
		return false, errBody
	}
	text, err := m.body()
	if err == nil {
		err = text.look(m.card.b)
	}
	if err != nil || text.card == nil {
		return err == nil, err
	}
	shown := matcher{groups: map[uint32]int{}}
	if err := shown.card.open(text.card); err != nil {
		return false, err
	}
	return shown.some(c.sources, c.accepts)
}

// look puts what is shown of the body in its place, and makes the card of that; card is
// the body's own.
func (b *bodyText) look(card []byte) error {
	if b.looked || b.catalog == nil || b.catalog.numbers == nil {
		return nil
	}
	shown, err := b.catalog.numbers.Obscure(b.resource)
	if err == nil && shown != b.resource {
		var doc Document
		doc, err = b.catalog.ExtractAs(shown, card)
		b.resource, b.card = shown, doc.Card
	}
	b.looked = err == nil
	return err
}

var errMaskedSort = invalid("suppressed", "_sort does not take what numbers are read by that are shown masked.")

// ordersNumbers reports whether a parameter would put records into the order of numbers
// that are masked.
func (o Options) ordersNumbers(typ string, q *param) bool {
	if o.Catalog == nil || o.Catalog.numbers == nil {
		return false
	}
	n := o.Catalog.numbers
	return slices.ContainsFunc(q.sources, func(s source) bool {
		if s.added != nil {
			return s.mayBeNumber(n) && s.added.mayReadNumbers()
		}
		return s.mayBeNumber(n) || n.Elements[s.last(typ)] != ""
	})
}

// mayReadNumbers reports whether an expression may come upon a number: by the names of
// elements that hold one, or by a step that names none.
func (p *Parameter) mayReadNumbers() bool {
	text := strings.ToLower(p.Expression)
	return text == "" || slices.ContainsFunc([]string{"identifier", "subscriberid", "children", "descendants", "repeat", "value"},
		func(word string) bool { return strings.Contains(text, word) })
}
