package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"maps"
	"sync"
	"testing"

	"github.com/wardkeep/wardkeep/internal/blob"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// cells is a store that knows nothing but cells.
type cells struct {
	mu   sync.Mutex
	data map[string][]byte
}

func (c *cells) Cells(_ context.Context, _ record.Space, names [][]byte) ([][]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([][]byte, len(names))
	for i, n := range names {
		out[i] = c.data[string(n)]
	}
	return out, nil
}

var errGuard = errors.New("a guard does not hold")

func (c *cells) commit(set []record.Cell, guards []record.Guard) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range guards {
		if !bytes.Equal(c.data[string(g.Cell.Name)], g.Cell.Value) {
			return errGuard
		}
	}
	for _, s := range set {
		c.data[string(s.Name)] = s.Value
	}
	return nil
}

func newSealer(t testing.TB, c *cells) *seal.Sealer {
	t.Helper()
	conf := seal.Config{Tenant: "north", Keyring: local.New([32]byte{1}), Cells: c}
	if len(c.data) == 0 {
		b, err := seal.Init(t.Context(), conf)
		if err != nil || c.commit(b.Cells, b.Guards) != nil {
			t.Fatal(err)
		}
	}
	s, err := seal.Open(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// memory is a bucket that a test can look into and spoil.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	failAt  int // the write that fails, from 1; 0: none
	open    int // streams given out and not closed
}

var errBroken = errors.New("broken")

type memoryUpload struct {
	bytes.Buffer
	m      *memory
	name   string
	writes int
}

func (u *memoryUpload) Write(p []byte) (int, error) {
	if u.writes++; u.writes == u.m.failAt {
		return 0, errBroken
	}
	return u.Buffer.Write(p)
}

func (u *memoryUpload) Commit(context.Context) error {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	u.m.objects[u.name] = bytes.Clone(u.Bytes())
	return nil
}

func (u *memoryUpload) Abort() error { return nil }

func (m *memory) Create(_ context.Context, name string) (blob.Upload, error) {
	return &memoryUpload{m: m, name: name}, nil
}

func (m *memory) Size(_ context.Context, name string) (int64, error) {
	b, ok := m.objects[name]
	if !ok {
		return 0, fs.ErrNotExist
	}
	return int64(len(b)), nil
}

type counted struct {
	io.Reader
	close func()
}

func (c counted) Close() error { c.close(); return nil }

func (m *memory) Open(_ context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open++
	return counted{io.NewSectionReader(bytes.NewReader(m.objects[name]), offset, length), func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.open--
	}}, nil
}

func (m *memory) Delete(_ context.Context, name string) error {
	delete(m.objects, name)
	return nil
}

// world is a store of objects over a bucket in memory.
type world struct {
	*blob.Store
	bucket *memory
	cells  *cells
	sealer *seal.Sealer
}

func newWorld(t testing.TB) world {
	t.Helper()
	w := world{bucket: &memory{objects: map[string][]byte{}}, cells: &cells{data: map[string][]byte{}}}
	w.sealer = newSealer(t, w.cells)
	var err error
	if w.Store, err = blob.New(blob.Config{Bucket: w.bucket, Sealer: w.sealer}); err != nil {
		t.Fatal(err)
	}
	return w
}

// fork is the same with a bucket of its own that may be spoilt.
func (w world) fork(t testing.TB) world {
	t.Helper()
	out := world{bucket: &memory{objects: maps.Clone(w.bucket.objects)}, cells: w.cells, sealer: w.sealer}
	var err error
	if out.Store, err = blob.New(blob.Config{Bucket: out.bucket, Sealer: w.sealer}); err != nil {
		t.Fatal(err)
	}
	return out
}

var mother, baby = record.Key{1}, record.Key{2}

// put stores content and commits the keys.
func (w world) put(t testing.TB, content []byte, subjects ...record.Key) blob.Stored {
	t.Helper()
	out, err := w.tryPut(t, content, subjects...)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cells.commit(out.Cells, out.Guards); err != nil {
		t.Fatal(err)
	}
	if out.Size != int64(len(content)) || out.Digest != sha256.Sum256(content) {
		t.Fatal("size or digest")
	}
	return out
}

func (w world) tryPut(t testing.TB, content []byte, subjects ...record.Key) (blob.Stored, error) {
	t.Helper()
	wr, err := w.Create(t.Context(), subjects, "image/png")
	if err != nil {
		return blob.Stored{}, err
	}
	defer wr.Close()
	if _, err := wr.Write(content); err != nil {
		return blob.Stored{}, err
	}
	return wr.Commit(t.Context())
}

// get reads all of it.
func (w world) get(t testing.TB, id blob.ID, head []byte) ([]byte, error) {
	t.Helper()
	r, err := w.Open(t.Context(), id, head)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
