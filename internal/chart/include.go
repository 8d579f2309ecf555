package chart

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// include adds what _include and _revinclude ask for, of what the actor may see:
// here the decision on the opened record is the first one, and what it denies is
// left out like a reference that leads nowhere. :iterate goes on from what was
// included until nothing is added any more; what does not end by itself is
// refused rather than cut off.
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
		if from = result.Included[before:]; len(from) == 0 || !iterates(q) {
			return nil
		}
	}
	return errManyIncludes
}

func iterates(q *search.Query) bool {
	iterate := func(in search.Include) bool { return in.Iterate }
	return slices.ContainsFunc(q.Includes, iterate) || slices.ContainsFunc(q.RevIncludes, iterate)
}

// includeDepth bounds the rounds of :iterate.
const includeDepth = 64

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

var errManyIncludes = fault.New(fault.TooCostly, "chart.include", "The includes bring more records than one page may carry. Lower _count, or include less.")

func (c *Chart) includeAll(ctx context.Context, req *request, records []vault.Record, have map[record.Key]bool, result *SearchResult) error {
	for _, rec := range records {
		if !rec.Exists() || rec.Deleted {
			withholds(ctx)
			continue
		}
		if have[rec.Key] {
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
		withholds(ctx)
		return nil
	}
	res, err := open(rec)
	if err != nil {
		return err
	}
	res, allowed, err := c.stand(req.actor).permit(ctx, authz.Search, res)
	if err == nil && allowed {
		if result.size += len(res.JSON()); result.size > maxIncludedBytes {
			return errManyIncludes
		}
		req.discloses(res)
		result.Included = append(result.Included, res)
	} else {
		withholds(ctx)
	}
	return err
}
