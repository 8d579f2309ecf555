package file_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/seal/file"
)

var testKey = bytes.Repeat([]byte{7}, file.KeySize)

const category = vfs.WriteCategoryUnspecified

func newFS(t testing.TB, under vfs.FS) *file.FS {
	t.Helper()
	fs, err := file.New(under, testKey)
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

// write creates a file with the text.
func write(t testing.TB, fs vfs.FS, name string, text []byte) {
	t.Helper()
	f, err := fs.Create(name, category)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(bytes.Clone(text)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// read returns the whole text of a file.
func read(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return text
}

// TestText writes in pieces and reads at any place; the text must be what went
// in, on both sorts of file system.
func TestText(t *testing.T) {
	dir := t.TempDir()
	unders := map[string]vfs.FS{"memory": vfs.NewMem(), "disk": vfs.Default}
	for name, under := range unders {
		t.Run(name, func(t *testing.T) {
			fs := newFS(t, under)
			path := filepath.Join(dir, "text")
			if name == "memory" {
				path = "text"
			}
			rapid.Check(t, func(t *rapid.T) {
				pieces := rapid.SliceOf(rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 100), rapid.SliceOfN(rapid.Byte(), 3900, 9000))).Draw(t, "pieces")
				f, err := fs.Create(path, category)
				if err != nil {
					t.Fatal(err)
				}
				var text []byte
				for _, p := range pieces {
					text = append(text, p...)
					if _, err := f.Write(bytes.Clone(p)); err != nil {
						t.Fatal(err)
					}
					if rapid.Bool().Draw(t, "sync") {
						if err := f.SyncData(); err != nil {
							t.Fatal(err)
						}
						readAnywhere(t, fs, path, text)
					}
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
				readAnywhere(t, fs, path, text)
			})
		})
	}
}

func readAnywhere(t *rapid.T, fs vfs.FS, path string, text []byte) {
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != int64(len(text)) {
		t.Fatalf("size %d of %d, %v", info.Size(), len(text), err)
	}
	if info, err := fs.Stat(path); err != nil || info.Size() != int64(len(text)) {
		t.Fatalf("size by name %d of %d, %v", info.Size(), len(text), err)
	}
	for range 4 {
		off := rapid.IntRange(0, len(text)).Draw(t, "off")
		p := make([]byte, rapid.OneOf(rapid.IntRange(0, 80), rapid.IntRange(4000, 20000)).Draw(t, "n"))
		n, err := f.ReadAt(p, int64(off))
		want := text[off:min(off+len(p), len(text))]
		if !bytes.Equal(p[:n], want) || n < len(p) && !errors.Is(err, io.EOF) {
			t.Fatalf("read %x, %v at %d, want %x", p[:n], err, off, want)
		}
	}
	all, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(all, text) {
		t.Fatalf("read %x, %v, want %x", all, err, text)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReuse checks that neither a recycled file nor one of the same name is sealed
// alike: equal texts must not look so.
func TestReuse(t *testing.T) {
	under := vfs.NewMem()
	fs := newFS(t, under)
	zeros := make([]byte, 4096)
	var seen [][]byte
	keep := func(name string) {
		stored := read(t, under, name)
		for _, s := range seen {
			for off := 64 + 16; off+16 <= 4096; off += 16 { // behind the header and what tells the length
				if bytes.Contains(stored[80:], s[off:off+16]) {
					t.Fatal("something sealed is repeated")
				}
			}
		}
		seen = append(seen, stored)
	}
	write(t, fs, "a", zeros)
	keep("a")
	write(t, fs, "a", zeros)
	keep("a")
	f, err := fs.ReuseForWrite("a", "b", category)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(bytes.Clone(zeros)); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	keep("b")
	if _, err := fs.Stat("a"); err == nil {
		t.Error("the old file is still there")
	}
	if got := read(t, fs, "b"); !bytes.Equal(got, zeros) {
		t.Error("the new file holds something else")
	}
}

func TestWrittenOnce(t *testing.T) {
	fs := newFS(t, vfs.NewMem())
	f, err := fs.OpenReadWrite("new", category)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("abc"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("def"), 3); err != nil {
		t.Fatal(err)
	}
	for _, off := range []int64{0, 5, 7} {
		if _, err := f.WriteAt([]byte("x"), off); !errors.Is(err, file.ErrOverwrite) {
			t.Errorf("write at %d: %v", off, err)
		}
	}
	_ = f.Close()
	for _, open := range []func() (vfs.File, error){
		func() (vfs.File, error) { return fs.OpenReadWrite("new", category) },
		func() (vfs.File, error) { return fs.Open("new") },
	} {
		f, err := open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte("x")); !errors.Is(err, file.ErrOverwrite) {
			t.Errorf("write to a reopened file: %v", err)
		}
		_ = f.Close()
	}
	if got := read(t, fs, "new"); string(got) != "abcdef" {
		t.Errorf("got %q", got)
	}
}

func TestHeader(t *testing.T) {
	under := vfs.NewMem()
	fs := newFS(t, under)
	write(t, fs, "good", []byte("text"))
	good := read(t, under, "good")
	edit := func(f func([]byte) []byte) []byte { return f(bytes.Clone(good)) }
	cases := []struct {
		name   string
		stored []byte
		want   error
		text   string
	}{
		{"good", good, nil, "text"},
		{"empty", nil, nil, ""},
		{"header cut short by a crash", good[:40], nil, ""},
		{"header lost in a crash", make([]byte, 100), nil, ""},
		{"header alone", good[:64], nil, ""},
		{"other magic", edit(func(b []byte) []byte { b[0] ^= 1; return b }), file.ErrFormat, ""},
		{"other version", edit(func(b []byte) []byte { b[7]++; return b }), file.ErrFormat, ""},
		{"other salt", edit(func(b []byte) []byte { b[8] ^= 1; return b }), file.ErrKey, ""},
		{"other check", edit(func(b []byte) []byte { b[55] ^= 1; return b }), file.ErrKey, ""},
		{"reserved byte", edit(func(b []byte) []byte { b[63] = 1; return b }), file.ErrFormat, ""},
		{"a plain file", bytes.Repeat([]byte("plain"), 50), file.ErrFormat, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			write(t, under, "file", c.stored)
			f, err := fs.Open("file")
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err == nil {
				_ = f.Close()
				if got := read(t, fs, "file"); string(got) != c.text {
					t.Errorf("read %q", got)
				}
			}
		})
	}
	other, err := file.New(under, bytes.Repeat([]byte{8}, file.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open("good"); !errors.Is(err, file.ErrKey) {
		t.Errorf("another key: %v", err)
	}
	if _, err := file.New(under, testKey[1:]); err == nil {
		t.Error("a short key was taken")
	}
}

func TestNames(t *testing.T) {
	fs := newFS(t, vfs.NewMem())
	if err := fs.MkdirAll("d/e", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, fs, "d/one", []byte("1"))
	steps := []error{
		fs.Link("d/one", "d/two"),
		fs.Rename("d/one", "d/e/three"),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"d/two", "d/e/three"} {
		if got := read(t, fs, name); string(got) != "1" {
			t.Errorf("%s holds %q", name, got)
		}
	}
	names, err := fs.List("d")
	if slices.Sort(names); err != nil || !slices.Equal(names, []string{"e", "two"}) {
		t.Errorf("list: %v, %v", names, err)
	}
	if info, err := fs.Stat("d"); err != nil || !info.IsDir() {
		t.Errorf("a folder: %v", err)
	}
	dir, err := fs.OpenDir("d")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(dir.Sync(), dir.Close(), fs.Remove("d/two"), fs.RemoveAll("d")); err != nil {
		t.Error(err)
	}
	lock, err := fs.Lock("LOCK")
	if err != nil {
		t.Fatal(err)
	}
	_ = lock.Close()
	if vfs.Root(fs) == vfs.FS(fs) {
		t.Error("what is beneath cannot be found")
	}
}
