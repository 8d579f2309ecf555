package pebble_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/getsentry/sentry-go"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
)

// plain returns a batch of one new record.
func plain(n int) record.Batch {
	return record.Batch{
		Puts: []record.Put{{
			Key: record.Key{1, byte(n >> 16), byte(n >> 8), byte(n)}, Version: 1, Class: 1,
			Body: fmt.Appendf(nil, "body %d", n), Card: fmt.Appendf(nil, "card %d", n), Tokens: []record.Token{1, record.Token(100 + n)},
		}},
		Time: time.Unix(1000, 0),
	}
}

// TestDeviceFails lets the log's device fail under four writers. No commit that
// was not written may be promised, none may be taken afterwards, reads go on,
// and the next process finds every promise kept.
func TestDeviceFails(t *testing.T) {
	for _, sort := range []errorfs.OpKind{errorfs.OpFileSyncData, errorfs.OpFileWrite} {
		t.Run(fmt.Sprintf("operation %d", sort), func(t *testing.T) {
			under := vfs.NewCrashableMem()
			broken := errors.New("the device is gone")
			failing := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind == sort && strings.HasSuffix(op.Path, ".log") {
					return broken
				}
				return nil
			})}
			s, err := pebble.Open(pebble.Config{Dir: "store", FS: errorfs.Wrap(under, failing)})
			if err != nil {
				t.Fatal(err)
			}
			kept := writeUntilFailed(t, s, failing)
			if _, err := s.Commit(t.Context(), plain(1<<20)); !errors.Is(err, store.ErrFailed) {
				t.Errorf("a commit after the failure: %v", err)
			}
			if _, err := s.Sweep(t.Context()); !errors.Is(err, store.ErrFailed) {
				t.Errorf("a sweep after the failure: %v", err)
			}
			if rows, err := s.Get(t.Context(), []store.Ref{{Key: plain(0).Puts[0].Key}}, 0); err != nil || rows[0].Version != 1 {
				t.Errorf("a read after the failure: %v", err)
			}
			if !s.Stats().Failed {
				t.Error("Stats knows of no failure")
			}
			after := mustOpen(t, small("store", under.CrashClone(vfs.CrashCloneCfg{})))
			for n := range kept {
				if rows, err := after.Get(t.Context(), []store.Ref{{Key: plain(n).Puts[0].Key}}, 0); err != nil || rows[0].Version != 1 {
					t.Errorf("commit %d was promised and is lost: %v", n, err)
				}
			}
			closeSoon(t, s)
		})
	}
}

// writeUntilFailed returns the numbers of the records that were promised.
func writeUntilFailed(t *testing.T, s *pebble.Store, failing *errorfs.Toggle) map[int]bool {
	kept := make(map[int]bool)
	var mu sync.Mutex
	var wg sync.WaitGroup
	var next atomic.Int32
	for range 4 {
		wg.Go(func() {
			for range 2000 {
				n := int(next.Add(1)) - 1
				if n == 200 {
					failing.On()
				}
				r, err := s.Commit(t.Context(), plain(n))
				if err == nil {
					err = r.Wait()
				}
				if err != nil {
					if !errors.Is(err, store.ErrFailed) {
						t.Errorf("commit %d: %v", n, err)
					}
					return
				}
				mu.Lock()
				kept[n] = true
				mu.Unlock()
			}
			t.Error("all commits went through a device that was gone")
		})
	}
	wg.Wait()
	return kept
}

// TestLogRefuses goes on committing, without waiting, to a log that fails, far
// enough for the tree to fill blocks and to rotate the log. The tree itself
// would end the process. What has to happen instead: ErrFailed for commits and
// receipts, reads go on, Close neither hangs nor fails, and the folder opens
// with every promise kept and no hole.
func TestLogRefuses(t *testing.T) {
	for _, sort := range []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileSyncData, errorfs.OpCreate, errorfs.OpReuseForWrite} {
		t.Run(fmt.Sprintf("operation %d", sort), func(t *testing.T) {
			under := vfs.NewMem()
			failing := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
				if (op.Kind == sort || sort == errorfs.OpReuseForWrite && op.Kind == errorfs.OpCreate) && strings.HasSuffix(op.Path, ".log") {
					return errors.New("the device is gone")
				}
				return nil
			})}
			s, err := pebble.Open(small("store", errorfs.Wrap(under, failing)))
			if err != nil {
				t.Fatal(err)
			}
			promised := 20
			for n := range promised {
				if err := wait(t, s, fat(n)); err != nil {
					t.Fatal(err)
				}
			}
			failing.On()
			var receipts []store.Receipt
			for n := promised; err == nil; n++ {
				var r store.Receipt
				if r, err = s.Commit(t.Context(), fat(n)); err == nil {
					receipts = append(receipts, r)
				}
				if n > 2000 {
					t.Fatal("a log that fails took everything")
				}
			}
			if !errors.Is(err, store.ErrFailed) {
				t.Errorf("the commit after the failure: %v", err)
			}
			for _, r := range receipts {
				if err := r.Wait(); err != nil && !errors.Is(err, store.ErrFailed) {
					t.Errorf("wait: %v", err)
				} else if err == nil {
					promised++
				}
			}
			if err := s.Checkpoint("copy"); !errors.Is(err, store.ErrFailed) {
				t.Errorf("checkpoint: %v", err)
			}
			if rows, err := s.Get(t.Context(), []store.Ref{{Key: fat(0).Puts[0].Key}}, 0); err != nil || rows[0].Version != 1 {
				t.Errorf("a read after it: %v", err)
			}
			closeSoon(t, s)
			checked, err := mustOpen(t, small("store", under)).Check(t.Context())
			if err != nil || checked.Rows < promised {
				t.Errorf("%d rows of %d promised, %v", checked.Rows, promised, err)
			}
		})
	}
}

