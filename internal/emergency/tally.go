package emergency

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// TypeDay is of the records of days.
const TypeDay = "emergencyday"

// Tally is what happened on a day: many emergencies beside few charts say that
// assignments are missing, or that curiosity is not.
type Tally struct {
	Day string `json:"day"` // UTC, as 2006-01-02
	// Charts is how often a person opened a patient's chart for the first time that day.
	Charts      int `json:"charts"`
	Emergencies int `json:"emergencies"` // charts opened in an emergency
}

const wordMonth = "month"

// Tallied reports whether a day is in the book.
func (b *Book) Tallied(ctx context.Context, day time.Time) (bool, error) {
	_, err := b.cfg.Docs.GetDoc(ctx, TypeDay, day.UTC().Format(time.DateOnly))
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Enlist writes a day's tally, unless another server was faster.
func (b *Book) Enlist(ctx context.Context, server string, t Tally) error {
	body, err := json.Marshal(t)
	if err != nil {
		return fault.Wrap(fault.Internal, "emergency.Enlist", err)
	}
	event := audit.Event{Actor: server, Action: "tally", Type: TypeDay, Purpose: "HCOMPL", Outcome: audit.OutcomeSuccess, Detail: t.Day}
	err = b.cfg.Docs.PutDocs(ctx, event, []vault.DocWrite{{
		TypeID: vault.TypeID{Type: TypeDay, ID: t.Day}, Body: body, Words: []search.Word{{Field: wordMonth, Value: []byte(t.Day[:len("2006-01")])}},
	}})
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

// Tallies returns the days of the last thirty that are in the book, in order.
func (b *Book) Tallies(ctx context.Context, actor identity.Actor) ([]Tally, error) {
	if err := b.cfg.Gate.Permit(ctx, actor, authz.Search, TypeDay); err != nil {
		return nil, err
	}
	now := b.cfg.Clock.Now().UTC()
	first := now.AddDate(0, 0, -30)
	var days []Tally
	for month := first; ; month = now {
		docs, err := b.cfg.Docs.FindDocs(ctx, TypeDay, wordMonth, []byte(month.Format("2006-01")))
		if err != nil {
			return nil, err
		}
		for _, d := range docs {
			var t Tally
			if err := json.Unmarshal(d.Body, &t); err != nil {
				return nil, fault.Wrap(fault.Internal, "emergency.Tallies", err)
			}
			if t.Day >= first.Format(time.DateOnly) {
				days = append(days, t)
			}
		}
		if month.Format("2006-01") == now.Format("2006-01") {
			break
		}
	}
	slices.SortFunc(days, func(x, y Tally) int { return cmp.Compare(x.Day, y.Day) })
	return days, nil
}
