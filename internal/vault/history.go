package vault

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
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
