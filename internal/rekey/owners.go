package rekey

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/store"
)

var errPhase = errors.New("a phase that is not known")

// Bounds of one commit.
const (
	looks    = 20_000 // cells
	rewrites = 500    // of them written
)

// stepOwners rewraps owners' keys cell by cell; then, for the data key, it seals
// marks of progress anew.
func (m *Manager) stepOwners(ctx context.Context, reg *register) error {
	switch reg.Work.Phase {
	case phaseOwners:
		return m.sweep(ctx, reg, record.SpaceKey, phaseMarks, func(name, value []byte) (record.Cell, record.Guard, bool, error) {
			if o, ok := m.Sealer.LookAtOwner(name, value); !ok || o.Purpose != reg.Work.Key {
				return record.Cell{}, record.Guard{}, false, nil
			}
			return m.Sealer.RewrapOwner(name, value)
		})
	case phaseMarks:
		if reg.Work.Key != keyData {
			return m.finish(ctx, reg)
		}
		return m.sweep(ctx, reg, record.SpaceJob, "", func(name, value []byte) (record.Cell, record.Guard, bool, error) {
			return m.mark(reg.Work.Version, name, value)
		})
	}
	return errPhase
}

// sweep looks at the cells of a space from where it came to, writes those that
// need it, and notes the place. At the end comes the next phase, or the end of all.
func (m *Manager) sweep(ctx context.Context, reg *register, space record.Space, next string,
	anew func(name, value []byte) (record.Cell, record.Guard, bool, error)) error {
	w := reg.Work
	var b record.Batch
	looked := 0
	err := m.Store.Scan(ctx, space, nil, w.After, func(name, value []byte) error {
		if looked == looks || len(b.Cells) == rewrites {
			return store.ErrStop
		}
		looked++
		w.After = bytes.Clone(name)
		cell, guard, needed, err := anew(name, value)
		switch {
		case errors.Is(err, seal.ErrClosed):
			return err
		case err != nil: // it opens for nobody, and what rests on it keeps its old key
			w.Damaged++
		case needed:
			b.Cells, b.Guards = append(b.Cells, cell), append(b.Guards, guard)
		}
		return nil
	})
	if err != nil && !errors.Is(err, store.ErrStop) {
		return err
	}
	w.Looked, w.Rewrapped = w.Looked+looked, w.Rewrapped+len(b.Cells)
	written := b.Cells
	if err == nil { // the end of the space
		if next == "" {
			return m.finishWith(ctx, reg, b)
		}
		w.Phase, w.After = next, nil
	}
	if err := m.save(ctx, reg, b); err != nil {
		return err
	}
	for _, cell := range written {
		m.Sealer.ForgetOwner(cell.Name)
	}
	return nil
}

// mark seals a mark of progress under the data key of a version.
func (m *Manager) mark(version uint32, name, value []byte) (record.Cell, record.Guard, bool, error) {
	if under, ok := seal.ValueUnder(value); !ok || under == version {
		return record.Cell{}, record.Guard{}, false, nil
	}
	text, err := m.Sealer.OpenValue("job", name, value)
	if err != nil {
		return record.Cell{}, record.Guard{}, false, err
	}
	sealed, err := m.Sealer.SealValue("job", name, text)
	was := record.Cell{Space: record.SpaceJob, Name: bytes.Clone(name), Value: bytes.Clone(value)}
	return record.Cell{Space: was.Space, Name: was.Name, Value: sealed}, record.Guard{Cell: &was}, true, err
}

func (m *Manager) finish(ctx context.Context, reg *register) error {
	return m.finishWith(ctx, reg, record.Batch{})
}

// finishWith ends the work, in one commit with its last cells.
func (m *Manager) finishWith(ctx context.Context, reg *register, b record.Batch) error {
	w := reg.Work
	if w.Key == keyData && m.Again != nil {
		if err := m.Again(ctx); err != nil {
			return err
		}
	}
	if v := reg.of(w.Key, w.Version); v != nil {
		v.Damaged = w.Damaged
	}
	reg.Work = nil
	return m.save(ctx, reg, b, m.event(w, fmt.Sprintf("%d cells are sealed under version %d, %d do not open", w.Rewrapped, w.Version, w.Damaged)))
}
