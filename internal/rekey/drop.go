package rekey

import (
	"context"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// itself is who acts where nobody has asked, in the audit log.
const itself = "wardkeep"

// Uses is what of the store is sealed under one version of a tenant key.
type Uses struct {
	Owners int `json:"owners"` // versions of owners' keys
	Values int `json:"values"` // sessions, jobs, marks, this register
}

// uses are counted by purpose and version, by looking at every cell they are in.
type uses map[string]map[uint32]Uses

func (u uses) add(purpose string, version uint32, owners, values int) {
	if u[purpose] == nil {
		u[purpose] = map[uint32]Uses{}
	}
	n := u[purpose][version]
	u[purpose][version] = Uses{n.Owners + owners, n.Values + values}
}

func (m *Manager) count(ctx context.Context) (uses, error) {
	n := uses{}
	err := m.Store.Scan(ctx, record.SpaceKey, nil, nil, func(name, value []byte) error {
		if o, ok := m.Sealer.LookAtOwner(name, value); ok {
			for _, version := range o.Under {
				n.add(o.Purpose, version, 1, 0)
			}
		}
		return nil
	})
	for _, space := range []record.Space{record.SpaceShort, record.SpaceJob, record.SpaceMeta} {
		if err != nil {
			return nil, err
		}
		err = m.Store.Scan(ctx, space, nil, nil, func(_, value []byte) error {
			if version, ok := seal.ValueUnder(value); ok {
				n.add(keyData, version, 0, 1)
			}
			return nil
		})
	}
	return n, err
}

// Drop takes out old versions under which nothing is sealed any more. Those of the
// audit key stay as long as there are entries.
func (m *Manager) Drop(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range seal.Purposes() {
		if key == keyAudit || key == keyIndex {
			continue
		}
		if err := m.retried("rekey.Drop", func() error { return m.drop(ctx, key) }); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) drop(ctx context.Context, key string) error {
	reg, err := m.load(ctx)
	if err != nil || reg.Work != nil {
		return err
	}
	versions, err := m.Sealer.TenantVersions(ctx)
	if err != nil {
		return err
	}
	now, old := reg.of(key, versions[key][0].Version), versions[key][1:]
	if len(old) == 0 || now == nil || m.Clock.Now().Before(now.Made.Add(Grace)) {
		return nil
	}
	n, err := m.count(ctx)
	if err != nil {
		return err
	}
	for _, v := range old {
		u := n[key][v.Version]
		if u.Owners > 0 && now.Damaged == 0 { // committed late, by who was under way
			return m.again(ctx, reg, key, now.Version)
		}
		if u == (Uses{}) {
			return m.dropOne(ctx, reg, key, v.Version)
		}
	}
	return nil
}

// again sends the sweep once more over the owners.
func (m *Manager) again(ctx context.Context, reg *register, key string, version uint32) error {
	reg.Work = &work{
		Key: key, Version: version, Phase: phaseOwners, Begun: m.Clock.Now().UTC(),
		By: itself, Reason: "keys under an old version were found again",
	}
	if err := m.save(ctx, reg, record.Batch{}, m.event(reg.Work, "begun")); err != nil {
		return err
	}
	m.Wake()
	return nil
}

func (m *Manager) dropOne(ctx context.Context, reg *register, key string, version uint32) error {
	change, err := m.Sealer.DropVersion(ctx, key, version)
	if err != nil {
		return err
	}
	w := &work{Key: key, By: itself, Reason: "nothing is sealed under it any more"}
	event := m.event(w, fmt.Sprintf("version %d is dropped", version))
	if err := m.save(ctx, reg, record.Batch{Cells: change.Cells, Guards: change.Guards}, event); err != nil {
		return err
	}
	change.Use()
	return nil
}
