package pebble_test

import (
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/pebble"
)

func must(t testing.TB, s store.Store, b record.Batch) record.Position {
	t.Helper()
	r, err := s.Commit(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return r.Last()
}

func TestExpiry(t *testing.T) {
	now := clock.NewManual(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
	cfg := small("store", vfs.NewMem())
	cfg.Clock = now
	s := mustOpen(t, cfg)
	short := func(name string, life time.Duration) record.Cell {
		c := record.Cell{Space: record.SpaceShort, Name: []byte(name), Value: []byte("v")}
		if life > 0 {
			c.Expires = now.Now().Add(life)
		}
		return c
	}
	b := record.Batch{Cells: []record.Cell{short("a", time.Minute), short("b", time.Hour), short("c", time.Minute), short("d", time.Minute), short("e", 0)}}
	for n := range 700 {
		b.Cells = append(b.Cells, short("many"+string(rune(n)), time.Minute))
	}
	must(t, s, b)
	names := [][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte("d"), []byte("e")}
	live := func() (out string) {
		values, err := s.Cells(t.Context(), record.SpaceShort, names)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			if v != nil {
				out += string(names[i])
			}
		}
		return out
	}
	now.Advance(time.Minute - 1)
	if got := live(); got != "abcde" {
		t.Errorf("before the hour: %s", got)
	}
	must(t, s, record.Batch{Cells: []record.Cell{short("c", time.Hour), short("d", 0)}}) // kept alive
	now.Advance(1)
	if got := live(); got != "bcde" {
		t.Errorf("on the hour: %s", got)
	}
	done, err := s.Sweep(t.Context())
	if err != nil || done.Cells != 703 {
		t.Errorf("swept %+v, %v", done, err)
	}
	if checked, err := s.Check(t.Context()); err != nil || checked.Cells != 4 {
		t.Errorf("%d cells are left, %v", checked.Cells, err)
	}
	if done, err = s.Sweep(t.Context()); err != nil || done.Cells != 0 {
		t.Errorf("swept again: %+v, %v", done, err)
	}
	now.Advance(2 * time.Hour)
	if got := live(); got != "de" {
		t.Errorf("hours later: %s", got)
	}
}

// answers are what a sweep must not change.
func answers(t *testing.T, s *pebble.Store) []int {
	class := record.Token(1)
	var out []int
	for _, e := range []store.Expr{
		store.Has{Token: 1}, store.Has{Token: 2}, store.Has{Token: 150}, store.Has{Token: 60_150}, store.All{Class: class},
		store.To{Rel: 5, Keys: []record.Key{{9}}}, store.Join{Rel: 5, Of: store.Is{Keys: []record.Key{{9}}}},
		store.And{store.Has{Token: 1}, store.During{}},
	} {
		found, err := s.Find(t.Context(), store.Find{Expr: e, CountOnly: true}, nil)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, found.Count)
	}
	versions := 0
	if err := s.History(t.Context(), store.Span{Class: &class}, func(record.Row) error { versions++; return nil }); err != nil {
		t.Fatal(err)
	}
	return append(out, versions)
}

