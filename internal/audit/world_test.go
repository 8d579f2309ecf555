package audit_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
)

const tenant = "test"

// world is a store with its keys, and logs opened on it.
type world struct {
	t       testing.TB
	store   store.Store
	sealer  *seal.Sealer
	keyring kms.Keyring
	out     string // CheckpointOut
}

func newWorld(t testing.TB) *world {
	t.Helper()
	s, err := pebble.OpenMemory(clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return worldOn(t, s)
}

// worldOn makes keys in a fresh store.
func worldOn(t testing.TB, s store.Store) *world {
	t.Helper()
	w := &world{t: t, store: s, keyring: local.New([32]byte{1}), out: filepath.Join(t.TempDir(), "checkpoint")}
	c := seal.Config{Tenant: tenant, Keyring: w.keyring, Cells: s}
	b, err := seal.Init(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	b.Time = time.Now()
	r, err := s.Commit(t.Context(), b)
	if err == nil {
		err = r.Wait()
	}
	if err != nil && !errors.Is(err, store.ErrGuard) {
		t.Fatal(err)
	}
	if w.sealer, err = seal.Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) config() audit.Config {
	return audit.Config{
		Store: w.store, Sealer: w.sealer, Keyring: w.keyring, Tenant: tenant, Server: "ward-1",
		CheckpointOut: w.out, IntegrateEvery: time.Millisecond,
	}
}

func (w *world) open() *audit.Log {
	w.t.Helper()
	l, err := audit.Open(w.t.Context(), w.config())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = l.Close(context.Background()) })
	return l
}

// close closes a log; its last checkpoint covers everything.
func (w *world) close(l *audit.Log) {
	w.t.Helper()
	if err := l.Close(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

var class = record.Token(0xc1a55)

func key(n byte) record.Key { return record.Key{n, 1: 0xee} }

// put returns a version of a record. The store and the log treat bodies as
// opaque, so they need not be sealed here.
func put(n byte, version uint64, text string) record.Put {
	return record.Put{
		Key: key(n), Version: version, Class: class, Body: []byte("body " + text), Card: []byte("card " + text),
		Tokens: []record.Token{record.Token(n), 77}, Edges: []record.Edge{{Rel: 5, To: key(1)}},
	}
}

func written(puts ...record.Put) audit.Event {
	e := audit.Event{Actor: "nurse-1", Action: audit.ActionUpdate, Type: "Observation", RequestID: "req-w", Patients: []record.Key{key(1)}}
	for _, p := range puts {
		e.Items = append(e.Items, audit.Item{Key: p.Key, Version: p.Version})
	}
	return e
}

func (w *world) write(l *audit.Log, puts ...record.Put) {
	w.t.Helper()
	b := record.Batch{Puts: puts, Time: time.Now()}
	for i := range puts {
		b.Guards = append(b.Guards, record.Guard{Record: &puts[i].Key, Version: puts[i].Version - 1})
	}
	r, err := l.Commit(w.t.Context(), b, written(puts...))
	if err == nil {
		err = r.Wait()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func shown(request string, patient byte, items ...audit.Item) audit.Event {
	return audit.Event{
		Actor: "dr-1", Client: "portal", Session: "s1", Roles: []string{"doctor"}, Action: audit.ActionRead,
		Purpose: "TREAT", RequestID: request, Type: "Patient", Address: "10.0.0.7",
		Patients: []record.Key{key(patient)}, Items: items, Query: "name=smith", Reason: "ward round",
	}
}

func (w *world) append(l *audit.Log, events ...audit.Event) {
	w.t.Helper()
	if err := l.Append(w.t.Context(), events...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) integrate(l *audit.Log) {
	w.t.Helper()
	if err := l.Integrate(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) verify(change func(*verify.Config)) *verify.Report {
	w.t.Helper()
	c := verify.Config{Store: w.store, Key: w.keyring.Public(), Tenant: tenant, Open: w.opener(), Token: w.sealer.Token}
	if change != nil {
		change(&c)
	}
	r, err := verify.Run(w.t.Context(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) opener() func(aad, sealed []byte) ([]byte, error) {
	return func(aad, sealed []byte) ([]byte, error) { return w.sealer.OpenValue("audit", aad, sealed) }
}
