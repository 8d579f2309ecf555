package audit_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// TestRollback: a store restored from an older copy is found by the verifier
// and refused by Open, unless its successor is declared.
func TestRollback(t *testing.T) {
	ev := gather(t)
	w := ev.on(t, copyFS(t, ev.early))
	pinned := func(v *verify.Config) { v.Pinned = ev.pinned }
	r := w.verify(pinned)
	if !slices.Equal(codes(r), []verify.Code{verify.CodeRollback}) || !strings.Contains(r.String(), "the store is older than the pinned checkpoint: size 304 < 707") {
		t.Errorf("got\n%s", r)
	}

	_, err := audit.Open(t.Context(), quietConfig(w))
	var problem *audit.Rollback
	if !fault.Is(err, fault.Unavailable) || !errors.As(err, &problem) || problem.Kind != audit.KindRollback ||
		!strings.Contains(fault.Public(err), "rollback") {
		t.Fatalf("a restored store was opened: %v", err)
	}

	c := quietConfig(w)
	c.DeclareSuccessor = &audit.Decision{Who: "officer-1", Why: "disk lost, restored from last night"}
	l, err := audit.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	w.write(l, put(9, 1, "after"))
	w.append(l, many(3)...)
	first := rec(t, l, 304)
	if s := first.Statement; first.Leaf != 0 || s == nil || s.LastSize != 707 || s.RecoveredSize != 304 || s.Who != "officer-1" || s.Missing() != "leaves 304 to 706" {
		t.Errorf("the first leaf states %+v", s)
	}
	acrossTrees(t, w, l)
	w.close(l)
	for name, kept := range map[string][]byte{"old pin": ev.pinned, "new pin": readFile(t, w.out), "pin before the loss": ev.old} {
		r = w.verify(func(v *verify.Config) { v.Pinned = kept })
		if !r.OK || r.Trees != 2 || len(r.Successors) != 1 || !strings.Contains(r.Successors[0], "officer-1") {
			t.Errorf("%s:\n%s", name, r)
		}
	}

	// From now on the store opens as any other, also on the pin of before.
	for _, kept := range [][]byte{readFile(t, w.out), ev.pinned} {
		if err := os.WriteFile(w.out, kept, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err = audit.Open(t.Context(), quietConfig(w))
		if err != nil {
			t.Fatal(err)
		}
		w.close(l)
	}
}

// acrossTrees: entries of the closed tree and of its successor are found and
// proved alike.
func acrossTrees(t *testing.T, w *world, l *audit.Log) {
	t.Helper()
	w.integrate(l)
	if found, err := l.Find(t.Context(), audit.Filter{RequestID: "req-1"}); err != nil || !slices.Equal(found, []uint64{4, 307}) {
		t.Errorf("the search finds %v, %v: entries of the closed tree and of its successor are due", found, err)
	}
	for _, index := range []uint64{4, 307} {
		p, err := l.Prove(t.Context(), index)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.Check(w.keyring.Public()); err != nil {
			t.Errorf("entry %d: %v", index, err)
		}
	}
}

func rec(t *testing.T, l *audit.Log, index uint64) *audit.Record {
	t.Helper()
	r, err := l.Read(t.Context(), index)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestFork: a restored store is carried on as if nothing had been, past the
// size of the pinned checkpoint.
func TestFork(t *testing.T) {
	ev := gather(t)
	w := ev.on(t, copyFS(t, ev.early))
	c := quietConfig(w)
	c.CheckpointOut = ""
	l, err := audit.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	w.append(l, many(600)...)
	w.close(l)

	r := w.verify(func(v *verify.Config) { v.Pinned = ev.pinned })
	if !slices.Equal(codes(r), []verify.Code{verify.CodeFork}) {
		t.Errorf("got\n%s", r)
	}
	_, err = audit.Open(t.Context(), quietConfig(w))
	var problem *audit.Rollback
	if !errors.As(err, &problem) || problem.Kind != audit.KindFork {
		t.Errorf("a forked store was opened: %v", err)
	}
}

// TestOtherTree: the store was replaced by a fresh one.
func TestOtherTree(t *testing.T) {
	ev := gather(t)
	fresh := vfs.NewMem()
	if err := openFS(t, fresh).Close(); err != nil {
		t.Fatal(err)
	}
	w := ev.on(t, fresh)
	if _, err := audit.Open(t.Context(), quietConfig(w)); !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.Public(err), "rollback") {
		t.Errorf("an empty store was opened: %v", err)
	}
	c := quietConfig(w)
	c.CheckpointOut = ""
	l, err := audit.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	w.close(l)
	r := w.verify(func(v *verify.Config) { v.Pinned = ev.pinned })
	if !slices.Equal(codes(r), []verify.Code{verify.CodeOtherTree}) {
		t.Errorf("got\n%s", r)
	}
	var problem *audit.Rollback
	if _, err := audit.Open(t.Context(), quietConfig(w)); !errors.As(err, &problem) || problem.Kind != audit.KindOtherTree {
		t.Errorf("another store was opened: %v", err)
	}
	c = quietConfig(w)
	c.DeclareSuccessor = &audit.Decision{Who: "officer-1", Why: "all was lost"}
	if l, err = audit.Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	w.close(l)
	if r := w.verify(func(v *verify.Config) { v.Pinned = ev.pinned }); !r.OK {
		t.Errorf("got\n%s", r)
	}
}

// TestCrash: entries committed and not integrated are taken in by the next
// process, in order; entries altered meanwhile are refused.
func TestCrash(t *testing.T) {
	ev := gather(t)
	w := ev.on(t, copyFS(t, ev.fs))
	l, err := audit.Open(t.Context(), quietConfig(w))
	if err != nil {
		t.Fatal(err)
	}
	if s := l.Status(); s.Size != 707+lastly+1 || s.Pending != 0 {
		t.Errorf("after the crash: %+v", s)
	}
	w.close(l)
	if r := w.verify(func(v *verify.Config) { v.Pinned = ev.pinned }); !r.OK || r.Pending != 0 {
		t.Errorf("got\n%s", r)
	}

	fs := copyFS(t, ev.fs)
	ev.tamper(t, fs, func(a admin) { a.flip(entryAt(ev.second, 406), -1) })
	w = ev.on(t, fs)
	_, err = audit.Open(context.Background(), quietConfig(w))
	var broken *audit.ChainError
	if !fault.Is(err, fault.Unavailable) || !errors.As(err, &broken) || broken.Shard != ev.second || broken.Counter != 406 {
		t.Errorf("altered pending entries were taken in: %v", err)
	}
}

// TestSearchTampered: an altered entry is shown as such, and hides no other.
func TestSearchTampered(t *testing.T) {
	ev := gather(t)
	fs := copyFS(t, ev.fs)
	ev.tamper(t, fs, func(a admin) { a.flip(entryAt(ev.first, 5), -1); a.drop(entryAt(ev.first, 9)) })
	w := ev.on(t, fs)
	l, err := audit.Open(t.Context(), quietConfig(w))
	if err != nil {
		t.Fatal(err)
	}
	var altered []uint64
	n := 0
	err = l.Search(t.Context(), audit.Filter{Actor: "dr-1"}, func(r *audit.Record) error {
		if n++; r.Altered {
			altered = append(altered, r.Index)
			if _, err := r.FHIR("ward-1", nil); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if err != nil || n != early+later+lastly-1 || !slices.Equal(altered, []uint64{4, 8}) {
		t.Errorf("%d entries, altered %v, %v", n, altered, err)
	}
	if _, err := l.Read(t.Context(), 4); !fault.Is(err, fault.Internal) {
		t.Errorf("an altered entry was read: %v", err)
	}
}