// TestSweepPostings supersedes a third of a closed chunk and deletes some, and
// sweeps across a restart and beside commits.
func TestSweepPostings(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, small("store", fs))
	version := func(n int, v uint64, tokens ...record.Token) record.Put {
		p := plain(n).Puts[0]
		p.Version, p.Tokens, p.Edges = v, tokens, []record.Edge{{Rel: 5, To: record.Key{9}}}
		return p
	}
	var puts []record.Put
	flush := func() {
		must(t, s, record.Batch{Puts: puts, Time: time.Unix(1000, 0)})
		puts = nil
	}
	must(t, s, record.Batch{Puts: []record.Put{{Key: record.Key{9}, Version: 1, Class: 2}}, Time: time.Unix(1000, 0)})
	for n := range 66_000 {
		if puts = append(puts, version(n, 1, 1, record.Token(100+n))); len(puts) == 1000 {
			flush()
		}
	}
	if done, err := s.Sweep(t.Context()); err != nil || done.Looked != 0 {
		t.Errorf("with nobody dead: %+v, %v", done, err)
	}
	for n := range 22_000 {
		if puts = append(puts, version(n, 2, 2)); len(puts) == 1000 {
			flush()
		}
	}
	for n := range 1000 {
		puts = append(puts, record.Put{Key: plain(n).Puts[0].Key, Version: 3, Class: 1, Deleted: true})
	}
	flush()
	before := answers(t, s)
	done, err := s.Sweep(t.Context())
	if err != nil || !done.More || done.Dropped < 20_000 || done.Shrunk == 0 {
		t.Errorf("first call: %+v, %v", done, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, small("store", fs))
	for n := 0; done.More; n++ {
		must(t, s, record.Batch{Puts: []record.Put{version(80_000+n, 1, 3)}, Time: time.Unix(1000, 0)})
		if done, err = s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{4, 5, 6, 8} {
			before[i]++
		}
	}
	after := answers(t, s)
	if !slices.Equal(before, after) {
		t.Errorf("answers changed from %v to %v", before, after)
	}
	checked, err := s.Check(t.Context())
	if err != nil || checked.Containers > 66_000-20_000 {
		t.Errorf("%+v, %v", checked, err)
	}
	if done, err := s.Sweep(t.Context()); err != nil || done.Looked != 0 {
		t.Errorf("with nothing left to do: %+v, %v", done, err)
	}
}

// TestSweepBeside sweeps while writers supersede what is being swept.
func TestSweepBeside(t *testing.T) {
	s := mustOpen(t, small("store", vfs.NewMem()))
	const records = 2000
	for v := uint64(1); v <= 40; v++ { // 80,000 positions, of which 2,000 live
		var puts []record.Put
		for n := range records {
			p := plain(n).Puts[0]
			p.Version, p.Tokens = v, []record.Token{1, 10 + record.Token(v%3)}
			puts = append(puts, p)
		}
		must(t, s, record.Batch{Puts: puts, Time: time.Unix(1000, 0)})
	}
	stop := make(chan struct{})
	go func() {
		defer close(stop)
		for v := uint64(41); v <= 46; v++ {
			for n := range 100 {
				p := plain(n).Puts[0]
				p.Version, p.Tokens = v, []record.Token{1, 10 + record.Token(v%3)}
				if _, err := s.Commit(t.Context(), record.Batch{Puts: []record.Put{p}, Time: time.Unix(1000, 0)}); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for running := true; running; {
		select {
		case <-stop:
			running = false
		default:
		}
		if _, err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		found, err := s.Find(t.Context(), store.Find{Expr: store.Has{Token: 1}, CountOnly: true}, nil)
		if err != nil || found.Count != records {
			t.Fatalf("%d of %d are found, %v", found.Count, records, err)
		}
	}
	if _, err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestSweepBesideAmends: an amend adds to a closed chunk, and must not be lost to
// a sweep that is writing the same container back.
func TestSweepBesideAmends(t *testing.T) {
	s := mustOpen(t, small("store", vfs.NewMem()))
	const records = 2000
	for v := uint64(1); v <= 35; v++ { // 70,000 positions: the first chunk is closed
		var puts []record.Put
		for n := range records {
			if v > 1 && n < 200 {
				continue // stays in the first chunk
			}
			p := plain(n).Puts[0]
			p.Version, p.Tokens = v, []record.Token{1}
			puts = append(puts, p)
		}
		must(t, s, record.Batch{Puts: puts, Time: time.Unix(1000, 0)})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 200 {
			p := plain(n).Puts[0]
			p.Tokens = []record.Token{1, 7}
			if _, err := s.Commit(t.Context(), record.Batch{Amends: []record.Put{p}}); err != nil {
				t.Error(err)
			}
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		if _, err := s.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for token, want := range map[record.Token]int{1: records, 7: 200} {
		found, err := s.Find(t.Context(), store.Find{Expr: store.Has{Token: token}, CountOnly: true}, nil)
		if err != nil || found.Count != want {
			t.Errorf("token %d finds %d of %d, %v", token, found.Count, want, err)
		}
	}
	if _, err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
