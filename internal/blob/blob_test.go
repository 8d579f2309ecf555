package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/blob"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// content is noise, so that two chunks are never alike.
func content(n int) []byte {
	rnd := rand.NewChaCha8([32]byte{byte(n)})
	b := make([]byte, n)
	rnd.Read(b)
	return b
}

var sizes = []int{0, 1, 100, blob.ChunkSize - 1, blob.ChunkSize, blob.ChunkSize + 1, 2 * blob.ChunkSize, 3*blob.ChunkSize + 7}

func TestRoundTrip(t *testing.T) {
	w := newWorld(t)
	for _, n := range sizes {
		want := content(n)
		s := w.put(t, want, mother)
		r, err := w.Open(t.Context(), s.ID, s.Head)
		if err != nil {
			t.Fatal(err)
		}
		if r.Size() != int64(n) || r.ContentType() != "image/png" || r.Digest() != s.Digest {
			t.Errorf("%d: head", n)
		}
		if n <= 100 { // its work grows with the square of the size
			if err := iotest.TestReader(r, want); err != nil {
				t.Errorf("%d: %v", n, err)
			}
		}
		for _, from := range []int{0, n / 2, n} {
			if _, err := r.Seek(int64(from), io.SeekStart); err != nil {
				t.Error(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want[from:]) {
				t.Errorf("%d from %d: %v", n, from, err)
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if n > 16 && bytes.Contains(w.bucket.objects[s.ID.String()], want[:16]) {
			t.Error("plaintext in the bucket")
		}
	}
	if w.bucket.open != 0 {
		t.Errorf("%d streams are left open", w.bucket.open)
	}
}

// TestWrites: how the content is cut into writes does not matter.
func TestWrites(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		wr, err := w.Create(t.Context(), []record.Key{mother}, "")
		if err != nil {
			rt.Fatal(err)
		}
		defer wr.Close()
		var want []byte
		for _, n := range rapid.SliceOfN(rapid.SampledFrom(sizes), 0, 4).Draw(rt, "writes") {
			p := content(n)
			want = append(want, p...)
			if got, err := wr.Write(p); err != nil || got != n {
				rt.Fatal(err)
			}
		}
		s, err := wr.Commit(t.Context())
		if err != nil || w.cells.commit(s.Cells, s.Guards) != nil {
			rt.Fatal(err)
		}
		if got, err := w.get(t, s.ID, s.Head); err != nil || !bytes.Equal(got, want) {
			rt.Fatal("another content comes back", err)
		}
	})
}

func TestRanges(t *testing.T) {
	w := newWorld(t)
	want := content(3*blob.ChunkSize + 500)
	s := w.put(t, want, mother)
	r, err := w.Open(t.Context(), s.ID, s.Head)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rapid.Check(t, func(t *rapid.T) {
		off := rapid.IntRange(0, len(want)+10).Draw(t, "offset")
		p := make([]byte, rapid.SampledFrom([]int{0, 1, 5, 1000, blob.ChunkSize, 2*blob.ChunkSize + 1}).Draw(t, "length"))
		n, err := r.ReadAt(p, int64(off))
		end := min(len(want), off+len(p))
		if off > len(want) {
			end = off
		}
		if n != max(0, end-off) || !bytes.Equal(p[:n], want[min(off, len(want)):][:n]) {
			t.Fatal("another range")
		}
		if (n < len(p)) != (err == io.EOF) && len(p) > 0 {
			t.Fatal(err)
		}
	})
}

func TestConcurrentRanges(t *testing.T) {
	w := newWorld(t)
	want := content(5 * blob.ChunkSize)
	s := w.put(t, want, mother)
	r, err := w.Open(t.Context(), s.ID, s.Head)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			p := make([]byte, blob.ChunkSize)
			off := i * blob.ChunkSize / 2
			if _, err := r.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, want[off:][:len(p)]) {
				t.Error("another range", err)
			}
		})
	}
	wg.Wait()
}

