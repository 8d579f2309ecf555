package blob_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/blob"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
)

func onDisk(t testing.TB) (string, *blob.Store) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blobs")
	folder, err := blob.OpenFolder(dir, clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := blob.New(blob.Config{Bucket: folder, Sealer: newSealer(t, &cells{data: map[string][]byte{}})})
	if err != nil {
		t.Fatal(err)
	}
	return dir, s
}

// files lists what lies in the folder, without the folders.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, dir))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestFolder(t *testing.T) {
	dir, s := onDisk(t)
	want := content(200_000)
	wr, err := s.Create(t.Context(), []record.Key{mother}, "image/png")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(wr, bytes.NewReader(want)); err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir); len(got) != 1 || !strings.HasPrefix(got[0], "/uploads/") {
		t.Errorf("before Commit: %v", got)
	}
	out, err := wr.Commit(t.Context())
	if err != nil || wr.Close() != nil {
		t.Fatal(err)
	}
	name := out.ID.String()
	if got := files(t, dir); len(got) != 1 || got[0] != "/"+name[:2]+"/"+name {
		t.Errorf("after Commit: %v", got)
	}
	info, err := os.Stat(filepath.Join(dir, name[:2], name))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v", info.Mode(), err)
	}
	r, err := s.Open(t.Context(), out.ID, out.Head)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) || r.Close() != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Delete(t.Context(), out.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Open(t.Context(), out.ID, out.Head); !fault.Is(err, fault.Gone) || strings.Contains(err.Error(), dir) {
		t.Errorf("deleted: %v", err)
	}
}

func TestFolderAbort(t *testing.T) {
	dir, s := onDisk(t)
	wr, err := s.Create(t.Context(), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wr.Write(content(100_000)); err != nil {
		t.Fatal(err)
	}
	if err := wr.Close(); err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

func TestSweep(t *testing.T) {
	dir, _ := onDisk(t)
	old, young := filepath.Join(dir, "uploads", "old"), filepath.Join(dir, "uploads", "young")
	for _, path := range []string{old, young} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hands := clock.NewManual(time.Now())
	if err := os.Chtimes(old, hands.Now(), hands.Now().Add(-25*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.OpenFolder(dir, hands); err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir); len(got) != 1 || got[0] != "/uploads/young" {
		t.Errorf("after a sweep: %v", got)
	}
}

func TestFolderNames(t *testing.T) {
	folder, err := blob.OpenFolder(t.TempDir(), clock.System{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "../../etc/passwd", strings.Repeat("A", 32), strings.Repeat("0", 31) + "/"} {
		_, errCreate := folder.Create(t.Context(), name)
		_, errSize := folder.Size(t.Context(), name)
		_, errOpen := folder.Open(t.Context(), name, 0, 1)
		for _, err := range []error{errCreate, errSize, errOpen, folder.Delete(t.Context(), name)} {
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	_, s := onDisk(b)
	p := content(16 << 20)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		wr, err := s.Create(b.Context(), []record.Key{mother}, "")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := wr.Write(p); err != nil {
			b.Fatal(err)
		}
		out, err := wr.Commit(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		wr.Close()
		s.Delete(b.Context(), out.ID)
	}
}

func BenchmarkSealOnly(b *testing.B) {
	w := newWorld(b)
	p := content(16 << 20)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		wr, err := w.Create(b.Context(), []record.Key{mother}, "")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := wr.Write(p); err != nil {
			b.Fatal(err)
		}
		wr.Close()
	}
}

func BenchmarkRead(b *testing.B) {
	w := newWorld(b)
	p := content(16 << 20)
	out := w.put(b, p, mother)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		r, err := w.Open(b.Context(), out.ID, out.Head)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}

func BenchmarkReadRange(b *testing.B) {
	w := newWorld(b)
	out := w.put(b, content(16<<20), mother)
	r, err := w.Open(b.Context(), out.ID, out.Head)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	p := make([]byte, 4096)
	for b.Loop() {
		if _, err := r.ReadAt(p, 5<<20); err != nil {
			b.Fatal(err)
		}
	}
}
