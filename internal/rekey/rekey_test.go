package rekey_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/rekey"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/store"
)

func TestStatus(t *testing.T) {
	r := newRig(t)
	p := r.start(r.engine)
	p.file(t, 0, 3)
	r.clock.Advance(3 * 24 * time.Hour)
	status, err := p.Status(t.Context())
	check(t, err)
	var names []string
	for _, k := range status.Keys {
		names = append(names, k.Key)
		if !k.Current || !k.Made.Equal(noon) || k.AgeDays != 3 || k.ID != p.root.ID() && k.Key != "checkpoint" {
			t.Errorf("%+v", k)
		}
	}
	if want := []string{"root", "checkpoint", "data", "index", "blob", "audit"}; !slices.Equal(names, want) || status.UnderWay != nil {
		t.Errorf("%v, under way %v", names, status.UnderWay)
	}
	if u, _ := p.uses(t, "data", 1); u.Owners != 3 || u.Values != 3 {
		t.Errorf("three patients and three marks, counted as %+v", u)
	}
}

// TestTellsWhyItStopped: what keeps a replacement from going on is told with it, and at
// once, without looking at what is sealed.
func TestTellsWhyItStopped(t *testing.T) {
	r := newRig(t)
	broken := errors.New("no room")
	p := r.start(r.engine, func(c *rekey.Config) { c.Again = func(context.Context) error { return broken } })
	p.file(t, 0, 3)
	check(t, p.Rotate(t.Context(), "os:me", "data", "it is time"))
	status, err := p.Summary(t.Context())
	if err != nil || status.UnderWay == nil || status.UnderWay.Problem != "" || len(status.Keys) != 7 || status.Keys[2].Sealed != nil {
		t.Fatalf("%+v, %v", status, err)
	}
	p.Start(t.Context())
	defer p.Close()
	for status.UnderWay.Problem == "" {
		time.Sleep(time.Millisecond)
		status, err = p.Summary(t.Context())
		check(t, err)
	}
	if !strings.Contains(status.UnderWay.Problem, broken.Error()) {
		t.Errorf("%+v", status.UnderWay)
	}
}

// TestRotateData: the new version seals from then on, everything before opens,
// and the old one goes when a day is over and nothing is sealed under it.
func TestRotateData(t *testing.T) {
	r := newRig(t)
	again := 0
	p := r.start(r.engine, func(c *rekey.Config) { c.Again = func(context.Context) error { again++; return nil } })
	p.file(t, 0, 5)
	check(t, p.vault.PutShort(t.Context(), "session", "s", []byte("v"), noon.Add(48*time.Hour)))
	p.reads(t, 5) // the keys are in memory
	check(t, p.Rotate(t.Context(), "os:me", "data", "it is time"))
	p.file(t, 5, 6)
	if err := p.Rotate(t.Context(), "os:me", "blob", "x"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second one at once: %v", err)
	}
	check(t, p.Carry(t.Context()))
	if again != 1 {
		t.Errorf("others wrote their own anew %d times", again)
	}
	p.reads(t, 6)
	if u, _ := p.uses(t, "data", 1); u != (rekey.Uses{Values: 1}) {
		t.Errorf("under the old version: %+v", u)
	}
	// The grace is over first, then the session lapses.
	for i, there := range []bool{true, true, false} {
		check(t, p.Drop(t.Context()))
		if _, found := p.uses(t, "data", 1); found != there {
			t.Errorf("after %d days it is there: %v", i, found)
		}
		r.clock.Advance(rekey.Grace)
	}
	p.reads(t, 6)
	p = r.start(r.engine)
	p.reads(t, 6)
	r.verify()
}

