package main // a command cannot be imported by a test package

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/seal/file"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
)

// site is a data folder as a server leaves it, and what was kept elsewhere.
type site struct {
	dir, keys, pinned, old, key, proof string

	handOver bool // in the end another key signs than the one that is kept elsewhere
}

func newSite(t *testing.T) site { return newSiteThat(t, false) }

func newSiteThat(t *testing.T, handOver bool) site {
	t.Helper()
	dir, elsewhere := t.TempDir(), t.TempDir()
	s := site{
		dir: dir, keys: filepath.Join(dir, "root.key"), pinned: filepath.Join(elsewhere, "checkpoint"),
		old: filepath.Join(elsewhere, "old"), key: filepath.Join(elsewhere, "audit.pub"), proof: filepath.Join(elsewhere, "proof.json"),
		handOver: handOver,
	}
	keyring, err := local.OpenOrCreate(s.keys)
	fatal(t, err)
	fatal(t, os.WriteFile(s.key, []byte(base64.StdEncoding.EncodeToString(keyring.Public())+"\n"), 0o644))
	for run := range 2 {
		fill(t, s, keyring, byte(run))
		if run == 0 {
			text, err := os.ReadFile(s.pinned)
			fatal(t, err)
			fatal(t, os.WriteFile(s.old, text, 0o644))
		}
	}
	return s
}

// fill is one run of a server.
func fill(t *testing.T, s site, keyring *local.Keyring, run byte) {
	t.Helper()
	key, err := seal.LoadOrCreateFileKey(t.Context(), keyring, filepath.Join(s.dir, "store.key"))
	fatal(t, err)
	disk, err := file.New(vfs.Default, key[:])
	fatal(t, err)
	files, err := pebble.Open(pebble.Config{Dir: filepath.Join(s.dir, "store"), FS: disk, MemTableSize: 4 << 20, CacheSize: 8 << 20})
	fatal(t, err)
	c := seal.Config{Tenant: "clinic", Keyring: keyring, Cells: files}
	if run == 0 {
		b, err := seal.Init(t.Context(), c)
		fatal(t, err)
		b.Time = time.Now()
		r, err := files.Commit(t.Context(), b)
		fatal(t, err)
		fatal(t, r.Wait())
	}
	sealer, err := seal.Open(t.Context(), c)
	fatal(t, err)
	l, err := audit.Open(t.Context(), audit.Config{Store: files, Sealer: sealer, Keyring: keyring, Tenant: "clinic", CheckpointOut: s.pinned})
	fatal(t, err)
	k := record.Key{run, 1}
	r, err := l.Commit(t.Context(), record.Batch{Puts: []record.Put{{Key: k, Version: 1, Class: 1, Body: []byte("b"), Card: []byte("c")}}},
		audit.Event{Actor: "u", Action: audit.ActionCreate, RequestID: "r", Items: []audit.Item{{Key: k, Version: 1}}})
	fatal(t, err)
	fatal(t, r.Wait())
	fatal(t, l.Integrate(t.Context()))
	p, err := l.Prove(t.Context(), 1)
	fatal(t, err)
	text, err := json.Marshal(p)
	fatal(t, err)
	fatal(t, os.WriteFile(s.proof, text, 0o644))
	if run == 1 && s.handOver {
		fatal(t, keyring.BeginSigning())
		fatal(t, l.HandOver(t.Context(), audit.Event{Actor: "u", Action: audit.ActionRekey}))
		p, err = l.Prove(t.Context(), 1)
		fatal(t, err)
		text, err = json.Marshal(p)
		fatal(t, err)
		fatal(t, os.WriteFile(s.proof, text, 0o644))
	}
	fatal(t, l.Close(t.Context()))
	fatal(t, files.Close())
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func verifyCmd(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	code = run(t.Context(), args, &b, &b)
	return code, b.String()
}

func TestCommands(t *testing.T) {
	s := newSite(t)
	bad := filepath.Join(t.TempDir(), "bad")
	text, err := os.ReadFile(s.proof)
	fatal(t, err)
	fatal(t, os.WriteFile(bad, bytes.Replace(text, []byte(`"index":1`), []byte(`"index":2`), 1), 0o644))
	other := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"folder", []string{"folder", s.dir, "--keys", s.keys, "--key", s.key, "--pinned", s.pinned}, exitOK, "nothing was found wrong"},
		{"folder, older pin", []string{"folder", s.dir, "--keys", s.keys, "--key", s.key, "--pinned", s.old, "--tenant", "clinic"}, exitOK, "2 in the store"},
		{"folder, another key", []string{"folder", s.dir, "--keys", s.keys, "--key", other, "--tenant", "clinic"}, exitFail, "not signed by this key"},
		{"folder, no key", []string{"folder", s.dir}, exitUsage, "give --key"},
		{"folder, store key elsewhere", []string{"folder", filepath.Join(s.dir, "store"), "--keys", s.keys}, exitOK, "OK"},
		{"folder, not there", []string{"folder", filepath.Join(s.dir, "nothing"), "--keys", s.keys}, exitUsage, "there is no folder"},
		{"proof", []string{"proof", s.proof, "--key", s.key}, exitOK, "the entry is in the signed log"},
		{"proof as JSON", []string{"proof", s.proof, "--key", s.key, "--json"}, exitOK, `"ok":true`},
		{"altered proof", []string{"proof", bad, "--key", s.key}, exitFail, "does not hold"},
		{"proof, another key", []string{"proof", s.proof, "--key", other}, exitFail, "not signed by this key"},
		{"checkpoint", []string{"checkpoint", s.pinned, "--key", s.key, "--against", s.old}, exitOK, "does not contradict"},
		{"checkpoints the wrong way round", []string{"checkpoint", s.old, "--key", s.key, "--against", s.pinned}, exitFail, "rollback"},
		{"no key at all", []string{"proof", s.proof}, exitUsage, "--key"},
		{"help", nil, exitOK, "Exit codes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if code, out := verifyCmd(t, c.args...); code != c.code || !strings.Contains(out, c.says) {
				t.Errorf("exit %d:\n%s", code, out)
			}
		})
	}
}

