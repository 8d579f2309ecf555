package app

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/seal/file"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// reader is a store opened to be looked at: nothing of it is changed.
type reader struct {
	store  *pebble.Store
	sealer *seal.Sealer
	vault  *vault.Vault
}

// reading says what to open: store files, with the keys of a data folder.
type reading struct {
	dir, files string
	kms        string // the setting
	disk       vfs.FS
	tenant     string
}

func (o reading) open(ctx context.Context, keyring kms.Keyring) (*reader, error) {
	key, err := seal.LoadOrCreateFileKey(ctx, keyring, filepath.Join(o.dir, fileKeyFile))
	if err != nil {
		return nil, fmt.Errorf("the keys cannot be used: %w", err)
	}
	defer clear(key[:])
	disk, err := file.New(o.disk, key[:])
	if err != nil {
		return nil, err
	}
	r := &reader{}
	if r.store, err = pebble.Open(pebble.Config{Dir: o.files, FS: disk, ReadOnly: true}); err != nil {
		return nil, err
	}
	if err := vault.CheckFormat(ctx, r.store); err != nil {
		_ = r.store.Close()
		return nil, fmt.Errorf("the store cannot be used: %w", err)
	}
	if r.sealer, err = seal.Open(ctx, seal.Config{Tenant: o.tenant, Keyring: keyring, Cells: r.store}); err != nil {
		_ = r.store.Close()
		return nil, fmt.Errorf("the store's keys do not open: %w", err)
	}
	r.vault = vault.New(vault.Config{Store: r.store, Sealer: r.sealer})
	return r, nil
}

func (r *reader) close() {
	_ = r.store.Close() // opened read-only: there is nothing to lose
	r.sealer.Close()
}
