package rekey

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// Status is what keys there are, and what is being replaced. No key is in it.
type Status struct {
	Keys     []Key     `json:"keys"`
	UnderWay *UnderWay `json:"under_way,omitempty"`
}

// Key is one version of one key.
type Key struct {
	Key     string    `json:"key"`
	Version uint32    `json:"version,omitempty"`
	ID      string    `json:"id,omitempty"` // of the root, by which others are wrapped; of what signs
	Current bool      `json:"current"`      // it seals what is sealed from now on
	Made    time.Time `json:"made,omitzero"`
	AgeDays int       `json:"age_days"`
	By      string    `json:"by,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	// Sealed is what of the store is sealed under it, nil where that is not counted:
	// entries of the audit log, tokens of the index.
	Sealed *Uses `json:"sealed,omitempty"`
	// Dropped is when an old version may be dropped at the earliest.
	Dropped time.Time `json:"dropped_from,omitzero"`
	// Damaged is how many cells do not open, for which an old version is kept.
	Damaged int `json:"damaged,omitempty"`
}

// UnderWay is a replacement that is not done.
type UnderWay struct {
	Key       string    `json:"key"`
	By        string    `json:"by"`
	Reason    string    `json:"reason"`
	Begun     time.Time `json:"begun"`
	Phase     string    `json:"phase"`
	Looked    int       `json:"looked"`
	Rewrapped int       `json:"rewrapped"`
	Damaged   int       `json:"damaged"`
	Problem   string    `json:"problem,omitempty"` // why it stopped, in the server that carries it on
}

// Status looks at every key cell once.
func (m *Manager) Status(ctx context.Context) (Status, error) {
	n, err := m.count(ctx)
	if err != nil {
		return Status{}, fault.Wrap(fault.Unavailable, "rekey.Status", err)
	}
	return m.status(ctx, n)
}

// Summary is the status without what is sealed under tenants' keys, which takes a look at
// every cell.
func (m *Manager) Summary(ctx context.Context) (Status, error) { return m.status(ctx, nil) }

func (m *Manager) status(ctx context.Context, n uses) (Status, error) {
	const op = "rekey.Status"
	reg, err := m.load(ctx)
	if err != nil {
		return Status{}, fault.Wrap(fault.Unavailable, op, err)
	}
	versions, err := m.Sealer.TenantVersions(ctx)
	if err != nil {
		return Status{}, err
	}
	began, err := m.began(ctx)
	if err != nil {
		return Status{}, fault.Wrap(fault.Unavailable, op, err)
	}
	out := Status{Keys: []Key{m.root(reg, began, versions)}}
	if m.Signing != nil {
		out.Keys = append(out.Keys, m.signing(reg, began))
	}
	for _, key := range seal.Purposes() {
		for i, v := range versions[key] {
			k := Key{Key: key, Version: v.Version, ID: v.Keyring, Current: i == 0}
			k.tell(reg.of(key, v.Version), v.Version == 1, began, m.Clock.Now())
			if u := n[key][v.Version]; key == keyData || key == "blob" {
				if n != nil {
					k.Sealed = &u
				}
				if now := reg.of(key, versions[key][0].Version); !k.Current && now != nil {
					k.Dropped, k.Damaged = now.Made.Add(Grace), now.Damaged
				}
			}
			out.Keys = append(out.Keys, k)
		}
	}
	if w := reg.Work; w != nil {
		out.UnderWay = &UnderWay{w.Key, w.By, w.Reason, w.Begun, w.Phase, w.Looked, w.Rewrapped, w.Damaged, ""}
		if problem := m.problem.Load(); problem != nil {
			out.UnderWay.Problem = *problem
		}
	}
	return out, nil
}

func (m *Manager) root(reg *register, began time.Time, versions map[string][]seal.TenantVersion) Key {
	k := Key{Key: KeyRoot, Current: true}
	wrapped := 0
	for _, all := range versions {
		wrapped += len(all)
	}
	if m.FileKey != "" {
		wrapped++
	}
	k.Sealed = &Uses{Values: wrapped}
	var last *made
	if made := reg.Versions[KeyRoot]; len(made) > 0 {
		last = &made[len(made)-1]
	}
	if m.Root != nil {
		k.ID = m.Root.ID()
		if last != nil && last.ID != k.ID { // it is just being replaced
			last = nil
		}
	}
	k.tell(last, reg.Versions[KeyRoot] == nil, began, m.Clock.Now())
	return k
}

func (m *Manager) signing(reg *register, began time.Time) Key {
	k := Key{Key: KeyCheckpoint, Current: true, ID: verify.KeyName(m.Signing.Public())}
	var last *made
	all := reg.Versions[KeyCheckpoint]
	for i := range all {
		if all[i].ID == k.ID {
			last = &all[i]
		}
	}
	k.tell(last, all == nil, began, m.Clock.Now())
	return k
}

// tell fills in when a key was made: with the store, if it is the first.
func (k *Key) tell(v *made, first bool, began, now time.Time) {
	switch {
	case v != nil:
		k.Made, k.By, k.Reason = v.Made, v.By, v.Reason
	case first:
		k.Made = began
	}
	if !k.Made.IsZero() {
		k.AgeDays = int(now.Sub(k.Made) / (24 * time.Hour))
	}
}

// began is when the first process registered with the audit log.
func (m *Manager) began(ctx context.Context) (time.Time, error) {
	var first time.Time
	err := m.Store.Scan(ctx, record.SpaceShard, nil, nil, func(_, value []byte) error {
		if s, err := verify.ParseShard(value); err == nil && (first.IsZero() || s.Opened.Before(first)) {
			first = s.Opened
		}
		return nil
	})
	return first.UTC(), err
}
