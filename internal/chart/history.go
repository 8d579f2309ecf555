package chart

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// HistoryRequest is one page of versions, newest first: of one record, of a type
// (ID ""), or of everything (Type "", too) (FHIR R4 3.1.0.12).
type HistoryRequest struct {
	Type, ID string
	Since    time.Time // not older
	// AtFrom and AtUntil, if set, admit versions that were current at some time
	// at or after the first and before the second.
	AtFrom, AtUntil time.Time
	Count           int  // 0: the default
	CountOnly       bool // fill Total and show nothing
	Page            string
}

// History is one page of versions.
type History struct {
	Versions []Resource
	Next     string
	Total    int // -1 unless it was asked for
}

// History returns the versions that the actor may see, tombstones included. A
// version is shown only to those who may see it and the current state of its
// record: a mark or a move closes the past as well. The history of a record whose
// current state the actor may not see is fault.NotFound.
func (c *Chart) History(ctx context.Context, actor Actor, hr HistoryRequest) (*History, error) {
	req := c.begin(actor, "history", hr.Type)
	req.event.Query, req.named = hr.address(), hr.ID != ""
	h, err := c.history(ctx, req, hr)
	if err := req.finish(ctx, err); err != nil {
		return nil, err
	}
	return h, nil
}

func (hr HistoryRequest) address() string {
	switch {
	case hr.ID != "":
		return hr.Type + "/" + hr.ID + "/_history"
	case hr.Type != "":
		return hr.Type + "/_history"
	}
	return "_history"
}

// bounds are the times that a page link belongs to.
func (hr HistoryRequest) bounds() []search.Param {
	var list []search.Param
	for _, t := range []time.Time{hr.Since, hr.AtFrom, hr.AtUntil} {
		list = append(list, search.Param{Key: "t", Value: t.UTC().Format(time.RFC3339Nano)})
	}
	return list
}

// Bounds of what one page of a history carries, and of what is read at a time.
const (
	historyBytes = 64 << 20
	historyRun   = 64
)

func (c *Chart) history(ctx context.Context, req *request, hr HistoryRequest) (*History, error) {
	walk, err := c.historyWalk(ctx, req, hr)
	if err != nil {
		return nil, err
	}
	page := SearchRequest{Type: hr.address(), Page: hr.Page, Params: hr.bounds()}
	cursor, err := c.openPage(req.actor, page)
	if err != nil {
		return nil, err
	}
	count := hr.Count
	if count == 0 {
		count = defaultCount
	}
	count = min(count, maxCount)
	h := &History{Total: -1}
	size, total := 0, 0
	for run := (vault.Run{Last: cursor.Position, More: true}); run.More; {
		if run, err = walk.next(ctx, run.Last); err != nil {
			return nil, err
		}
		shown, err := walk.admitted(ctx, run.Records)
		if err != nil {
			return nil, err
		}
		for _, res := range shown {
			total++
			if hr.CountOnly {
				continue
			}
			// A next link stands for a version that will be shown, and so tells
			// of nothing hidden.
			if n := len(h.Versions); n == count || n > 0 && size > historyBytes {
				h.Next, err = c.sealPage(req.actor, page, vault.Cursor{Position: h.Versions[n-1].position})
				return h, err
			}
			if !res.Deleted {
				size += len(res.JSON())
			}
			req.discloses(res)
			h.Versions = append(h.Versions, res)
		}
	}
	if hr.CountOnly {
		h.Total = total
	}
	return h, nil
}

// historyWalk checks who asks, and says how the versions are walked.
func (c *Chart) historyWalk(ctx context.Context, req *request, hr HistoryRequest) (*historyWalk, error) {
	w := &historyWalk{chart: c, actor: req.actor, action: authz.HistoryType, asked: hr, open: map[record.Key]bool{}}
	if hr.ID == "" {
		return w, w.reaches(hr.Type)
	}
	w.action = authz.History
	if _, err := c.reach(req.actor, w.action, hr.Type); err != nil {
		return nil, err
	}
	current, err := c.vault.Get(ctx, typeIDOf(hr.Type, hr.ID))
	if err == nil {
		_, err = c.visible(ctx, req.actor, w.action, current)
	}
	return w, err
}

// historyWalk goes through versions, newest first.
type historyWalk struct {
	chart  *Chart
	actor  Actor
	action string
	asked  HistoryRequest
	types  map[string]bool     // whose versions the actor may see any of
	open   map[record.Key]bool // whether the actor may see the current state
}

// reaches settles which types are walked: typ, or all of them if it is "".
func (w *historyWalk) reaches(typ string) error {
	w.types = map[string]bool{}
	if typ != "" {
		w.types[typ] = true
		_, err := w.chart.reach(w.actor, w.action, typ)
		return err
	}
	for t := range r4.Resources {
		if _, err := w.chart.reach(w.actor, w.action, t.String()); err == nil {
			w.types[t.String()] = true
		}
	}
	if len(w.types) == 0 {
		return fault.New(fault.Denied, "chart.history", "You may see the history of no type.")
	}
	return nil
}

// next reads a run of versions behind a position.
func (w *historyWalk) next(ctx context.Context, after record.Position) (vault.Run, error) {
	if w.asked.ID == "" {
		return w.chart.vault.Versions(ctx, w.asked.Type, func(typ string) bool { return w.types[typ] }, w.asked.Since, after, historyRun)
	}
	records, err := w.chart.vault.History(ctx, typeIDOf(w.asked.Type, w.asked.ID), w.asked.Since, after, historyRun)
	run := vault.Run{Records: records, More: len(records) == historyRun}
	if n := len(records); n > 0 {
		run.Last = records[n-1].Position
	}
	return run, err
}

// admitted returns those versions of a run that are shown.
func (w *historyWalk) admitted(ctx context.Context, records []vault.Record) ([]Resource, error) {
	var shown []Resource
	for _, rec := range records {
		inTime, err := w.atTime(ctx, rec)
		if err != nil || !inTime {
			if err != nil {
				return nil, err
			}
			continue
		}
		ok, err := w.openNow(ctx, rec)
		if err != nil {
			return nil, err
		}
		if !ok {
			withholds(ctx)
			continue
		}
		res, err := w.chart.visible(ctx, w.actor, w.action, rec)
		switch {
		case fault.Is(err, fault.NotFound):
			withholds(ctx)
		case err != nil:
			return nil, err
		default:
			shown = append(shown, res)
		}
	}
	return shown, nil
}

// openNow reports whether the actor may see the current state of a record.
func (w *historyWalk) openNow(ctx context.Context, rec vault.Record) (bool, error) {
	if known, ok := w.open[rec.Key]; ok {
		return known, nil
	}
	current := rec
	if !rec.Current {
		var err error
		if current, err = w.chart.vault.Get(ctx, rec.TypeID); err != nil {
			return false, err
		}
	}
	_, err := w.chart.visible(ctx, w.actor, w.action, current)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return false, err
	}
	w.open[rec.Key] = err == nil
	return err == nil, nil
}

// atTime reports whether a version was current in the time asked for: from its
// commit until that of the version after it.
func (w *historyWalk) atTime(ctx context.Context, rec vault.Record) (bool, error) {
	if w.asked.AtUntil.IsZero() {
		return true, nil
	}
	if !rec.Time.Before(w.asked.AtUntil) {
		return false, nil
	}
	if rec.Current || !rec.Time.Before(w.asked.AtFrom) {
		return true, nil
	}
	later, err := w.chart.vault.Read(ctx, []vault.Ref{{TypeID: rec.TypeID, Version: rec.Version + 1}})
	return err == nil && later[0].Time.After(w.asked.AtFrom), err
}