// TestHostileBucket: whatever a bucket does to an object is noticed before a
// byte of the chunk concerned is handed out.
func TestHostileBucket(t *testing.T) {
	const sealed = blob.ChunkSize + 28
	w := newWorld(t)
	want := content(3 * blob.ChunkSize)
	s := w.put(t, want, mother)
	twin := w.put(t, want, mother)
	object, other := w.bucket.objects[s.ID.String()], w.bucket.objects[twin.ID.String()]
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	a, b, c := object[:sealed], object[sealed:2*sealed], object[2*sealed:]
	for name, spoilt := range map[string][]byte{
		"nothing":             nil,
		"cut in a chunk":      object[:len(object)-1],
		"last chunk cut off":  join(a, b),
		"first chunk cut off": join(b, c),
		"one byte more":       join(object, []byte{0}),
		"one chunk more":      join(object, c),
		"reordered":           join(b, a, c),
		"repeated":            join(a, a, c),
		"last first":          join(c, b, a),
		"another object":      other,
		"another's chunk":     join(a, other[sealed:2*sealed], c),
		"zeros":               make([]byte, len(object)),
	} {
		f := w.fork(t)
		f.bucket.objects[s.ID.String()] = spoilt
		got, err := f.get(t, s.ID, s.Head)
		if !errors.Is(err, seal.ErrForged) || !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.HasPrefix(want, got) {
			t.Errorf("%s: bytes that were never written come back", name)
		}
	}
	for at := 0; at < len(object); at += 997 {
		f := w.fork(t)
		changed := bytes.Clone(object)
		changed[at] ^= 1
		f.bucket.objects[s.ID.String()] = changed
		if got, err := f.get(t, s.ID, s.Head); !errors.Is(err, seal.ErrForged) || !bytes.HasPrefix(want, got) {
			t.Fatalf("byte %d is not protected: %v", at, err)
		}
		r, err := f.Open(t.Context(), s.ID, s.Head)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.ReadAt(make([]byte, 1), int64(at/sealed)*blob.ChunkSize); !errors.Is(err, seal.ErrForged) {
			t.Fatalf("byte %d is not protected in a range: %v", at, err)
		}
		r.Close()
	}
}

// TestEmptyMustBeThere: the one chunk of an empty object is checked too.
func TestEmptyMustBeThere(t *testing.T) {
	w := newWorld(t)
	s := w.put(t, nil, mother)
	w.bucket.objects[s.ID.String()][3] ^= 1
	if _, err := w.get(t, s.ID, s.Head); !errors.Is(err, seal.ErrForged) {
		t.Error(err)
	}
}

