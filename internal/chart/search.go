package chart

import (
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

// SearchRequest is one page of one search.
type SearchRequest struct {
	Type    string
	Params  []search.Param
	Lenient bool   // Prefer: handling=lenient
	BaseURL string // what references may begin with and still be local
	Page    string // the token of the page to open; "" for the first
}

// SearchResult is one page.
type SearchResult struct {
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
	req := c.begin(actor, "search", sr.Type)
	req.event.Query = queryText(sr.Params)
	result, err := c.search(ctx, req, sr)
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
	if _, err := c.reach(req.actor, authz.Search, sr.Type); err != nil {
		return nil, err
	}
	q, err := search.Parse(sr.Type, sr.Params, search.Options{
		Catalog: c.vault.Catalog(), Lenient: sr.Lenient, BaseURL: sr.BaseURL, Now: c.clock.Now(),
		MaxCount: maxCount, DefaultCount: defaultCount,
	})
	if err != nil {
		return nil, err
	}
	cursor, err := c.openPage(req.actor, sr)
	if err != nil {
		return nil, err
	}
	found, err := c.vault.Search(ctx, vault.SearchRequest{
		Query: q, Narrow: c.narrow(req.actor), After: cursor,
		Limit: limitOf(q), Total: wantsTotal(q) || limitOf(q) == 0,
	})
	if err != nil {
		return nil, err
	}
	result := &SearchResult{Query: q, Total: found.Total}
	if result.Matches, err = c.admit(ctx, req, found.Records); err != nil {
		return nil, err
	}
	if err := c.include(ctx, req, q, result); err != nil {
		return nil, err
	}
	if found.Next != nil {
		result.Next, err = c.sealPage(req.actor, sr, *found.Next)
	}
	return result, err
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
	for _, res := range list {
		req.discloses(res)
	}
	return list, err
}

// admitted is admit for records that are not shown.
func (c *Chart) admitted(ctx context.Context, req *request, records []vault.Record) ([]Resource, error) {
	list := make([]Resource, 0, len(records))
	for _, rec := range records {
		res, err := open(rec)
		if err != nil {
			return nil, err
		}
		allowed, err := c.permit(ctx, req.actor, authz.Search, res)
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

// include adds what _include and _revinclude ask for, of what the actor may see:
// here the decision on the opened record is the first one, and what it denies is
// left out like a reference that leads nowhere. :iterate goes on from what was
// included, as far as includeDepth.
func (c *Chart) include(ctx context.Context, req *request, q *search.Query, result *SearchResult) error {
	if len(q.Includes) == 0 && len(q.RevIncludes) == 0 {
		return nil
	}
	have := map[record.Key]bool{}
	for _, m := range result.Matches {
		have[m.key] = true
	}
	from := result.Matches
	for depth := range includeDepth {
		before := len(result.Included)
		if err := c.includeFrom(ctx, req, q, from, depth > 0, have, result); err != nil {
			return err
		}
		if from = result.Included[before:]; len(from) == 0 {
			return nil
		}
	}
	return nil
}

// includeDepth bounds the rounds of _include:iterate.
const includeDepth = 8

func (c *Chart) includeFrom(ctx context.Context, req *request, q *search.Query, from []Resource, included bool, have map[record.Key]bool, result *SearchResult) error {
	var refs []vault.Ref
	asked := map[vault.TypeID]bool{}
	found := make([]vault.Record, len(from))
	for i, m := range from {
		found[i] = vault.Record{TypeID: m.TypeID, Key: m.key}
		for _, id := range q.IncludeTargets(m.Resource, included) {
			if !asked[id] {
				asked[id] = true
				refs = append(refs, vault.Ref{TypeID: id})
			}
		}
	}
	if len(refs) > maxReferences {
		return errManyIncludes
	}
	for run := range slices.Chunk(refs, includeRun) {
		records, err := c.vault.Read(ctx, run)
		if err != nil {
			return err
		}
		if err := c.includeAll(ctx, req, records, have, result); err != nil {
			return err
		}
	}
	// One more than may be carried, so that it shows if there are more.
	reverse, err := c.vault.RevIncludes(ctx, q, found, included, c.narrow(req.actor), maxIncluded+1+len(have))
	if err != nil {
		return err
	}
	return c.includeAll(ctx, req, reverse, have, result)
}

// Bounds of what is read for _include: references followed from one page, and
// how many at a time. What is hidden counts like what is not there.
const (
	maxReferences = 20_000
	includeRun    = 100

	maxIncludedBytes = 64 << 20
)

var errManyIncludes = fault.New(fault.TooCostly, "chart.include", "The includes bring more records than one page may carry. Lower _count.")

func (c *Chart) includeAll(ctx context.Context, req *request, records []vault.Record, have map[record.Key]bool, result *SearchResult) error {
	for _, rec := range records {
		if !rec.Exists() || rec.Deleted || have[rec.Key] {
			continue
		}
		if len(result.Included) == maxIncluded {
			return errManyIncludes
		}
		have[rec.Key] = true
		if err := c.includeOne(ctx, req, rec, result); err != nil {
			return err
		}
	}
	return nil
}

func (c *Chart) includeOne(ctx context.Context, req *request, rec vault.Record, result *SearchResult) error {
	if _, err := c.reach(req.actor, authz.Search, rec.Type); err != nil {
		return nil
	}
	res, err := open(rec)
	if err != nil {
		return err
	}
	allowed, err := c.permit(ctx, req.actor, authz.Search, res)
	if err == nil && allowed {
		if result.size += len(res.JSON()); result.size > maxIncludedBytes {
			return errManyIncludes
		}
		req.discloses(res)
		result.Included = append(result.Included, res)
	}
	return err
}
