package rekey

import (
	"context"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
)

// stepSigning does the next of: the next key drawn and kept beside the one that signs;
// the log handed over, by a note of both, and the one before destroyed.
func (m *Manager) stepSigning(ctx context.Context, reg *register) error {
	w := reg.Work
	switch w.Phase {
	case phaseBegun:
		if err := m.Signing.BeginSigning(); err != nil {
			return err
		}
		w.Before, w.Phase = verify.KeyName(m.Signing.Public()), phaseHandOver
		return m.save(ctx, reg, record.Batch{})
	case phaseHandOver:
		if m.Signing.Next() == nil && verify.KeyName(m.Signing.Public()) == w.Before { // the keys are a copy from before
			w.Phase = phaseBegun
			return m.save(ctx, reg, record.Batch{})
		}
		return m.handOver(ctx, reg)
	}
	return fault.Wrap(fault.Internal, "rekey.stepSigning", errPhase)
}

func (m *Manager) handOver(ctx context.Context, reg *register) error {
	w := reg.Work
	if m.Resign != nil {
		if err := m.Resign(ctx); err != nil {
			return err
		}
	}
	event := audit.Event{Time: m.Clock.Now(), Actor: w.By, Action: audit.ActionRekey, Reason: w.Reason}
	if err := m.Log.HandOver(ctx, event); err != nil {
		return err
	}
	reg.Versions[KeyCheckpoint] = append(reg.Versions[KeyCheckpoint],
		made{ID: verify.KeyName(m.Signing.Public()), Made: w.Begun, By: w.By, Reason: w.Reason})
	reg.Work = nil
	return m.save(ctx, reg, record.Batch{}, m.event(w, "done"))
}

// Renewed notes that all keys were made by a renewal of the store, whose entries tell of it.
func (m *Manager) Renewed(ctx context.Context, who, reason string) error {
	versions, err := m.Sealer.TenantVersions(ctx)
	if err != nil {
		return err
	}
	reg, err := m.load(ctx)
	if err != nil {
		return err
	}
	note := made{Made: m.Clock.Now().UTC(), By: who, Reason: reason}
	for key, all := range versions {
		note.Version = all[0].Version
		reg.Versions[key] = append(reg.Versions[key], note)
	}
	note.Version = 0
	if m.Root != nil {
		note.ID = m.Root.ID()
		reg.Versions[KeyRoot] = append(reg.Versions[KeyRoot], note)
	}
	if m.Signing != nil {
		note.ID = verify.KeyName(m.Signing.Public())
		reg.Versions[KeyCheckpoint] = append(reg.Versions[KeyCheckpoint], note)
	}
	return m.save(ctx, reg, record.Batch{})
}
