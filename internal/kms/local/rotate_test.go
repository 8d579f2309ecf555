package local_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/kms/local"
)

// TestRotation: while both roots are kept both unwrap, at the end the new one
// alone, and what signs checkpoints is the same throughout.
func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	k, err := local.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	signs, was := k.Public(), k.ID()
	old, err := k.Wrap(t.Context(), "x", []byte("old"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time does nothing
		if err := k.Begin(); err != nil {
			t.Fatal(err)
		}
	}
	fresh, err := k.Wrap(t.Context(), "x", []byte("new"))
	if err != nil || k.ID() == was || !k.Rotating() {
		t.Fatal("there is no new root", err)
	}
	opens := func(name string, k kms.Keyring, wrapped []byte, want bool) {
		t.Helper()
		if _, err := k.Unwrap(t.Context(), "x", wrapped); (err == nil) != want || err != nil && !errors.Is(err, kms.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	again, err := local.Open(path)
	if err != nil || !again.Rotating() || again.ID() != k.ID() {
		t.Fatal("the file does not hold both", err)
	}
	for _, k := range []*local.Keyring{k, again} {
		opens("the old one, of both", k, old, true)
		opens("the new one, of both", k, fresh, true)
		opens("the old one, by the new root", k.Newest(), old, false)
		opens("the new one, by the new root", k.Newest(), fresh, true)
	}
	for range 2 {
		if err := k.Finish(); err != nil {
			t.Fatal(err)
		}
	}
	again, err = local.Open(path)
	if err != nil || again.Rotating() {
		t.Fatal("the old root is still there", err)
	}
	for _, k := range []*local.Keyring{k, again} {
		opens("the old one, at the end", k, old, false)
		opens("the new one, at the end", k, fresh, true)
		if !bytes.Equal(k.Public(), signs) {
			t.Error("another key signs: checkpoints kept elsewhere do not open")
		}
	}
	if err := k.Begin(); err != nil || !bytes.Equal(k.Public(), signs) {
		t.Error("a second rotation", err)
	}
}

func TestRotationNeedsAFile(t *testing.T) {
	k := local.New([32]byte{1})
	if k.Begin() == nil || k.Rotating() {
		t.Error("a root of no file was replaced")
	}
	path := filepath.Join(t.TempDir(), "root.key")
	k, err := local.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := k.Begin(); err == nil || k.Rotating() || strings.Contains(err.Error(), path) {
		t.Error("a root whose file is gone was replaced, or the error names the path:", err)
	}
}

// TestUnknownForm: a file of a later release is said to be one.
func TestUnknownForm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	k, err := local.Create(path)
	if err != nil || k.Begin() != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(good)), "\n")
	root, old, sign := lines[2], lines[3], lines[4]
	for name, c := range map[string]struct {
		lines []string
		want  error
	}{
		"another version": {[]string{strings.Replace(root, "-v1", "-v2", 1)}, local.ErrVersion},
		"one line more":   {[]string{root, strings.Replace(sign, "signing", "sealing", 1)}, local.ErrVersion},
		"old alone":       {[]string{old, sign}, local.ErrMalformed},
		"two, no signing": {[]string{root, old}, local.ErrMalformed},
		"signing twice":   {[]string{root, sign, sign}, local.ErrMalformed},
	} {
		if err := os.WriteFile(path, []byte(strings.Join(c.lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := local.Open(path); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
