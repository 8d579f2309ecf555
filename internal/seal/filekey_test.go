package seal_test

import (
	"bytes"
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
