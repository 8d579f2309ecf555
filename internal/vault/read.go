package vault

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Read returns one record for each ref, in order; the zero Record for what does
// not exist.
func (v *Vault) Read(ctx context.Context, refs []Ref) ([]Record, error) {
	ids := make([]TypeID, len(refs))
	for i, r := range refs {
		ids[i] = r.TypeID
	}
	keys, err := v.Keys(ctx, ids)
	if err != nil {
		return nil, err
	}
	var wanted []store.Ref
	var index []int
	for i, key := range keys {
		if !key.IsZero() {
			wanted = append(wanted, store.Ref{Key: key, Version: refs[i].Version})
			index = append(index, i)
		}
	}
	records := make([]Record, len(refs))
	if len(wanted) == 0 {
		return records, nil
	}
	rows, err := v.store.Get(ctx, wanted, store.WantCard|store.WantBody)
	if err != nil {
		return nil, v.storeFault("vault.Read", err)
	}
	if err := v.prefetch(ctx, rows); err != nil {
		return nil, err
	}
	for j, row := range rows {
		i := index[j]
		if row.Version == 0 {
			continue
		}
		if row.Key != wanted[j].Key || (refs[i].Version != 0 && row.Version != refs[i].Version) {
			return nil, fault.Wrap(fault.Internal, "vault.Read", errSwapped)
		}
		if refs[i].Version == 0 && !row.Current {
			return nil, fault.Wrap(fault.Internal, "vault.Read", errStale)
		}
		if records[i], err = v.open(ctx, refs[i].TypeID, row); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// prefetch reads the keys of all the rows at once.
func (v *Vault) prefetch(ctx context.Context, rows []record.Row) error {
	if len(rows) < 2 {
		return nil
	}
	cards := make([][]byte, len(rows))
	for i, row := range rows {
		cards[i] = row.Card
	}
	return v.storeFault("vault.prefetch", v.sealer.Prefetch(ctx, cards))
}

// Get returns the current version of one record, the zero Record if there is none.
func (v *Vault) Get(ctx context.Context, id TypeID) (Record, error) {
	records, err := v.Read(ctx, []Ref{{TypeID: id}})
	if err != nil {
		return Record{}, err
	}
	return records[0], nil
}

// open authenticates a row that was asked for by name.
func (v *Vault) open(ctx context.Context, id TypeID, row record.Row) (Record, error) {
	if row.Class != v.sealer.Class(id.Type) {
		return Record{}, fault.Wrap(fault.Internal, "vault.open", errSwapped)
	}
	opened, err := v.openCard(ctx, id.Type, row)
	if err != nil {
		return Record{}, err
	}
	return v.openBody(id, row, opened)
}

func (v *Vault) openCard(ctx context.Context, typ string, row record.Row) (*seal.Opened, error) {
	ref := seal.Ref{Type: typ, Key: row.Key, Version: row.Version, Deleted: row.Deleted}
	opened, err := v.sealer.OpenCard(ctx, ref, row.Card)
	if err != nil {
		return nil, v.storeFault("vault.openCard", err)
	}
	return opened, nil
}

// openBody opens the body that belongs to an opened card. id.ID may be empty:
// it is then taken from the card.
func (v *Vault) openBody(id TypeID, row record.Row, opened *seal.Opened) (Record, error) {
	r := Record{
		TypeID: id, Key: row.Key, Version: row.Version, Position: row.Position,
		Deleted: row.Deleted, Current: row.Current, Time: row.Time,
		Patients: slices.Clone(opened.Subjects),
	}
	header, err := search.ReadHeader(opened.Card)
	if err != nil {
		return Record{}, fault.Wrap(fault.Internal, "vault.openBody", err)
	}
	r.Posted = header.Posted
	if id.ID == "" {
		r.ID = header.ID
	} else if header.ID != id.ID {
		return Record{}, fault.Wrap(fault.Internal, "vault.openBody", errSwapped)
	}
	if row.Deleted {
		return r, nil
	}
	if r.Body, err = opened.Body(row.Body); err != nil {
		return Record{}, v.storeFault("vault.openBody", err)
	}
	return r, nil
}

// Named tells by what names the records of some keys are known, to those who answer
// for the audit log. Left out are keys under which nothing is written, records of the
// program's own types, and those whose current version cannot be opened: because
// their patients' keys are gone, or because the store does not give back what was
// written, which must not hide the names of others.
func (v *Vault) Named(ctx context.Context, keys []record.Key) (map[record.Key]TypeID, error) {
	named := make(map[record.Key]TypeID, len(keys))
	for _, key := range keys {
		if key.IsZero() {
			continue
		}
		id, err := v.nameOf(ctx, key)
		switch {
		case fault.Is(err, fault.Unavailable):
			return nil, err
		case err == nil && id != (TypeID{}):
			named[key] = id
		}
	}
	return named, nil
}

func (v *Vault) nameOf(ctx context.Context, key record.Key) (TypeID, error) {
	const op = "vault.Named"
	rows, err := v.store.Get(ctx, []store.Ref{{Key: key}}, store.WantCard)
	if err != nil {
		return TypeID{}, v.storeFault(op, err)
	}
	row := rows[0]
	typ, known := v.classes()[row.Class]
	if row.Version == 0 || row.Key == key && !known {
		return TypeID{}, nil
	}
	if row.Key != key {
		return TypeID{}, fault.Wrap(fault.Internal, op, errSwapped)
	}
	opened, err := v.openCard(ctx, typ, row)
	if err != nil {
		return TypeID{}, err
	}
	header, err := search.ReadHeader(opened.Card)
	if err != nil {
		return TypeID{}, fault.Wrap(fault.Internal, op, err)
	}
	return TypeID{Type: typ, ID: header.ID}, nil
}
