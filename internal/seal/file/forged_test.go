package file_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/seal/file"
)

const page = 4096

func noise(n int, seed byte) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// written makes a file of the pieces, with a sync after each, and returns how it is
// stored. It is not closed if it stands for what a crash left.
func written(t *testing.T, under vfs.FS, closed bool, pieces ...[]byte) (stored []byte) {
	t.Helper()
	f, err := newFS(t, under).Create("file", category)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pieces {
		if _, err := f.Write(bytes.Clone(p)); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	if closed {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return read(t, under, "file")
}

// reread reads the whole of a file that is stored so.
func reread(t *testing.T, stored []byte) ([]byte, error) {
	t.Helper()
	under := vfs.NewMem()
	write(t, under, "file", stored)
	f, err := newFS(t, under).Open("file")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// TestAltered changes each byte of a file. No other text may be read; and in a file
// that was closed the change is an error, wherever it is.
func TestAltered(t *testing.T) {
	text := noise(3*page, 1)
	stored := written(t, vfs.NewMem(), true, text[:100], text[100:5000], text[5000:])
	if got, err := reread(t, stored); err != nil || !bytes.Equal(got, text) {
		t.Fatalf("unaltered: %v", err)
	}
	last := len(stored) - 32 // where the chunk without text begins that tells that all was durable
	silent := 0
	for i := range stored {
		altered := bytes.Clone(stored)
		altered[i] ^= 1 << (i % 8)
		got, err := reread(t, altered)
		if len(got) > len(text) || !bytes.Equal(got, text[:len(got)]) {
			t.Fatalf("byte %d: another text is read", i)
		}
		switch {
		case err != nil && !errors.Is(err, file.ErrForged) && !errors.Is(err, file.ErrKey) && !errors.Is(err, file.ErrFormat):
			t.Fatalf("byte %d: %v", i, err)
		case err == nil && len(got) == len(text) && i < last && !padding(stored, i):
			t.Fatalf("byte %d: the change is not seen", i)
		case err == nil && len(got) < len(text):
			silent++
		}
	}
	t.Logf("%d changes end the text", silent)
	if silent > 4 {
		t.Errorf("%d changes were taken for the end of the text", silent)
	}
}

// padding reports whether a byte is one of the zeros at the end of a page.
func padding(stored []byte, i int) bool {
	end := (i/page + 1) * page
	return end <= len(stored) && bytes.Equal(stored[i:end], make([]byte, end-i))
}

// TestMoved puts parts of a file in the place of others, of the same file and of one
// that another salt sealed.
func TestMoved(t *testing.T) {
	text, other := noise(5*page, 1), noise(5*page, 2)
	stored, foreign := written(t, vfs.NewMem(), true, text), written(t, vfs.NewMem(), true, other)
	for name, altered := range map[string][]byte{
		"two pages change places": slices.Concat(stored[:page], stored[2*page:3*page], stored[page:2*page], stored[3*page:]),
		"one page twice":          slices.Concat(stored[:2*page], stored[page:2*page], stored[3*page:]),
		"a page is left out":      slices.Concat(stored[:page], stored[2*page:]),
		"a page of another file":  slices.Concat(stored[:page], foreign[page:2*page], stored[2*page:]),
		"zeros":                   slices.Concat(stored[:page], make([]byte, page), stored[2*page:]),
	} {
		got, err := reread(t, altered)
		if name == "a page is left out" { // the end no longer stands where it was sealed: cut off, as it were
			if !bytes.Equal(got, text[:len(got)]) || len(got) >= len(text) {
				t.Errorf("%s: another text is read", name)
			}
			continue
		}
		if !errors.Is(err, file.ErrForged) || !bytes.Equal(got, text[:len(got)]) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

// TestTorn cuts off and blanks what was not durable, as a crash may: what was durable
// is read, what was not is the end of the text and no forgery.
func TestTorn(t *testing.T) {
	text := noise(4*page, 3)
	under := vfs.NewMem()
	durable := len(written(t, under, false, text[:700], text[700:6000]))
	f, err := newFS(t, under).Create("file", category)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range [][]byte{text[:700], text[700:6000], text[6000:]} {
		if _, err := f.Write(bytes.Clone(p)); err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	stored := read(t, under, "file")
	for at := durable; at <= len(stored); at += 97 {
		blanked := bytes.Clone(stored)
		clear(blanked[at:min(at+512, len(blanked))])
		for name, torn := range map[string][]byte{"cut off": stored[:at], "blanked": blanked} {
			got, err := reread(t, torn)
			if err != nil || len(got) < 6000 || !bytes.Equal(got, text[:len(got)]) {
				t.Fatalf("%s at %d: %d bytes, %v", name, at, len(got), err)
			}
		}
	}
	clear(stored[durable-300 : durable-200])
	if _, err := reread(t, stored); !errors.Is(err, file.ErrForged) {
		t.Errorf("what was durable and is changed: %v", err)
	}
}
