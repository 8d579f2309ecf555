package app

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/reindex"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/seal/file"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/vault"
	"github.com/wardkeep/wardkeep/internal/web"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// own are the files of a folder that a renewal makes, or that live with a process.
var own = []string{
	storeDir, blobsDir, rootKeyFile, fileKeyFile, signingFile, socketFile, spoolFile, renewingFile,
	inventoryFile, inventoryOpen, inventoryFile + ".part",
}

// openOld opens the folder that is read.
func (r *renewal) openOld(ctx context.Context) (*reader, kms.Keyring, error) {
	keyring, err := openKeyring(ctx, r.from.Dir, r.from.KMS)
	if err != nil {
		return nil, nil, err
	}
	old, err := reading{dir: r.from.Dir, files: filepath.Join(r.from.Dir, storeDir), kms: r.from.KMS, disk: vfs.Default, tenant: r.from.Tenant}.open(ctx, keyring)
	if err != nil {
		return nil, nil, err
	}
	if _, err := reindex.Open(ctx, reindex.Config{Vault: old.vault, Compile: reindex.FHIRPath}); err != nil {
		old.close()
		return nil, nil, err
	}
	return old, keyring, nil
}

// copy writes the new store.
func (r *renewal) copy(ctx context.Context) error {
	old, oldKeys, err := r.openOld(ctx)
	if err != nil {
		return err
	}
	defer old.close()
	keyring, err := openKeyring(ctx, r.to.Dir, r.to.KMS)
	if err != nil {
		return err
	}
	if err := r.at("file key"); err != nil {
		return err
	}
	key, err := seal.LoadOrCreateFileKey(ctx, keyring, filepath.Join(r.to.Dir, fileKeyFile))
	if err != nil {
		return err
	}
	defer clear(key[:])
	if err := r.at("files"); err != nil {
		return err
	}
	if err := r.files(ctx, seal.NewSafe(key)); err != nil {
		return err
	}
	disk, err := file.New(vfs.Default, key[:])
	if err != nil {
		return err
	}
	s, err := pebble.Open(pebble.Config{Dir: filepath.Join(r.to.Dir, storeDir), FS: disk, CacheSize: int64(r.to.CacheMB) << 20})
	if err != nil {
		return err
	}
	return errors.Join(r.fill(ctx, old, oldKeys, s, keyring), s.Close())
}

func (r *renewal) fill(ctx context.Context, old *reader, oldKeys kms.Keyring, s *pebble.Store, keyring kms.Keyring) error {
	cfg := seal.Config{Tenant: r.to.Tenant, Keyring: keyring, Cells: s}
	fresh, err := seal.Renew(ctx, cfg, old.sealer)
	if err != nil {
		return err
	}
	format := vault.FormatCell()
	was, err := old.store.Cells(ctx, format.Space, [][]byte{format.Name})
	if err != nil {
		return err
	}
	format.Value = was[0]
	fresh.Cells = append(fresh.Cells, format)
	if err := r.at("tenant keys"); err != nil {
		return err
	}
	if err := commit(ctx, s, fresh); err != nil {
		return err
	}
	sealer, err := seal.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer sealer.Close()
	if err := r.at("owners"); err != nil {
		return err
	}
	if err := owners(ctx, old, s, sealer); err != nil {
		return err
	}
	if err := r.at("log"); err != nil {
		return err
	}
	err = audit.Copy(ctx, r.to.Tenant, audit.Side{Store: old.store, Sealer: old.sealer, Keyring: oldKeys}, audit.Side{Store: s, Sealer: sealer, Keyring: keyring})
	if err != nil {
		return err
	}
	if err := r.at("versions"); err != nil {
		return err
	}
	to := vault.New(vault.Config{Store: s, Sealer: sealer})
	to.UseCatalog(old.vault.Catalog())
	v := vault.NewRenewal(old.vault, to, r.progress(), docTypes...)
	if err := v.Copy(ctx); err != nil {
		return err
	}
	if err := r.at("marks"); err != nil {
		return err
	}
	names := []string{packagesMark}
	for _, id := range v.Current[reindex.TypeEntry] {
		names = append(names, "reindex/"+id)
	}
	for _, id := range v.Current["Subscription"] {
		names = append(names, "notify/"+id)
	}
	if err := v.CopyMarks(ctx, names); err != nil {
		return err
	}
	return cursors(ctx, old, s, sealer)
}

