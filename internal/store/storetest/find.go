package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// refer returns a version of the nth record of class observation that points
// to the records given.
func refer(n int, version uint64, to ...int) record.Put {
	p := put(n, version)
	p.Class = observation
	for _, k := range to {
		p.Edges = append(p.Edges, record.Edge{Rel: subject, To: key(k)})
	}
	return p
}

// ward commits the small world that testFind asks about.
func ward(t *testing.T, open Open) *rig {
	r := newRig(t, open)
	r.put(put(1, 1, 10, 11), put(2, 1, 10, 12), put(3, 1, 10, 11, 12)) // at(1)
	r.put(refer(11, 1, 1), refer(12, 1, 2), refer(13, 1, 1, 3))        // at(2)
	r.put(refer(14, 1, 99))                                            // at(3): the target does not exist
	r.put(put(4, 1, 10))                                               // at(4)
	r.put(tombstone(4, 2))                                             // at(5)
	r.put(put(2, 2, 11))                                               // at(6)
	r.put(refer(12, 2, 3))                                             // at(7)
	return r
}

// findCase is an expression and the records of ward that it finds, in order.
type findCase struct {
	name string
	expr store.Expr
	want []int
}

func findCases() []findCase {
	has := func(x record.Token) store.Expr { return store.Has{Token: x} }
	to := func(n ...int) store.Expr {
		e := store.To{Rel: subject}
		for _, k := range n {
			e.Keys = append(e.Keys, key(k))
		}
		return e
	}
	return []findCase{
		{"nil", nil, nil},
		{"all", store.All{Class: patient}, []int{1, 3, 2}},
		{"all of another class", store.All{Class: observation}, []int{11, 13, 14, 12}},
		{"all of no class", store.All{Class: 1}, nil},
		{"has", has(11), []int{1, 3, 2}},
		{"has, the old version bore it", has(12), []int{3}},
		{"has, the deleted one bore it", has(10), []int{1, 3}},
		{"has, nobody", has(13), nil},
		{"to one", to(1), []int{11, 13}},
		{"to a former target", to(2), nil},
		{"to several", to(1, 3), []int{11, 13, 12}},
		{"to many", to(1, 3, 2, 50, 51, 52, 53, 54, 55, 56, 57, 58, 1), []int{11, 13, 12}},
		{"to what does not exist", to(99), []int{14}},
		{"to nothing", to(), nil},
		{"to, by another relation", store.To{Rel: 5, Keys: []record.Key{key(1)}}, nil},
		{"join", store.Join{Rel: subject, Of: has(12)}, []int{13, 12}},
		{"join of a deleted one", store.Join{Rel: subject, Of: store.Is{Keys: []record.Key{key(4)}}}, nil},
		{"join of nil", store.Join{Rel: subject}, nil},
		{"join of a union", store.Join{Rel: subject, Of: store.Or{has(11), has(12)}}, []int{11, 13, 12}},
		{"targets", store.Targets{Rel: subject, Of: store.Is{Keys: []record.Key{key(11), key(12)}}}, []int{1, 3}},
		{"targets of a class", store.Targets{Rel: subject, Of: store.All{Class: observation}}, []int{1, 3}},
		{"targets, one that does not exist", store.Targets{Rel: subject, Of: store.Is{Keys: []record.Key{key(14)}}}, nil},
		{"targets, the old version pointed there", store.Targets{Rel: subject, Of: store.Is{Keys: []record.Key{key(12)}}}, []int{3}},
		{"targets of nil", store.Targets{Rel: subject}, nil},
		{"targets, by another relation", store.Targets{Rel: 5, Of: store.All{Class: observation}}, nil},
		{"targets of a join", store.Targets{Rel: subject, Of: store.Join{Rel: subject, Of: store.Is{Keys: []record.Key{key(1)}}}}, []int{1, 3}},
		{"who points to none of", store.Minus{Of: store.All{Class: patient}, Without: store.Targets{Rel: subject, Of: to(1)}}, []int{2}},
		{"is", store.Is{Keys: []record.Key{key(2), key(1), key(99), key(4), key(1)}}, []int{1, 2}},
		{"is nothing", store.Is{}, nil},
		{"and", store.And{has(10), has(11)}, []int{1, 3}},
		{"and with itself", store.And{has(11), has(11)}, []int{1, 3, 2}},
		{"and of one", store.And{has(12)}, []int{3}},
		{"and with nil", store.And{has(10), nil}, nil},
		{"and of classes", store.And{store.All{Class: patient}, store.All{Class: observation}}, nil},
		{"or", store.Or{has(12), to(1)}, []int{3, 11, 13}},
		{"or of nothing", store.Or{}, nil},
		{"or with nil", store.Or{nil, has(12)}, []int{3}},
		{"minus", store.Minus{Of: has(11), Without: has(12)}, []int{1, 2}},
		{"minus nil", store.Minus{Of: has(12)}, []int{3}},
		{"nil minus", store.Minus{Without: has(12)}, nil},
		{"during", store.During{From: at(2), Until: at(6)}, []int{11, 13, 14}},
		{"during, open", store.During{}, []int{1, 3, 11, 13, 14, 2, 12}},
		{"during, from", store.During{From: at(6)}, []int{2, 12}},
		{"during, until", store.During{Until: at(2)}, []int{1, 3}},
		{"during, between commits", store.During{From: at(1).Add(1), Until: at(3)}, []int{11, 13}},
		{"during, never", store.During{From: at(6), Until: at(2)}, nil},
		{"during, later", store.During{From: at(60)}, nil},
		{"nested", store.And{store.Or{store.All{Class: observation}, has(12)}, store.Minus{Of: store.During{}, Without: to(1)}}, []int{3, 14, 12}},
	}
}

