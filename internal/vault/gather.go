package vault

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// GatherRequest asks for what several queries find, in one walk in the order of
// commits.
type GatherRequest struct {
	Queries []*search.Query // of one type, several are alternatives
	Narrow  NarrowFunc      // nil: everything
	// Patients, if there are any, keep the walk within their compartments, and
	// it goes by those lists alone.
	Patients PatientSet
	// Compartments leaves out what is in no patient's compartment.
	Compartments bool
	After, Until record.Position // beyond After and up to Until; 0: open
	Since        time.Time       // committed at that time or later; zero: any
	Limit        int             // records at most, or a few more; 0: all
}

// Gathered says how far a walk came.
type Gathered struct {
	At   record.Position // the walk saw every commit up to here, and none after
	Last record.Position // go on behind this one
	More bool            // there may be more
}

// gatherRun is how many rows are opened at a time, and gatherBytes how many
// sealed bytes of them are held.
const (
	gatherRun   = 512
	gatherBytes = 8 << 20
)

// ErrEnough, returned by a visit, ends a walk behind the run visited.
var ErrEnough = errors.New("enough")

// Gather visits, in runs, what the queries find of one state of the store.
func (v *Vault) Gather(ctx context.Context, r GatherRequest, visit func([]Record) error) (Gathered, error) {
	g := gathering{vault: v, request: r, bounds: map[record.Token][]part{}}
	expr, err := g.bind(ctx)
	if err != nil || len(g.bounds) == 0 {
		return Gathered{}, err
	}
	out := Gathered{Last: r.After}
	found := 0
	flush := func() error {
		if len(g.rows) == 0 {
			return nil
		}
		records, err := g.open(ctx)
		if err == nil && len(records) > 0 {
			err = visit(records)
		}
		found += len(records)
		out.Last = g.rows[len(g.rows)-1].Position
		g.rows, g.size = g.rows[:0], 0
		return err
	}
	walked, err := v.store.Find(ctx, store.Find{Expr: expr, After: r.After, Want: store.WantCard | store.WantBody},
		func(row record.Row) error {
			if r.Until != 0 && row.Position > r.Until {
				return store.ErrStop
			}
			if _, ok := g.bounds[row.Class]; !ok {
				return nil
			}
			if r.Limit > 0 && found >= r.Limit {
				out.More = true
				return store.ErrStop
			}
			if row.Deleted || !row.Current {
				return fault.Wrap(fault.Internal, "vault.Gather", errStale)
			}
			g.hold(row)
			if len(g.rows) >= g.run(found) || g.size > gatherBytes {
				return flush()
			}
			return nil
		})
	if err == nil {
		err = flush()
	}
	if errors.Is(err, ErrEnough) {
		err, out.More = nil, true
	}
	out.At = walked.At
	return out, v.storeFault("vault.Gather", err)
}

// gathering is one walk.
type gathering struct {
	vault   *Vault
	request GatherRequest
	bounds  map[record.Token][]part // by class
	recheck bool                    // what is held was not found by the plans
	rows    []record.Row
	size    int
}

func (g *gathering) bind(ctx context.Context) (store.Expr, error) {
	v, r := g.vault, g.request
	var each store.Or
	for _, q := range r.Queries {
		// Cards are held against each query, whatever its plan has found.
		b, err := v.bindWith(ctx, q, lister{names{v}, r.Narrow}, r.Narrow)
		if fault.Is(err, fault.Denied) {
			continue // a type the actor may see nothing of adds nothing
		}
		if err != nil {
			return nil, err
		}
		for _, p := range b {
			g.bounds[p.class] = append(g.bounds[p.class], p)
			each = append(each, p.expr)
		}
	}
	var expr store.Expr = each
	if r.Patients.Len() > 0 {
		g.recheck = true
		expr = store.To{Rel: v.sealer.Rel(search.CompartmentField), Keys: r.Patients.Keys()}
	}
	if !r.Since.IsZero() {
		expr = store.And{expr, store.During{From: r.Since}}
	}
	return expr, nil
}

// run is how many rows to open next: no more than are still asked for.
func (g *gathering) run(found int) int {
	if g.request.Limit == 0 {
		return gatherRun
	}
	return max(1, min(gatherRun, g.request.Limit-found))
}

func (g *gathering) hold(row record.Row) {
	row.Card, row.Body = bytes.Clone(row.Card), bytes.Clone(row.Body)
	g.rows = append(g.rows, row)
	g.size += len(row.Card) + len(row.Body)
}

// open opens the rows held, on all processors, and returns those that match.
func (g *gathering) open(ctx context.Context) ([]Record, error) {
	if err := g.vault.prefetch(ctx, g.rows); err != nil {
		return nil, err
	}
	records := make([]Record, len(g.rows))
	work, ctx := errgroup.WithContext(ctx)
	share := (len(g.rows) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	for from := 0; from < len(g.rows); from += share {
		work.Go(func() error {
			for i := from; i < min(from+share, len(g.rows)); i++ {
				var err error
				if records[i], err = g.match(ctx, g.rows[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	kept := records[:0]
	for _, r := range records {
		if r.Exists() {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// match opens a row if any query of its type finds it; else it returns the zero
// Record.
func (g *gathering) match(ctx context.Context, row record.Row) (Record, error) {
	bounds := g.bounds[row.Class]
	typ := bounds[0].typ
	opened, err := g.vault.openCard(ctx, typ, row)
	if err != nil {
		return Record{}, err
	}
	if g.request.Compartments && len(opened.Subjects) == 0 {
		return Record{}, nil
	}
	if g.request.Patients.Len() > 0 && !g.request.Patients.HasAny(opened.Subjects) {
		return Record{}, nil
	}
	for i := range bounds {
		b := &bounds[i]
		if b.exact && len(bounds) == 1 && !g.recheck {
			return g.vault.openBody(TypeID{Type: typ}, row, opened)
		}
		if ok, err := b.matches(row, opened, nil); err != nil {
			return Record{}, err
		} else if ok {
			return g.vault.openBody(TypeID{Type: typ}, row, opened)
		}
	}
	return Record{}, nil
}
