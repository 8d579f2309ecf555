package chart

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/record"
)

// BulkAlert is the detail of the audit entry of a read by which an administrator
// was shown several patients at once, or an export.
const BulkAlert = "alert: bulk read by an administrator"

func (r *request) administers(patients []record.Key) {
	for _, p := range patients {
		if !containsKey(r.administered, p) {
			r.administered = append(r.administered, p)
		}
	}
}

// alertBulk tells the log and the audit trail of such a read, before it is shown.
func (r *request) alertBulk(ctx context.Context) {
	if len(r.administered) < 2 && (len(r.administered) == 0 || r.event.Action != audit.ActionExport) {
		return
	}
	r.event.Detail = BulkAlert
	r.chart.slog.WarnContext(ctx, BulkAlert, "actor", r.actor.ID, "patients", len(r.administered), "request", r.event.RequestID)
}
