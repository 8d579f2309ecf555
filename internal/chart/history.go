package chart

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
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
	records, err := c.vault.History(ctx, typeIDOf(hr.Type, hr.ID), hr.Since, cursor.Position, count+1)
	if err != nil {
		return nil, err
	}
	h := &History{}
	var last record.Position
	for i, rec := range records {
		if i == count {
			h.Next, err = c.sealPage(req.actor, page, vault.Cursor{Position: last})
			break
		}
		last = rec.Position
		if err := c.historyOne(ctx, req, rec, h); err != nil {
			return nil, err
		}
	}
	return h, err
}

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
