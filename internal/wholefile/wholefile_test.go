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
