package chart

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// shown says how many entries of one version were on the pages before.
type shown struct {
	Of      record.Position
	Entries int
}

// page is where one begins; after is nil if there is none.
type page struct {
	after *vault.Cursor
	shown shown
}

// opened puts the resources that match in the place of the records that contain
// them (FHIR R4 search, _containedType=contained), as many as one page holds. A
// record that the page ends in is gone on with on the next one.
func (c *Chart) opened(ctx context.Context, req *request, sr SearchRequest, q *search.Query, records []Resource, next page) ([]Resource, page, error) {
	var entries []Resource
	after := sr.after
	for i, res := range records {
		own, err := c.entriesOf(ctx, req, q, res)
		if err != nil {
			return nil, page{}, err
		}
		before := 0
		if i == 0 && sr.shown.Of == res.position {
			before = min(sr.shown.Entries, len(own))
		}
		if room := limitOf(q) - len(entries); len(own)-before > room {
			entries = append(entries, own[before:before+room]...)
			return entries, page{&after, shown{res.position, before + room}}, nil
		}
		entries = append(entries, own[before:]...)
		after = vault.Cursor{Position: res.position}
		if len(entries) == limitOf(q) && i < len(records)-1 {
			return entries, page{&after, shown{}}, nil
		}
	}
	return entries, next, nil
}

func (c *Chart) entriesOf(ctx context.Context, req *request, q *search.Query, res Resource) ([]Resource, error) {
	self, contained, err := q.Found(res.Resource)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "chart.entriesOf", err)
	}
	var list []Resource
	if self {
		list = append(list, res)
	}
	for _, in := range contained {
		one := res
		one.Resource, one.Contained = in, true
		list = append(list, one)
	}
	if list == nil {
		c.alarm(ctx, req, res.key)
		return nil, fault.Wrap(fault.Internal, "chart.entriesOf", errDisagree)
	}
	return list, nil
}
