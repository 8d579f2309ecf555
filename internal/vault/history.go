package vault

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// History returns up to limit versions of one record, newest first, from those
// older than the position after (0: from the newest) and not older than since.
func (v *Vault) History(ctx context.Context, id TypeID, since time.Time, after record.Position, limit int) ([]Record, error) {
	keys, err := v.Keys(ctx, []TypeID{id})
	if err != nil || keys[0].IsZero() {
		return nil, err
	}
	span := store.Span{
		Key: &keys[0], After: after, Since: since, Newest: true,
		Limit: limit, Want: store.WantCard | store.WantBody,
	}
	var records []Record
	err = v.store.History(ctx, span, func(row record.Row) error {
		if row.Key != keys[0] {
			return fault.Wrap(fault.Internal, "vault.History", errSwapped)
		}
		if n := len(records); n > 0 && row.Version != records[n-1].Version-1 {
			return fault.Wrap(fault.Internal, "vault.History", errGap)
		}
		r, err := v.open(ctx, id, row)
		records = append(records, r)
		return err
	})
	if err == nil {
		err = whole(records, since, after, limit)
	}
	return records, v.storeFault("vault.History", err)
}

// whole checks that a run of versions, each one less than the one before, leaves
// out nothing at its ends: all versions are kept, so it begins with the current
// one, or behind a page, and ends with the first, a full page, or a time.
func whole(records []Record, since time.Time, after record.Position, limit int) error {
	n := len(records)
	if n == 0 {
		return nil
	}
	if after == 0 && !records[0].Current || since.IsZero() && n < limit && records[n-1].Version != 1 {
		return fault.Wrap(fault.Internal, "vault.History", errGap)
	}
	return nil
}

// Run is a part of a walk over the versions of many records.
type Run struct {
	Records []Record // newest first
	Last    record.Position
	More    bool // the walk has not ended: go on behind Last
}

// Versions walks the versions of all records of the types that wanted admits,
// of typ alone unless that is "", newest first: limit of them at most, from those
// older than the position after (0: from the newest) and not older than since.
// Tombstones are among them. Records of the server itself are not.
func (v *Vault) Versions(ctx context.Context, typ string, wanted func(string) bool, since time.Time, after record.Position, limit int) (Run, error) {
	span := store.Span{After: after, Since: since, Newest: true, Limit: limit, Want: store.WantCard | store.WantBody}
	if typ != "" {
		class := v.sealer.Class(typ)
		span.Class = &class
	}
	types, visited := v.classes(), 0
	var run Run
	newest := map[record.Key]uint64{}
	err := v.store.History(ctx, span, func(row record.Row) error {
		visited++
		run.Last = row.Position
		of := types[row.Class]
		if typ != "" && of != typ {
			return fault.Wrap(fault.Internal, "vault.Versions", errSwapped)
		}
		if of == "" || !wanted(of) {
			return nil
		}
		later, seen := newest[row.Key]
		if seen && row.Version != later-1 || !seen && after == 0 && !row.Current {
			return fault.Wrap(fault.Internal, "vault.Versions", errGap)
		}
		newest[row.Key] = row.Version
		r, err := v.open(ctx, TypeID{Type: of}, row)
		run.Records = append(run.Records, r)
		return err
	})
	run.More = visited == limit
	return run, v.storeFault("vault.Versions", err)
}

// fhirClasses maps the classes of the types of FHIR back to their names.
func (v *Vault) fhirClasses() map[record.Token]string {
	types := map[record.Token]string{}
	for t := range r4.Resources {
		types[v.sealer.Class(t.String())] = t.String()
	}
	return types
}

// Export visits the current versions of up to limit records of a type in commit
// order, from behind a position, unnarrowed. The caller answers for who may have
// them and for the audit entry.
func (v *Vault) Export(ctx context.Context, typ string, after record.Position, limit int, visit func(Record) error) error {
	find := store.Find{
		Expr: store.All{Class: v.sealer.Class(typ)}, After: after, Limit: limit,
		Want: store.WantCard | store.WantBody,
	}
	_, err := v.store.Find(ctx, find, func(row record.Row) error {
		if row.Deleted || !row.Current {
			return fault.Wrap(fault.Internal, "vault.Export", errStale)
		}
		r, err := v.open(ctx, TypeID{Type: typ}, row)
		if err != nil {
			return err
		}
		return visit(r)
	})
	return v.storeFault("vault.Export", err)
}

// Feed returns the versions of records of a type that were committed behind a
// position, in order, without bodies: for the server's own work.
func (v *Vault) Feed(ctx context.Context, typ string, after record.Position, limit int) ([]Record, error) {
	class := v.sealer.Class(typ)
	var records []Record
	err := v.store.History(ctx, store.Span{Class: &class, After: after, Limit: limit, Want: store.WantCard}, func(row record.Row) error {
		if row.Class != class {
			return fault.Wrap(fault.Internal, "vault.Feed", errSwapped)
		}
		opened, err := v.openCard(ctx, typ, row)
		if err != nil {
			return err
		}
		header, err := search.ReadHeader(opened.Card)
		records = append(records, Record{
			TypeID: TypeID{Type: typ, ID: header.ID}, Key: row.Key, Version: row.Version, Position: row.Position,
			Deleted: row.Deleted, Current: row.Current, Time: row.Time,
		})
		return err
	})
	return records, v.storeFault("vault.Feed", err)
}

// Last returns the position of the newest commit that is visible.
func (v *Vault) Last(ctx context.Context) (record.Position, error) {
	found, err := v.store.Find(ctx, store.Find{Expr: store.Or{}, CountOnly: true}, nil)
	return found.At, v.storeFault("vault.Last", err)
}
