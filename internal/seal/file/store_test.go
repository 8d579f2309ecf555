package file_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal/file"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/store/storetest"
)

func openStore(t testing.TB, dir string, under vfs.FS) *pebble.Store {
	t.Helper()
	s, err := pebble.Open(pebble.Config{Dir: dir, FS: under, MemTableSize: 256 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestStore runs the whole conformance suite through the layer.
func TestStore(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		storetest.Run(t, func(t testing.TB) store.Store { return openStore(t, "store", newFS(t, vfs.NewMem())) })
	})
	t.Run("disk", func(t *testing.T) {
		storetest.Run(t, func(t testing.TB) store.Store { return openStore(t, t.TempDir(), newFS(t, vfs.Default)) })
	})
}

// plant fills a store with marks that no compression can hide, through flush,
// compaction, checkpoint and a recycled log. It returns the marks.
func plant(t *testing.T, dir string, under vfs.FS) (marks [][]byte) {
	s, err := pebble.Open(pebble.Config{Dir: filepath.Join(dir, "store"), FS: under, MemTableSize: 256 << 10})
	if err != nil {
		t.Fatal(err)
	}
	noise := rand.NewChaCha8([32]byte{1})
	mark := func(n int) []byte {
		b := make([]byte, n)
		_, _ = noise.Read(b)
		return b
	}
	for i := range 400 {
		p := record.Put{Key: record.Key(mark(16)), Version: 1, Class: 1, Body: mark(1000), Card: mark(100)}
		cell := record.Cell{Space: record.SpaceName, Name: mark(32), Value: mark(32)}
		entry := mark(64)
		if i%10 == 0 || i > 395 {
			marks = append(marks, p.Key[:], p.Body[300:332], p.Card[30:62], cell.Name, cell.Value, entry)
		}
		link := func() (record.LogRun, error) {
			return record.LogRun{First: uint64(i), Entries: [][]byte{entry}}, nil
		}
		r, err := s.Commit(t.Context(), record.Batch{
			Puts: []record.Put{p}, Cells: []record.Cell{cell}, Link: link, Time: time.Unix(int64(i), 0),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(); err != nil {
			t.Fatal(err)
		}
		if i == 200 {
			if err := errors.Join(s.Compact(t.Context()), s.Checkpoint(filepath.Join(dir, "copy"))); err != nil {
				t.Fatal(err)
			}
		}
	}
	// A second checkpoint, taken with the log full, so that its copy is searched too.
	if err := errors.Join(s.Checkpoint(filepath.Join(dir, "late")), s.Close()); err != nil {
		t.Fatal(err)
	}
	return marks
}

// search returns how many of the marks appear in any byte below dir.
func search(t *testing.T, dir string, marks [][]byte) int {
	var all []byte
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(append(all, path...), b...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range marks {
		if bytes.Contains(all, m) {
			n++
		}
	}
	return n
}

// TestPlaintext finds what was planted without the layer, and nothing with it.
// What is stored without it proves that the search can see.
func TestPlaintext(t *testing.T) {
	plain, hidden := t.TempDir(), t.TempDir()
	marks := plant(t, plain, vfs.Default)
	if n := search(t, plain, marks); n < len(marks)*9/10 {
		t.Errorf("only %d of %d marks were found in the clear: the search is blind", n, len(marks))
	}
	marks = plant(t, hidden, newFS(t, vfs.Default))
	if n := search(t, hidden, marks); n != 0 {
		t.Errorf("%d of %d marks were found in encrypted files", n, len(marks))
	}
	for _, copy := range []string{"copy", "late"} {
		s := openStore(t, filepath.Join(hidden, copy), newFS(t, vfs.Default))
		rows := 0
		if err := s.History(t.Context(), store.Span{}, func(record.Row) error { rows++; return nil }); err != nil {
			t.Error(err)
		}
		if want := map[string]int{"copy": 201, "late": 400}[copy]; rows != want {
			t.Errorf("%s holds %d rows, want %d", copy, rows, want)
		}
	}
}

// TestForgedTable changes one byte in each page of each table of a closed store: what is
// asked of it afterwards is answered as before, or not at all.
func TestForgedTable(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, newFS(t, vfs.Default))
	store1 := filepath.Join(dir, "store")
	rows := func() (n int, err error) {
		s, err := pebble.Open(pebble.Config{Dir: store1, FS: newFS(t, vfs.Default)})
		if err != nil {
			return 0, err
		}
		err = s.History(t.Context(), store.Span{}, func(record.Row) error { n++; return nil })
		return n, errors.Join(err, s.Close())
	}
	if n, err := rows(); err != nil || n != 400 {
		t.Fatalf("%d rows, %v", n, err)
	}
	tables, err := filepath.Glob(filepath.Join(store1, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	refused, pages := 0, 0
	for _, table := range tables {
		whole, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		for at := 2000; at < len(whole); at += 20 * 4096 {
			altered := bytes.Clone(whole)
			altered[at] ^= 0x10
			if err := os.WriteFile(table, altered, 0o600); err != nil {
				t.Fatal(err)
			}
			pages++
			if n, err := rows(); err != nil {
				refused++
			} else if n != 400 {
				t.Errorf("%d rows are shown and no error", n)
			}
		}
		if err := os.WriteFile(table, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 { // what no row lies in is not read
		t.Errorf("none of %d changes was refused: the tables are not read", pages)
	}
	if n, err := rows(); err != nil || n != 400 {
		t.Errorf("put back: %d rows, %v", n, err)
	}
}

// TestWrongKey opens a store with a key that is not its own.
func TestWrongKey(t *testing.T) {
	dir := t.TempDir()
	if err := openStore(t, dir, newFS(t, vfs.Default)).Close(); err != nil {
		t.Fatal(err)
	}
	other, err := file.New(vfs.Default, bytes.Repeat([]byte{9}, file.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pebble.Open(pebble.Config{Dir: dir, FS: other}); !errors.Is(err, file.ErrKey) {
		t.Errorf("another key: %v", err)
	}
	if _, err := pebble.Open(pebble.Config{Dir: dir}); err == nil {
		t.Error("an encrypted folder was opened without a key")
	}
	openStore(t, dir, newFS(t, vfs.Default))
}

// TestCrash cuts the power at random moments; whatever a sync promised must be
// readable afterwards through the layer.
func TestCrash(t *testing.T) {
	for seed := range uint64(30) {
		under := vfs.NewCrashableMem()
		s := openStore(t, "store", newFS(t, under))
		durable := uint64(0)
		for v := uint64(1); v <= 40; v++ {
			r, err := s.Commit(t.Context(), record.Batch{
				Puts: []record.Put{{Key: record.Key{1}, Version: v, Class: 1, Body: make([]byte, 20_000)}}, Time: time.Unix(1, 0),
			})
			if err != nil {
				t.Fatal(err)
			}
			if v%3 == 0 {
				if err := r.Wait(); err != nil {
					t.Fatal(err)
				}
				durable = v
			}
		}
		after := under.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: int(seed * 4), RNG: rand.New(rand.NewPCG(seed, 1))})
		rows, err := openStore(t, "store", newFS(t, after)).Get(t.Context(), []store.Ref{{Key: record.Key{1}}}, 0)
		if err != nil || rows[0].Version < durable {
			t.Fatalf("seed %d: version %d after the crash, %d was durable, %v", seed, rows[0].Version, durable, err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for name, under := range map[string]vfs.FS{"plain": vfs.NewMem(), "encrypted": newFS(b, vfs.NewMem())} {
		b.Run(name, func(b *testing.B) {
			write(b, under, "file", make([]byte, 1<<20))
			f, err := under.Open("file")
			if err != nil {
				b.Fatal(err)
			}
			p := make([]byte, 16<<10)
			b.SetBytes(int64(len(p)))
			for i := 0; b.Loop(); i++ {
				if _, err := f.ReadAt(p, int64(i%60)*16000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCommit compares durable commits of 750 puts with and without the
// layer; an operation is one commit.
func BenchmarkCommit(b *testing.B) {
	for _, layer := range []struct {
		name  string
		under vfs.FS
	}{{"plain", vfs.Default}, {"encrypted", newFS(b, vfs.Default)}} {
		b.Run(layer.name, func(b *testing.B) {
			s, err := pebble.Open(pebble.Config{Dir: b.TempDir(), FS: layer.under})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			noise := rand.NewChaCha8([32]byte{2})
			for b.Loop() {
				puts := make([]record.Put, 750)
				for i := range puts {
					p := &puts[i]
					_, _ = noise.Read(p.Key[:])
					p.Version, p.Class, p.Body, p.Card = 1, 1, make([]byte, 800), make([]byte, 250)
					_, _ = noise.Read(p.Body)
					_, _ = noise.Read(p.Card)
					for n := range uint64(25) {
						p.Tokens = append(p.Tokens, record.Token(noise.Uint64()>>n))
					}
				}
				r, err := s.Commit(b.Context(), record.Batch{Puts: puts, Time: time.Unix(1, 0)})
				if err == nil {
					err = r.Wait()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
