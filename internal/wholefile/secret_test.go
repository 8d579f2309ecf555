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

func TestReadSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	for name, c := range map[string]struct {
		text string
		mode fs.FileMode
		want error
	}{
		"its owner's":    {"text", 0o600, nil},
		"full":           {"12345678", 0o400, nil},
		"larger":         {"123456789", 0o600, wholefile.ErrKind},
		"a group's":      {"text", 0o640, wholefile.ErrOthers},
		"to be written":  {"text", 0o602, wholefile.ErrOthers},
		"to be executed": {"text", 0o601, wholefile.ErrOthers},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		text, err := wholefile.ReadSecret(path, 8)
		if !errors.Is(err, c.want) || c.want == nil && string(text) != c.text || err != nil && text != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{path, filepath.Dir(path)} {
		if _, err := wholefile.ReadSecret(path, 8); err == nil || strings.Contains(err.Error(), path) {
			t.Error("missing, or a folder:", err)
		}
	}
}