func TestHead(t *testing.T) {
	w := newWorld(t)
	s, other := w.put(t, content(10), mother), w.put(t, content(11), mother)
	for name, try := range map[string]struct {
		id   blob.ID
		head []byte
	}{
		"another's head": {s.ID, other.Head},
		"another id":     {other.ID, s.Head},
		"cut":            {s.ID, s.Head[:len(s.Head)-1]},
		"none":           {s.ID, nil},
	} {
		if _, err := w.get(t, try.id, try.head); !errors.Is(err, seal.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Delete(t.Context(), s.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.get(t, s.ID, s.Head); !fault.Is(err, fault.Gone) {
		t.Errorf("deleted: %v", err)
	}
}

// TestPatients: an object opens while one of its patients has a key, and moves
// to others by its head alone.
func TestPatients(t *testing.T) {
	w := newWorld(t)
	want := content(100)
	alone, both := w.put(t, want, mother), w.put(t, want, mother, baby)
	moved, err := w.Rewrap(t.Context(), alone.ID, alone.Head, []record.Key{baby})
	if err != nil {
		t.Fatal(err)
	}
	if moved.Digest != alone.Digest || moved.Size != alone.Size || moved.ID != alone.ID {
		t.Error("the object changed")
	}
	if err := w.cells.commit([]record.Cell{w.sealer.Shred(mother)}, nil); err != nil {
		t.Fatal(err)
	}
	w.sealer.Forget(mother)
	if _, err := w.get(t, alone.ID, alone.Head); !errors.Is(err, seal.ErrNoKey) || !fault.Is(err, fault.Gone) {
		t.Errorf("shredded: %v", err)
	}
	for name, s := range map[string]blob.Stored{"both": both, "moved": moved} {
		if got, err := w.get(t, s.ID, s.Head); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGuard: when another process was first to make the patient's key, the
// head is sealed again and the content stays.
func TestGuard(t *testing.T) {
	w := newWorld(t)
	wr, err := w.Create(t.Context(), []record.Key{mother}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer wr.Close()
	if _, err := wr.Write([]byte("scan")); err != nil {
		t.Fatal(err)
	}
	first, err := wr.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := newSealer(t, w.cells).SealFor(t.Context(), "x", []record.Key{mother}, nil, nil)
	if err != nil || w.cells.commit(elsewhere.Cells, elsewhere.Guards) != nil {
		t.Fatal(err)
	}
	if err := w.cells.commit(first.Cells, first.Guards); !errors.Is(err, errGuard) {
		t.Fatal(err)
	}
	second, err := wr.Commit(t.Context())
	if err != nil || len(second.Guards) != 0 {
		t.Fatal(err, "the key is still thought to be new")
	}
	if got, err := w.get(t, second.ID, second.Head); err != nil || string(got) != "scan" {
		t.Fatal(err)
	}
}

func TestWriterStates(t *testing.T) {
	w := newWorld(t)
	wr, err := w.Create(t.Context(), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wr.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := wr.Write([]byte("more")); !errors.Is(err, blob.ErrSealed) {
		t.Error(err)
	}
	if err := wr.Close(); err != nil {
		t.Error(err)
	}
	if _, err := wr.Commit(t.Context()); err == nil {
		t.Error("a closed writer seals a head with an overwritten key")
	}
	w.bucket.failAt = 2
	if _, err := w.tryPut(t, content(3*blob.ChunkSize)); !fault.Is(err, fault.Unavailable) || !errors.Is(err, errBroken) {
		t.Error(err)
	}
	if n := len(w.bucket.objects); n != 1 {
		t.Errorf("%d objects after a failure", n)
	}
	if _, err := blob.New(blob.Config{}); err == nil {
		t.Error("a store without a bucket")
	}
}

func TestCancelled(t *testing.T) {
	w := newWorld(t)
	s := w.put(t, content(10), mother)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := w.Open(ctx, s.ID, s.Head)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestConstantMemory writes and reads far more than it may allocate.
func TestConstantMemory(t *testing.T) {
	_, s := onDisk(t)
	p := content(1 << 20)
	n := testing.AllocsPerRun(1, func() {
		wr, err := s.Create(t.Context(), []record.Key{mother}, "")
		if err != nil {
			t.Fatal(err)
		}
		for range 32 {
			if _, err := wr.Write(p); err != nil {
				t.Fatal(err)
			}
		}
		wr.Close()
	})
	if perChunk := n / 512; perChunk > 2 {
		t.Errorf("%.1f allocations a chunk", perChunk)
	}
}

func FuzzObject(f *testing.F) {
	w := newWorld(f)
	s := w.put(f, []byte("a short one"), mother)
	f.Add(w.bucket.objects[s.ID.String()], s.Head)
	f.Add([]byte{}, []byte{1})
	f.Fuzz(func(t *testing.T, object, head []byte) {
		v := w.fork(t)
		v.bucket.objects[s.ID.String()] = object
		if got, err := v.get(t, s.ID, head); err == nil && string(got) != "a short one" {
			t.Fatal("a content that was never written")
		}
	})
}
