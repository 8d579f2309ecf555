package chart

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// HistoryRequest is one page of the versions of one record, newest first.
type HistoryRequest struct {
	Type, ID string
	Since    time.Time
	Count    int // 0: the default
	Page     string
}

// History is one page of versions.
type History struct {
	Versions []Resource
	Next     string
}

// History returns the versions of a record that the actor may see, tombstones
// included. If he may not see the current one it is fault.NotFound.
func (c *Chart) History(ctx context.Context, actor Actor, hr HistoryRequest) (*History, error) {
	req := c.begin(actor, "history", hr.Type)
	req.event.Query = hr.Type + "/" + hr.ID
	h, err := c.history(ctx, req, hr)
	if err := req.finish(ctx, err); err != nil {
		return nil, err
	}
	return h, nil
}

func (c *Chart) history(ctx context.Context, req *request, hr HistoryRequest) (*History, error) {
	if _, err := c.reach(req.actor, authz.History, hr.Type); err != nil {
		return nil, err
	}
	page := SearchRequest{Type: hr.Type + "/" + hr.ID + "/_history", Page: hr.Page}
	cursor, err := c.openPage(req.actor, page)
	if err != nil {
		return nil, err
	}
	current, err := c.vault.Get(ctx, typeIDOf(hr.Type, hr.ID))
	if err != nil {
		return nil, err
	}
	if _, err := c.visible(ctx, req.actor, authz.History, current); err != nil {
		return nil, err
	}
	count := hr.Count
	if count == 0 {
		count = defaultCount
	}
	count = min(count, maxCount)
	h := &History{}
	size, after := 0, cursor.Position
	for left := count; ; {
		// One more than is shown, so that it is known whether there are more.
		run := min(left, historyRun)
		records, err := c.vault.History(ctx, typeIDOf(hr.Type, hr.ID), hr.Since, after, run+1)
		if err != nil {
			return nil, err
		}
		for _, rec := range records[:min(run, len(records))] {
			if err := c.historyOne(ctx, req, rec, h); err != nil {
				return nil, err
			}
			size += len(rec.Body)
			after = rec.Position
		}
		if len(records) <= run {
			return h, nil
		}
		if left -= run; left == 0 || size > historyBytes {
			h.Next, err = c.sealPage(req.actor, page, vault.Cursor{Position: after})
			return h, err
		}
	}
}

// Bounds of what one page of a history carries, and of what is read at a time.
const (
	historyBytes = 64 << 20
	historyRun   = 32
)

func (c *Chart) historyOne(ctx context.Context, req *request, rec vault.Record, h *History) error {
	res, err := c.visible(ctx, req.actor, authz.History, rec)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err == nil {
		req.discloses(res)
		h.Versions = append(h.Versions, res)
	}
	return err
}
