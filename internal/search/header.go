package search

import (
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Header is what every card says of its record.
type Header struct {
	ID      string
	Updated time.Time
	Posted  bool // the version was created by POST
}

// ReadHeader reads the head of a card.
func ReadHeader(card []byte) (Header, error) {
	var r cardReader
	if err := r.open(card); err != nil {
		return Header{}, err
	}
	return Header{ID: string(r.id), Updated: micros(r.updated), Posted: card[0]&cardPosted != 0}, nil
}

// HeaderCard makes a card that says nothing else: of tombstones, and of records
// that are no resources.
func HeaderCard(typ, id string, updated time.Time) []byte {
	return newCardWriter(0).bytes(typ, id, updated.UnixMicro())
}

// Patients returns the ids of the patients in whose compartment a resource is.
func Patients(r *fhir.Resource) ([]string, error) {
	doc, err := Extract(r)
	return doc.Patients, err
}

// Sorted reports whether the query orders its answer, so that SortKey counts.
func (q *Query) Sorted() bool { return len(q.Sort) > 0 }

// Filters reports how many conditions the query sets.
func (q *Query) Filters() int { return len(q.criteria) }

// Necessary returns tokens of which every record the plan finds bears one: whoever
// guards against all of them guards against every new match. Nil if the plan
// does not rest on tokens of the records themselves.
func (p *Plan) Necessary() []record.Token { return necessary(p.Expr) }

func necessary(e store.Expr) []record.Token {
	switch e := e.(type) {
	case store.Has:
		return []record.Token{e.Token}
	case store.And:
		var best []record.Token
		for _, part := range e {
			if tokens := necessary(part); tokens != nil && (best == nil || len(tokens) < len(best)) {
				best = tokens
			}
		}
		return best
	case store.Or:
		var all []record.Token
		for _, part := range e {
			tokens := necessary(part)
			if tokens == nil {
				return nil
			}
			all = append(all, tokens...)
		}
		return all
	case store.Minus:
		return necessary(e.Of)
	}
	return nil
}
