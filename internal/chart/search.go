package chart

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// SearchRequest is one page of one search: of a type, or with Type "" of the
// types that its parameter _type names, or of all; within a compartment, if one
// is given (FHIR R4 3.1.0.12 and 3.1.1).
type SearchRequest struct {
	Type        string
	Compartment vault.TypeID // e.g. Patient/23; the zero TypeID for none
	Params      []search.Param
	Lenient     bool   // Prefer: handling=lenient
	BaseURL     string // what references may begin with and still be local
	// Page is the token of the page to open, "" for the first. It holds the
	// search, which need not be repeated.
	Page string

	after vault.Cursor // where the page begins
	shown shown        // of what follows
}

// Address is the path that the request is sent to, below the base: "" for the
// base itself.
func (sr SearchRequest) Address() string {
	if sr.Compartment == (vault.TypeID{}) {
		return sr.Type
	}
	return sr.Compartment.Type + "/" + sr.Compartment.ID + "/" + cmp.Or(sr.Type, "*")
}

// SearchResult is one page.
type SearchResult struct {
	Asked    SearchRequest // of a later page, as the first one was
	Query    *search.Query
	Matches  []Resource
	Included []Resource
	Total    int    // -1 if it was not asked for
	Next     string // token of the next page; "" on the last

	size int // bytes of what is included
}

const (
	defaultCount = 50
	maxCount     = 1000
	maxIncluded  = 2000
)

// Search returns the records that match and that the actor may see; what is
// hidden is neither shown nor counted nor sorted by.
func (c *Chart) Search(ctx context.Context, actor Actor, sr SearchRequest) (*SearchResult, error) {
	sr, err := c.resumed(ctx, actor, sr)
	req := c.begin(actor, "search", sr.Type)
	if req.event.Query = queryText(sr.Params); sr.Compartment != (vault.TypeID{}) {
		req.event.Query = sr.Address() + "?" + req.event.Query
	}
	var result *SearchResult
	if err == nil {
		result, err = c.search(ctx, req, sr)
	}
	if err := req.finish(ctx, err); err != nil {
		return nil, err
	}
	return result, nil
}

// search runs a search and notes in req what it is about to disclose.
func (c *Chart) search(ctx context.Context, req *request, sr SearchRequest) (*SearchResult, error) {
	return settled(req, func() (*SearchResult, error) { return c.searchOnce(ctx, req, sr) })
}

// maxMoves bounds how often a search is run anew because patients came and went.
// A disagreement that outlives them all is an alarm like any other.
const maxMoves = 4

var errMoved = errors.New("the census changed during the search")

// settled runs a search until it was narrowed and decided on by the same census.
func settled[T any](req *request, run func() (T, error)) (T, error) {
	for move := 1; ; move++ {
		req.count, req.settle = req.chart.census.counted(), move == maxMoves
		if out, err := run(); !errors.Is(err, errMoved) {
			return out, err
		}
	}
}

func (c *Chart) searchOnce(ctx context.Context, req *request, sr SearchRequest) (*SearchResult, error) {
	q, err := c.parse(req.actor, sr)
	if err != nil {
		return nil, err
	}
	if q, err = q.Resolve(ctx, c.lexicon); err != nil {
		return nil, err
	}
	found, err := c.vault.Search(ctx, vault.SearchRequest{
		Query: q, Narrow: c.narrow(req.actor), After: sr.after,
		Limit: limitOf(q), Total: wantsTotal(q) || limitOf(q) == 0,
	})
	if err != nil {
		return nil, err
	}
	result := &SearchResult{Asked: sr, Query: q, Total: found.Total}
	if result.Matches, err = c.admitted(ctx, req, found.Records); err != nil {
		return nil, err
	}
	next := page{found.Next, shown{}}
	if q.GivesContained() {
		if result.Matches, next, err = c.opened(ctx, req, sr, q, result.Matches, next); err != nil {
			return nil, err
		}
	}
	for _, res := range result.Matches {
		req.discloses(res)
	}
	if len(result.Matches) < named(sr.Params) {
		withholds(ctx)
	}
	if err := c.include(ctx, req, q, result); err != nil {
		return nil, err
	}
	if next.after != nil {
		sr.after, sr.shown = *next.after, next.shown
		result.Next, err = c.bookmarked(ctx, req.actor, sr)
	}
	return result, err
}

// parse reads a search whose types the actor may search. Of a search for types
// that he did not name, those closed to him are left out, and of a search in
// contained resources the containers of such types.
func (c *Chart) parse(actor Actor, sr SearchRequest) (*search.Query, error) {
	reach := func(typ string) error {
		_, err := c.reach(actor, authz.Search, typ)
		return err
	}
	opt := search.Options{
		Lenient: sr.Lenient, BaseURL: sr.BaseURL, Now: c.clock.Now(), Compartment: sr.Compartment, Catalog: c.catalogOf(actor),
		MaxCount: maxCount, DefaultCount: defaultCount, Contained: !c.policy.HidesContained(actor),
	}
	if sr.Type != "" {
		if err := reach(sr.Type); err != nil {
			return nil, err
		}
		q, err := search.Parse(sr.Type, sr.Params, opt)
		if err == nil && q.InContained() {
			err = q.Keep(reach)
		}
		return q, err
	}
	q, err := search.ParseSystem(sr.Params, opt)
	if err == nil {
		err = q.Keep(reach)
	}
	return q, err
}

func limitOf(q *search.Query) int {
	if q.Summary == "count" {
		return 0
	}
	return q.Count
}

func wantsTotal(q *search.Query) bool { return q.Total == "accurate" || q.Total == "estimate" }

// admit decides on each opened record once more. The tokens have narrowed the
// search by the same policies, so a record that fails here shows that index and
// body disagree: the request ends, and the officer is told.
func (c *Chart) admit(ctx context.Context, req *request, records []vault.Record) ([]Resource, error) {
	list, err := c.admitted(ctx, req, records)
	req.event.Items = slices.Grow(req.event.Items, len(list))
	for _, res := range list {
		req.discloses(res)
	}
	return list, err
}

// admitted is admit for records that are not shown.
func (c *Chart) admitted(ctx context.Context, req *request, records []vault.Record) ([]Resource, error) {
	list, standing := make([]Resource, 0, len(records)), c.stand(req.actor)
	for _, rec := range records {
		res, err := open(rec)
		if err != nil {
			return nil, err
		}
		res, allowed, err := standing.permit(ctx, authz.Search, res)
		if err != nil {
			return nil, err
		}
		if !allowed && !req.settle && c.census.counted() != req.count {
			return nil, errMoved // somebody was admitted or discharged meanwhile
		}
		if !allowed {
			c.alarm(ctx, req, rec.Key)
			return nil, fault.Wrap(fault.Internal, "chart.admit", errDisagree)
		}
		list = append(list, res)
	}
	return list, nil
}

var errDisagree = fmt.Errorf("the index let a record through that its body forbids")

func (c *Chart) alarm(ctx context.Context, req *request, key record.Key) {
	c.slog.ErrorContext(ctx, "alarm: index and policy disagree", "record", key.String(), "request", req.event.RequestID)
	req.event.Detail = "index and policy disagree"
	req.event.Items = append(req.event.Items, audit.Item{Key: key})
}
