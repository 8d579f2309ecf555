package audit_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	lsm "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
)

// evidence is a store's files with a history, and what was kept elsewhere.
type evidence struct {
	fs     *vfs.MemFS
	early  *vfs.MemFS // the same store at a third of its history
	pinned []byte     // the checkpoint kept outside at the end
	old    []byte     // the one at a third
	first  uint64     // shard that closed in order
	second uint64     // shard whose process died: its last entries are pending
}

const (
	early  = 300 // events logged before the early copy
	later  = 400
	lastly = 7 // entries left pending
)

func quietConfig(w *world) audit.Config {
	c := w.config()
	c.IntegrateEvery, c.SweepEvery, c.CheckpointEvery = time.Hour, time.Hour, time.Hour
	return c
}

func openFS(t testing.TB, fs *vfs.MemFS) *pebble.Store {
	t.Helper()
	s, err := pebble.Open(pebble.Config{Dir: "store", FS: fs, MemTableSize: 4 << 20, CacheSize: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func copyFS(t testing.TB, from *vfs.MemFS) *vfs.MemFS {
	t.Helper()
	to := vfs.NewMem()
	if _, err := vfs.Clone(from, to, "store", "store", vfs.CloneSync); err != nil {
		t.Fatal(err)
	}
	return to
}

// gather makes a store with two shards and three tiles, some versions, an
// update, a tombstone, and entries that were never integrated.
func gather(t testing.TB) *evidence {
	t.Helper()
	ev := &evidence{fs: vfs.NewMem()}
	s := openFS(t, ev.fs)
	w := worldOn(t, s)
	l, err := audit.Open(t.Context(), quietConfig(w))
	if err != nil {
		t.Fatal(err)
	}
	ev.first = l.Status().Shard
	w.write(l, put(1, 1, "a"), put(2, 1, "b"), put(3, 1, "c"))
	w.write(l, put(1, 2, "a2"))
	w.append(l, many(early)...)
	w.close(l)
	ev.old = readFile(t, w.out)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ev.early = copyFS(t, ev.fs)

	w.store = openFS(t, ev.fs)
	w = worldFor(t, w)
	if l, err = audit.Open(t.Context(), quietConfig(w)); err != nil {
		t.Fatal(err)
	}
	ev.second = l.Status().Shard
	w.write(l, put(1, 3, "a3"), put(4, 1, "d"))
	gone := put(3, 2, "")
	gone.Deleted, gone.Body, gone.Tokens, gone.Edges = true, nil, nil, nil
	w.write(l, gone)
	w.append(l, many(later)...)
	w.integrate(l)
	if err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	ev.pinned = readFile(t, w.out)
	w.write(l, put(5, 1, "e"))
	w.append(l, many(lastly-1)...)
	// The posting lists are merged, so that the administrator can read them.
	if err := w.store.(*pebble.Store).Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The process dies: nothing is closed in order.
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	_ = l.Close(context.Background())
	return ev
}

func many(n int) []audit.Event {
	events := make([]audit.Event, n)
	for i := range events {
		events[i] = shown(fmt.Sprintf("req-%d", i), byte(1+i%4), audit.Item{Key: key(byte(1 + i%4)), Version: 1})
		if i%8 != 0 {
			events[i].Query, events[i].Reason = "", ""
		}
	}
	return events
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// admin is the database's administrator: he can change every byte.
type admin struct {
	t  testing.TB
	db *lsm.DB
	ev *evidence
}

func (ev *evidence) tamper(t testing.TB, fs *vfs.MemFS, change func(admin)) {
	t.Helper()
	noMerge := func(_, _ []byte) (lsm.ValueMerger, error) { return nil, fmt.Errorf("nothing is merged here") }
	db, err := lsm.Open("store", &lsm.Options{
		FS: fs, FormatMajorVersion: lsm.FormatValueSeparation, DisableAutomaticCompactions: true,
		Merger: &lsm.Merger{Name: "wardkeep.posting.1", Merge: noMerge}, Logger: silent{},
	})
	if err != nil {
		t.Fatal(err)
	}
	change(admin{t, db, ev})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

// Keys of docs/formats/store-pebble.md.
func entryAt(shard, counter uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte("l"), shard), counter)
}
func rowAt(position uint64) []byte  { return binary.BigEndian.AppendUint64([]byte("a"), position) }
func bodyAt(position uint64) []byte { return binary.BigEndian.AppendUint64([]byte("b"), position) }
func cellAt(space record.Space, name []byte) []byte {
	return append([]byte{'x', byte(space)}, name...)
}

func (a admin) get(key []byte) []byte {
	a.t.Helper()
	v, closer, err := a.db.Get(key)
	if err != nil {
		a.t.Fatalf("no such key: %v", err)
	}
	defer closer.Close()
	return bytes.Clone(v)
}

func (a admin) set(key, value []byte) {
	a.t.Helper()
	if err := a.db.Set(key, value, lsm.Sync); err != nil {
		a.t.Fatal(err)
	}
}

func (a admin) drop(key []byte) {
	a.t.Helper()
	a.get(key)
	if err := a.db.Delete(key, lsm.Sync); err != nil {
		a.t.Fatal(err)
	}
}

func (a admin) flip(key []byte, at int) {
	v := a.get(key)
	if at < 0 {
		at += len(v)
	}
	v[at] ^= 1
	a.set(key, v)
}

func (a admin) swap(one, two []byte) {
	x, y := a.get(one), a.get(two)
	a.set(one, y)
	a.set(two, x)
}

// tree returns the id of the only tree.
func (a admin) tree() verify.TreeID {
	ids, err := verify.ParseTrees(a.get(cellAt(record.SpaceTree, []byte(verify.TreesName)))[8:])
	if err != nil {
		a.t.Fatal(err)
	}
	return ids[len(ids)-1]
}

func (a admin) treeCell(name []byte) []byte { return cellAt(record.SpaceTree, name) }

// worldFor opens a world's keys on another store.
func worldFor(t testing.TB, w *world) *world {
	t.Helper()
	out := w.out
	again := worldOn(t, w.store)
	again.out = out
	return again
}

// on opens the evidence for verification.
func (ev *evidence) on(t testing.TB, fs *vfs.MemFS) *world {
	t.Helper()
	s := openFS(t, fs)
	t.Cleanup(func() { _ = s.Close() })
	w := worldOn(t, s)
	w.out = filepath.Join(t.TempDir(), "pinned")
	if err := os.WriteFile(w.out, ev.pinned, 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}
