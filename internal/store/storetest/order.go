package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// testVisibility writes pairs of records that always agree, and one cell that
// says how often, and looks for a reader who sees them disagree.
func testVisibility(t *testing.T, open Open) {
	r := newRig(t, open)
	const rounds = 200
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				r.lookForTears()
			}
		})
	}
	for n := uint64(1); n <= rounds; n++ {
		even := record.Token(50 + n%2)
		b := r.batch(put(1, n, even), put(2, n, even))
		b.Cells = []record.Cell{{Space: record.SpaceMeta, Name: []byte("n"), Value: binary.BigEndian.AppendUint64(nil, n)}}
		r.commit(b)
	}
	cancel()
	wg.Wait()
}

func (r *rig) lookForTears() {
	ctx := context.Background()
	rows, err := r.Get(ctx, []store.Ref{{Key: key(1)}, {Key: key(2)}}, 0)
	if err != nil || rows[0].Version != rows[1].Version {
		r.Errorf("Get saw half a commit: %v", err)
	}
	for _, e := range []store.Expr{store.Has{Token: 50}, store.Has{Token: 51}, store.All{Class: patient}} {
		var seen []uint64
		found, err := r.Find(ctx, store.Find{Expr: e}, func(row record.Row) error {
			seen = append(seen, row.Version)
			if !row.Current {
				r.Error("a found row is not current")
			}
			return nil
		})
		if err != nil || len(seen)%2 != 0 || len(seen) == 2 && seen[0] != seen[1] {
			r.Errorf("Find saw half a commit: %v, %v", seen, err)
		}
		if len(seen) == 2 && found.At < record.Position(2*seen[0]) {
			r.Errorf("Found.At is %d, behind version %d", found.At, seen[0])
		}
	}
	n, currents := 0, 0
	err = r.History(ctx, store.Span{}, func(row record.Row) error {
		n++
		if row.Current {
			currents++
		}
		return nil
	})
	if err != nil || n%2 != 0 || n > 0 && currents != 2 {
		r.Errorf("History saw half a commit: %d versions, %d current, %v", n, currents, err)
	}
}

// chain hands out runs the way package audit does.
type chain struct {
	next   uint64
	inside bool
	t      *testing.T
}

func (c *chain) link(shard uint64, entries int) func() (record.LogRun, error) {
	return func() (record.LogRun, error) {
		if c.inside {
			c.t.Error("Link was called while another was running")
		}
		c.inside = true
		run := record.LogRun{First: c.next}
		for range entries {
			run.Entries = append(run.Entries, fmt.Appendf(nil, "%d/%d", shard, c.next))
			c.next++
		}
		c.inside = false
		return run, nil
	}
}

func testLog(t *testing.T, open Open) {
	r := newRig(t, open)
	one, two := &chain{t: t, next: 1}, &chain{t: t, next: 40}
	for n := range 10 {
		r.commit(record.Batch{Shard: 1, Link: one.link(1, n%4)})
		r.commit(record.Batch{Shard: 1 << 60, Link: two.link(1<<60, 1)})
	}
	cases := []struct {
		shard, from uint64
		limit       int
		first       uint64
		count       int
	}{
		{1, 1, 100, 1, 13},
		{1, 1, 5, 1, 5},
		{1, 6, 100, 6, 8},
		{1, 13, 100, 13, 1},
		{1, 14, 100, 0, 0},
		{1, 0, 100, 0, 0}, // the run ends at once: 0 is missing
		{1, 1, 0, 1, 13},  // no limit
		{1 << 60, 40, 100, 40, 10},
		{1 << 60, 1, 100, 0, 0},
		{2, 1, 100, 0, 0},
	}
	for _, c := range cases {
		got, err := r.Log(t.Context(), c.shard, c.from, c.limit)
		if err != nil || len(got) != c.count {
			t.Errorf("shard %d from %d: %d entries, %v, want %d", c.shard, c.from, len(got), err, c.count)
			continue
		}
		for i, e := range got {
			if n := c.first + uint64(i); e.Counter != n || string(e.Bytes) != fmt.Sprintf("%d/%d", c.shard, n) {
				t.Errorf("shard %d: entry %d is %q", c.shard, e.Counter, e.Bytes)
			}
		}
	}
}

