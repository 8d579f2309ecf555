package seal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/seal"
)

func TestFileKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.key")
	keyring := local.New(root)
	var wg sync.WaitGroup
	keys := make([]*[32]byte, 8)
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], err = seal.LoadOrCreateFileKey(t.Context(), keyring, path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for _, k := range keys {
		if *k != *keys[0] || *k == [32]byte{} {
			t.Fatal("two keys, or none")
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.Contains(text, keys[0][:]) {
		t.Fatal("the key lies open", err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Error("stray files", left, err)
	}
	if _, err := seal.LoadOrCreateFileKey(t.Context(), local.New([32]byte{9}), path); !fault.Is(err, fault.Unavailable) {
		t.Error("another root:", err)
	}
	for name, spoilt := range map[string][]byte{"empty": nil, "cut": text[:len(text)-8], "other": []byte("a b c")} {
		if err := os.WriteFile(path, spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.LoadOrCreateFileKey(t.Context(), keyring, path); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := seal.LoadOrCreateFileKey(t.Context(), keyring, filepath.Join(path, "no", "folder")); err == nil {
		t.Error("a folder that is not there")
	}
}

// TestRewrapFileKey: the same key, wrapped by another root, and a form of a later
// release is said to be one.
func TestRewrapFileKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.key")
	old, fresh := local.New(root), local.New([32]byte{7})
	key, err := seal.LoadOrCreateFileKey(t.Context(), old, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := seal.RewrapFileKey(t.Context(), fresh, path); err == nil {
		t.Error("a root that cannot open the key rewraps it")
	}
	if err := seal.RewrapFileKey(t.Context(), both{fresh, old}, path); err != nil {
		t.Fatal(err)
	}
	again, err := seal.LoadOrCreateFileKey(t.Context(), fresh, path)
	if err != nil || *again != *key {
		t.Error("another key, or none", err)
	}
	if seal.CheckFileKey(t.Context(), fresh, path) != nil || seal.CheckFileKey(t.Context(), old, path) == nil {
		t.Error("the check does not tell the roots apart")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(text, []byte("-v1 "), []byte("-v2 "), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := seal.CheckFileKey(t.Context(), fresh, path); !errors.Is(err, seal.ErrFormat) {
		t.Errorf("a later form: %v", err)
	}
}
