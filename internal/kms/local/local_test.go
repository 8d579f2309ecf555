package local_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

func TestWrap(t *testing.T) {
	k, other := local.New([32]byte{1}), local.New([32]byte{2})
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		about := rapid.String().Draw(t, "about")
		key := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "key")
		wrapped, err := k.Wrap(ctx, about, key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := k.Unwrap(ctx, about, wrapped)
		if err != nil || !bytes.Equal(got, key) {
			t.Fatal("another key comes back", err)
		}
		changed := bytes.Clone(wrapped)
		changed[rapid.IntRange(0, len(wrapped)-1).Draw(t, "at")] ^= 1
		for name, try := range map[string]func() ([]byte, error){
			"another context": func() ([]byte, error) { return k.Unwrap(ctx, about+"x", wrapped) },
			"another root":    func() ([]byte, error) { return other.Unwrap(ctx, about, wrapped) },
			"a changed byte":  func() ([]byte, error) { return k.Unwrap(ctx, about, changed) },
			"nothing":         func() ([]byte, error) { return k.Unwrap(ctx, about, nil) },
		} {
			if _, err := try(); !errors.Is(err, kms.ErrRefused) {
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
	for _, n := range []int{0, 65} {
		if _, err := k.Wrap(ctx, "", make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes is taken", n)
		}
	}
}

func TestSign(t *testing.T) {
	k := local.New([32]byte{1})
	sig, err := k.Sign(t.Context(), []byte("checkpoint"))
	if err != nil || !ed25519.Verify(k.Public(), []byte("checkpoint"), sig) {
		t.Fatal(err)
	}
	if ed25519.Verify(k.Public(), []byte("checkpoint!"), sig) || ed25519.Verify(local.New([32]byte{2}).Public(), []byte("checkpoint"), sig) {
		t.Error("verifies what was not signed")
	}
	if !bytes.Equal(local.New([32]byte{1}).Public(), k.Public()) || local.New([32]byte{1}).ID() != k.ID() {
		t.Error("the same root has another signing key or name")
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k := local.New([32]byte{1})
	_, err1 := k.Wrap(ctx, "", []byte{1})
	_, err2 := k.Unwrap(ctx, "", nil)
	_, err3 := k.Sign(ctx, nil)
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	if _, err := local.Open(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	k, err := local.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := local.Open(path)
	if err != nil || again.ID() != k.ID() || !strings.Contains(k.ID(), "development") {
		t.Fatal(err, k.ID())
	}
	if _, err := local.Create(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a root key is overwritten: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "DEVELOPMENT ONLY") {
		t.Error("the file does not say what it is")
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Error("stray files", left, err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := local.Open(path); !errors.Is(err, wholefile.ErrOthers) {
			t.Errorf("%v: %v", mode, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "root.key")
	if _, err := local.Create(path); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Split(strings.TrimSpace(string(good)), "\n")
	last := line[len(line)-1]
	for name, text := range map[string]string{
		"empty": "", "remarks only": "# nothing\n", "cut": last[:len(last)-3], "two": last + "\n" + last,
		"zeros": "wardkeep-development-root-key-v1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"other": "wardkeep-development-root-key-v2 " + strings.Fields(last)[1], "long": strings.Repeat("#\n", 600) + last,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := local.Open(path); !errors.Is(err, local.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := local.Open(dir); err == nil {
		t.Error("a folder is taken for a key")
	}
}

func TestStartedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			k, err := local.OpenOrCreate(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = k.ID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatal("two roots")
		}
	}
	if _, err := local.OpenOrCreate(filepath.Join(path, "no", "folder")); err == nil || strings.Contains(err.Error(), "folder") {
		t.Error("the error names the path, or there is none:", err)
	}
}

func FuzzOpen(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	if _, err := local.Create(path); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("wardkeep-development-root-key-v1 "))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "root.key")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		local.Open(path)
	})
}
