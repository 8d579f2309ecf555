package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/config"
)

// TestSecretFiles: a secret lies where others cannot read or change it.
func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	path := filepath.Join(dir, "entra")
	if err := os.WriteFile(path, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "empty"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "long"), make([]byte, 17<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(name string) (string, error) {
		p := config.Provider{Name: "entra", ClientSecretFile: name}
		return p.Secret(nil)
	}
	for mode, good := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: true, 0o440: true, 0o644: false, 0o604: false, 0o660: false, 0o602: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{path, "credential:entra"} {
			secret, err := read(name)
			if (err == nil) != good || good && secret != "s3cret" {
				t.Errorf("%s with mode %o: %q, %v", name, mode, secret, err)
			}
			if err != nil && (strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "chmod")) {
				t.Errorf("it says: %v", err)
			}
		}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"credential:", "credential:../" + filepath.Base(dir) + "/entra", "credential:..", "credential:" + path, "credential:none", dir, filepath.Join(dir, "none"), filepath.Join(dir, "empty"), filepath.Join(dir, "long")} {
		if secret, err := read(name); err == nil {
			t.Errorf("%s is %q", name, secret)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if _, err := read("credential:entra"); err == nil || !strings.Contains(err.Error(), "LoadCredential") {
		t.Errorf("without credentials: %v", err)
	}
}
