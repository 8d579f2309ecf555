package audit_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
)

// TestTwoProcesses lets several logs write and integrate at once on one store.
// Every entry is in the tree once, every chain is whole.
func TestTwoProcesses(t *testing.T) {
	w := newWorld(t)
	const logs, workers, each = 3, 6, 40
	var all []*audit.Log
	for range logs {
		c := w.config()
		c.IntegrateEvery, c.SweepEvery, c.CheckpointEvery = 2*time.Millisecond, 5*time.Millisecond, 20*time.Millisecond
		l, err := audit.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	var wg sync.WaitGroup
	for i, l := range all {
		for j := range workers {
			wg.Go(func() {
				for k := range each {
					if err := l.Append(context.Background(), shown(fmt.Sprintf("%d-%d-%d", i, j, k), byte(j))); err != nil {
						t.Error(err)
					}
					p := put(byte(10+i*workers+j), uint64(k+1), "x")
					r, err := l.Commit(context.Background(), record.Batch{Puts: []record.Put{p}}, written(p))
					if err == nil {
						err = r.Wait()
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	for _, l := range all {
		w.close(l)
	}
	pinned, err := os.ReadFile(w.out)
	if err != nil {
		t.Fatal(err)
	}
	r := w.verify(func(v *verify.Config) { v.Pinned = pinned })
	if want := uint64(logs * (workers*each*2 + 2)); !r.OK || r.Size != want || r.Pending != 0 || r.Shards != logs || r.Signed != want {
		t.Errorf("want %d leaves:\n%s", want, r)
	}
}

// TestDeadNeighbour: what another process left behind is taken in by whoever
// lives, and a broken chain of another does not stop it.
func TestDeadNeighbour(t *testing.T) {
	w := newWorld(t)
	dead, err := audit.Open(t.Context(), quietConfig(w))
	if err != nil {
		t.Fatal(err)
	}
	w.append(dead, many(10)...)
	if s := dead.Status(); s.Pending != 10 {
		t.Fatalf("pending: %+v", s)
	}
	alive, err := audit.Open(t.Context(), quietConfig(w))
	if err != nil {
		t.Fatal(err)
	}
	if s := alive.Status(); s.Size != 12 || len(s.Broken) != 0 {
		t.Errorf("after opening: %+v", s)
	}
	w.append(dead, many(5)...)
	w.integrate(alive)
	if s := alive.Status(); s.Size != 17 {
		t.Errorf("after integrating: %+v", s)
	}
	w.close(dead)
	w.close(alive)
	if r := w.verify(nil); !r.OK || r.Pending != 0 {
		t.Error(r)
	}
}

// TestCheckpoints: they come by themselves, only grow, and go outside.
func TestCheckpoints(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.CheckpointEvery = 10 * time.Millisecond
	l, err := audit.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var last uint64
	for i := range 5 {
		w.append(l, shown("r", byte(i)))
		want := l.Status().Counter
		for start := time.Now(); l.Status().Signed < want; time.Sleep(time.Millisecond) {
			if time.Since(start) > 5*time.Second {
				t.Fatalf("no checkpoint came: %+v", l.Status())
			}
		}
		got, err := verify.OpenCheckpoint(readFile(t, w.out), w.keyring.Public())
		if err != nil || got.Size < want || got.Size < last {
			t.Errorf("outside lies %+v, %v; want %d", got, err, want)
		}
		last = got.Size
	}
	w.close(l)
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(w.out), "*")); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}
