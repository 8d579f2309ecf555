package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// step is one command line and what it must answer. In the arguments and in what is
// expected, DIR is a folder that init made, EMPTY one that is empty, and NONE
// one that is not there.
type step struct {
	line string
	code int
	says string
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	at := strings.NewReplacer("DIR", filepath.Join(root, "house"), "EMPTY", filepath.Join(root, "empty"),
		"NONE", filepath.Join(root, "none"), "OUT", filepath.Join(root, "out"))
	write(t, at.Replace("EMPTY/x.txt"), "")
	if err := os.Remove(at.Replace("EMPTY/x.txt")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "out", "misspelt.yaml"), "lisen: 127.0.0.1:1\n")
	write(t, filepath.Join(root, "out", "ada.json"), `{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT","url":"Patient/ada"},`+
		`"resource":{"resourceType":"Patient","id":"ada"}}]}`)
	for _, s := range []step{
		{"", 0, "Usage: wardkeep"},
		{"help", 0, "Usage: wardkeep"},
		{"help audit key", 0, "Usage: wardkeep audit key"},
		{"nonsense", 2, "wardkeep --help"},
		{"serve --bogus", 2, "wardkeep serve --help"},
		{"user add", 2, "wardkeep user add --help"},
		// A misspelt folder never becomes a new hospital, nor does anybody else's folder.
		{"serve --dir NONE", 2, "wardkeep init"},
		{"serve --dir EMPTY", 2, "not a data folder"},
		{"audit verify --dir EMPTY", 2, "not a data folder"},
		{"client add --dir EMPTY --name a --scope system/*.cruds --secret", 2, "not a data folder"},
		{"doctor --dir EMPTY", 2, "not a data folder"},
		{"doctor --dir NONE --pins", 2, "wardkeep init"},
		{"demo totp nurse --dir NONE", 2, "there is no demo"},
		// An init that fails leaves nothing in the way of the next.
		{"init --dir DIR --admin x --given A --family B", 2, "user name"},
		{"init --dir DIR --admin chief --given A --family B", 0, "enrols at /enrol"},
		{"init --dir DIR --admin chief --given A --family B", 2, "not empty"},
		{"serve --dir DIR --listen nonsense", 2, "address and a port"},
		{"serve --dir DIR --listen 127.0.0.1:99999", 2, "address and a port"},
		{"serve --config OUT/misspelt.yaml", 2, "known are: acme, "},
		{"doctor --dir DIR --pins", 1, "Start the server once"},
		{"doctor --dir DIR --pins --format windows", 2, "wardkeep doctor --help"},
		{"client add --dir DIR --name a --scope system/*.rs --tls-subject-dn CN=a", 2, "set mtls_listen"},
		{"client add --dir DIR --name a --scope system/*.rs --secret --tls-subject-dn CN=a", 2, "wardkeep client add --help"},
		{"client add --dir DIR --name a --scope system/*.rs --secret --tls", 2, "--jwks"},
		{"client add --dir DIR --name a --scope system/*.rs --tls-cert OUT/ada.json", 2, "holds no certificate"},
		{"client show --dir DIR nobody", 1, "no program of that client_id"},
		{"serve --dir DIR --mtls-ca OUT/ada.json", 2, "mtls_listen"},
		{"serve --dir DIR --mtls-listen 127.0.0.1:1 --mtls-ca OUT/ada.json", 1, "certificates in PEM"},
		{"user add --dir DIR amy --role king --given A --family B", 2, "There are the roles"},
		{"user add --dir DIR amy --role nurse --given A --family B --ward nosuch", 2, "no Location of that id"},
		{"user add --dir DIR amy --role nurse --given A --family B", 0, "enrols at /enrol"},
		{"user disable amy --dir DIR --reason leave", 0, "is disabled"},
		{"user enable amy --dir DIR --reason back", 0, "may sign in again"},
		{"user disable nobody --dir DIR --reason left", 1, "nobody of that user name"},
		{"keys status --dir EMPTY", 2, "not a data folder"},
		{"keys status --dir DIR", 0, "SEALED UNDER IT"},
		{"keys rotate data --dir DIR", 2, "--reason"},
		{"keys rotate nonsense --dir DIR --reason x", 2, "root, checkpoint, data, blob, audit"},
		{"keys rotate root --dir DIR --reason x", 0, "Keep a copy of root.key"},
		{"keys resume --dir DIR", 0, "SEALED UNDER IT"},
		{"import --dir DIR OUT/ada.json", 0, ""},
		{"audit export --dir DIR", 0, `"reference":"Patient/ada/_history/1"`},
		{"audit export --dir DIR --since yesterday", 2, "such as 2026-01-31"},
		{"audit export --dir DIR --since 2020-01-31 --limit 1", 0, "AuditEvent"},
		{"audit export --dir DIR --purpose curiosity", 2, "v3-PurposeOfUse"},
		{"audit prove --dir DIR Patient", 2, "Patient/123"},
		{"audit prove --dir DIR Patient/1", 1, "no such record"},
		{"audit key --dir DIR --out OUT", 0, ""},
		{"audit verify --dir DIR --deep --pinned OUT/checkpoint", 0, "nothing was found wrong"},
		{"export --dir DIR --out OUT --type Bogus", 2, "resource types, such as Patient"},
		{"import --dir DIR EMPTY", 2, "no .json"},
		{"import --dir DIR NONE", 2, "no file or folder"},
	} {
		out, errs, code := run(t, strings.Fields(at.Replace(s.line))...)
		if code != s.code || !strings.Contains(out+errs, s.says) {
			t.Errorf("wardkeep %s: exit %d, not %d with %q\n%s%s", s.line, code, s.code, s.says, out, errs)
		}
		for _, raw := range []string{"panic", "goroutine", "context canceled", "wardkeep: \n"} {
			if strings.Contains(errs, raw) {
				t.Errorf("wardkeep %s says %q:\n%s", s.line, raw, errs)
			}
		}
		if left, err := os.ReadDir(at.Replace("EMPTY")); err != nil || len(left) > 0 {
			t.Fatalf("wardkeep %s: something was put into the empty folder: %v %v", s.line, left, err)
		}
		if _, err := os.Stat(at.Replace("NONE")); err == nil {
			t.Fatalf("wardkeep %s made a folder", s.line)
		}
	}
}

