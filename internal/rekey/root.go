package rekey

import (
	"context"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// checkRoot refuses what could not be carried to its end: the keys of another
// tenant would be lost with the old root.
func (m *Manager) checkRoot(ctx context.Context) error {
	const op = "rekey.Rotate"
	if m.Root == nil {
		return fault.New(fault.NotSupported, op, "The root key is kept by a service: replace it there.")
	}
	others := false
	err := m.Store.Scan(ctx, record.SpaceKey, []byte{'t'}, nil, func(name, _ []byte) error {
		others = others || m.Sealer.OfOthers(name)
		return nil
	})
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err)
	}
	if others {
		return fault.New(fault.NotSupported, op, "The keys of another tenant lie in this store, wrapped by the same root. It cannot be replaced for one of them alone.")
	}
	return nil
}

// stepRoot does the next of: the new root put in front; tenant keys rewrapped; the
// key of the files rewrapped, all seen to open, and the end of the old root in the
// audit log; the old root destroyed.
func (m *Manager) stepRoot(ctx context.Context, reg *register) error {
	switch reg.Work.Phase {
	case phaseBegun:
		if err := m.Root.Begin(); err != nil {
			return err
		}
		change, err := m.Sealer.Rewrap(ctx)
		if err != nil {
			return err
		}
		reg.Work.Phase = phaseRewrap
		return m.save(ctx, reg, record.Batch{Cells: change.Cells, Guards: change.Guards})
	case phaseRewrap:
		if m.FileKey != "" {
			if err := seal.RewrapFileKey(ctx, m.Root, m.FileKey); err != nil {
				return err
			}
		}
		if err := m.opens(ctx, m.Root.Newest()); err != nil {
			return err
		}
		reg.Work.Phase = phaseDestroy
		return m.save(ctx, reg, record.Batch{}, m.event(reg.Work, "everything is rewrapped by "+m.Root.ID()+"; next: "+m.Root.Fate()))
	case phaseDestroy:
		return m.destroy(ctx, reg)
	}
	return fault.Wrap(fault.Internal, "rekey.stepRoot", errPhase)
}

// destroy looks once more, because what the store told of the phase may be old: then
// everything is rewrapped again.
func (m *Manager) destroy(ctx context.Context, reg *register) error {
	if m.opens(ctx, m.Root.Newest()) != nil {
		reg.Work.Phase = phaseBegun
		return m.save(ctx, reg, record.Batch{})
	}
	if err := m.Root.Finish(); err != nil {
		return err
	}
	w := reg.Work
	reg.Versions[KeyRoot] = append(reg.Versions[KeyRoot], made{ID: m.Root.ID(), Made: w.Begun, By: w.By, Reason: w.Reason})
	reg.Work = nil
	return m.save(ctx, reg, record.Batch{}, m.event(w, m.Root.Fate()+"; "+m.Root.ID()+" is the root"))
}

// opens reports whether a keyring opens all that a root has wrapped.
func (m *Manager) opens(ctx context.Context, keyring kms.Keyring) error {
	if err := m.Sealer.CheckRoot(ctx, keyring); err != nil {
		return fmt.Errorf("the new root does not open everything: %w", err)
	}
	if m.FileKey == "" {
		return nil
	}
	return seal.CheckFileKey(ctx, keyring, m.FileKey)
}