func TestJSONReport(t *testing.T) {
	s := newSite(t)
	code, out := verifyCmd(t, "folder", s.dir, "--keys", s.keys, "--pinned", s.pinned, "--json")
	var r verify.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitOK || !r.OK || r.Rows != 2 || r.Size != 6 {
		t.Errorf("exit %d, %v:\n%s", code, err, out)
	}
}

// TestDamage cuts a file short: the report says so, and nothing crashes.
func TestDamage(t *testing.T) {
	s := newSite(t)
	tables, err := filepath.Glob(filepath.Join(s.dir, "store", "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatal("no tables", err)
	}
	for _, name := range tables {
		info, err := os.Stat(name)
		fatal(t, err)
		fatal(t, os.Truncate(name, info.Size()/2))
	}
	code, out := verifyCmd(t, "folder", s.dir, "--keys", s.keys, "--key", s.key, "--pinned", s.pinned)
	if code != exitFail || out == "" {
		t.Errorf("exit %d:\n%s", code, out)
	}
	t.Log(out)
}

// TestHandOver: who keeps the first public key alone verifies what the next one has
// signed; without what says that it follows, he does not.
func TestHandOver(t *testing.T) {
	s := newSiteThat(t, true)
	check := func(says string, code int) {
		t.Helper()
		for _, args := range [][]string{
			{"folder", s.dir, "--keys", s.keys, "--key", s.key, "--pinned", s.pinned, "--tenant", "clinic"},
			{"checkpoint", s.pinned, "--key", s.key, "--against", s.old},
			{"proof", s.proof, "--key", s.key},
		} {
			if got, out := verifyCmd(t, args...); got != code || !strings.Contains(out, says) {
				t.Errorf("%s: exit %d:\n%s", args[0], got, out)
			}
		}
	}
	check("OK  ", exitOK)
	if code, out := verifyCmd(t, "folder", s.dir, "--keys", s.keys, "--pinned", s.old); code != exitOK || !strings.Contains(out, "follows") {
		t.Errorf("by the newest key, on a checkpoint of the first: exit %d:\n%s", code, out)
	}
	beside := s.pinned + verify.HandOversBeside
	notes, err := os.ReadFile(beside)
	fatal(t, err)
	fatal(t, os.WriteFile(beside, bytes.Replace(notes, []byte("\n\n"), []byte("\n\n\n"), 1), 0o644))
	if code, _ := verifyCmd(t, "checkpoint", s.pinned, "--key", s.key); code != exitFail {
		t.Errorf("malformed hand-overs: exit %d", code)
	}
	fatal(t, os.Remove(beside))
	if code, out := verifyCmd(t, "checkpoint", s.pinned, "--key", s.key); code != exitFail || !strings.Contains(out, "not signed by this key") {
		t.Errorf("without the hand-overs: exit %d:\n%s", code, out)
	}
}
