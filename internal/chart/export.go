package chart

import (
	"bufio"
	"context"
	"io"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// exportRun is how many records are audited, and then written, at a time.
const exportRun = 500

// Export writes the current version of every record of a type that the actor may
// see as NDJSON, in the order of commits, and returns how many. Each run of lines
// leaves only after the audit entry that lists it is durable.
func (c *Chart) Export(ctx context.Context, actor Actor, typ string, w io.Writer) (int, error) {
	if _, err := c.reach(actor, authz.Read, typ); err != nil {
		return 0, c.begin(actor, audit.ActionExport, typ).finish(ctx, err)
	}
	out := bufio.NewWriterSize(w, 1<<20)
	total := 0
	var after record.Position
	for {
		run, err := c.exportRun(ctx, actor, typ, after)
		if err != nil {
			return total, err
		}
		for _, res := range run.resources {
			_, _ = out.Write(res.JSON()) // the writer keeps its first error for Flush
			_ = out.WriteByte('\n')
		}
		total += len(run.resources)
		if run.last == after {
			return total, fault.Wrap(fault.Internal, "chart.Export", out.Flush())
		}
		after = run.last
	}
}

type exported struct {
	resources []Resource
	last      record.Position
}

func (c *Chart) exportRun(ctx context.Context, actor Actor, typ string, after record.Position) (exported, error) {
	req := c.begin(actor, audit.ActionExport, typ)
	run := exported{last: after}
	err := c.vault.Export(ctx, typ, after, exportRun, func(rec vault.Record) error {
		run.last = rec.Position
		res, err := open(rec)
		if err != nil {
			return err
		}
		allowed, err := c.permit(ctx, actor, authz.Read, res)
		if err == nil && allowed {
			req.discloses(res)
			run.resources = append(run.resources, res)
		}
		return err
	})
	if err == nil && run.last == after {
		return run, nil
	}
	return run, req.finish(ctx, err)
}

// Count returns how many records of a type the actor may see.
func (c *Chart) Count(ctx context.Context, actor Actor, typ string) (int, error) {
	result, err := c.Search(ctx, actor, SearchRequest{Type: typ, Params: []search.Param{{Key: "_summary", Value: "count"}}})
	if err != nil {
		return 0, err
	}
	return result.Total, nil
}
