package storetest

import (
	"bytes"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// RunReopen checks that nothing is lost, and that promises go on, when a store
// is closed and opened again. Each call of the function that open returns opens
// what the calls before it left; the test closes it.
func RunReopen(t *testing.T, open func(t testing.TB) func() store.Store) {
	again := open(t)
	r := &rig{T: t, Store: again()}
	c, m := NewChance(1, 40, 10), new(Model)
	link := &chain{t: t, next: 7}
	for round := range 5 {
		for range 20 {
			b := r.batch(c.Puts(5)...)
			b.Shard, b.Link = 9, link.link(9, 2)
			b.Cells = []record.Cell{
				{Space: record.SpaceMeta, Name: []byte("round"), Value: []byte{byte(round)}},
				{Space: record.SpaceShort, Name: []byte("long"), Value: []byte{byte(round)}, Expires: time.Now().Add(time.Hour)},
			}
			m.Commit(b.Puts, r.commit(b), b.Time)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r.Store = again()
		for range 20 {
			r.agree(m, c.Expr(3, r.now), c)
		}
		r.agreeHistory(m, store.Span{Want: store.WantCard})
		for space, name := range map[record.Space]string{record.SpaceMeta: "round", record.SpaceShort: "long"} {
			if got := r.cell(space, name); !bytes.Equal(got, []byte{byte(round)}) {
				t.Errorf("round %d: cell %s holds %x", round, name, got)
			}
		}
		if es, err := r.Log(t.Context(), 9, 7, 0); err != nil || len(es) != 40*(round+1) {
			t.Errorf("round %d: %d entries, %v", round, len(es), err)
		}
		_, err := r.Commit(t.Context(), record.Batch{Puts: []record.Put{put(1000, 1)}, Time: at(r.now).Add(-2 * record.MaxSkew)})
		if err == nil {
			t.Error("the clock was forgotten: a stale batch was taken")
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
