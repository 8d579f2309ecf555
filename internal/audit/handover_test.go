package audit_test

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/mod/sumdb/note"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
)

// handed is a store before and after its signing key was replaced, and what was kept of
// both times.
type handed struct {
	before, after       *vfs.MemFS
	keysBefore          []byte // the file of the keys
	keys                string // where the newest lies
	pinBefore, pinAfter []byte
	proofBefore, proof  *verify.Proof
	old, new            kms.Keyring
	out                 string
}

// keysIn is the root of all tests as a file, from which keys can be replaced.
func keysIn(t *testing.T, text []byte) *local.Keyring {
	t.Helper()
	path := filepath.Join(t.TempDir(), "root.key")
	if text == nil {
		text = []byte("wardkeep-development-root-key-v1 " + base64.StdEncoding.EncodeToString(append([]byte{1}, make([]byte, 31)...)) + "\n")
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := local.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func handOver(t *testing.T) *handed {
	t.Helper()
	h := &handed{keys: filepath.Join(t.TempDir(), "root.key")}
	fs := vfs.NewMem()
	s := openFS(t, fs)
	w := worldOn(t, s)
	h.out, h.old = w.out, w.keyring
	h.keysBefore = []byte("wardkeep-development-root-key-v1 " + base64.StdEncoding.EncodeToString(append([]byte{1}, make([]byte, 31)...)) + "\n")
	if err := os.WriteFile(h.keys, h.keysBefore, 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := local.Open(h.keys)
	if err != nil {
		t.Fatal(err)
	}
	w.keyring = keys
	run := func(do func(l *audit.Log)) *verify.Proof {
		l, err := audit.Open(t.Context(), quietConfig(w))
		if err != nil {
			t.Fatal(err)
		}
		do(l)
		w.integrate(l)
		p, err := l.Prove(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		w.close(l)
		return p
	}
	h.proofBefore = run(func(l *audit.Log) { w.write(l, put(1, 1, "a")); w.append(l, many(300)...) })
	h.pinBefore = readFile(t, w.out)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	h.before = copyFS(t, fs)
	w.store = openFS(t, fs)
	w = worldFor(t, w)
	w.keyring = keys
	h.proof = run(func(l *audit.Log) {
		w.append(l, many(3)...)
		if err := keys.BeginSigning(); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time does nothing
			if err := l.HandOver(t.Context(), audit.Event{Actor: "officer-1", Action: audit.ActionRekey, Reason: "stolen"}); err != nil {
				t.Fatal(err)
			}
		}
		w.write(l, put(1, 2, "b"))
	})
	h.new, h.pinAfter = keys, readFile(t, w.out)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	h.after = fs
	return h
}

// on opens a world on a copy of one of the stores.
func (h *handed) on(t *testing.T, fs *vfs.MemFS, keys kms.Keyring) *world {
	t.Helper()
	s := openFS(t, copyFS(t, fs))
	t.Cleanup(func() { _ = s.Close() })
	w := worldFor(t, &world{t: t, store: s, out: h.out})
	w.keyring = keys
	return w
}

// TestHandOver: who keeps either key, and a checkpoint of either time, verifies the
// whole log; and a server starts on either checkpoint.
func TestHandOver(t *testing.T) {
	h := handOver(t)
	if h.old.Public().Equal(h.new.Public()) {
		t.Fatal("the same key signs")
	}
	w := h.on(t, h.after, h.new)
	for name, key := range map[string]kms.Keyring{"old": h.old, "new": h.new} {
		for when, pin := range map[string][]byte{"before": h.pinBefore, "after": h.pinAfter} {
			r := w.verify(func(c *verify.Config) { c.Key, c.Pinned = key.Public(), pin })
			if !r.OK || len(r.HandOvers) != 1 || !strings.Contains(r.String(), verify.KeyName(h.new.Public())+" follows "+verify.KeyName(h.old.Public())) {
				t.Errorf("the %s key, and the checkpoint from %s:\n%s", name, when, r)
			}
		}
		if _, _, err := h.proof.Check(key.Public()); err != nil {
			t.Errorf("a proof from after, by the %s key: %v", name, err)
		}
	}
	if _, _, err := h.proofBefore.Check(h.old.Public()); err != nil {
		t.Errorf("a proof from before: %v", err)
	}
	bare := *h.proof
	bare.HandOvers = ""
	if _, _, err := bare.Check(h.old.Public()); err == nil {
		t.Error("the old key believes a proof of which nobody says who signed it")
	}
	if r := w.verify(func(c *verify.Config) { c.Key = local.New([32]byte{9}).Public() }); r.OK {
		t.Error("a stranger's key verifies the log")
	}
	for _, pin := range [][]byte{h.pinBefore, h.pinAfter} {
		if err := os.WriteFile(h.out, pin, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := audit.Open(t.Context(), quietConfig(w))
		if err != nil {
			t.Fatal(err)
		}
		w.close(l)
	}
}

// note2 is a hand-over signed by both keyrings.
func note2(t *testing.T, from, to kms.Keyring, at verify.Checkpoint) []byte {
	t.Helper()
	h := verify.HandOver{Tenant: tenant, Old: from.Public(), New: to.Public(), At: at, Time: time.Now()}
	return signedNote(t, h.Text(), h.Name(), from, to)
}

type ringSigner struct {
	note.Verifier
	kms.Keyring
}

func (s ringSigner) Sign(m []byte) ([]byte, error) { return s.Keyring.Sign(context.Background(), m) }

func signedNote(t *testing.T, text, name string, keys ...kms.Keyring) []byte {
	t.Helper()
	var signers []note.Signer
	for _, k := range keys {
		v, err := verify.NewVerifier(name, k.Public())
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, ringSigner{v, k})
	}
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// TestHandOverForged: who has the old key, or the database, or both, cannot pass a log
// off as this one to who keeps the new key, or a checkpoint that it signed.
func TestHandOverForged(t *testing.T) {
	h := handOver(t)
	thief := local.New([32]byte{7})
	now, err := verify.OpenCheckpoint(h.pinAfter, h.new.Public())
	if err != nil {
		t.Fatal(err)
	}
	true1 := readFile(t, h.out+verify.HandOversBeside)
	all, err := verify.ParseHandOvers(true1)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	at := all[0].At
	other := at
	other.Root[0] ^= 1
	checkpoint := func(k kms.Keyring) []byte { return signedNote(t, now.Text(), now.Origin, k) }
	for _, c := range []struct {
		name       string
		notes      []byte
		checkpoint []byte
		key        kms.Keyring
		want       verify.Code
		refused    string // by a server
	}{
		{"the old key goes on signing", true1, checkpoint(h.old), h.old, verify.CodeSignature, "replaced"},
		{"the same, to who keeps the new key", true1, checkpoint(h.old), h.new, verify.CodeSignature, "replaced"},
		{"the new key alone says that it follows", signedNote(t, all[0].Text(), all[0].Name(), h.new), nil, h.old, verify.CodeHandOver, "damaged or forged"},
		{"the old key alone says who follows", signedNote(t, all[0].Text(), all[0].Name(), h.old), nil, h.new, verify.CodeHandOver, "damaged or forged"},
		{"the thief of the old key follows it", note2(t, h.old, thief, at), checkpoint(thief), h.new, verify.CodeSignature, "not signed by this key"},
		{"he and the true one", append(slices.Clone(append(true1, '\n')), note2(t, h.old, thief, at)...), nil, h.old, verify.CodeHandOver, "damaged or forged"},
		{"he, and a checkpoint of the true one is kept", note2(t, h.old, thief, at), checkpoint(thief), h.old, verify.CodeSignature, ""},
		{"both keys, of another history", note2(t, h.old, h.new, other), nil, h.new, verify.CodeFork, ""},
		{"nothing says who follows", nil, nil, h.old, verify.CodeSignature, ""},
	} {
		fs := copyFS(t, h.after)
		(&evidence{}).tamper(t, fs, func(a admin) {
			name := a.treeCell([]byte(verify.HandOversName))
			a.set(name, append(make([]byte, 8), c.notes...))
			if c.notes == nil {
				a.drop(name)
			}
			if c.checkpoint != nil {
				a.set(a.treeCell(a.tree().CheckpointName()), append(make([]byte, 8), c.checkpoint...))
			}
		})
		w := h.on(t, fs, h.new)
		r := w.verify(func(v *verify.Config) { v.Key, v.Pinned = c.key.Public(), h.pinAfter })
		if r.OK || !slices.Contains(codes(r), c.want) {
			t.Errorf("%s:\n%s", c.name, r)
		}
		if c.refused == "" {
			continue
		}
		cfg := quietConfig(w)
		cfg.CheckpointOut = "" // what is kept outside would tell in any case
		if _, err := audit.Open(t.Context(), cfg); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error()+fault.Public(err), c.refused) {
			t.Errorf("%s: a server started: %v", c.name, err)
		}
	}
}

// TestHandOverAndRestore: the keys from before are refused. A store from before is a
// rollback as any other, and goes on under the newest key once a successor is declared.
func TestHandOverAndRestore(t *testing.T) {
	h := handOver(t)
	w := h.on(t, h.after, keysIn(t, h.keysBefore))
	if _, err := audit.Open(t.Context(), quietConfig(w)); !strings.Contains(fault.Public(err), "newest root.key") {
		t.Errorf("the key from before: %v", err)
	}
	w = h.on(t, h.before, keysIn(t, h.keysBefore))
	if _, err := audit.Open(t.Context(), quietConfig(w)); !strings.Contains(fault.Public(err), "newest root.key") {
		t.Errorf("the key and the store from before: %v", err)
	}
	w = h.on(t, h.before, h.new)
	if _, err := audit.Open(t.Context(), quietConfig(w)); !strings.Contains(fault.Public(err), "rollback") {
		t.Fatalf("the store from before: %v", err)
	}
	cfg := quietConfig(w)
	cfg.DeclareSuccessor = &audit.Decision{Who: "officer-1", Why: "disk lost"}
	l, err := audit.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.append(l, many(3)...)
	w.close(l)
	for name, key := range map[string]kms.Keyring{"old": h.old, "new": h.new} {
		for _, pin := range [][]byte{h.pinBefore, h.pinAfter, readFile(t, h.out)} {
			if r := w.verify(func(c *verify.Config) { c.Key, c.Pinned = key.Public(), pin }); !r.OK || len(r.HandOvers) != 1 {
				t.Errorf("by the %s key:\n%s", name, r)
			}
		}
	}
	if l, err = audit.Open(t.Context(), quietConfig(w)); err != nil {
		t.Fatal(err)
	}
	w.close(l)
}

// TestHandOverNeedsTheKeyring: without a next key nothing happens, and a keyring that
// cannot replace its key is refused.
func TestHandOverNeedsTheKeyring(t *testing.T) {
	w := newWorld(t)
	w.keyring = struct{ kms.Keyring }{w.keyring}
	if err := w.open().HandOver(t.Context(), audit.Event{}); !fault.Is(err, fault.NotSupported) {
		t.Error(err)
	}
	if cells, err := w.store.Cells(t.Context(), record.SpaceTree, [][]byte{[]byte(verify.HandOversName)}); err != nil || cells[0] != nil {
		t.Error("a hand-over was written", err)
	}
}
