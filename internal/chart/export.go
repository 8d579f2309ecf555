package chart

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Snapshot is the state of all records that an export shows, whatever is changed
// while it runs.
type Snapshot struct {
	At   uint64    `json:"at"`
	Time time.Time `json:"time"` // nothing in it is younger, nothing outside older
}

// Snapshot returns the present state.
func (c *Chart) Snapshot(ctx context.Context) (Snapshot, error) {
	s, err := c.vault.Snapshot(ctx)
	return Snapshot{At: uint64(s.At), Time: s.Time}, err
}

// Extent says which records of a type an export takes.
type Extent struct {
	Type         string
	Filters      [][]search.Param // alternatives; none: all
	Patients     []string         // ids: only in their compartments; nil: any
	Compartments bool             // nothing that is in no patient's compartment
	Since        time.Time        // committed at that time or later
}

// Leg is one walk of an export: it came as far as To, through the state at At.
type Leg struct {
	To uint64 `json:"to"`
	At uint64 `json:"at"`
}

// ExportLeg visits the records of an extent that were current at a snapshot and
// still are, from behind a position on; about limit of them, all if that is 0. A
// run of records is handed to visit only after the audit entry that lists it is
// durable. What the actor may see is decided anew with each leg.
//
// What is changed between the snapshot and the leg is missed: after the last leg
// of a type, ExportChanged finds it.
func (c *Chart) ExportLeg(ctx context.Context, actor Actor, x Extent, s Snapshot, after uint64, limit int, visit func([]Resource) error) (Leg, bool, error) {
	r, nobody, err := c.exportRequest(ctx, actor, x, s)
	if err != nil || nobody {
		return Leg{To: s.At, At: s.At}, false, err
	}
	r.After, r.Limit = record.Position(after), limit
	count := c.census.counted()
	walked, err := c.vault.Gather(ctx, r, func(records []vault.Record) error {
		return c.exportRun(ctx, actor, x.Type, records, count, visit)
	})
	leg := Leg{To: uint64(walked.Last), At: uint64(walked.At)}
	if !walked.More {
		leg.To = s.At
	}
	return leg, walked.More, err
}

// ExportChanged visits, as they were at the snapshot, the records that all legs
// of a type together missed.
func (c *Chart) ExportChanged(ctx context.Context, actor Actor, x Extent, s Snapshot, legs []Leg, visit func([]Resource) error) error {
	r, nobody, err := c.exportRequest(ctx, actor, x, s)
	if err != nil || nobody {
		return err
	}
	_, err = c.vault.Replaced(ctx, r, func(list []vault.Replaced) error {
		var missed []vault.Record
		for _, old := range list {
			i, _ := slices.BinarySearchFunc(legs, uint64(old.Position), func(l Leg, p uint64) int { return cmp.Compare(l.To, p) })
			if i == len(legs) || uint64(old.By) <= legs[i].At {
				missed = append(missed, old.Record)
			}
		}
		open, err := c.stillOpen(ctx, actor, missed)
		if err != nil || len(open) == 0 {
			return err
		}
		return c.exportRun(ctx, actor, x.Type, open, 0, visit)
	})
	return err
}

// ExportDeleted visits the tombstones that were laid since x.Since and lay at the
// snapshot, of records that the actor might have seen.
func (c *Chart) ExportDeleted(ctx context.Context, actor Actor, x Extent, s Snapshot, after uint64, limit int, visit func([]Resource) error) (last uint64, more bool, err error) {
	r, nobody, err := c.exportRequest(ctx, actor, x, s)
	if err != nil || nobody {
		return after, false, err
	}
	var list []vault.Record
	walked, err := c.vault.Deleted(ctx, x.Type, x.Since, record.Position(s.At), record.Position(after), limit, func(rec vault.Record) error {
		within := (r.Patients.Len() == 0 || r.Patients.HasAny(rec.Patients)) && (!x.Compartments || len(rec.Patients) > 0)
		if within {
			list = append(list, rec)
		}
		return nil
	})
	if err == nil && len(list) > 0 {
		err = c.exportRun(ctx, actor, x.Type, list, 0, visit)
	}
	return uint64(walked.Last), walked.More, err
}

// exportRequest is an extent as the vault takes it. nobody: it is confined to the
// compartments of no patients, and holds nothing.
func (c *Chart) exportRequest(ctx context.Context, actor Actor, x Extent, s Snapshot) (r vault.GatherRequest, nobody bool, err error) {
	for _, action := range []string{authz.Read, authz.Search} {
		if _, err := c.reach(actor, action, x.Type); err != nil {
			return r, false, c.begin(actor, audit.ActionExport, x.Type).finish(ctx, err)
		}
	}
	r = vault.GatherRequest{
		Narrow: c.narrow(actor), Until: record.Position(s.At), Since: x.Since, Compartments: x.Compartments,
	}
	filters := x.Filters
	if len(filters) == 0 {
		filters = [][]search.Param{nil}
	}
	for _, params := range filters {
		q, err := c.exportQuery(ctx, actor, x.Type, params)
		if err != nil {
			return r, false, err
		}
		r.Queries = append(r.Queries, q)
	}
	if x.Patients != nil {
		r.Patients, err = c.vault.PatientsOf(ctx, x.Patients)
	}
	return r, s.At == 0 || x.Patients != nil && r.Patients.Len() == 0, err
}