// TestDropIsRefused is the control: a single key under the old version, committed
// late, keeps it, and is rewrapped.
func TestDropIsRefused(t *testing.T) {
	r := newRig(t)
	p := r.start(r.engine)
	p.file(t, 0, 2)
	before := r.cells(record.SpaceKey)
	check(t, p.Rotate(t.Context(), "os:me", "data", "it is time"))
	check(t, p.Carry(t.Context()))
	for name, value := range before {
		if name[0] == 'p' {
			r.put(record.Cell{Space: record.SpaceKey, Name: []byte(name), Value: []byte(value)})
			break
		}
	}
	r.clock.Advance(rekey.Grace)
	check(t, p.Drop(t.Context()))
	if u, found := p.uses(t, "data", 1); !found || u.Owners != 1 {
		t.Fatalf("a version that a key is wrapped under was dropped: %+v", u)
	}
	check(t, p.Carry(t.Context()))
	check(t, p.Drop(t.Context()))
	if _, found := p.uses(t, "data", 1); found {
		t.Error("the version stays")
	}
	r.start(r.engine).reads(t, 2)
}

// put writes a cell past every guard, as a batch under way would.
func (r *rig) put(c record.Cell) {
	r.t.Helper()
	_, err := r.engine.Commit(context.Background(), record.Batch{Time: r.clock.Now(), Cells: []record.Cell{c}})
	check(r.t, err)
}

// TestGrace: what was under way when the key was replaced may still come.
func TestGrace(t *testing.T) {
	r := newRig(t)
	p := r.start(r.engine)
	check(t, p.Rotate(t.Context(), "os:me", "blob", "it is time"))
	check(t, p.Carry(t.Context()))
	for i, there := range []bool{true, true, false} {
		check(t, p.Drop(t.Context()))
		if _, found := p.uses(t, "blob", 1); found != there {
			t.Errorf("after %d half graces it is there: %v", i, found)
		}
		r.clock.Advance(rekey.Grace / 2)
	}
}

// TestTwoProcesses: of two that begin at once one is refused.
func TestTwoProcesses(t *testing.T) {
	r := newRig(t)
	other := r.start(r.engine)
	check(t, other.log.Append(t.Context(), audit.Event{Reason: "makes the key of reasons"}))
	s := &meeting{Store: r.engine}
	p := r.beside(s)
	s.before = func() { check(t, other.Rotate(context.Background(), "os:other", "blob", "first")) }
	if err := p.Rotate(t.Context(), "os:me", "data", "second"); !fault.Is(err, fault.Conflict) {
		t.Errorf("both replace a key: %v", err)
	}
	check(t, other.Carry(t.Context()))
	check(t, p.Rotate(t.Context(), "os:me", "data", "second"))
}

// meeting is a store at which somebody is faster, once.
type meeting struct {
	store.Store
	before func()
}

func (m *meeting) Commit(ctx context.Context, b record.Batch) (store.Receipt, error) {
	if before := m.before; before != nil && slices.ContainsFunc(b.Cells, func(c record.Cell) bool { return c.Space == record.SpaceMeta }) {
		m.before = nil
		before()
	}
	return m.Store.Commit(ctx, b)
}

// TestDamagedOwner: what does not open is left as it is, is counted, and keeps its
// version.
func TestDamagedOwner(t *testing.T) {
	r := newRig(t)
	p := r.start(r.engine)
	p.file(t, 0, 2)
	var name, value string
	for name, value = range r.cells(record.SpaceKey) {
		if name[0] == 'p' {
			break
		}
	}
	spoilt := []byte(value)
	spoilt[60] ^= 1
	r.put(record.Cell{Space: record.SpaceKey, Name: []byte(name), Value: spoilt})
	check(t, p.Rotate(t.Context(), "os:me", "data", "it is time"))
	check(t, p.Carry(t.Context()))
	r.clock.Advance(rekey.Grace)
	check(t, p.Drop(t.Context()))
	if more, err := p.Step(t.Context()); more || err != nil {
		t.Errorf("it is swept for ever: %v", err)
	}
	if u, found := p.uses(t, "data", 1); !found || u.Owners != 1 {
		t.Errorf("the version it needs was dropped: %+v", u)
	}
	if got := r.cells(record.SpaceKey)[name]; got != string(spoilt) {
		t.Error("the damaged cell was changed")
	}
}

