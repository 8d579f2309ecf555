package chart

import (
	"context"
	"errors"
	"slices"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Spool keeps what is told while the audit log cannot be written.
type Spool interface {
	Keep(ctx context.Context, event audit.Event, docs ...vault.DocWrite) (kept bool, err error)
}

// tell makes the entry durable: in the log, or, of what an emergency opens while the log
// cannot be written, in the spool.
func (r *request) tell(ctx context.Context, failed error) error {
	err := r.chart.log.Append(ctx, r.event)
	if r.chart.spool != nil && failed == nil && errors.Is(err, audit.ErrDown) && r.inOutage(ctx) {
		_, err = r.chart.spool.Keep(ctx, r.event)
	}
	return fault.Wrap(fault.Unavailable, "chart.finish", err)
}

// inOutage reports whether this may be shown while the log cannot be written: to a
// person at work, of a patient whose chart she opened in an emergency, a page of that
// chart, a file or the past of one of its records, and nothing of other patients.
func (r *request) inOutage(ctx context.Context) bool {
	if r.actor.Kind != identity.KindPerson || r.event.Purpose != audit.PurposeEmergency || !r.named {
		return false
	}
	switch r.event.Action {
	case audit.ActionView, audit.ActionRead, audit.ActionHistory, audit.ActionBreakOn:
	default:
		return false
	}
	broken, err := r.chart.census.broken(ctx, r.actor)
	stray := func(patients []record.Key) bool { return !broken.HasAny(patients) }
	return err == nil && broken.HasAny(r.event.Patients) && !slices.ContainsFunc(r.groups, stray)
}
