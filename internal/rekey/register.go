package rekey

import (
	"context"
	"encoding/json"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
)

// register is the cell that tells when keys were made, and what is under way.
type register struct {
	Versions map[string][]made `json:"versions"`
	Work     *work             `json:"work,omitempty"`

	was []byte // as it was read
}

// made tells of a version that was made after the store.
type made struct {
	Version uint32    `json:"version,omitempty"` // of a tenant key
	ID      string    `json:"id,omitempty"`      // of a root, or of a key that signs
	Made    time.Time `json:"made"`
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
	Damaged int       `json:"damaged,omitempty"` // cells that could not be rewrapped under it
}

// of returns what is known of a version, nil for one as old as the store.
func (r *register) of(key string, version uint32) *made {
	for i := range r.Versions[key] {
		if r.Versions[key][i].Version == version {
			return &r.Versions[key][i]
		}
	}
	return nil
}

// work is a replacement under way.
type work struct {
	Key     string    `json:"key"`
	Version uint32    `json:"version,omitempty"` // the new one
	Phase   string    `json:"phase"`
	Before  string    `json:"before,omitempty"` // name of the key that signed
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
	Begun   time.Time `json:"begun"`

	After     []byte `json:"after,omitempty"` // the cell that was looked at last
	Looked    int    `json:"looked"`
	Rewrapped int    `json:"rewrapped"`
	Damaged   int    `json:"damaged,omitempty"` // cells that do not open, and stay as they are
}

// Phases of a replacement.
const (
	phaseBegun    = "begun"        // of the root: nothing is rewrapped
	phaseRewrap   = "rewrapped"    // tenant keys are wrapped by the new root
	phaseDestroy  = "destroying"   // everything was seen to open by the new root alone
	phaseHandOver = "handing over" // a next key that is to sign is kept
	phaseOwners   = "owners"       // owners' keys are being rewrapped
	phaseMarks    = "marks"        // marks of progress are being sealed anew
)

var registerName = []byte("keys")

// kept is the purpose that the register is sealed for, by the data key.
const kept = "keys"

func (m *Manager) load(ctx context.Context) (*register, error) {
	values, err := m.Store.Cells(ctx, record.SpaceMeta, [][]byte{registerName})
	if err != nil {
		return nil, err
	}
	reg := &register{Versions: map[string][]made{}, was: values[0]}
	if reg.was == nil {
		return reg, nil
	}
	text, err := m.Sealer.OpenValue(kept, registerName, reg.was)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, reg); err != nil {
		return nil, fault.Wrap(fault.Internal, "rekey.load", err)
	}
	return reg, nil
}

// save commits the register together with a batch and the events that tell of it.
func (m *Manager) save(ctx context.Context, reg *register, b record.Batch, events ...audit.Event) error {
	text, err := json.Marshal(reg)
	if err != nil {
		return fault.Wrap(fault.Internal, "rekey.save", err)
	}
	sealed, err := m.Sealer.SealValue(kept, registerName, text)
	if err != nil {
		return err
	}
	was := record.Cell{Space: record.SpaceMeta, Name: registerName, Value: reg.was}
	b.Time = m.Clock.Now()
	b.Cells = append(b.Cells, record.Cell{Space: record.SpaceMeta, Name: registerName, Value: sealed})
	b.Guards = append(b.Guards, record.Guard{Cell: &was})
	receipt, err := m.Log.Commit(ctx, b, events...)
	if err != nil {
		return err
	}
	reg.was = sealed
	return receipt.Wait()
}
