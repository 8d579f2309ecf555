package audit_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
)

// foundByMore knows what amended gives each record beyond put.
type foundByMore struct{}

func (foundByMore) Index(_ context.Context, row record.Row) ([]record.Token, []record.Edge, error) {
	p := put(row.Key[0], row.Version, "")
	if bytes.HasSuffix(row.Body, []byte("anew")) {
		p = amended(row.Key[0], row.Version)
	}
	return p.Tokens, p.Edges, nil
}

func amended(n byte, version uint64) record.Put {
	p := put(n, version, "anew")
	p.Tokens = append(p.Tokens, 99)
	return p
}

func (w *world) amend(l *audit.Log, puts ...record.Put) error {
	e := written(puts...)
	e.Action = audit.ActionReindex
	r, err := l.Commit(w.t.Context(), record.Batch{Amends: puts, Time: time.Now()}, e)
	if err != nil {
		return err
	}
	return r.Wait()
}

// TestAmend: a version that is sealed anew is held against the entry that says
// so, and no longer against the one it was written with.
func TestAmend(t *testing.T) {
	ev := &evidence{fs: vfs.NewMem()}
	w := worldOn(t, openFS(t, ev.fs))
	l, err := audit.Open(t.Context(), quietConfig(w))
	if err != nil {
		t.Fatal(err)
	}
	ev.first = l.Status().Shard
	w.write(l, put(1, 1, "a"), put(2, 1, "b"), put(3, 1, "c"))
	for range 2 { // the second time counts
		if err := w.amend(l, amended(2, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.amend(l, amended(1, 2)); err == nil {
		t.Error("a version that is not there was amended")
	}
	w.close(l)
	ev.pinned = readFile(t, w.out)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	again := openFS(t, ev.fs)
	b := record.Batch{Cells: []record.Cell{{Space: record.SpaceMeta, Name: []byte("something to merge with"), Value: []byte{1}}}}
	_, err = again.Commit(t.Context(), b)
	if err := errors.Join(err, again.Compact(t.Context()), again.Close()); err != nil {
		t.Fatal(err)
	}
	before := put(2, 1, "b")
	for _, d := range []deed{
		{"nothing", func(admin) {}, nil, ""},
		{"put back what was there before", func(a admin) {
			a.set(bodyAt(2), before.Body)
			a.set(rowAt(2), append(bytes.TrimSuffix(a.get(rowAt(2)), amended(2, 1).Card), before.Card...))
		}, []verify.Code{verify.CodeRowSwapped}, "put back in its place"},
		{"alter it", func(a admin) { a.flip(bodyAt(2), 0) }, []verify.Code{verify.CodeRowAltered}, "does not hold"},
		{"take it out of the index", func(a admin) { a.drop(listAt(99)) }, []verify.Code{verify.CodeIndex}, "does not find"},
	} {
		t.Run(d.name, func(t *testing.T) {
			fs := copyFS(t, ev.fs)
			ev.tamper(t, fs, d.change)
			r := ev.on(t, fs).verify(func(v *verify.Config) { v.Deep, v.Pinned = foundByMore{}, ev.pinned })
			if !slices.Equal(codes(r), d.codes) || !bytes.Contains([]byte(r.String()), []byte(d.says)) {
				t.Errorf("want %v saying %q, got\n%s", d.codes, d.says, r)
			}
		})
	}
}

// TestUnauditedAmend: an amend is a change like any other.
func TestUnauditedAmend(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	w.write(l, put(1, 1, "a"))
	b := record.Batch{Amends: []record.Put{amended(1, 1)}, Time: time.Now()}
	if _, err := l.Commit(t.Context(), b, audit.Event{Action: audit.ActionReindex}); err == nil {
		t.Error("an amend that no event names was committed")
	}
}