// TestKeysAreNeverMadeAnew takes one key file away after the other: a new one in
// its place could open nothing, and would hide what is missing.
func TestKeysAreNeverMadeAnew(t *testing.T) {
	t.Parallel()
	dir := initDir(t)
	for _, name := range []string{"root.key", "store.key"} {
		path := filepath.Join(dir, name)
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"audit verify", "serve --listen 127.0.0.1:1", "audit key", "export --out " + dir + "/out"} {
			_, errs, code := run(t, append(strings.Fields(line), "--dir", dir)...)
			if code != 1 || !strings.Contains(errs, name+" is missing") {
				t.Errorf("%s without %s: exit %d: %s", line, name, code, errs)
			}
		}
		if _, err := os.Stat(path); err == nil {
			t.Fatalf("a new %s was made", name)
		}
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "audit", "verify", "--dir", dir, "--deep")
}

// TestRefusedImportSaysSoOnce holds an import of broken files to one account of
// them, an exit code of 1, and no line that says nothing.
func TestRefusedImportSaysSoOnce(t *testing.T) {
	t.Parallel()
	dir := initDir(t)
	bad := filepath.Join(t.TempDir(), "bad")
	write(t, filepath.Join(bad, "broken.json"), `{"resourceType":"Patient",`)
	write(t, filepath.Join(bad, "empty.ndjson"), "")
	write(t, filepath.Join(bad, "no.zip"), "this is no archive")
	write(t, filepath.Join(bad, "no.json.gz"), "this is not gzip")
	for range 2 {
		out, errs, code := run(t, "import", "--dir", dir, "--quiet", bad)
		if code != 1 || strings.TrimSpace(errs) != "" || !strings.Contains(out, "Refused:") {
			t.Errorf("exit %d\n%s%q", code, out, errs)
		}
		for _, name := range []string{"broken.json", "no.zip", "no.json.gz"} {
			if !strings.Contains(out, name) {
				t.Errorf("nothing is said of %s:\n%s", name, out)
			}
		}
	}
}

// TestProofElsewhere checks a proof where only the public key is known.
func TestProofElsewhere(t *testing.T) {
	t.Parallel()
	dir, kept := initDir(t), t.TempDir()
	src := filepath.Join(t.TempDir(), "p.ndjson")
	write(t, src, `{"resourceType":"Patient","id":"p1"}`+"\n")
	must(t, "import", "--dir", dir, "--quiet", src)
	must(t, "audit", "prove", "--dir", dir, "Patient/p1", "--out", filepath.Join(kept, "proof.json"))
	must(t, "audit", "key", "--dir", dir, "--out", kept)
	verifier := filepath.Join(kept, "wardkeep-verify")
	build := exec.Command("go", "build", "-o", verifier, "./cmd/wardkeep-verify")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, line := range []string{"proof proof.json --key audit.pub", "checkpoint checkpoint --key audit.pub"} {
		cmd := exec.Command(verifier, strings.Fields(line)...)
		cmd.Dir = kept
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("wardkeep-verify %s: %v\n%s", line, err, out)
		}
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
