package pebble_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	lsm "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/store/storetest"
)

func TestCheckpoint(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, small(dir+"/store", nil))
	for n := range 100 {
		must(t, s, plain(n))
	}
	if err := s.Checkpoint(dir + "/copy"); err != nil {
		t.Fatal(err)
	}
	if err := s.Checkpoint(dir + "/copy"); err == nil {
		t.Error("a checkpoint was laid over another")
	}
	must(t, s, plain(100))
	copied := mustOpen(t, small(dir+"/copy", nil))
	for _, c := range []struct {
		s    *pebble.Store
		rows int
	}{{s, 101}, {copied, 100}} {
		if checked, err := c.s.Check(t.Context()); err != nil || checked.Rows != c.rows {
			t.Errorf("%+v, %v, want %d rows", checked, err, c.rows)
		}
	}
	must(t, copied, plain(200)) // a copy lives on by itself
}

// TestClosedLog checks that a clean close leaves nothing to recover: the store
// is whole without its log files.
func TestClosedLog(t *testing.T) {
	fs := filled(t, 50)
	names, err := fs.List("store")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			if err := fs.Remove("store/" + name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := readAll(t, small("store", fs), 50); err != nil {
		t.Error(err)
	}
}

// TestInUse opens a folder twice, from this process and from another one.
func TestInUse(t *testing.T) {
	dir := t.TempDir()
	if held := os.Getenv("WARDKEEP_TEST_HOLD"); held != "" {
		mustOpen(t, small(held, nil))
		_, _ = os.Stdout.WriteString("held\n")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		return
	}
	s := mustOpen(t, small(dir, nil))
	if _, err := pebble.Open(small(dir, nil)); !errors.Is(err, pebble.ErrInUse) {
		t.Errorf("from this process: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInUse$")
	other.Env = append(os.Environ(), "WARDKEEP_TEST_HOLD="+dir)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	if _, err := pebble.Open(small(dir, nil)); !errors.Is(err, pebble.ErrInUse) {
		t.Errorf("from another process: %v", err)
	}
	_ = in.Close()
	_ = other.Wait()
	mustOpen(t, small(dir, nil))
}

// TestReadOnly looks at a folder and leaves every byte of it as it was.
func TestReadOnly(t *testing.T) {
	fs := filled(t, 20)
	look := small("store", fs)
	look.ReadOnly = true
	s := mustOpen(t, look) // and closes it without an error
	if checked, err := s.Check(t.Context()); err != nil || checked.Rows != 20 {
		t.Errorf("%+v, %v", checked, err)
	}
	if _, err := s.Commit(t.Context(), plain(20)); !errors.Is(err, store.ErrFailed) {
		t.Errorf("commit: %v", err)
	}
	if _, err := s.Sweep(t.Context()); !errors.Is(err, store.ErrFailed) {
		t.Errorf("sweep: %v", err)
	}
	if s.Stats().Failed {
		t.Error("a folder that is looked at is not one that failed")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	empty := small("nothing", vfs.NewMem())
	empty.ReadOnly = true
	if _, err := pebble.Open(empty); err == nil {
		t.Error("a folder that does not exist was opened to be looked at")
	}
	must(t, mustOpen(t, small("store", fs)), plain(20))
}

func TestFormat(t *testing.T) {
	fs := filled(t, 1)
	db, err := lsm.Open("store", &lsm.Options{
		FS: fs, FormatMajorVersion: lsm.FormatNewest, Logger: silent{},
		Merger: &lsm.Merger{Name: "wardkeep.posting.1", Merge: lsm.DefaultMerger.Merge},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Set([]byte("zf"), []byte{99}, lsm.Sync), db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := pebble.Open(small("store", fs)); !errors.Is(err, pebble.ErrFormat) {
		t.Errorf("a later format: %v", err)
	}
}

type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(string, ...any) {}

// TestQuietLog runs flushes and compactions with every message on, and looks
// for what a message might have quoted.
func TestQuietLog(t *testing.T) {
	var out bytes.Buffer
	cfg := small("store", vfs.NewMem())
	cfg.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := pebble.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mark := record.Key([]byte("\x01planted mark xx"))
	for n := range 300 {
		b := plain(n)
		b.Cells = []record.Cell{{Space: record.SpaceName, Name: mark[:], Value: []byte("planted value")}}
		if n == 0 {
			b.Puts[0].Key, b.Puts[0].Body = mark, []byte("planted body")
		}
		must(t, s, b)
	}
	if err := errors.Join(s.Compact(t.Context()), s.Close()); err != nil {
		t.Fatal(err)
	}
	if s, err = pebble.Open(cfg); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, quoted := range []string{"planted", hex.EncodeToString(mark[1:5]), hex.EncodeToString([]byte("planted"))} {
		if strings.Contains(strings.ToLower(text), quoted) {
			t.Errorf("the log quotes %q", quoted)
		}
	}
}

func TestStats(t *testing.T) {
	s := mustOpen(t, small("store", vfs.NewMem()))
	for n := range 10 {
		must(t, s, plain(n))
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Last != 10 || st.DiskBytes == 0 || st.TableBytes == 0 || st.Failed {
		t.Errorf("%+v", st)
	}
}

// TestHostile checks that the liar lies as told: tests elsewhere rely on it.
func TestHostile(t *testing.T) {
	h := storetest.NewHostile(mustOpen(t, small("store", vfs.NewMem())))
	must(t, h, plain(1))
	must(t, h, plain(2))
	second := plain(1)
	second.Puts[0].Version, second.Puts[0].Body = 2, []byte("second")
	must(t, h, second)
	one, two := plain(1).Puts[0].Key, plain(2).Puts[0].Key
	get := func(k record.Key) record.Row {
		rows, err := h.Get(t.Context(), []store.Ref{{Key: k}}, store.WantBody)
		if err != nil {
			t.Fatal(err)
		}
		return rows[0]
	}
	cases := []struct {
		name    string
		lie     func()
		version uint64
		body    string
	}{
		{"honest", func() {}, 2, "second"},
		{"swap", func() { h.Swap(one, two) }, 2, "body 2"},
		{"exchange", func() { h.Exchange(one, two) }, 1, "body 2"},
		{"stale", func() { h.Stale(one) }, 1, "body 1"},
		{"relabel", func() { h.Relabel(one) }, 2, "body 1"},
		{"truncate", func() { h.Truncate(one, 2) }, 2, "seco"},
		{"flip", func() { h.Flip(one, 0) }, 2, "recond"},
		{"drop", func() { h.Drop(one) }, 0, ""},
	}
	for _, c := range cases {
		c.lie()
		if row := get(one); row.Version != c.version || string(row.Body) != c.body {
			t.Errorf("%s: version %d, body %q", c.name, row.Version, row.Body)
		}
		seen := 0
		_, err := h.Find(t.Context(), store.Find{Expr: store.Is{Keys: []record.Key{one}}, Want: store.WantBody}, func(row record.Row) error {
			seen++
			if row.Version != c.version || string(row.Body) != c.body {
				t.Errorf("%s, found: version %d, body %q", c.name, row.Version, row.Body)
			}
			return nil
		})
		if err != nil || (seen == 0) != (c.version == 0) {
			t.Errorf("%s: %d found, %v", c.name, seen, err)
		}
		h.Calm()
	}
}
