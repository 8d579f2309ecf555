package seal

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
)

// Renew returns the batch of the first start of a store that takes another one's place:
// fresh tenant keys, wrapped by the root of c, guarded by their absence. Those before of
// the audit key come along, because entries of the log are under them.
func Renew(ctx context.Context, c Config, old *Sealer) (record.Batch, error) {
	const op = "seal.Renew"
	b, err := Init(ctx, c)
	if err != nil {
		return b, err
	}
	old.tenantKeys.mu.RLock()
	kept := slices.Clone(old.tenantKeys.keys[forAudit])
	old.tenantKeys.mu.RUnlock()
	defer clear(kept)
	if len(kept) == 0 {
		return b, failed(op, ErrClosed)
	}
	fresh := tenantKey{version: kept[0].version + 1}
	defer clear(fresh.key[:])
	if _, err := io.ReadFull(old.random, fresh.key[:]); err != nil {
		return b, failed(op, err)
	}
	var entries []wrappedTenantKey
	for _, k := range append([]tenantKey{fresh}, kept...) {
		w, err := wrapTenantKey(ctx, c.Keyring, c.Tenant, forAudit, &k)
		if err != nil {
			return b, fault.Wrap(fault.Unavailable, op, err)
		}
		entries = append(entries, w)
	}
	cell := tenantCell(c.Tenant, forAudit, entries)
	for i := range b.Cells {
		if string(b.Cells[i].Name) == string(cell.Name) {
			b.Cells[i] = cell
		}
	}
	return b, nil
}

// Adopt returns an owner's cell of another store for this one: a fresh key in front, and
// those before, under which parts of the audit log are sealed, wrapped by this store's
// tenant key. It is not ok for what is no cell of an owner.
func (s *Sealer) Adopt(from *Sealer, name, cell []byte) (_ record.Cell, ok bool, _ error) {
	const op = "seal.Adopt"
	o, ok := s.ownerOf(name)
	if !ok {
		return record.Cell{}, false, nil
	}
	keys, err := from.unwrapOwnerCell(o, cell)
	if err != nil {
		return record.Cell{}, false, failed(op, err)
	}
	defer clear(keys)
	if keys[0].version == math.MaxUint32 {
		return record.Cell{}, false, failed(op, errManyVersions)
	}
	fresh := ownerKey{version: keys[0].version + 1}
	defer clear(fresh.key[:])
	if _, err := io.ReadFull(s.random, fresh.key[:]); err != nil {
		return record.Cell{}, false, failed(op, err)
	}
	if o.kind == typeKind { // nothing of the log is sealed under it
		keys = nil
	}
	out := []byte{formatVersion}
	for _, k := range append([]ownerKey{fresh}, keys...) {
		entry, err := s.wrapOwnerKey(o, &k)
		if err != nil {
			return record.Cell{}, false, failed(op, err)
		}
		out = append(out, entry...)
	}
	return s.ownerCell(o, out), true, nil
}

var errMark = errors.New("a mark does not open")

// Reseal seals anew for this store what another one sealed as a value.
func (s *Sealer) Reseal(from *Sealer, purpose string, aad, sealed []byte) ([]byte, error) {
	plain, err := from.OpenValue(purpose, aad, sealed)
	if err != nil {
		return nil, failed("seal.Reseal", errors.Join(errMark, err))
	}
	return s.SealValue(purpose, aad, plain)
}
