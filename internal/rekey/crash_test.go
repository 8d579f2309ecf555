package rekey_test

import (
	"context"
	"errors"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/rekey"
	"github.com/wardkeep/wardkeep/internal/store"
)

// death is when a process dies: at the n-th commit of the register or change of the
// root's file, before it happens or right after.
type death struct {
	left  int
	after bool
	dead  bool
}

var errDead = errors.Join(store.ErrFailed, errors.New("the process is dead"))

func (d *death) at(do func() error) error {
	if d.dead {
		return errDead
	}
	d.left--
	d.dead = d.left < 0
	if d.dead && !d.after {
		return errDead
	}
	if err := do(); err != nil {
		return err
	}
	if d.dead {
		return errDead
	}
	return nil
}

// mortalStore is the engine as a process sees it that dies.
type mortalStore struct {
	store.Store
	*death
}

func (s mortalStore) Commit(ctx context.Context, b record.Batch) (receipt store.Receipt, err error) {
	ours := false
	for _, c := range b.Cells {
		ours = ours || c.Space == record.SpaceMeta || string(c.Name) == verify.HandOversName
	}
	commit := func() (err error) {
		receipt, err = s.Store.Commit(ctx, b)
		return err
	}
	switch {
	case ours:
		err = s.at(commit)
	case s.dead:
		err = errDead
	default:
		err = commit()
	}
	if err != nil {
		return nil, err
	}
	return receipt, nil
}

// mortalRoot is the keyring of such a process.
type mortalRoot struct {
	*local.Keyring
	*death
}

func (r mortalRoot) Begin() error         { return r.at(r.Keyring.Begin) }
func (r mortalRoot) Finish() error        { return r.at(r.Keyring.Finish) }
func (r mortalRoot) BeginSigning() error  { return r.at(r.Keyring.BeginSigning) }
func (r mortalRoot) FinishSigning() error { return r.at(r.Keyring.FinishSigning) }
func (r mortalRoot) Newest() kms.Keyring  { return r.Keyring.Newest() }

// TestCrashes: a process that replaces a key dies at each step, before it or right
// after. The next one opens everything, carries on, and ends where one that lived
// does; and what was in the log verifies.
func TestCrashes(t *testing.T) {
	for _, key := range []string{"root", "checkpoint", "data", "blob", "audit"} {
		deaths := 0
		for _, after := range []bool{false, true} {
			for n := 0; ; n++ {
				d := &death{left: n, after: after}
				crashAt(t, key, d)
				if !d.dead {
					break
				}
				deaths++
			}
		}
		if least := map[string]int{"root": 12, "checkpoint": 12, "data": 6, "blob": 6, "audit": 6}[key]; deaths < least {
			t.Errorf("%s: %d deaths were tried, %d at least were to be", key, deaths, least)
		}
	}
}

func crashAt(t *testing.T, key string, d *death) {
	r := newRig(t)
	r.start(r.engine).file(t, 0, 3)
	r.signs = func(k *local.Keyring) kms.Resigning { return mortalRoot{k, d} }
	p := r.start(mortalStore{r.engine, d}, func(c *rekey.Config) { c.Root = mortalRoot{c.Root.(*local.Keyring), d} })
	r.signs = nil
	was, signed := p.root.ID(), p.root.Public()
	begun := p.Rotate(t.Context(), "os:me", key, "because")
	if begun == nil {
		begun = p.Carry(t.Context())
	}
	if (begun != nil) != d.dead {
		t.Fatalf("%s, step %d: %v", key, d.left, begun)
	}
	next := r.start(r.engine)
	next.reads(t, 3)
	next.file(t, 3, 4)
	check(t, next.Carry(t.Context()))
	if err := next.Rotate(t.Context(), "os:me", key, "once more"); err != nil {
		t.Fatalf("%s: after what was carried on, another is refused: %v", key, err)
	}
	check(t, next.Carry(t.Context()))
	next.reads(t, 4)
	if next.root.Public().Equal(signed) != (key != "checkpoint") || next.root.Next() != nil {
		t.Errorf("%s: another key signs than should", key)
	}
	if next.root.Rotating() || (next.root.ID() != was) != (key == "root") {
		t.Errorf("%s: the root is not the one it should be", key)
	}
	for version := uint32(1); version < 3 && key == "data"; version++ {
		if u, found := next.uses(t, key, version); found && u.Owners > 0 && version < newest(t, next, key) {
			t.Errorf("owners' keys are under version %d: %+v", version, u)
		}
	}
	r.verify(signed)
}

func newest(t *testing.T, p *process, key string) uint32 {
	t.Helper()
	versions, err := p.sealer.TenantVersions(t.Context())
	check(t, err)
	return versions[key][0].Version
}

// TestLostRegister: a store that forgets what is under way, or tells of an older
// state, loses no key.
func TestLostRegister(t *testing.T) {
	for _, key := range []string{"root", "checkpoint", "data"} {
		r := newRig(t)
		p := r.start(r.engine)
		p.file(t, 0, 2)
		signed := p.root.Public()
		check(t, p.Rotate(t.Context(), "os:me", key, "because"))
		var states []string
		for more := true; more; {
			for _, value := range r.cells(record.SpaceMeta) {
				if value[0] == 1 {
					states = append(states, value)
				}
			}
			var err error
			more, err = p.Step(t.Context())
			check(t, err)
		}
		for _, state := range append(states, "") {
			c := record.Cell{Space: record.SpaceMeta, Name: []byte("keys"), Value: []byte(state)}
			if state == "" {
				c.Value = nil
			}
			check(t, p.Rotate(t.Context(), "os:me", key, "once more"))
			_, err := p.Step(t.Context())
			check(t, err)
			r.put(c)
			p = r.start(r.engine)
			check(t, p.Carry(t.Context()))
			r.clock.Advance(rekey.Grace)
			check(t, p.Drop(t.Context()))
			p = r.start(r.engine)
			p.reads(t, 2)
			if p.root.Rotating() || p.root.Next() != nil {
				t.Errorf("%s: two keys are left", key)
			}
		}
		r.verify(signed)
	}
}
