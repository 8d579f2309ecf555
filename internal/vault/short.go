package vault

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
)

// GetShort returns an ephemeral record, or fault.NotFound.
func (v *Vault) GetShort(ctx context.Context, kind, id string) ([]byte, error) {
	return v.cell(ctx, record.SpaceShort, kind, id)
}

// PutShort writes an ephemeral record over the one before. It is visible at
// once and durable when PutShort returns.
func (v *Vault) PutShort(ctx context.Context, kind, id string, value []byte, expires time.Time) error {
	name := v.sealer.ShortDigest(kind, id)
	sealed, err := v.sealer.SealValue(kind, name, value)
	if err != nil {
		return fault.Wrap(fault.Internal, "vault.PutShort", err)
	}
	return v.writeCell(ctx, "vault.PutShort", record.Cell{
		Space: record.SpaceShort, Name: name, Value: sealed, Expires: expires,
	})
}

// DropShort removes an ephemeral record; removing what is not there is no error.
func (v *Vault) DropShort(ctx context.Context, kind, id string) error {
	return v.writeCell(ctx, "vault.DropShort", record.Cell{
		Space: record.SpaceShort, Name: v.sealer.ShortDigest(kind, id),
	})
}

// PutKeys stores keys that were made for things that are no records. It is
// durable when PutKeys returns.
func (v *Vault) PutKeys(ctx context.Context, cells []record.Cell, guards []record.Guard) error {
	receipt, err := v.log.Commit(ctx, record.Batch{Time: v.clock.Now(), Cells: cells, Guards: guards})
	if err != nil {
		return v.storeFault("vault.PutKeys", err)
	}
	return v.storeFault("vault.PutKeys", receipt.Wait())
}

// JobValue returns a mark of progress, "" if there is none.
func (v *Vault) JobValue(ctx context.Context, name string) (string, error) {
	value, err := v.cell(ctx, record.SpaceJob, "job", name)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return string(value), err
}

func (v *Vault) cell(ctx context.Context, space record.Space, kind, id string) ([]byte, error) {
	name := v.sealer.ShortDigest(kind, id)
	values, err := v.store.Cells(ctx, space, [][]byte{name})
	if err != nil {
		return nil, v.storeFault("vault.cell", err)
	}
	if values[0] == nil {
		return nil, fault.New(fault.NotFound, "vault.cell", "")
	}
	value, err := v.sealer.OpenValue(kind, name, values[0])
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "vault.cell", err)
	}
	return value, nil
}

func (v *Vault) writeCell(ctx context.Context, op string, cell record.Cell) error {
	receipt, err := v.log.Commit(ctx, record.Batch{Time: v.clock.Now(), Cells: []record.Cell{cell}})
	if err != nil {
		return v.storeFault(op, err)
	}
	return v.storeFault(op, receipt.Wait())
}

// SealText seals a small text for the caller to hand out and take back, such as
// a page token; about is authenticated and must be the same to open it.
func (v *Vault) SealText(purpose string, about, text []byte) ([]byte, error) {
	sealed, err := v.sealer.SealValue(purpose, about, text)
	return sealed, fault.Wrap(fault.Internal, "vault.SealText", err)
}

// OpenText opens what SealText sealed, or returns fault.Invalid.
func (v *Vault) OpenText(purpose string, about, sealed []byte) ([]byte, error) {
	text, err := v.sealer.OpenValue(purpose, about, sealed)
	return text, fault.Wrap(fault.Invalid, "vault.OpenText", err)
}
