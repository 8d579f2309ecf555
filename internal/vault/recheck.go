package vault

import (
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// matches rechecks a candidate against the whole query and its narrowing, on its
// card, and for a search in running text on its body, which row must have then.
// spend is asked before each body and may be nil.
func (p *part) matches(row record.Row, opened *seal.Opened, spend func() error) (bool, error) {
	if ok, err := p.narrow.admits(opened); err != nil || !ok {
		return false, err
	}
	if !p.plan.Bodies() {
		return p.plan.Match(opened.Card)
	}
	return p.plan.MatchBody(opened.Card, func() (*fhir.Resource, error) {
		if spend != nil {
			if err := spend(); err != nil {
				return nil, err
			}
		}
		body, err := opened.Body(row.Body)
		if err != nil {
			return nil, err
		}
		return fhir.Parse(body)
	})
}

// wants is what rechecking a query has to read.
func (b bound) wants() store.Want {
	for _, p := range b {
		if p.plan != nil && p.plan.Bodies() {
			return store.WantCard | store.WantBody
		}
	}
	return store.WantCard
}

// spender counts the bodies that one search reads for its running text.
func spender() func() error {
	left := search.MaxBodies
	return func() error {
		if left--; left < 0 {
			return fault.New(fault.TooCostly, "vault.walk",
				"A search by _text, _content or numbers of which some are shown masked may read 20,000 records; its other conditions leave more. Add conditions, such as a patient or a date.")
		}
		return nil
	}
}