// testLink races commits and wants the chain to be in the order of positions.
func testLink(t *testing.T, open Open) {
	r := newRig(t, open)
	c := &chain{t: t, next: 1}
	won := race(t, func(w int) error {
		return try(t.Context(), r, record.Batch{
			Puts: []record.Put{put(w+1, 1)}, Time: at(1), Shard: 3,
			Guards: []record.Guard{cellIs("never", nil)},
			Link: func() (record.LogRun, error) {
				run, err := c.link(3, 1)()
				run.Entries[0] = binary.BigEndian.AppendUint64(nil, uint64(w+1))
				return run, err
			},
		})
	})
	entries, err := r.Log(t.Context(), 3, 1, 0)
	versions := r.history(store.Span{})
	if err != nil || won != racers || len(entries) != racers || len(versions) != racers {
		t.Fatalf("%d won, %d entries, %d versions, %v", won, len(entries), len(versions), err)
	}
	for i, e := range entries {
		if n := int(binary.BigEndian.Uint64(e.Bytes)); n != number(versions[i].Key) {
			t.Errorf("entry %d stands for record %d, version %d of the order is of record %d", e.Counter, n, i, number(versions[i].Key))
		}
	}
	testLinkRefused(r, c)
}

// testLinkRefused checks that a guard or a link that fails leaves no trace,
// and that entries are never written over.
func testLinkRefused(r *rig, c *chain) {
	next := c.next
	_, err := r.Commit(r.Context(), record.Batch{Guards: []record.Guard{versionIs(1, 9)}, Shard: 3, Link: c.link(3, 1)})
	if !errors.Is(err, store.ErrGuard) || c.next != next {
		r.Errorf("Link was called although a guard failed: %v", err)
	}
	broken := errors.New("broken")
	b := r.batch(put(500, 1))
	b.Shard, b.Link = 3, func() (record.LogRun, error) { return record.LogRun{}, broken }
	if _, err = r.Commit(r.Context(), b); !errors.Is(err, broken) || r.get(500, 0).Version != 0 {
		r.Errorf("a link that failed: %v", err)
	}
	r.commit(record.Batch{Shard: 3, Link: c.link(3, 1)}) // not poisoned: nothing was handed out
	_, err = r.Commit(r.Context(), record.Batch{Shard: 3, Link: (&chain{t: r.T, next: next - 1}).link(3, 1)})
	if !errors.Is(err, store.ErrFailed) {
		r.Errorf("a run over entries that exist: %v", err)
	}
	if _, err = r.Commit(r.Context(), r.batch(put(501, 1))); !errors.Is(err, store.ErrFailed) {
		r.Errorf("a commit after a failure behind Link: %v", err)
	}
	if got, err := r.Log(r.Context(), 3, next-1, 0); err != nil || len(got) != 2 {
		r.Errorf("reads after a failure: %d entries, %v", len(got), err)
	}
}

func testStale(t *testing.T, open Open) {
	r := newRig(t, open)
	r.commit(record.Batch{Puts: []record.Put{put(1, 1)}, Time: at(600)})
	early := at(600).Add(-record.MaxSkew)
	r.commit(record.Batch{Puts: []record.Put{put(2, 1)}, Time: early})
	if row := r.get(2, 0); !row.Time.Equal(at(600)) {
		t.Errorf("a late batch was committed at %v, before its predecessor", row.Time)
	}
	called := false
	b := record.Batch{Puts: []record.Put{put(3, 1)}, Time: early.Add(-time.Nanosecond), Link: func() (record.LogRun, error) {
		called = true
		return record.LogRun{}, nil
	}}
	if _, err := r.Commit(t.Context(), b); !errors.Is(err, store.ErrStale) || called || r.get(3, 0).Version != 0 {
		t.Errorf("a stale batch: %v, link called: %t", err, called)
	}
	r.commit(record.Batch{Cells: []record.Cell{{Space: record.SpaceMeta, Name: []byte("timeless"), Value: []byte("v")}}})
	if _, err := r.Commit(t.Context(), record.Batch{Puts: []record.Put{put(4, 1)}}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("puts without a time: %v", err)
	}
}

func testClosed(t *testing.T, open Open) {
	r := newRig(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Commit(ctx, r.batch(put(1, 1))); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled commit: %v", err)
	}
	if r.get(1, 0).Version != 0 {
		t.Error("a cancelled commit happened")
	}
	receipt, err := r.Commit(t.Context(), r.batch(put(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	visit := func(record.Row) error { return nil }
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := receipt.Wait(); err != nil {
		t.Errorf("a receipt after the store was closed: %v", err)
	}
	calls := map[string]error{}
	_, calls["Get"] = r.Get(t.Context(), nil, 0)
	_, calls["Cells"] = r.Cells(t.Context(), record.SpaceMeta, nil)
	calls["Scan"] = r.Scan(t.Context(), record.SpaceMeta, nil, nil, nil)
	_, calls["Find"] = r.Find(t.Context(), store.Find{}, visit)
	calls["History"] = r.History(t.Context(), store.Span{}, visit)
	_, calls["Commit"] = r.Commit(t.Context(), r.batch(put(2, 1)))
	_, calls["Log"] = r.Log(t.Context(), 1, 1, 1)
	for name, err := range calls {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s on a closed store: %v", name, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}
