package rekey_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/rekey"
	"github.com/wardkeep/wardkeep/internal/store"
)

// cut is what is left when the power fails: a disk without what was not synced, and
// the key files, each of which is whole.
type cut struct {
	disk  *vfs.MemFS
	files map[string][]byte
}

// power fails before and after each change of the register and of the root's file,
// and knows which commits nobody has waited for.
type power struct {
	t        *testing.T
	cut      func()
	promised int
}

func (p *power) around(do func() error) error {
	if p.promised > 0 {
		p.t.Error("the root's file changes before what was committed is durable")
	}
	p.cut()
	defer p.cut()
	return do()
}

type failingStore struct {
	store.Store
	*power
}

func (s failingStore) Commit(ctx context.Context, b record.Batch) (store.Receipt, error) {
	if !slices.ContainsFunc(b.Cells, func(c record.Cell) bool {
		return c.Space == record.SpaceMeta || string(c.Name) == verify.HandOversName
	}) {
		return s.Store.Commit(ctx, b)
	}
	s.cut()
	defer s.cut()
	receipt, err := s.Store.Commit(ctx, b)
	if err != nil {
		return nil, err
	}
	s.promised++
	return awaited{receipt, s.power}, nil
}

type awaited struct {
	store.Receipt
	*power
}

func (a awaited) Wait() error {
	a.promised--
	return a.Receipt.Wait()
}

type failingRoot struct {
	*local.Keyring
	*power
}

func (r failingRoot) Begin() error         { return r.around(r.Keyring.Begin) }
func (r failingRoot) Finish() error        { return r.around(r.Keyring.Finish) }
func (r failingRoot) BeginSigning() error  { return r.around(r.Keyring.BeginSigning) }
func (r failingRoot) FinishSigning() error { return r.around(r.Keyring.FinishSigning) }
func (r failingRoot) Newest() kms.Keyring  { return r.Keyring.Newest() }

// TestPowerCuts: whatever the disk forgets, the keys that are left open everything
// that had been promised, and the work goes on.
func TestPowerCuts(t *testing.T) {
	for _, key := range []string{"root", "checkpoint", "data"} {
		disk := vfs.NewCrashableMem()
		r := newRigOn(t, disk)
		r.start(r.engine).file(t, 0, 2)
		var cuts []cut
		fails := &power{t: t, cut: func() {
			c := cut{files: map[string][]byte{}, disk: disk.CrashClone(vfs.CrashCloneCfg{
				UnsyncedDataPercent: rand.IntN(2) * 50, RNG: rand.New(rand.NewPCG(rand.Uint64(), 1)),
			})}
			for _, path := range []string{r.rootPath(), r.filePath()} {
				text, err := os.ReadFile(path)
				check(t, err)
				c.files[filepath.Base(path)] = text
			}
			cuts = append(cuts, c)
		}}
		r.signs = func(k *local.Keyring) kms.Resigning { return failingRoot{k, fails} }
		p := r.start(failingStore{r.engine, fails}, func(c *rekey.Config) { c.Root = failingRoot{c.Root.(*local.Keyring), fails} })
		check(t, p.Rotate(t.Context(), "os:me", key, "because"))
		check(t, p.Carry(t.Context()))
		r.signs = nil
		if len(cuts) < 6 {
			t.Errorf("%s: the power was cut %d times", key, len(cuts))
		}
		for _, c := range cuts {
			r.after(c)
		}
	}
}

func (r *rig) after(c cut) {
	r.t.Helper()
	left := &rig{t: r.t, dir: r.t.TempDir(), clock: r.clock}
	for name, text := range c.files {
		check(r.t, os.WriteFile(filepath.Join(left.dir, name), text, 0o600))
	}
	left.engine = left.on(c.disk)
	r.t.Cleanup(func() { check(r.t, left.engine.Close()) })
	p := left.start(left.engine)
	p.reads(r.t, 2)
	check(r.t, p.Carry(r.t.Context()))
	p.reads(r.t, 2)
	if p.root.Rotating() || p.root.Next() != nil {
		r.t.Error("two keys are left")
	}
	left.start(left.engine).reads(r.t, 2)
	left.verify()
}