func testFind(t *testing.T, open Open) {
	r := ward(t, open)
	for _, c := range findCases() {
		t.Run(c.name, func(t *testing.T) {
			r := &rig{T: t, Store: r.Store}
			if got := r.find(store.Find{Expr: c.expr}); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			slices.Reverse(c.want)
			if got := r.find(store.Find{Expr: c.expr, Newest: true}); !slices.Equal(got, c.want) {
				t.Errorf("newest first: got %v, want %v", got, c.want)
			}
			if n := r.count(c.expr); n != len(c.want) {
				t.Errorf("counted %d, want %d", n, len(c.want))
			}
		})
	}
	for name, e := range map[string]store.Expr{"empty And": store.And{}, "empty And within": store.Or{store.And{}}} {
		if _, err := r.Find(t.Context(), store.Find{Expr: e}, nil); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// testFindOrder pages through a set that changes meanwhile.
func testFindOrder(t *testing.T, open Open) {
	r := newRig(t, open)
	for n := 1; n <= 20; n++ {
		r.put(put(n, 1, 7))
	}
	pages := func(newest bool, change func(page int)) (all []int) {
		f := store.Find{Expr: store.Has{Token: 7}, Limit: 6, Newest: newest}
		for page := 0; ; page++ {
			n := 0
			_, err := r.Find(t.Context(), f, func(row record.Row) error {
				n, f.After = n+1, row.Position
				all = append(all, number(row.Key))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if n < f.Limit {
				return all
			}
			change(page)
		}
	}
	up := pages(false, func(int) {})
	down := pages(true, func(page int) {
		if page == 0 {
			r.put(put(1, 2, 7)) // moves to the newest end: not seen again
			r.put(put(21, 1, 7))
		}
	})
	want := make([]int, 20)
	for i := range want {
		want[i] = i + 1
	}
	if !slices.Equal(up, want) {
		t.Errorf("pages upwards: %v", up)
	}
	slices.Reverse(want)
	if !slices.Equal(down, want[:19]) {
		t.Errorf("pages downwards: %v", down)
	}
	testFoundAt(r)
}

// testFoundAt checks Found and the ways a walk can end.
func testFoundAt(r *rig) {
	last := r.put(put(30, 1, 7))
	n := 0
	found, err := r.Find(r.Context(), store.Find{Expr: store.Has{Token: 7}}, func(record.Row) error {
		if n++; n == 2 {
			return store.ErrStop
		}
		return nil
	})
	if err != nil || found.Count != 2 || found.At != last {
		r.Errorf("stopped walk: %+v, %v, want At %d", found, err, last)
	}
	broken := errors.New("broken")
	if _, err := r.Find(r.Context(), store.Find{Expr: store.Has{Token: 7}}, func(record.Row) error { return broken }); !errors.Is(err, broken) {
		r.Errorf("an error of the visitor became %v", err)
	}
	found, err = r.Find(r.Context(), store.Find{Expr: store.Has{Token: 7}, CountOnly: true, Limit: 1, After: last}, nil)
	if err != nil || found.Count != 22 || found.At != last {
		r.Errorf("count: %+v, %v", found, err)
	}
	for _, want := range []store.Want{0, store.WantCard, store.WantBody, store.WantCard | store.WantBody} {
		_, err = r.Find(r.Context(), store.Find{Expr: store.Has{Token: 7}, Want: want, Limit: 1}, func(row record.Row) error {
			if (row.Card != nil) != (want&store.WantCard != 0) || (row.Body != nil) != (want&store.WantBody != 0) {
				r.Errorf("want %d: card %t, body %t", want, row.Card != nil, row.Body != nil)
			}
			return nil
		})
		if err != nil {
			r.Error(err)
		}
	}
}