// exportQuery reads a filter, which may only tell which records are sought.
func (c *Chart) exportQuery(ctx context.Context, actor Actor, typ string, params []search.Param) (*search.Query, error) {
	q, err := search.Parse(typ, params, c.options(actor))
	if err == nil {
		q, err = q.Resolve(ctx, c.lexicon)
	}
	if err == nil && (q.Sorted() || len(q.Includes)+len(q.RevIncludes)+len(q.Elements) > 0 || q.Summary != "" || q.Total != "") {
		err = fault.New(fault.Invalid, "chart.exportQuery", "A filter of an export takes search parameters alone: no _sort, _include, _summary or _elements.")
	}
	return q, err
}

// exportRun decides on records, lists those that may leave in the audit log, and
// hands them on. If the census has stood still since it was counted count times,
// nothing may be denied that the narrowing let through.
func (c *Chart) exportRun(ctx context.Context, actor Actor, typ string, records []vault.Record, count uint64, visit func([]Resource) error) error {
	req := c.begin(actor, audit.ActionExport, typ)
	list, err := openAll(records)
	if err != nil {
		return req.finish(ctx, err)
	}
	standing := c.stand(actor)
	shown := make([]Resource, 0, len(list))
	for _, res := range list {
		res, allowed, err := standing.permit(ctx, authz.Search, res)
		if err == nil && !allowed && count != 0 && count == c.census.counted() {
			c.alarm(ctx, req, res.key)
			err = fault.Wrap(fault.Internal, "chart.exportRun", errDisagree)
		}
		if err != nil {
			return req.finish(ctx, err)
		}
		if allowed {
			req.discloses(res)
			shown = append(shown, res)
		}
	}
	if len(shown) == 0 {
		return nil
	}
	if err := req.finish(ctx, nil); err != nil {
		return err
	}
	return visit(shown)
}

// openAll parses records on all processors.
func openAll(records []vault.Record) ([]Resource, error) {
	list := make([]Resource, len(records))
	var work errgroup.Group
	share := (len(records) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	for from := 0; from < len(records); from += share {
		work.Go(func() (err error) {
			for i := from; i < min(from+share, len(records)) && err == nil; i++ {
				list[i], err = open(records[i])
			}
			return err
		})
	}
	return list, work.Wait()
}

// stillOpen leaves out the past of records whose present the actor may not see.
func (c *Chart) stillOpen(ctx context.Context, actor Actor, past []vault.Record) ([]vault.Record, error) {
	refs := make([]vault.Ref, len(past))
	for i, rec := range past {
		refs[i].TypeID = rec.TypeID
	}
	current, err := c.vault.Read(ctx, refs)
	if err != nil {
		return nil, err
	}
	var kept []vault.Record
	for i, rec := range past {
		switch _, err := c.visible(ctx, actor, authz.Search, current[i]); {
		case err == nil:
			kept = append(kept, rec)
		case !fault.Is(err, fault.NotFound):
			return nil, err
		}
	}
	return kept, nil
}

// Export writes every record of a type that the actor may see, as it was at the
// snapshot, as NDJSON, and returns how many.
func (c *Chart) Export(ctx context.Context, actor Actor, typ string, s Snapshot, w io.Writer) (int, error) {
	out := bufio.NewWriterSize(w, 1<<20)
	total := 0
	visit := func(list []Resource) error {
		for _, res := range list {
			_, _ = out.Write(res.JSON()) // the writer keeps its first error for Flush
			_ = out.WriteByte('\n')
		}
		total += len(list)
		return nil
	}
	x := Extent{Type: typ}
	leg, _, err := c.ExportLeg(ctx, actor, x, s, 0, 0, visit)
	if err == nil {
		err = c.ExportChanged(ctx, actor, x, s, []Leg{leg}, visit)
	}
	if err != nil {
		return total, err
	}
	return total, fault.Wrap(fault.Internal, "chart.Export", out.Flush())
}

// Count returns how many records of a type the actor may see.
func (c *Chart) Count(ctx context.Context, actor Actor, typ string) (int, error) {
	result, err := c.Search(ctx, actor, SearchRequest{Type: typ, Params: []search.Param{{Key: "_summary", Value: "count"}}})
	if err != nil {
		return 0, err
	}
	return result.Total, nil
}
