package app

import (
	"context"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/emergency"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// lateEntries is how long after its end a grant may still be in an entry: of an
// answer that was under way.
const lateEntries = time.Minute

// seenByEmergency asks the log what somebody opened of a patient by a grant.
func (h *House) seenByEmergency(ctx context.Context, g emergency.Grant) ([]emergency.Opening, error) {
	keys, err := h.Vault.Keys(ctx, []vault.TypeID{{Type: "Patient", ID: g.Patient}})
	if err != nil {
		return nil, err
	}
	if keys[0].IsZero() {
		return []emergency.Opening{{At: g.Opened, What: "cannot be told: the patient's keys are gone"}}, nil
	}
	if err := h.Log.Integrate(ctx); err != nil {
		return nil, err
	}
	until := g.Until
	if !g.Ended.IsZero() {
		until = g.Ended
	}
	var seen []emergency.Opening
	err = h.Log.Search(ctx, audit.Filter{Patient: keys[0], Actor: g.Person, Since: g.Opened, Until: until.Add(lateEntries)}, func(r *audit.Record) error {
		if r.Purpose == audit.PurposeEmergency && r.Action != audit.ActionBreak && r.Action != audit.ActionBreakOn {
			what := strings.TrimSpace(r.Action + " " + r.Type + " " + r.Query)
			if r.Action == audit.ActionView {
				what = r.Type // the page says it all
			}
			seen = append(seen, emergency.Opening{At: r.Time, What: what})
		}
		return nil
	})
	return seen, err
}

// tallyYesterday counts from the log how many charts were opened yesterday (UTC), and how
// many of them in an emergency, unless that has been done.
func (h *House) tallyYesterday(ctx context.Context) error {
	day := h.Clock.Now().UTC().Truncate(24 * time.Hour).Add(-24 * time.Hour)
	if known, err := h.Book.Tallied(ctx, day); err != nil || known {
		return err
	}
	tally, err := h.tally(ctx, day)
	if err != nil {
		return err
	}
	return h.Book.Enlist(ctx, "wardkeep", tally)
}

func (h *House) tally(ctx context.Context, day time.Time) (emergency.Tally, error) {
	type opened struct {
		actor   string
		patient record.Key
	}
	charts := map[opened]bool{}
	tally := emergency.Tally{Day: day.Format(time.DateOnly)}
	err := h.Log.Search(ctx, audit.Filter{Since: day, Until: day.Add(24 * time.Hour), Outcome: audit.OutcomeSuccess}, func(r *audit.Record) error {
		switch {
		case r.Action == audit.ActionBreak:
			tally.Emergencies++
		case r.Action == audit.ActionView && strings.HasPrefix(r.Type, "chart: ") && len(r.Patients) > 0:
			charts[opened{r.Actor, r.Patients[0]}] = true
		}
		return nil
	})
	tally.Charts = len(charts)
	return tally, err
}
