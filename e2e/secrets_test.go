package e2e_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecretsWhileItRuns: a secret is sealed at a server that runs, no private key lies
// bare in its folder, and pins are told without the root.
func TestSecretsWhileItRuns(t *testing.T) {
	dir := initDir(t)
	s := startServe(t, dir)
	const value = "a-secret-that-stands-nowhere"
	set := command("secrets", "set", "--dir", dir, "idp")
	set.Stdin = strings.NewReader(value + "\n")
	if out, err := set.CombinedOutput(); err != nil || bytes.Contains(out, []byte(value)) {
		t.Fatalf("%v: %s", err, out)
	}
	if out := must(t, "secrets", "list", "--dir", dir); !strings.Contains(out, "idp") || strings.Contains(out, value) {
		t.Errorf("the list says %s", out)
	}
	if out := must(t, "tls", "request", "--dir", dir); !strings.Contains(out, "BEGIN CERTIFICATE REQUEST") {
		t.Errorf("no request: %s", out)
	}
	pins := must(t, "doctor", "--dir", dir, "--pins")
	s.stop()
	if strings.Contains(s.screen.String(), value) {
		t.Error("the log has the secret")
	}
	sealed := 0
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("PRIVATE KEY")) || bytes.Contains(text, []byte(value)) {
			t.Errorf("%s holds it bare", d.Name())
		}
		if bytes.Contains(text, []byte("WARDKEEP SEALED")) {
			sealed++
		}
		return err
	}); err != nil || sealed != 4 {
		t.Errorf("%d files are sealed: %v", sealed, err)
	}
	if again := must(t, "doctor", "--dir", dir, "--pins"); again != pins || strings.Count(pins, "pin-sha256") != 2 {
		t.Errorf("while it stands still other pins are told:\n%s%s", pins, again)
	}
	must(t, "tls", "rotate", "--dir", dir)
	must(t, "secrets", "remove", "--dir", dir, "idp")
	must(t, "audit", "verify", "--dir", dir, "--deep")
	startServe(t, dir).stop()
}