// fat is plain with a body that soon fills blocks, logs and memtables.
func fat(n int) record.Batch {
	b := plain(n)
	b.Puts[0].Body = make([]byte, 20<<10)
	b.Shard = 3
	b.Link = func() (record.LogRun, error) {
		return record.LogRun{First: uint64(n), Entries: [][]byte{{1}}}, nil
	}
	return b
}

func wait(t *testing.T, s store.Store, b record.Batch) error {
	r, err := s.Commit(t.Context(), b)
	if err != nil {
		return err
	}
	return r.Wait()
}

func closeSoon(t *testing.T, s store.Store) {
	t.Helper()
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Errorf("close: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Close hangs")
	}
}

// TestFatalHidesArguments checks that what ends the process quotes nothing.
func TestFatalHidesArguments(t *testing.T) {
	defer func() {
		if text := fmt.Sprint(recover()); strings.Contains(text, "key") || !strings.Contains(text, "7") {
			t.Errorf("panicked with %q", text)
		}
	}()
	pebble.Fatal()
}

// filled returns a file system with a closed store of n records.
func filled(t *testing.T, n int) *vfs.MemFS {
	fs := vfs.NewMem()
	s, err := pebble.Open(small("store", fs))
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := s.Commit(t.Context(), plain(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return fs
}

// TestDamagedTables flips bits of tables at rest. Whatever is read must be
// right, or ErrCorrupt; and some flip must be noticed.
func TestDamagedTables(t *testing.T) {
	const records = 500
	fs := filled(t, records)
	rng := rand.New(rand.NewPCG(1, 1))
	noticed := 0
	for range 60 {
		names, err := fs.List("store")
		if err != nil {
			t.Fatal(err)
		}
		damaged := vfs.NewMem()
		if _, err := vfs.Clone(fs, damaged, "store", "store"); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, ".sst") {
				rewrite(t, damaged, "store/"+name, func(b []byte) []byte {
					b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
					return b
				})
			}
		}
		if err := readAll(t, small("store", damaged), records); err != nil {
			if !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("got %v", err)
			}
			noticed++
		}
	}
	if noticed < 30 {
		t.Errorf("only %d of 60 were noticed", noticed)
	}
}

// readAll opens a store and reads everything; rows that come must be right.
func readAll(t *testing.T, cfg pebble.Config, records int) (err error) {
	s, err := pebble.Open(cfg)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	n := 0
	err = s.History(t.Context(), store.Span{Want: store.WantCard | store.WantBody}, func(row record.Row) error {
		want := plain(n).Puts[0]
		if row.Key != want.Key || !bytes.Equal(row.Body, want.Body) || !bytes.Equal(row.Card, want.Card) {
			t.Errorf("row %d is wrong", n)
		}
		n++
		return nil
	})
	if err == nil && n != records {
		t.Errorf("%d rows and no error", n)
	}
	found, err2 := s.Find(t.Context(), store.Find{Expr: store.Has{Token: 1}, CountOnly: true}, nil)
	if err2 == nil && found.Count != records {
		t.Errorf("%d found and no error", found.Count)
	}
	if err == nil {
		err = err2
	}
	_, err2 = s.Check(t.Context())
	if err == nil {
		err = err2
	}
	return err
}

// rewrite edits a stored file.
func rewrite(t *testing.T, fs vfs.FS, name string, edit func([]byte) []byte) {
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	_ = f.Close()
	if err != nil {
		t.Fatal(err)
	}
	if f, err = fs.Create(name, vfs.WriteCategoryUnspecified); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(edit(b)); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
}

// TestDamagedLog tells a log that a crash cut short, which opens with what is
// whole, from one damaged in the middle, which does not open.
func TestDamagedLog(t *testing.T) {
	under := vfs.NewCrashableMem()
	s := mustOpen(t, small("store", under))
	for n := range 300 {
		r, err := s.Commit(t.Context(), plain(n))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name string
		edit func([]byte) []byte
		want error
	}{
		{"whole", func(b []byte) []byte { return b }, nil},
		{"cut short", func(b []byte) []byte { return b[:len(b)-len(b)/3] }, nil},
		{"last bytes wrong", func(b []byte) []byte { b[len(b)-5] ^= 1; return b }, nil},
		{"damaged in the middle", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, store.ErrCorrupt},
		{"damaged at the start", func(b []byte) []byte { b[100] ^= 1; return b }, store.ErrCorrupt},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fs := under.CrashClone(vfs.CrashCloneCfg{})
			names, err := fs.List("store")
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				if info, err := fs.Stat("store/" + name); err == nil && strings.HasSuffix(name, ".log") && info.Size() > 4096 {
					rewrite(t, fs, "store/"+name, c.edit)
				}
			}
			s, err := pebble.Open(small("store", fs))
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil {
				if _, err := s.Check(t.Context()); err != nil {
					t.Error(err)
				}
				_ = s.Close()
			}
		})
	}
}

// TestNothingPhonesHome checks that the error reporter which the tree's
// libraries bring along stays without a client, errors and damage included.
func TestNothingPhonesHome(t *testing.T) {
	TestDamagedLog(t)
	nobody := sentry.NewHub(nil, sentry.NewScope()).Client() // the one that sends nothing
	if sentry.CurrentHub().Client() != nobody {
		t.Fatal("sentry-go was initialised")
	}
	if err := sentry.Init(sentry.ClientOptions{}); err != nil || sentry.CurrentHub().Client() == nobody {
		t.Fatalf("a reporter that is initialised is not told from one that is not: %v", err)
	}
	sentry.CurrentHub().BindClient(nil)
}