// TestNewContentNewKey: who has the old tenant key and an old copy of the store has
// the owners' keys of then; none of them opens what is sealed after the sweep.
func TestNewContentNewKey(t *testing.T) {
	r := newRig(t)
	p := r.start(r.engine)
	p.file(t, 0, 1)
	p.reads(t, 1) // the owner's key is in memory
	old := r.cells(record.SpaceKey)
	check(t, p.Rotate(t.Context(), "os:me", "data", "stolen"))
	check(t, p.Carry(t.Context()))
	p.file(t, 1, 2)
	ref, card := r.newest(p, "Condition", "c0", `{"resourceType":"Condition","id":"c0","subject":{"reference":"Patient/p0"},"onsetString":"new"}`)
	if _, err := p.sealer.OpenCard(t.Context(), ref, card); err != nil {
		t.Fatal(err)
	}
	for name, value := range old {
		r.put(record.Cell{Space: record.SpaceKey, Name: []byte(name), Value: []byte(value)})
	}
	thief, err := seal.Open(t.Context(), seal.Config{Tenant: tenant, Keyring: p.root, Cells: r.engine, Clock: r.clock})
	check(t, err)
	if _, err := thief.OpenCard(t.Context(), ref, card); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("a card sealed after the rotation opens with the keys before it: %v", err)
	}
}

// TestRotateAuditAndBlob: both are replaced; the audit log verifies across it, and
// its old version stays, however long.
func TestRotateAuditAndBlob(t *testing.T) {
	r := newRig(t)
	p := r.start(r.engine)
	p.file(t, 0, 2)
	head, err := p.sealer.SealFor(t.Context(), "blob", nil, []byte("name"), []byte("head"))
	check(t, err)
	check(t, p.vault.PutKeys(t.Context(), head.Cells, head.Guards))
	for _, key := range []string{"audit", "blob"} {
		check(t, p.Rotate(t.Context(), "os:me", key, "it is time"))
		check(t, p.Carry(t.Context()))
	}
	p.file(t, 2, 3)
	if u, _ := p.uses(t, "blob", 1); u != (rekey.Uses{}) {
		t.Errorf("under the old blob key: %+v", u)
	}
	r.clock.Advance(400 * 24 * time.Hour)
	check(t, p.Drop(t.Context()))
	check(t, p.Drop(t.Context()))
	p = r.start(r.engine)
	if text, err := p.sealer.OpenFor(t.Context(), "blob", []byte("name"), head.Body); err != nil || string(text) != "head" {
		t.Errorf("a head from before: %v", err)
	}
	status, err := p.Status(t.Context())
	check(t, err)
	versions := map[string]int{}
	for _, k := range status.Keys {
		versions[k.Key]++
	}
	if versions["audit"] != 2 || versions["blob"] != 1 {
		t.Errorf("versions left: %v", versions)
	}
	r.verify()
}

