package search

import "github.com/wardkeep/wardkeep/internal/fhir"

// Matches reports whether a resource, stamped with id, version and time, answers
// the query by what is in it. A query with chains or other joins is an error.
func (q *Query) Matches(r *fhir.Resource) (bool, error) {
	c := q.opt.Catalog
	if c == nil {
		c = Base()
	}
	doc, err := c.Extract(r)
	if err != nil {
		return false, err
	}
	return (&Plan{q: q}).Match(doc.Card)
}

// CardOf returns the card of a resource, stamped with id, version and time, by R4's own
// parameters.
func CardOf(r *fhir.Resource) ([]byte, error) {
	doc, err := Base().Extract(r)
	if err != nil {
		return nil, err
	}
	return doc.Card, nil
}

// MatchesCard is Matches for a query of R4's own parameters, by the card.
func (q *Query) MatchesCard(card []byte) (bool, error) { return (&Plan{q: q}).Match(card) }
