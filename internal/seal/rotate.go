package seal

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/record"
)

// Purposes are what a tenant has keys for.
func Purposes() []string {
	names := make([]string, len(purposes))
	for i, p := range purposes {
		names[i] = p.String()
	}
	return names
}

// TenantVersion is one version of a tenant key; nothing of the key is in it.
type TenantVersion struct {
	Version uint32
	Keyring string // the root that it is wrapped by
}

// Rotation is a change to tenant keys, to be committed with the guards. Use it
// once the commit is durable: until then this process seals under the old ones.
type Rotation struct {
	Cells  []record.Cell
	Guards []record.Guard

	sealer *Sealer
	keys   map[purpose][]tenantKey
}

var (
	errPurpose = errors.New("there is no such tenant key")
	errCurrent = errors.New("the newest version of a key cannot be dropped")
)

// Use makes the changed keys those of this process. Keys of owners that no store
// has seen are forgotten: they are wrapped by what is not current any more.
func (r Rotation) Use() {
	t := &r.sealer.tenantKeys
	t.mu.Lock()
	if t.keys != nil { // not closed
		for p, versions := range r.keys {
			clear(t.keys[p])
			t.keys[p] = versions
		}
	}
	t.mu.Unlock()
	r.sealer.pending.wipe()
}

// TenantVersions are the versions there are, newest first, by purpose.
func (s *Sealer) TenantVersions(ctx context.Context) (map[string][]TenantVersion, error) {
	out := map[string][]TenantVersion{}
	for _, p := range purposes {
		_, entries, err := s.tenantEntries(ctx, p)
		if err != nil {
			return nil, failed("seal.TenantVersions", err)
		}
		for _, e := range entries {
			out[p.String()] = append(out[p.String()], TenantVersion{Version: e.version, Keyring: string(e.keyring)})
		}
	}
	return out, nil
}

// NewVersion puts a fresh key in front of those for a purpose.
func (s *Sealer) NewVersion(ctx context.Context, name string) (Rotation, uint32, error) {
	var version uint32
	r, err := s.change(ctx, name, func(p purpose, keys []tenantKey, old []wrappedTenantKey) ([]tenantKey, []wrappedTenantKey, error) {
		t := tenantKey{version: keys[0].version + 1}
		if _, err := io.ReadFull(s.random, t.key[:]); err != nil {
			return nil, nil, err
		}
		w, err := wrapTenantKey(ctx, s.keyring, s.tenant, p, &t)
		version = t.version
		return slices.Insert(keys, 0, t), slices.Insert(old, 0, w), err
	})
	return r, version, err
}

// DropVersion takes an old version out. The caller MUST know that nothing that
// is sealed under it is to be opened ever again.
func (s *Sealer) DropVersion(ctx context.Context, name string, version uint32) (Rotation, error) {
	return s.change(ctx, name, func(_ purpose, keys []tenantKey, old []wrappedTenantKey) ([]tenantKey, []wrappedTenantKey, error) {
		if keys[0].version == version {
			return nil, nil, errCurrent
		}
		keys = slices.DeleteFunc(keys, func(t tenantKey) bool { return t.version == version })
		return keys, slices.DeleteFunc(old, func(w wrappedTenantKey) bool { return w.version == version }), nil
	})
}

// Rewrap wraps all tenant keys by the keyring's root of today.
func (s *Sealer) Rewrap(ctx context.Context) (Rotation, error) {
	out := Rotation{sealer: s}
	for _, p := range purposes {
		r, err := s.change(ctx, p.String(), func(p purpose, keys []tenantKey, _ []wrappedTenantKey) ([]tenantKey, []wrappedTenantKey, error) {
			entries := make([]wrappedTenantKey, len(keys))
			for i := range keys {
				var err error
				if entries[i], err = wrapTenantKey(ctx, s.keyring, s.tenant, p, &keys[i]); err != nil {
					return nil, nil, err
				}
			}
			return keys, entries, nil
		})
		if err != nil {
			return Rotation{}, err
		}
		out.Cells, out.Guards = append(out.Cells, r.Cells...), append(out.Guards, r.Guards...)
	}
	return out, nil // the keys themselves stay
}

// CheckRoot reports whether a keyring opens every version of every tenant key.
func (s *Sealer) CheckRoot(ctx context.Context, keyring kms.Keyring) error {
	for _, p := range purposes {
		cell, _, err := s.tenantEntries(ctx, p)
		if err != nil {
			return failed("seal.CheckRoot", err)
		}
		keys, err := unwrapTenantKeys(ctx, Config{Tenant: s.tenant, Keyring: keyring}, p, cell)
		clear(keys)
		if err != nil {
			return failed("seal.CheckRoot", err)
		}
	}
	return nil
}

// OfOthers reports whether the name is that of another tenant's key cell.
func (s *Sealer) OfOthers(name []byte) bool {
	return name[0] == 't' && !slices.ContainsFunc(purposes[:], func(p purpose) bool {
		return string(tenantCellName(s.tenant, p)) == string(name)
	})
}

type changing func(p purpose, keys []tenantKey, old []wrappedTenantKey) ([]tenantKey, []wrappedTenantKey, error)

// change reads and opens the cell of a key, and returns what to makes of it,
// guarded by what was read.
func (s *Sealer) change(ctx context.Context, name string, to changing) (Rotation, error) {
	const op = "seal.change"
	at := slices.IndexFunc(purposes[:], func(p purpose) bool { return p.String() == name })
	if at < 0 {
		return Rotation{}, failed(op, errPurpose)
	}
	p := purposes[at]
	before, old, err := s.tenantEntries(ctx, p)
	if err != nil {
		return Rotation{}, failed(op, err)
	}
	keys, err := unwrapTenantKeys(ctx, Config{Tenant: s.tenant, Keyring: s.keyring}, p, before)
	if err != nil {
		return Rotation{}, failed(op, err)
	}
	keys, entries, err := to(p, keys, old)
	if err != nil {
		return Rotation{}, failed(op, err)
	}
	cell := tenantCell(s.tenant, p, entries)
	was := record.Cell{Space: cell.Space, Name: cell.Name, Value: before}
	return Rotation{
		Cells: []record.Cell{cell}, Guards: []record.Guard{{Cell: &was}},
		sealer: s, keys: map[purpose][]tenantKey{p: keys},
	}, nil
}

func (s *Sealer) tenantEntries(ctx context.Context, p purpose) ([]byte, []wrappedTenantKey, error) {
	values, err := s.cells.Cells(ctx, record.SpaceKey, [][]byte{tenantCellName(s.tenant, p)})
	if err != nil {
		return nil, nil, cellsFailed(err)
	}
	if len(values) != 1 {
		return nil, nil, errTenantKey
	}
	entries, err := parseTenantCell(values[0])
	return values[0], entries, err
}
