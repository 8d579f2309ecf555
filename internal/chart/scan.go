package chart

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// MalwareAlert begins the detail of the audit entry of a file that the scanner refused;
// the name of what was found follows.
const MalwareAlert = "alert: malware was sent: "

const (
	saidInfected   = "The malware scanner refuses this file."
	saidNotScanned = "The malware scanner does not answer. Nothing was changed. Try again later."
)

// scan has the files looked at that a plan is about to store. Without an answer nothing
// is stored.
func (c *Chart) scan(ctx context.Context, actor Actor, p plan) error {
	if c.scanner == nil || p.change.Resource == nil {
		return nil
	}
	for f := range p.change.Resource.Files() {
		data, err := fileData(f)
		if err != nil {
			return err
		}
		if data == nil {
			continue
		}
		malware, err := c.ask(ctx, data)
		if err != nil {
			return &fault.Error{Kind: fault.Unavailable, Op: "chart.scan", Public: saidNotScanned, Err: err}
		}
		if malware != "" {
			return c.infected(ctx, actor, p, f.Path(), malware)
		}
	}
	return nil
}

// infected tells the audit log and the log what was found, and refuses the file.
func (c *Chart) infected(ctx context.Context, actor Actor, p plan, place, malware string) error {
	event := c.begin(actor, "scan", p.change.Type).event
	event.Time, event.Outcome, event.Detail = c.clock.Now(), audit.OutcomeDenied, MalwareAlert+malware
	if err := c.log.Append(ctx, event); err != nil {
		return fault.Wrap(fault.Unavailable, "chart.infected", err)
	}
	c.slog.WarnContext(ctx, "alert: malware was sent", "malware", malware, "actor", actor.ID, "client", actor.ClientID, "request", actor.RequestID)
	return entryFault(fault.Unprocessable, place+".data", "security", saidInfected)
}
