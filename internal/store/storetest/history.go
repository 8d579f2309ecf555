package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

func testHistory(t *testing.T, open Open) {
	r := ward(t, open)
	k, c := key(2), observation
	type version struct {
		n       int
		version uint64
	}
	all := r.history(store.Span{})
	cases := []struct {
		name string
		span store.Span
		want []version
	}{
		{"one record", store.Span{Key: &k}, []version{{2, 1}, {2, 2}}},
		{"one record, newest first", store.Span{Key: &k, Newest: true}, []version{{2, 2}, {2, 1}}},
		{"one record, newest only", store.Span{Key: &k, Newest: true, Limit: 1}, []version{{2, 2}}},
		{"one record, since", store.Span{Key: &k, Since: at(2)}, []version{{2, 2}}},
		{"a class", store.Span{Class: &c}, []version{{11, 1}, {12, 1}, {13, 1}, {14, 1}, {12, 2}}},
		{"a class, newest first", store.Span{Class: &c, Newest: true, Limit: 2}, []version{{12, 2}, {14, 1}}},
		{"a class, since", store.Span{Class: &c, Since: at(3)}, []version{{14, 1}, {12, 2}}},
		{"a class, from a position", store.Span{Class: &c, After: all[3].Position}, []version{{12, 1}, {13, 1}, {14, 1}, {12, 2}}},
		{"a class, until a position", store.Span{Class: &c, Until: all[4].Position}, []version{{11, 1}, {12, 1}}},
		{"a class, newest first, until", store.Span{Class: &c, Newest: true, After: all[5].Position, Until: all[3].Position}, []version{{12, 1}, {11, 1}}},
		{"all from a position", store.Span{After: all[6].Position}, []version{{4, 1}, {4, 2}, {2, 2}, {12, 2}}},
		{"all from a position, two", store.Span{After: all[6].Position, Limit: 2}, []version{{4, 1}, {4, 2}}},
		{"all in a window", store.Span{After: all[6].Position, Until: all[8].Position}, []version{{4, 1}, {4, 2}}},
		{"all in a window, backwards", store.Span{Newest: true, After: all[8].Position, Until: all[6].Position}, []version{{4, 1}, {14, 1}}},
		{"since the end", store.Span{Since: at(90)}, nil},
		{"since a commit", store.Span{Since: at(6)}, []version{{2, 2}, {12, 2}}},
		{"since between commits", store.Span{Since: at(5).Add(time.Millisecond)}, []version{{2, 2}, {12, 2}}},
		{"since, newest first", store.Span{Since: at(6), Newest: true}, []version{{12, 2}, {2, 2}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []version
			for _, row := range (&rig{T: t, Store: r.Store}).history(c.span) {
				got = append(got, version{number(row.Key), row.Version})
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if len(all) != 11 {
		t.Fatalf("%d versions in all", len(all))
	}
	if !slices.IsSortedFunc(all, func(a, b record.Row) int { return a.Time.Compare(b.Time) }) {
		t.Error("times fall")
	}
	missing := key(77)
	if got := r.history(store.Span{Key: &missing}); len(got) != 0 {
		t.Errorf("a record that does not exist has %d versions", len(got))
	}
}

// spans returns windows of every sort over the world of a model.
func (c *Chance) spans(m *Model, now int) []store.Span {
	var out []store.Span
	edge := func() record.Position {
		if c.IntN(2) == 0 {
			return 0
		}
		return m.Versions[c.IntN(len(m.Versions))].Position
	}
	for range 60 {
		s := store.Span{After: edge(), Until: edge(), Newest: c.IntN(2) == 0, Limit: c.IntN(9), Want: store.WantCard}
		switch c.IntN(3) {
		case 0:
			k := key(1 + c.IntN(c.Records))
			s.Key = &k
		case 1:
			class := []record.Token{patient, observation}[c.IntN(2)]
			s.Class = &class
		}
		if c.IntN(3) == 0 {
			s.Since = at(c.IntN(now + 2))
		}
		out = append(out, s)
	}
	return out
}

// History returns the versions of a span in its order.
func (m *Model) History(s store.Span) []Version {
	vs := slices.Clone(m.Versions)
	if s.Newest {
		slices.Reverse(vs)
	}
	vs = slices.DeleteFunc(vs, func(v Version) bool {
		switch p := v.Position; {
		case s.Key != nil && v.Key != *s.Key, s.Class != nil && v.Class != *s.Class, v.Time.Before(s.Since):
			return true
		case s.Newest:
			return s.After != 0 && p >= s.After || p < s.Until
		default:
			return p <= s.After || s.Until != 0 && p > s.Until
		}
	})
	if s.Limit > 0 {
		vs = vs[:min(s.Limit, len(vs))]
	}
	return vs
}

func (r *rig) agreeHistory(m *Model, s store.Span) {
	r.Helper()
	last := make(map[record.Key]uint64)
	for _, v := range m.Versions {
		last[v.Key] = v.Version
	}
	want, got := m.History(s), r.history(s)
	if len(got) != len(want) {
		r.Fatalf("%+v: %d versions, want %d", s, len(got), len(want))
	}
	for i, row := range got {
		v := want[i]
		if row.Key != v.Key || row.Version != v.Version || row.Position != v.Position || row.Deleted != v.Deleted ||
			row.Class != v.Class || !row.Time.Equal(v.Time) || string(row.Card) != string(v.Card) || row.Current != (last[v.Key] == v.Version) {
			r.Fatalf("%+v: version %d of the walk differs: %+v, want %+v", s, i, row, v)
		}
	}
}
