package spool_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit/spool"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// sealer seals under one key, and remembers for what.
type sealer struct {
	key  box.Key
	aads [][]byte
}

func (s *sealer) SealValue(purpose string, aad, plain []byte) ([]byte, error) {
	s.aads = append(s.aads, aad)
	return box.Seal(nil, &s.key, purpose, aad, plain), nil
}

func (s *sealer) OpenValue(purpose string, aad, sealed []byte) ([]byte, error) {
	return box.Open(nil, &s.key, purpose, aad, sealed)
}

func config(t *testing.T) spool.Config {
	return spool.Config{Path: filepath.Join(t.TempDir(), "audit.spool"), Sealer: &sealer{}, Size: 4096}
}

func open(t *testing.T, c spool.Config) *spool.Spool {
	t.Helper()
	s, entries, err := spool.Open(c)
	if err != nil || len(entries) != 0 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func begun(t *testing.T, c spool.Config) *spool.Spool {
	t.Helper()
	if err := spool.Create(c, spool.NewID()); err != nil {
		t.Fatal(err)
	}
	return open(t, c)
}

func add(t *testing.T, s *spool.Spool, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := s.Append([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
}

func texts(entries []spool.Entry) string {
	var b strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&b, "%d=%s ", e.Number, e.Plain)
	}
	return b.String()
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestKeeps: what was appended is found again, in order, and what is appended after
// it follows. The file is nobody else's and never grows.
func TestKeeps(t *testing.T) {
	c := config(t)
	s := begun(t, c)
	add(t, s, "one", "two")
	_ = s.Close()
	s, entries, err := spool.Open(c)
	if err != nil || texts(entries) != "1=one 2=two " || s.Last() != 2 {
		t.Fatalf("%s, %v", texts(entries), err)
	}
	add(t, s, "three")
	if entries, err := s.Read(); err != nil || texts(entries) != "1=one 2=two 3=three " {
		t.Errorf("%s, %v", texts(entries), err)
	}
	info, err := os.Stat(c.Path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != 4096 {
		t.Errorf("%v, %v", info, err)
	}
	if bytes.Contains(read(t, c.Path), []byte("one")) {
		t.Error("an entry lies in the clear")
	}
	if err := spool.Create(c, spool.NewID()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a spool over another: %v", err)
	}
	if _, _, err := spool.Open(spool.Config{Path: c.Path + "x", Sealer: c.Sealer}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
}

// TestFull: what does not fit is refused, and what was there stays.
func TestFull(t *testing.T) {
	c := config(t)
	s := begun(t, c)
	for {
		if _, err := s.Append(make([]byte, 500)); err != nil {
			if !errors.Is(err, spool.ErrFull) {
				t.Error(err)
			}
			break
		}
	}
	if entries, err := s.Read(); err != nil || len(entries) == 0 || uint64(len(entries)) != s.Last() {
		t.Errorf("%d entries of %d, %v", len(entries), s.Last(), err)
	}
}

// TestTorn cuts the file after every byte, as a crash does that wrote no more: all
// entries before are there, and one that was begun is told.
func TestTorn(t *testing.T) {
	c := config(t)
	s := begun(t, c)
	add(t, s, "one", "two", "three")
	whole := read(t, c.Path)
	ends := endsOf(whole)
	for cut := ends[0] - 100; cut <= ends[2]; cut++ {
		torn := make([]byte, len(whole))
		copy(torn, whole[:cut])
		if err := os.WriteFile(c.Path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, end := range ends {
			if bytes.Equal(torn[:end], whole[:end]) {
				want++
			}
		}
		_, entries, err := spool.Open(c)
		var damaged *spool.DamagedError
		boundary := cut == 32 || bytes.Equal(torn, whole) || len(bytes.Trim(torn[endOf(ends, want):], "\x00")) == 0
		if len(entries) != want || errors.As(err, &damaged) == boundary || damaged != nil && damaged.After != uint64(want) {
			t.Fatalf("cut at %d: %d entries of %d, %v", cut, len(entries), want, err)
		}
	}
	// A process that still runs knows what it wrote.
	short := make([]byte, len(whole))
	copy(short, whole[:ends[1]])
	if err := os.WriteFile(c.Path, short, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, entries, err := spool.Open(c); err != nil || len(entries) != 2 {
		t.Errorf("a whole entry cut off: %d, %v", len(entries), err)
	}
	var damaged *spool.DamagedError
	if entries, err := s.Read(); !errors.As(err, &damaged) || len(entries) != 2 {
		t.Errorf("the same while it is open: %d, %v", len(entries), err)
	}
}

// endsOf returns where the entries of a whole file end.
func endsOf(whole []byte) (ends []int) {
	for at := 32; ; {
		size := int(binary.BigEndian.Uint32(whole[at:]))
		if size == 0 {
			return ends
		}
		at += 4 + size
		ends = append(ends, at)
	}
}

func endOf(ends []int, n int) int {
	if n == 0 {
		return 32
	}
	return ends[n-1]
}

// TestAltered: no byte can be changed, no entry left out or moved.
func TestAltered(t *testing.T) {
	c := config(t)
	s := begun(t, c)
	add(t, s, "one!", "two!", "three", "four")
	whole := read(t, c.Path)
	ends := endsOf(whole)
	one := ends[0] - 32
	swapped := bytes.Clone(whole)
	copy(swapped[32:], whole[32+one:32+2*one])
	copy(swapped[32+one:], whole[32:32+one])
	left := bytes.Clone(whole)
	copy(left[32:], whole[32+one:])
	other := bytes.Clone(whole)
	copy(other[16:32], make([]byte, 16))
	changed := map[string][]byte{"swapped": swapped, "one left out": left, "another id": other, "one twice": append(bytes.Clone(whole[:32+one]), whole[32:]...)}
	for at := range ends[3] {
		b := bytes.Clone(whole)
		b[at] ^= 0x40
		changed[fmt.Sprint("byte ", at)] = b
	}
	for name, text := range changed {
		if err := os.WriteFile(c.Path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, entries, err := spool.Open(c)
		var damaged *spool.DamagedError
		if !errors.As(err, &damaged) || len(entries) == 4 {
			t.Errorf("%s: %s, %v", name, texts(entries), err)
			continue
		}
		if _, err := s.Append([]byte("more")); err == nil {
			t.Errorf("%s: a damaged spool takes entries", name)
		}
	}
	if err := os.WriteFile(c.Path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, entries, err := spool.Open(c); err != nil || len(entries) != 4 { // the control
		t.Errorf("%s, %v", texts(entries), err)
	}
}

// disk is a file that fails, or hangs, when told to.
type disk struct {
	spool.File
	write, sync error
	hang        chan struct{}
	synced      int
}

func (d *disk) WriteAt(b []byte, at int64) (int, error) {
	if d.write != nil {
		return 0, d.write
	}
	return d.File.WriteAt(b, at)
}

func (d *disk) Sync() error {
	if d.hang != nil {
		<-d.hang
	}
	d.synced++
	return errors.Join(d.sync, d.File.Sync())
}

// TestFails: an entry that is not on the device is not kept, and none is after it; a
// device that hangs is not waited for.
func TestFails(t *testing.T) {
	gone := errors.New("the disk is gone")
	for name, breaks := range map[string]func(*disk){
		"a write fails": func(d *disk) { d.write = gone },
		"a sync fails":  func(d *disk) { d.sync = gone },
		"a sync hangs":  func(d *disk) { d.hang = make(chan struct{}) },
	} {
		t.Run(name, func(t *testing.T) {
			c, d := config(t), &disk{}
			c.Patience = 20 * time.Millisecond
			c.Open = func(path string) (spool.File, error) {
				f, err := os.OpenFile(path, os.O_WRONLY, 0)
				d.File = f
				return d, err
			}
			s := begun(t, c)
			add(t, s, "one")
			if d.synced != 1 {
				t.Fatal("an entry was not synced")
			}
			breaks(d)
			if _, err := s.Append([]byte("two")); err == nil {
				t.Fatal("it was kept")
			}
			if d.hang == nil {
				d.write, d.sync = nil, nil
			}
			if _, err := s.Append([]byte("three")); err == nil {
				t.Error("the next was kept")
			}
			if d.hang != nil {
				close(d.hang)
			}
			if s.Last() != 1 || s.Idle() {
				t.Errorf("%d entries, idle %t", s.Last(), s.Idle())
			}
		})
	}
}

// TestRenew: a spool is emptied only of what was taken.
func TestRenew(t *testing.T) {
	c := config(t)
	s := begun(t, c)
	add(t, s, "one", "two")
	if done, err := s.Renew(spool.NewID(), 1); done || err != nil {
		t.Errorf("with an entry that was not taken: %t, %v", done, err)
	}
	id := spool.NewID()
	if done, err := s.Renew(id, 2); !done || err != nil || s.ID() != id || !s.Idle() {
		t.Fatalf("%t, %v", done, err)
	}
	add(t, s, "three")
	if entries, err := s.Read(); err != nil || texts(entries) != "1=three " {
		t.Errorf("%s, %v", texts(entries), err)
	}
	name, err := s.SetAside()
	if err != nil || !strings.HasPrefix(name, "audit.spool.damaged-") {
		t.Errorf("%q, %v", name, err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(c.Path), name)); err != nil {
		t.Error(err)
	}
}

// TestFormat holds the bytes to docs/formats/spool.md.
func TestFormat(t *testing.T) {
	c := config(t)
	seals := c.Sealer.(*sealer)
	id := spool.ID(bytes.Repeat([]byte{0xab}, 16))
	if err := spool.Create(c, id); err != nil {
		t.Fatal(err)
	}
	s := open(t, c)
	add(t, s, "one", "two")
	if got := hex.EncodeToString(read(t, c.Path)[:32]); got != "776172646b6565702073706f6f6c2031abababababababababababababababab" {
		t.Errorf("header %s", got)
	}
	if got := hex.EncodeToString(seals.aads[0]); got != "776172646b6565702073706f6f6c20656e747279203100abababababababababababababababab0000000000000001"+
		"a075db50a1eaf45fa8b7b916e2785a03dfcee7f4912104879de0ecfecaf94b54" {
		t.Errorf("additional data %s", got)
	}
}

// TestFrozen opens a file as it was written once, under a key of zeros.
func TestFrozen(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "spool-1.hex"))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatal(err)
	}
	c := config(t)
	if err := os.WriteFile(c.Path, append(whole, make([]byte, c.Size-len(whole))...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, entries, err := spool.Open(c); err != nil || texts(entries) != "1=one 2=two " {
		t.Errorf("%s, %v", texts(entries), err)
	}
}
