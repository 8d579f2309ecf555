package vault

import (
	"bytes"
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Snapshot is a state of the store: every commit up to At, and none after. No
// version in it was committed later than Time, and none outside earlier.
type Snapshot struct {
	At   record.Position
	Time time.Time
}

// Snapshot returns the present state.
func (v *Vault) Snapshot(ctx context.Context) (Snapshot, error) {
	s := Snapshot{Time: v.clock.Now()}
	found, err := v.store.Find(ctx, store.Find{Expr: store.Or{}}, func(record.Row) error { return nil })
	if err == nil {
		s.At = found.At
		// What was committed since the time was taken is in: the time is then its own.
		err = v.store.History(ctx, store.Span{Newest: true, After: s.At + 1, Limit: 1}, func(row record.Row) error {
			if row.Time.After(s.Time) {
				s.Time = row.Time
			}
			return nil
		})
	}
	return s, v.storeFault("vault.Snapshot", err)
}

// Replaced is a version that was current in a snapshot and is not any more.
type Replaced struct {
	Record
	By record.Position // of the version that took its place
}

// Replaced visits what the queries, all of one type, find of the versions that
// were current at r.Until and were replaced by versions beyond r.After. After
// and Gathered.Last are positions of the versions that took their place.
func (v *Vault) Replaced(ctx context.Context, r GatherRequest, visit func([]Replaced) error) (Gathered, error) {
	out := Gathered{Last: max(r.After, r.Until)}
	g := gathering{vault: v, request: r, bounds: map[record.Token][]part{}, recheck: true}
	if _, err := g.bind(ctx); err != nil || len(g.bounds) == 0 {
		return out, err
	}
	for class := range g.bounds {
		span := store.Span{Class: &class, After: out.Last, Limit: gatherRun}
		for {
			var newer []record.Row
			err := v.store.History(ctx, span, func(row record.Row) error {
				newer = append(newer, record.Row{Key: row.Key, Version: row.Version, Position: row.Position})
				return nil
			})
			if err != nil || len(newer) == 0 {
				return out, v.storeFault("vault.Replaced", err)
			}
			list, err := g.before(ctx, newer)
			if err == nil && len(list) > 0 {
				err = visit(list)
			}
			if err != nil {
				return out, v.storeFault("vault.Replaced", err)
			}
			out.Last = newer[len(newer)-1].Position
			span.After = out.Last
		}
	}
	return out, nil
}

// before returns the predecessors of versions, of those that were current at the
// snapshot and match.
func (g *gathering) before(ctx context.Context, newer []record.Row) ([]Replaced, error) {
	var refs []store.Ref
	var by []record.Position
	for _, row := range newer {
		if row.Version > 1 {
			refs = append(refs, store.Ref{Key: row.Key, Version: row.Version - 1})
			by = append(by, row.Position)
		}
	}
	rows, err := g.vault.store.Get(ctx, refs, store.WantCard|store.WantBody)
	if err != nil {
		return nil, err
	}
	if err := g.vault.prefetch(ctx, rows); err != nil {
		return nil, err
	}
	var list []Replaced
	for i, row := range rows {
		if row.Key != refs[i].Key || row.Version != refs[i].Version {
			return nil, fault.Wrap(fault.Internal, "vault.Replaced", errSwapped)
		}
		if row.Deleted || row.Position > g.request.Until || row.Time.Before(g.request.Since) {
			continue
		}
		rec, err := g.match(ctx, row)
		if err != nil {
			return nil, err
		}
		if rec.Exists() {
			list = append(list, Replaced{Record: rec, By: by[i]})
		}
	}
	return list, nil
}

// Deleted visits the tombstones of a type that were laid since a time, and lay
// there at a snapshot, from behind a position on; at most limit, or a few more.
func (v *Vault) Deleted(ctx context.Context, typ string, since time.Time, at, after record.Position, limit int, visit func(Record) error) (Gathered, error) {
	class := v.sealer.Class(typ)
	out := Gathered{Last: after}
	var rows []record.Row
	err := v.store.History(ctx, store.Span{Class: &class, After: after, Until: at, Since: since, Want: store.WantCard}, func(row record.Row) error {
		if !row.Deleted {
			return nil
		}
		if len(rows) == limit {
			out.More = true
			return store.ErrStop
		}
		row.Card, row.Body = bytes.Clone(row.Card), nil
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return out, v.storeFault("vault.Deleted", err)
	}
	for _, row := range rows {
		lay, err := v.layAt(ctx, row, at)
		if err == nil && lay {
			var r Record
			if r, err = v.open(ctx, TypeID{Type: typ}, row); err == nil {
				err = visit(r)
			}
		}
		if err != nil {
			return out, v.storeFault("vault.Deleted", err)
		}
		out.Last = row.Position
	}
	return out, nil
}

// layAt reports whether a version was current at a position.
func (v *Vault) layAt(ctx context.Context, row record.Row, at record.Position) (bool, error) {
	if row.Current {
		return true, nil
	}
	next, err := v.store.Get(ctx, []store.Ref{{Key: row.Key, Version: row.Version + 1}}, 0)
	if err != nil {
		return false, err
	}
	return next[0].Version == 0 || next[0].Position > at, nil
}

// PatientsOf returns the keys of patients by their ids, without those nobody has
// mentioned.
func (v *Vault) PatientsOf(ctx context.Context, ids []string) (PatientSet, error) {
	list := make([]TypeID, len(ids))
	for i, id := range ids {
		list[i] = search.TypeID{Type: "Patient", ID: id}
	}
	keys, err := v.Keys(ctx, list)
	if err != nil {
		return PatientSet{}, err
	}
	return Patients(keys...), nil
}
