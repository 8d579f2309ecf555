package rekey_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/rekey"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/vault"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const tenant = "north"

// rig is an engine and a folder of key files, on which processes start and die.
type rig struct {
	t      *testing.T
	engine store.Store
	dir    string
	clock  *clock.Manual
	living *audit.Log                         // of the process that was started last
	signs  func(*local.Keyring) kms.Resigning // nil: the keyring itself
}

// process is what one process holds.
type process struct {
	*rekey.Manager
	root   *local.Keyring
	sealer *seal.Sealer
	log    *audit.Log
	vault  *vault.Vault
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigOn(t, vfs.NewMem())
}

// on opens the engine that lies on a disk.
func (r *rig) on(disk vfs.FS) store.Store {
	r.t.Helper()
	engine, err := pebble.Open(pebble.Config{Dir: "store", FS: disk, Clock: r.clock, CacheSize: 1 << 20})
	check(r.t, err)
	return engine
}

func newRigOn(t *testing.T, disk vfs.FS) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), clock: clock.NewManual(noon)}
	engine := r.on(disk)
	t.Cleanup(func() { check(t, engine.Close()) })
	r.engine = engine
	root, err := local.Create(r.rootPath())
	check(t, err)
	_, err = seal.LoadOrCreateFileKey(t.Context(), root, r.filePath())
	check(t, err)
	batch, err := seal.Init(t.Context(), seal.Config{Tenant: tenant, Keyring: root, Cells: engine})
	check(t, err)
	batch.Time, batch.Cells = noon, append(batch.Cells, vault.FormatCell())
	receipt, err := engine.Commit(t.Context(), batch)
	check(t, err)
	check(t, receipt.Wait())
	return r
}

func (r *rig) rootPath() string { return filepath.Join(r.dir, "root.key") }
func (r *rig) filePath() string { return filepath.Join(r.dir, "store.key") }

// start ends the process there was, and begins one that does its work through s.
func (r *rig) start(s store.Store, change ...func(*rekey.Config)) *process {
	r.t.Helper()
	if r.living != nil {
		_ = r.living.Close(context.Background()) // it may have failed, as it should
	}
	return r.beside(s, change...)
}

// beside begins a process while another one lives.
func (r *rig) beside(s store.Store, change ...func(*rekey.Config)) *process {
	r.t.Helper()
	ctx := context.Background()
	root, err := local.Open(r.rootPath())
	check(r.t, err)
	p := &process{root: root}
	p.sealer, err = seal.Open(ctx, seal.Config{Tenant: tenant, Keyring: root, Cells: s, Clock: r.clock})
	check(r.t, err)
	var signs kms.Resigning = root
	if r.signs != nil {
		signs = r.signs(root)
	}
	p.log, err = audit.Open(ctx, audit.Config{Store: s, Sealer: p.sealer, Keyring: signs, Clock: r.clock, Tenant: tenant})
	check(r.t, err)
	r.living = p.log
	r.t.Cleanup(func() { _ = p.log.Close(ctx) })
	p.vault = vault.New(vault.Config{Store: s, Sealer: p.sealer, Log: p.log, Clock: r.clock})
	cfg := rekey.Config{
		Store: s, Sealer: p.sealer, Log: p.log, Clock: r.clock, Slog: slog.New(slog.DiscardHandler),
		Root: root, Signing: signs, FileKey: r.filePath(),
	}
	for _, c := range change {
		c(&cfg)
	}
	p.Manager = rekey.New(cfg)
	return p
}

// verify checks the audit log of the engine, with keys of its own, and those that signed
// before as who keeps one.
func (r *rig) verify(kept ...ed25519.PublicKey) {
	r.t.Helper()
	p := r.start(r.engine)
	check(r.t, p.log.Close(context.Background()))
	for _, key := range append(kept, p.root.Public()) {
		r.verifyBy(p, key)
	}
}

func (r *rig) verifyBy(p *process, key ed25519.PublicKey) {
	r.t.Helper()
	report, err := verify.Run(context.Background(), verify.Config{
		Store: r.engine, Key: key, Tenant: tenant, Token: p.sealer.Token, Deep: p.vault.Deep(),
		Open: func(aad, sealed []byte) ([]byte, error) { return p.sealer.OpenValue("audit", aad, sealed) },
	})
	if err != nil || !report.OK {
		r.t.Errorf("the audit log: %v\n%v", err, report)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// file files patients, each with a condition, and a mark of progress.
func (p *process) file(t *testing.T, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		var changes []vault.Change
		for _, text := range []string{
			fmt.Sprintf(`{"resourceType":"Patient","id":"p%d","name":[{"family":"F%d"}]}`, n, n),
			fmt.Sprintf(`{"resourceType":"Condition","id":"c%d","subject":{"reference":"Patient/p%d"}}`, n, n),
		} {
			res, err := fhir.Parse([]byte(text))
			check(t, err)
			changes = append(changes, vault.Change{TypeID: vault.TypeID{Type: res.Type(), ID: res.ID()}, Resource: res})
		}
		_, err := p.vault.Commit(context.Background(), vault.Tx{Changes: changes, Jobs: []vault.Job{{Name: fmt.Sprint("job", n), Value: "done"}}})
		check(t, err)
	}
}

// reads opens all that was filed.
func (p *process) reads(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		for _, id := range []vault.TypeID{{Type: "Patient", ID: fmt.Sprint("p", i)}, {Type: "Condition", ID: fmt.Sprint("c", i)}} {
			if rec, err := p.vault.Get(context.Background(), id); err != nil || len(rec.Body) == 0 {
				t.Fatalf("a %s does not open: %v", id.Type, err)
			}
		}
		if v, err := p.vault.JobValue(context.Background(), fmt.Sprint("job", i)); err != nil || v != "done" {
			t.Fatalf("a mark does not open: %v", err)
		}
	}
}

// uses of a version of a key, by the status.
func (p *process) uses(t *testing.T, key string, version uint32) (u rekey.Uses, found bool) {
	t.Helper()
	status, err := p.Status(context.Background())
	check(t, err)
	for _, k := range status.Keys {
		if k.Key == key && k.Version == version {
			return *k.Sealed, true
		}
	}
	return u, false
}

// cells are those of a space, by name.
func (r *rig) cells(space record.Space) map[string]string {
	r.t.Helper()
	out := map[string]string{}
	check(r.t, r.engine.Scan(context.Background(), space, nil, nil, func(name, value []byte) error {
		out[string(name)] = string(value)
		return nil
	}))
	return out
}

// newest commits another version of a record, and returns it as the store has it.
func (r *rig) newest(p *process, typ, id, text string) (seal.Ref, []byte) {
	r.t.Helper()
	ctx := context.Background()
	old, err := p.vault.Get(ctx, vault.TypeID{Type: typ, ID: id})
	check(r.t, err)
	res, err := fhir.Parse([]byte(text))
	check(r.t, err)
	_, err = p.vault.Commit(ctx, vault.Tx{Changes: []vault.Change{{TypeID: old.TypeID, Expect: old.Version, Resource: res}}})
	check(r.t, err)
	rows, err := r.engine.Get(ctx, []store.Ref{{Key: old.Key}}, store.WantCard)
	check(r.t, err)
	return seal.Ref{Type: typ, Key: old.Key, Version: rows[0].Version}, rows[0].Card
}
