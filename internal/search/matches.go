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
