package pebble_test

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
	"github.com/wardkeep/wardkeep/internal/store/storetest"
)

// crashes is how often the power fails; WARDKEEP_CRASHES raises it.
func crashes(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("WARDKEEP_CRASHES")); err == nil {
		return n
	}
	if testing.Short() {
		return 40
	}
	return 200
}

// TestCrash cuts the power at random moments while four writers commit. After
// each crash the store must open; every commit whose Wait returned is there,
// every other one is there whole or not at all, the audit chain has no hole,
// and the index says exactly what the rows say. Then work goes on from there,
// several crashes deep.
func TestCrash(t *testing.T) {
	const deep = 5
	for seed := range uint64(max(crashes(t)/deep, 1)) {
		w := newWorld(seed)
		for range deep {
			w.live(t)
			w.crash(t)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

// world is a store with writers whose every commit is remembered.
type world struct {
	rng *rand.Rand
	fs  *vfs.MemFS
	s   *pebble.Store

	mu       sync.Mutex
	next     uint64           // counter of the next audit entry
	sent     map[uint64]*sent // by counter of their entry
	promised map[uint64]bool  // counters whose Wait returned
	model    *storetest.Model // what must be there, up to the last crash
}

type sent struct {
	puts []record.Put
	time time.Time
}

const writers = 4

func newWorld(seed uint64) *world {
	return &world{
		rng: rand.New(rand.NewPCG(seed, 9)), fs: vfs.NewCrashableMem(), next: 1,
		sent: make(map[uint64]*sent), promised: make(map[uint64]bool), model: new(storetest.Model),
	}
}

// live opens the store and lets the writers work until the power fails.
func (w *world) live(t *testing.T) {
	t.Helper()
	s, err := pebble.Open(small("store", w.fs))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	w.s = s
	w.verify(t)
	known := currents(w.model)
	var wg sync.WaitGroup
	for i := range writers {
		rng := rand.New(rand.NewPCG(w.rng.Uint64(), 3))
		wg.Go(func() {
			mine := make(map[record.Key]uint64)
			for range 1 + rng.IntN(12) {
				w.commit(t, rng, uint64(i), mine, known)
			}
		})
	}
	wg.Wait()
}

// puts returns versions of one to three of the writer's records.
func puts(rng *rand.Rand, writer uint64, mine, known map[record.Key]uint64) (out []record.Put) {
	for id := range 1 + rng.Uint64N(3) {
		k := record.Key{1, byte(writer), byte(id)}
		if rng.IntN(3) == 0 {
			k[3] = byte(rng.IntN(50))
		}
		if mine[k] == 0 {
			mine[k] = known[k]
		}
		if slices.ContainsFunc(out, func(p record.Put) bool { return p.Key == k }) {
			continue
		}
		mine[k]++
		p := record.Put{Key: k, Version: mine[k], Class: 1 + record.Token(k[2])%2, Deleted: rng.IntN(6) == 0, Body: make([]byte, rng.IntN(9000))}
		if !p.Deleted {
			p.Card = []byte{k[3]}
			p.Tokens = []record.Token{1, 2 + record.Token(rng.IntN(5)), 7 + record.Token(rng.IntN(50))}
			p.Edges = []record.Edge{{Rel: 3, To: record.Key{1, byte(rng.IntN(writers)), byte(rng.IntN(3))}}}
		}
		out = append(out, p)
	}
	return out
}

// commit writes one batch, and waits for most.
func (w *world) commit(t *testing.T, rng *rand.Rand, writer uint64, mine, known map[record.Key]uint64) {
	b := record.Batch{Shard: 5, Puts: puts(rng, writer, mine, known)}
	b.Cells = []record.Cell{{Space: record.SpaceMeta, Name: []byte("last")}}
	var counter uint64
	b.Link = func() (record.LogRun, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		counter = w.next
		w.next++
		// The engine keeps the batch's memory; the cell names the entry.
		b.Cells[0].Value = binary.BigEndian.AppendUint64(nil, counter)
		w.sent[counter] = &sent{puts: b.Puts, time: b.Time}
		return record.LogRun{First: counter, Entries: [][]byte{binary.BigEndian.AppendUint64(nil, counter)}}, nil
	}
	w.mu.Lock()
	b.Time = time.Unix(int64(1000+w.next/3), 0)
	w.mu.Unlock()
	r, err := w.s.Commit(t.Context(), b)
	if err != nil {
		t.Errorf("commit: %v", err)
		return
	}
	if rng.IntN(3) > 0 {
		if err := r.Wait(); err != nil {
			t.Errorf("wait: %v", err)
		}
		w.mu.Lock()
		w.promised[counter] = true
		w.mu.Unlock()
	}
}

// crash cuts the power. What was synced stays, of the rest some.
func (w *world) crash(t *testing.T) {
	t.Helper()
	old := w.s
	w.fs = w.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: w.rng.IntN(101), RNG: rand.New(rand.NewPCG(w.rng.Uint64(), 1))})
	if err := old.Close(); err != nil { // the old world; nothing of it reaches the new one
		t.Errorf("close: %v", err)
	}
}

func currents(m *storetest.Model) map[record.Key]uint64 {
	out := make(map[record.Key]uint64)
	for _, v := range m.Versions {
		out[v.Key] = v.Version
	}
	return out
}

// verify compares the store with what was sent.
func (w *world) verify(t *testing.T) {
	t.Helper()
	entries, err := w.s.Log(t.Context(), 5, 1, 0)
	if err != nil {
		t.Fatalf("log: %v", err)
	}
	kept := uint64(len(entries))
	for c := range w.promised {
		if c > kept {
			t.Errorf("entry %d was promised; %d are left", c, kept)
		}
	}
	w.next, w.promised = kept+1, make(map[uint64]bool)
	m, p := new(storetest.Model), record.Position(0)
	for c := uint64(1); c <= kept; c++ {
		s := w.sent[c]
		p += record.Position(len(s.puts))
		m.Commit(s.puts, p, s.time)
	}
	for c := range w.sent {
		if c > kept {
			delete(w.sent, c)
		}
	}
	// Commit times are those of the rows: a batch's own may lie before.
	var got []record.Row
	err = w.s.History(t.Context(), store.Span{Want: store.WantBody}, func(row record.Row) error {
		row.Body = slices.Clone(row.Body)
		got = append(got, row)
		return nil
	})
	if err != nil || len(got) != len(m.Versions) {
		t.Fatalf("%d versions, want %d: %v", len(got), len(m.Versions), err)
	}
	for i, v := range m.Versions {
		if row := got[i]; row.Key != v.Key || row.Version != v.Version || row.Position != v.Position || len(row.Body) != len(v.Body) {
			t.Fatalf("version %d of the order differs", i)
		}
	}
	w.model = m
	agree(t, w.s, m)
	if c, err := w.s.Cells(t.Context(), record.SpaceMeta, [][]byte{[]byte("last")}); err != nil || kept > 0 && binary.BigEndian.Uint64(c[0]) != kept {
		t.Errorf("the last cell is not of the last commit: %v", err)
	}
}

// agree checks every list of the index against the model, and all that the
// store keeps twice.
func agree(t *testing.T, s *pebble.Store, m *storetest.Model) {
	t.Helper()
	if _, err := s.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
	exprs := []store.Expr{store.All{Class: 1}, store.All{Class: 2}, store.During{}}
	for n := record.Token(1); n < 60; n++ {
		exprs = append(exprs, store.Has{Token: n})
	}
	for k := range currents(m) {
		exprs = append(exprs, store.To{Rel: 3, Keys: []record.Key{k}})
	}
	for _, e := range exprs {
		var got []record.Position
		_, err := s.Find(t.Context(), store.Find{Expr: e}, func(row record.Row) error {
			got = append(got, row.Position)
			return nil
		})
		if want := m.Find(e); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v: found %v, %v, want %v", e, got, err, want)
		}
	}
}