func commit(ctx context.Context, s *pebble.Store, b record.Batch) error {
	receipt, err := s.Commit(ctx, b)
	if err != nil {
		return err
	}
	return receipt.Wait()
}

// owners has the new store adopt the keys under which parts of the log are sealed.
func owners(ctx context.Context, old *reader, s *pebble.Store, sealer *seal.Sealer) error {
	var b record.Batch
	err := old.store.Scan(ctx, record.SpaceKey, nil, nil, func(name, value []byte) error {
		cell, ok, err := sealer.Adopt(old.sealer, name, value)
		if err != nil || !ok {
			return err
		}
		if b.Cells = append(b.Cells, cell); len(b.Cells) < 500 {
			return nil
		}
		full := b
		b = record.Batch{}
		return commit(ctx, s, full)
	})
	if err == nil && len(b.Cells) > 0 {
		err = commit(ctx, s, b)
	}
	return err
}

// cursors seals anew up to where other systems have the log.
func cursors(ctx context.Context, old *reader, s *pebble.Store, sealer *seal.Sealer) error {
	return old.store.Scan(ctx, record.SpaceJob, []byte("audit-cursor/"), nil, func(name, value []byte) error {
		sealed, err := sealer.Reseal(old.sealer, "job", name, value)
		if err != nil {
			return err
		}
		return commit(ctx, s, record.Batch{Cells: []record.Cell{{Space: record.SpaceJob, Name: bytes.Clone(name), Value: sealed}}})
	})
}

// files copies what else lies in the folder: certificates, and what the demo knows.
func (r *renewal) files(ctx context.Context, to *seal.Safe) error {
	from, err := openSafe(ctx, r.from)
	if err != nil {
		return err
	}
	if err := r.sealedElsewhere(); err != nil {
		return err
	}
	for _, folder := range []string{".", secretsDir} {
		list, err := os.ReadDir(filepath.Join(r.from.Dir, folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range list {
			if err := r.file(filepath.Join(folder, e.Name()), e, from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *renewal) file(name string, e fs.DirEntry, from, to *seal.Safe) error {
	if slices.Contains(own, name) || name == secretsDir {
		return nil
	}
	if !e.Type().IsRegular() {
		r.say("  not copied: %s", name)
		return nil
	}
	info, err := e.Info()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(r.from.Dir, name))
	if err != nil {
		return err
	}
	if text, err = web.Reseal(name, text, from, to); err != nil {
		return err
	}
	path := filepath.Join(r.to.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return wholefile.Replace(path, text, info.Mode().Perm()&fs.FileMode(0o644))
}

// sealedElsewhere refuses a key outside the folder that only the old folder opens.
func (r *renewal) sealedElsewhere() error {
	path := r.from.TLSNextKey
	if path == "" {
		return nil
	}
	if inside, err := filepath.Rel(r.from.Dir, path); err == nil && filepath.IsLocal(inside) {
		return nil
	}
	text, err := os.ReadFile(path)
	if err == nil && seal.IsSealed(text) {
		return fault.New(fault.Conflict, "app.renew", "The file of tls_next_key lies outside the data folder and opens with its keys alone. Move it into the folder, change the setting, and say this again.")
	}
	return nil
}

// compare opens the new store as a server does, holds it against the old one version by
// version, and has the log say what each version is now.
func (r *renewal) compare(ctx context.Context) error {
	old, _, err := r.openOld(ctx)
	if err != nil {
		return err
	}
	defer old.close()
	cfg := r.to
	cfg.CheckpointOut = "" // nobody outside is to hear of it before it is whole
	h, err := OpenHouse(ctx, cfg, slog.New(slog.DiscardHandler), Options{Renewing: true})
	if err != nil {
		return err
	}
	v := vault.NewRenewal(old.vault, h.Vault, r.progress(), docTypes...)
	err = v.Compare(ctx, func(items []audit.Item) error {
		if err := r.at("entries"); err != nil {
			return err
		}
		return h.Log.Resealed(ctx, r.event(), items)
	})
	if err == nil {
		err = h.Keys.Renewed(ctx, operator(r.who, "operator").ID, r.reason)
	}
	return closeAfter(ctx, h, err)
}

// progress tells how far a walk is, now and then.
func (r *renewal) progress() func(uint64) {
	begun, told := time.Now(), uint64(0)
	return func(done uint64) {
		if done-told < 10000 {
			return
		}
		told = done
		r.say("  %d versions, %.0f a second", done, float64(done)/time.Since(begun).Seconds())
	}
}