func TestRotateRoot(t *testing.T) {
	r := newRig(t)
	p := r.start(r.engine)
	p.file(t, 0, 2)
	old, err := os.ReadFile(r.rootPath())
	check(t, err)
	was := p.root.ID()
	linked := r.rootPath() + ".link" // to the bytes on the disk
	check(t, os.Link(r.rootPath(), linked))
	check(t, p.Rotate(t.Context(), "os:me", "root", "an operator has left"))
	check(t, p.Carry(t.Context()))
	if p.root.Rotating() || p.root.ID() == was {
		t.Error("the root is the one before, or both are kept")
	}
	for _, path := range []string{r.rootPath(), linked} {
		text, err := os.ReadFile(path)
		check(t, err)
		if strings.Contains(string(text), strings.Fields(string(old))[len(strings.Fields(string(old)))-1]) {
			t.Errorf("the old root is still in %s", path)
		}
	}
	p.reads(t, 2)
	r.start(r.engine).reads(t, 2)
	r.verify()
	check(t, os.WriteFile(r.rootPath()+".old", old, 0o600))
	before, err := local.Open(r.rootPath() + ".old")
	check(t, err)
	if _, err := seal.Open(t.Context(), seal.Config{Tenant: tenant, Keyring: before, Cells: r.engine}); err == nil {
		t.Error("the old root still opens the keys")
	}
	if _, err := seal.LoadOrCreateFileKey(t.Context(), before, r.filePath()); err == nil {
		t.Error("the old root still opens the key of the files")
	}
	status, err := r.start(r.engine).Status(t.Context())
	check(t, err)
	if k := status.Keys[0]; k.By != "os:me" || k.Reason != "an operator has left" || k.ID != p.root.ID() {
		t.Errorf("%+v", k)
	}
}

// TestRefusals: what cannot be carried to its end is not begun.
func TestRefusals(t *testing.T) {
	r := newRig(t)
	p := r.start(r.engine)
	for _, c := range []struct {
		key, reason string
		want        fault.Kind
	}{
		{"data", "  ", fault.Invalid}, {"nonsense", "why", fault.Invalid}, {"index", "why", fault.NotSupported},
	} {
		if err := p.Rotate(t.Context(), "os:me", c.key, c.reason); !fault.Is(err, c.want) {
			t.Errorf("%s: %v", c.key, err)
		}
	}
	if err := r.start(r.engine, func(c *rekey.Config) { c.Root = nil }).Rotate(t.Context(), "os:me", "root", "why"); !fault.Is(err, fault.NotSupported) {
		t.Errorf("the root of a service: %v", err)
	}
	if err := r.start(r.engine, func(c *rekey.Config) { c.Signing = nil }).Rotate(t.Context(), "os:me", "checkpoint", "why"); !fault.Is(err, fault.NotSupported) {
		t.Errorf("a signing key that is not here: %v", err)
	}
	other, err := seal.Init(t.Context(), seal.Config{Tenant: "south", Keyring: p.root, Cells: r.engine})
	check(t, err)
	r.put(other.Cells[0])
	if err := p.Rotate(t.Context(), "os:me", "root", "why"); !fault.Is(err, fault.NotSupported) {
		t.Errorf("a root that another tenant's keys are wrapped by: %v", err)
	}
	if more, err := p.Step(t.Context()); more || err != nil {
		t.Errorf("something was begun: %v", err)
	}
}

// TestEntries: the log tells who replaced which key, and why.
func TestEntries(t *testing.T) {
	r := newRig(t)
	p := r.start(r.engine)
	p.file(t, 0, 1)
	for _, key := range []string{"root", "data"} {
		check(t, p.Rotate(t.Context(), "os:me", key, "because"))
		check(t, p.Carry(t.Context()))
	}
	r.clock.Advance(rekey.Grace)
	check(t, p.Drop(t.Context()))
	check(t, p.log.Integrate(t.Context()))
	var told []string
	check(t, p.log.Search(t.Context(), audit.Filter{}, func(e *audit.Record) error {
		if e.Action == audit.ActionRekey {
			told = append(told, e.Actor+" "+e.Detail)
			if e.Reason == "" {
				t.Error("an entry without a reason")
			}
		}
		return nil
	}))
	for i, want := range []string{
		"os:me root: begun", "os:me root: everything is rewrapped", "os:me root: the root before is destroyed",
		"os:me data: version 2 seals", "os:me data: 2 cells", "wardkeep data: version 1 is dropped",
	} {
		if i >= len(told) || !strings.HasPrefix(told[i], want) {
			t.Fatalf("entry %d is not %q of %q", i, want, told)
		}
	}
}
