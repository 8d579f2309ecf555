package search

import (
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Param is one key and value of a query, unescaped from the URL once.
type Param struct{ Key, Value string }

// Options is what a query is read with.
type Options struct {
	// Lenient skips parameters nobody knows instead of refusing them, as
	// "Prefer: handling=lenient" asks for. Query.Used tells what was kept.
	Lenient bool
	// BaseURL of this server, without a slash at its end: absolute references
	// to ourselves are local ones. "" if unknown.
	BaseURL string
	// Catalog is what may be searched by; nil: R4's own parameters.
	Catalog *Catalog
	// Now is what "ap" measures distances of dates from.
	Now time.Time
	// Compartment keeps the answer within one, e.g. Patient/23.
	Compartment TypeID
	// MaxCount bounds _count, 0 means 1000; DefaultCount is used without one,
	// 0 means 50.
	MaxCount, DefaultCount int
	// Contained allows _contained: whoever sets it looks at InContained and
	// GivesContained of the query.
	Contained bool

	depth int      // links of chains above this query
	links *int     // queries that the whole search has come to
	among []string // all types that are searched for
}

// Query is a search that has been read and found in order. Once it is planned
// it is immutable.
type Query struct {
	Type        string // "" if it asks for several
	Count       int    // entries on a page; 0 asks for the total alone
	Total       string // none, estimate, accurate; "" if not asked
	Summary     string // true, text, data, count, false; "" if not asked
	Elements    []string
	Sort        []Sort
	Includes    []Include
	RevIncludes []Include
	Used        []Param // what the self link shows, in the order given
	// Ignored are the parameters that lenient handling left out, as people are
	// told of them.
	Ignored []string

	criteria []*criterion
	opt      Options
	parts    []*Query // of a search for several types, one for each
	named    bool     // which the client has named
	within   *containing
}

// Parts are the queries for one type each that q consists of: q itself, unless
// it asks for several types.
func (q *Query) Parts() []*Query {
	if q.Type != "" {
		return []*Query{q}
	}
	return q.parts
}

// Keep drops the parts for types of which the caller may see nothing, as keep
// tells by an error. It returns the error instead if the client has named the
// type, or no part is left.
func (q *Query) Keep(keep func(typ string) error) error {
	var kept []*Query
	var refused error
	for _, part := range q.Parts() {
		err := keep(part.Type)
		switch {
		case err == nil:
			kept = append(kept, part)
		case q.Type != "" || q.named || !fault.Is(err, fault.Denied):
			return err
		default:
			refused = err
		}
	}
	if len(kept) == 0 {
		return refused
	}
	if q.Type == "" {
		q.parts = kept
	}
	return nil
}

// Sort is one key of _sort.
type Sort struct {
	Code string
	Desc bool

	param *param
}

// Include is one _include or _revinclude: the references of Source's parameter
// Code, "*" for all of them, to Target, "" for any type. Source may be "*", too.
type Include struct {
	Source, Code, Target string
	Iterate              bool
}

// criterion is one condition; all of a query must hold.
type criterion struct {
	param   *param
	sources []source
	kind    kind // of the values as they are read; a modifier may change it
	not     bool
	masked  bool // answered from what is shown of the body: see Catalog.Masked
	missing *bool
	preds   []pred
	tuples  [][]pred // of a composite: alternatives of one pred a component

	// chain asks about what a reference points to: one query for each type
	// it may point to. has asks about what points here through sources.
	chain []*Query
	has   *Query

	kids  []*criterion // joined by logic; nothing else is set
	logic logic
	lists []string // ids of Lists of which one names the resource

	compartment TypeID // the condition is that compartment, read from sources
}

// logic joins conditions.
type logic byte

const (
	allOf logic = iota
	anyOf
	noneOf
)

// Limits of one query.
const (
	maxParams = 100       // conditions
	maxQuery  = 256 << 10 // bytes of all conditions: a page's link holds them
	maxValues = 500       // alternatives of one condition
	maxDepth  = 8         // links of a chain, forwards and backwards
	maxLinks  = 64        // queries that the links of a search make, for all types they may lead to
	maxSorts  = 8
)

// invalid is a fault that tells the client what to send instead. Neither text
// may hold a value of the query.
func invalid(code, public string) error {
	e := fault.New(fault.Invalid, "search.Parse", public)
	e.Issues = []fault.Issue{{Code: code, Text: public}}
	return e
}
