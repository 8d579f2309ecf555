package seal

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/record"
)

// Batch seals versions that are committed together. It reads each subject's key
// once, and hands out the cell and guard of a new key with the first version
// that needs it. It is not safe for concurrent use and is thrown away when the
// batch is committed or fails.
type Batch struct {
	sealer *Sealer
	held   map[owner]held
}

// Batch returns an empty batch.
func (s *Sealer) Batch() *Batch { return &Batch{sealer: s, held: map[owner]held{}} }

// Prepare reads the keys of patients that are going to be sealed for, all in
// one read of the store.
func (b *Batch) Prepare(ctx context.Context, subjects []record.Key) error {
	if len(subjects) == 0 {
		return nil
	}
	var owners []owner
	for _, k := range subjects {
		if k.IsZero() {
			return failed("seal.Prepare", errSubjects)
		}
		owners = append(owners, patient(k))
	}
	_, err := b.hold(ctx, owners)
	if err != nil {
		return failed("seal.Prepare", err)
	}
	return nil
}

// Seal is Sealer.Seal within the batch.
func (b *Batch) Seal(ctx context.Context, ref Ref, subjects []record.Key, body, card []byte) (Sealed, error) {
	const op = "seal.Seal"
	owners, err := ref.owners(subjects)
	if err != nil {
		return Sealed{}, failed(op, err)
	}
	holders, err := b.hold(ctx, owners)
	if err != nil {
		return Sealed{}, failed(op, err)
	}
	out, err := b.sealer.sealVersion(ref, holders, body, card)
	if err != nil {
		return Sealed{}, failed(op, err)
	}
	out.carry(holders)
	for i := range holders {
		h := holders[i]
		h.cell = nil // carried once
		b.held[h.owner] = h
	}
	return out, nil
}

func (b *Batch) hold(ctx context.Context, owners []owner) ([]held, error) {
	var missing []owner
	for _, o := range owners {
		if _, ok := b.held[o]; !ok {
			missing = append(missing, o)
		}
	}
	if missing != nil {
		fresh, err := b.sealer.hold(ctx, missing)
		if err != nil {
			return nil, err
		}
		for _, h := range fresh {
			b.held[h.owner] = h
		}
	}
	out := make([]held, len(owners))
	for i, o := range owners {
		out[i] = b.held[o]
	}
	return out, nil
}
