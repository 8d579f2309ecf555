package app

import (
	"context"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/emergency"
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
		if r.Purpose == "BTG" && r.Action != audit.ActionBreak {
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
