package storetest

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// amend returns the nth record's version sealed anew, with a second card.
func amend(n int, version uint64, tokens ...record.Token) record.Put {
	a := put(n, version, tokens...)
	a.Body, a.Card = append([]byte("new "), a.Body...), append([]byte("new "), a.Card...)
	return a
}

func testAmend(t *testing.T, open Open) {
	t.Run("in place", func(t *testing.T) { amendInPlace(newRig(t, open)) })
	t.Run("refused", func(t *testing.T) { amendRefused(newRig(t, open)) })
	t.Run("model", func(t *testing.T) { amendModel(newRig(t, open)) })
}

// amendInPlace shows that an amended version keeps everything but what it holds
// and is found by.
func amendInPlace(r *rig) {
	at := r.put(put(1, 1, 7), put(2, 1, 7))
	r.put(put(3, 1, 7))
	before := r.get(1, 0)
	often := store.Often{Of: store.Or{store.Has{Token: 8}, store.To{Rel: subject, Keys: []record.Key{key(3), key(4)}}}, Name: [32]byte{1}}
	if found := r.find(store.Find{Expr: often}); len(found) > 0 {
		r.Errorf("found %v before there was an amend", found)
	}
	a := amend(1, 1, 7, 8)
	a.Edges = []record.Edge{{Rel: subject, To: key(3)}}
	r.commit(record.Batch{Amends: []record.Put{a}, Guards: []record.Guard{versionIs(1, 1)}})

	got := r.get(1, 0)
	if !bytes.Equal(got.Body, a.Body) || !bytes.Equal(got.Card, a.Card) {
		r.Errorf("the version does not hold what it was amended to")
	}
	if got.Position != at-1 || got.Version != 1 || !got.Current || !got.Time.Equal(before.Time) {
		r.Errorf("an amend changed the version's place: %+v, was %+v", got, before)
	}
	for what, c := range map[string]struct {
		expr store.Expr
		want []int
	}{
		"old token":   {store.Has{Token: 7}, []int{1, 2, 3}},
		"new token":   {store.Has{Token: 8}, []int{1}},
		"new edge":    {store.To{Rel: subject, Keys: []record.Key{key(3)}}, []int{1}},
		"class":       {store.All{Class: patient}, []int{1, 2, 3}},
		"often":       {often, []int{1}},
		"subtraction": {store.Minus{Of: store.Has{Token: 7}, Without: store.Has{Token: 8}}, []int{2, 3}},
	} {
		if found := r.find(store.Find{Expr: c.expr}); !slices.Equal(found, c.want) {
			r.Errorf("%s: found %v, want %v", what, found, c.want)
		}
		if n := r.count(c.expr); n != len(c.want) {
			r.Errorf("%s: counted %d, want %d", what, n, len(c.want))
		}
	}
	r.put(put(1, 2, 9))
	if found := r.find(store.Find{Expr: store.Has{Token: 8}}); len(found) > 0 {
		r.Errorf("a superseded version is still found: %v", found)
	}
	if old := r.get(1, 1); !bytes.Equal(old.Body, a.Body) || old.Current {
		r.Errorf("the amended version is not in the history")
	}
}

func amendRefused(r *rig) {
	r.put(put(1, 1, 7))
	r.put(put(1, 2, 7))
	r.put(put(2, 1, 7))
	r.put(tombstone(2, 2))
	other, dead, nobody := amend(1, 2, 8), amend(2, 2, 8), amend(2, 2, 8)
	other.Class, nobody.Key = observation, record.Key{}
	dead.Deleted = true
	for what, c := range map[string]struct {
		batch record.Batch
		want  error
	}{
		"superseded":     {record.Batch{Amends: []record.Put{amend(1, 1, 8)}}, store.ErrGuard},
		"not yet there":  {record.Batch{Amends: []record.Put{amend(1, 3, 8)}}, store.ErrGuard},
		"unknown":        {record.Batch{Amends: []record.Put{amend(9, 1, 8)}}, store.ErrGuard},
		"a tombstone":    {record.Batch{Amends: []record.Put{amend(2, 2, 8)}}, store.ErrGuard},
		"another class":  {record.Batch{Amends: []record.Put{other}}, store.ErrInvalid},
		"as a tombstone": {record.Batch{Amends: []record.Put{dead}}, store.ErrInvalid},
		"without a key":  {record.Batch{Amends: []record.Put{nobody}}, store.ErrInvalid},
		"twice":          {record.Batch{Amends: []record.Put{amend(1, 2, 8), amend(1, 2, 9)}}, store.ErrInvalid},
		"put as well":    {record.Batch{Amends: []record.Put{amend(1, 2, 8)}, Puts: []record.Put{put(1, 3)}, Time: at(r.now)}, store.ErrInvalid},
		"a guard fails":  {record.Batch{Amends: []record.Put{amend(1, 2, 8)}, Guards: []record.Guard{versionIs(1, 1)}}, store.ErrGuard},
	} {
		if _, err := r.Commit(r.Context(), c.batch); !errors.Is(err, c.want) {
			r.Errorf("%s: got %v, want %v", what, err, c.want)
		}
	}
	if n := r.count(store.Has{Token: 8}); n != 0 {
		r.Errorf("a refused amend left %d postings", n)
	}
	if got := r.get(1, 0); bytes.HasPrefix(got.Body, []byte("new ")) {
		r.Errorf("a refused amend left its body")
	}
}

// amendModel mixes amends with commits and compares with the model.
func amendModel(r *rig) {
	c, m := NewChance(11, 40, 10), new(Model)
	for range 60 {
		b := r.batch(c.Puts(6)...)
		m.Commit(b.Puts, r.commit(b), b.Time)
		if a := c.amends(m); len(a) > 0 {
			m.Amend(a)
			r.commit(record.Batch{Amends: a})
		}
		for range 3 {
			r.agree(m, c.Expr(3, r.now), c)
		}
	}
}

// amends returns amends of a few current versions.
func (c *Chance) amends(m *Model) []record.Put {
	var out []record.Put
	for k, v := range m.current() {
		if !v.Deleted && c.IntN(8) == 0 {
			a := amend(number(k), v.Version, append([]record.Token{c.Token()}, v.Tokens...)...)
			a.Class, a.Edges = v.Class, append([]record.Edge{{Rel: c.rel(), To: key(1 + c.IntN(c.Records))}}, v.Edges...)
			out = append(out, a)
		}
	}
	return out
}

// Amend notes versions that were sealed anew.
func (m *Model) Amend(amends []record.Put) {
	current := m.current()
	for _, a := range amends {
		current[a.Key].Put = a
	}
}
