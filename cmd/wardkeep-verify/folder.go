package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/seal/file"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
)

type folderCmd struct {
	Dir      string `arg:"" help:"Data folder, or a checkpoint copy of its store. No server may have it open."`
	Keys     string `help:"Root key file. Without it the files are read as if they were not encrypted, and neither MACs nor records can be checked." placeholder:"FILE"`
	StoreKey string `help:"Wrapped key of the store's files; by default store.key in the folder or beside it." placeholder:"FILE"`
	Key      string `help:"Public key of the log, from somewhere else than the folder. By default that of --keys." placeholder:"KEY"`
	Pinned   string `help:"Signed checkpoint kept elsewhere." placeholder:"FILE"`
	Tenant   string `help:"Tenant; by default the one of the store's checkpoint."`
	JSON     bool   `help:"Print the report as JSON."`
	Quiet    bool   `help:"No progress."`
}

func (c *folderCmd) Run(ctx context.Context, t terminal) error {
	cfg := verify.Config{Tenant: c.Tenant}
	disk, keyring, err := c.disk(ctx, &cfg)
	if err != nil {
		return err
	}
	if c.Key != "" {
		if cfg.Key, err = publicKey(c.Key); err != nil {
			return err
		}
	}
	if cfg.Key == nil {
		return wrongUse("give --key, the public key of the log, or --keys")
	}
	if c.Pinned != "" {
		if cfg.Pinned, err = read("the pinned checkpoint", c.Pinned); err != nil {
			return err
		}
		if cfg.HandOvers, err = handOversBeside(c.Pinned); err != nil {
			return err
		}
	}
	report, err := c.verify(ctx, t, cfg, disk, keyring)
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(t.out).Encode(report)
	} else {
		_, err = io.WriteString(t.out, report.String())
	}
	if err == nil && !report.OK {
		return errFound
	}
	return err
}

func (c *folderCmd) verify(ctx context.Context, t terminal, cfg verify.Config, disk vfs.FS, keyring *local.Keyring) (*verify.Report, error) {
	files, err := pebble.Open(pebble.Config{Dir: c.files(), FS: disk, ReadOnly: true})
	if errors.Is(err, store.ErrCorrupt) {
		return verify.Damaged(err), nil
	}
	if err != nil {
		return nil, fmt.Errorf("the store does not open: %w", err)
	}
	defer files.Close() // opened read-only: there is nothing to lose
	cfg.Store = files
	if keyring != nil {
		if cfg.Tenant == "" {
			if cfg.Tenant, err = verify.TenantOf(ctx, files, cfg.Key); err != nil {
				return nil, err
			}
		}
		sealer, err := seal.Open(ctx, seal.Config{Tenant: cfg.Tenant, Keyring: keyring, Cells: files})
		if err != nil {
			return nil, fmt.Errorf("the keys of tenant %q do not open: %w", cfg.Tenant, err)
		}
		defer sealer.Close()
		cfg.Token = sealer.Token
		cfg.Open = func(aad, sealed []byte) ([]byte, error) { return sealer.OpenValue("audit", aad, sealed) }
	}
	if !c.Quiet && !c.JSON {
		cfg.Progress = func(done, total uint64) {
			if done%(1<<16) == 0 {
				fmt.Fprintf(t.err, "%d of %d leaves\n", done, total)
			}
		}
	}
	report, err := verify.Run(ctx, cfg)
	if errors.Is(err, store.ErrCorrupt) {
		return verify.Damaged(err), nil
	}
	return report, err
}

// files is where the store's files lie: in a data folder, or right here.
func (c *folderCmd) files() string {
	inside := filepath.Join(c.Dir, "store")
	if info, err := os.Stat(inside); err == nil && info.IsDir() {
		return inside
	}
	return c.Dir
}

// disk returns the file system the store is read through.
func (c *folderCmd) disk(ctx context.Context, cfg *verify.Config) (vfs.FS, *local.Keyring, error) {
	if info, err := os.Stat(c.Dir); err != nil || !info.IsDir() {
		return nil, nil, wrongUse("there is no folder " + c.Dir)
	}
	if c.Keys == "" {
		if _, err := os.Stat(filepath.Join(c.Dir, "signing.key")); err == nil {
			return nil, nil, wrongUse("the root key of this folder is kept by a key service: use wardkeep audit verify, which can ask it")
		}
		// Encrypted files without their key would look like damaged ones.
		if _, err := os.Stat(filepath.Join(c.Dir, "store.key")); err == nil {
			return nil, nil, wrongUse("the files of this folder are encrypted: give --keys, the root key file")
		}
		return vfs.Default, nil, nil
	}
	keyring, err := local.Open(c.Keys)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, wrongUse("there is no root key file " + c.Keys)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the root key cannot be used: %w", err)
	}
	cfg.Key = keyring.Public()
	wrapped := c.StoreKey
	for _, place := range []string{filepath.Join(c.Dir, "store.key"), filepath.Join(filepath.Dir(filepath.Clean(c.Dir)), "store.key")} {
		if _, err := os.Stat(place); wrapped == "" && err == nil {
			wrapped = place
		}
	}
	// Never create one here: this command writes nothing.
	if _, err := os.Stat(wrapped); err != nil {
		return nil, nil, wrongUse("store.key is neither in the folder nor beside it; name it with --store-key")
	}
	key, err := seal.LoadOrCreateFileKey(ctx, keyring, wrapped)
	if err != nil {
		return nil, nil, fmt.Errorf("the key of the store's files cannot be used: %w", err)
	}
	defer clear(key[:])
	disk, err := file.New(vfs.Default, key[:])
	return disk, keyring, err
}
