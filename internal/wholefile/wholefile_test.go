package wholefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/wholefile"
)

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secret-name")
	holds := func(want string, mode fs.FileMode) {
		t.Helper()
		text, err := os.ReadFile(path)
		info, err2 := os.Stat(path)
		list, err3 := os.ReadDir(dir)
		if err := errors.Join(err, err2, err3); err != nil {
			t.Fatal(err)
		}
		if string(text) != want || info.Mode().Perm() != mode || len(list) != 1 {
			t.Errorf("%q, %v, %d files; want %q, %v", text, info.Mode(), len(list), want, mode)
		}
	}
	if err := wholefile.Create(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	holds("one", 0o600)
	if err := wholefile.Create(path, []byte("two")); !errors.Is(err, fs.ErrExist) || strings.Contains(err.Error(), "secret-name") {
		t.Errorf("a second one: %v", err)
	}
	holds("one", 0o600)
	if err := wholefile.Replace(path, []byte("three"), 0o644); err != nil {
		t.Fatal(err)
	}
	holds("three", 0o644)
	for _, err := range []error{wholefile.Create(path+"/x", nil), wholefile.Replace(dir+"/none/secret-name", nil, 0o600), wholefile.SyncDir(path + "/x")} {
		if err == nil || strings.Contains(err.Error(), "secret-name") {
			t.Errorf("an impossible place: %v", err)
		}
	}
}

// TestSecretsAreWrittenOver: of a secret that was replaced or destroyed no bytes are left
// in the file that had them.
func TestSecretsAreWrittenOver(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "secret"), filepath.Join(dir, "other")
	for name, end := range map[string]func() error{
		"replaced":  func() error { return wholefile.ReplaceSecret(path, []byte("next")) },
		"destroyed": func() error { return wholefile.Destroy(path) },
	} {
		if err := errors.Join(os.WriteFile(path, []byte("hunter2"), 0o600), os.Link(path, other), end()); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(other); err != nil || string(text) != "\x00\x00\x00\x00\x00\x00\x00" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		if text, err := os.ReadFile(path); name == "replaced" && string(text) != "next" || name == "destroyed" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		_, _ = os.Remove(other), os.Remove(path)
	}
	if err := wholefile.ReplaceSecret(path, []byte("first")); err != nil {
		t.Error(err)
	}
	if err := wholefile.Destroy(other); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there is destroyed: %v", err)
	}
}
