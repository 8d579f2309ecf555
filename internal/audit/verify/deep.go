package verify

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// deepCheck holds the index against what follows from the versions' content:
// each word and each edge must find the current versions that bear it, all of
// them and no others.
//
// It keeps one sum for each, over keyed hashes of the versions' positions, and
// asks the index once. The key is drawn for each run, so nobody can have chosen
// positions to drop and to plant whose sums agree.
type deepCheck struct {
	*verifier
	seed  maphash.Seed
	words map[record.Token]bearers
	edges map[record.Edge]bearers
}

// bearers is a set of versions: how many, and the sum of their positions' hashes.
type bearers struct {
	count int
	sum   uint64
}

func newDeepCheck(v *verifier) *deepCheck {
	return &deepCheck{
		verifier: v, seed: maphash.MakeSeed(),
		words: map[record.Token]bearers{}, edges: map[record.Edge]bearers{},
	}
}

func (d *deepCheck) with(b bearers, at record.Position) bearers {
	return bearers{b.count + 1, b.sum + maphash.Comparable(d.seed, at)}
}

// row re-derives a version's tokens and edges and returns their digest.
func (d *deepCheck) row(row record.Row) (index [32]byte, ok bool) {
	tokens, edges, ok := d.derive(row)
	if !ok {
		d.find(Finding{
			Record: row.Key.String(), Version: row.Version, Position: uint64(row.Position),
			Code: CodeRowUnreadable, Text: "the version's content does not open",
		})
		return index, false
	}
	if row.Current && !row.Deleted {
		for _, t := range tokens {
			d.words[t] = d.with(d.words[t], row.Position)
		}
		for _, e := range edges {
			d.edges[e] = d.with(d.edges[e], row.Position)
		}
	}
	return record.IndexDigest(tokens, edges), true
}

// derive returns what a version is found by, each once.
func (d *deepCheck) derive(row record.Row) ([]record.Token, []record.Edge, bool) {
	if row.Deleted {
		return nil, nil, true
	}
	tokens, edges, err := d.Deep.Index(d.ctx, row)
	if err != nil {
		return nil, nil, false
	}
	edges = slices.SortedFunc(slices.Values(edges), func(a, b record.Edge) int {
		return cmp.Or(cmp.Compare(a.Rel, b.Rel), slices.Compare(a.To[:], b.To[:]))
	})
	return slices.Compact(slices.Sorted(slices.Values(tokens))), slices.Compact(edges), true
}

// blamed bounds the wrong words, and edges, that are looked at closer: each costs
// a question for every version.
const blamed = 64

// finish asks the index for each word and edge, and looks closer at those that
// do not find what they should.
func (d *deepCheck) finish() error {
	words, edges := map[record.Token]bool{}, map[record.Edge]bool{}
	for _, t := range slices.Sorted(maps.Keys(d.words)) {
		found, err := d.bearersOf(store.Has{Token: t})
		if err != nil {
			return err
		}
		if want := d.words[t]; found != want {
			if len(words) < blamed {
				words[t] = true
			}
			d.surplus(found.count-want.count, fmt.Sprintf("token %016x", uint64(t)))
		}
	}
	for e, want := range d.edges {
		found, err := d.bearersOf(store.To{Rel: e.Rel, Keys: []record.Key{e.To}})
		if err != nil {
			return err
		}
		if found != want {
			if len(edges) < blamed {
				edges[e] = true
			}
			d.surplus(found.count-want.count, fmt.Sprintf("edge %016x to %s", uint64(e.Rel), e.To))
		}
	}
	if len(words) == 0 && len(edges) == 0 {
		return nil
	}
	return d.blame(words, edges)
}

func (d *deepCheck) bearersOf(expr store.Expr) (bearers, error) {
	var found bearers
	_, err := d.Store.Find(d.ctx, store.Find{Expr: expr}, func(row record.Row) error {
		found = d.with(found, row.Position)
		return d.ctx.Err()
	})
	if err != nil {
		return found, fmt.Errorf("ask the index: %w", err)
	}
	return found, nil
}

func (d *deepCheck) surplus(n int, what string) {
	if n > 0 {
		d.find(Finding{Code: CodeIndex, Text: fmt.Sprintf("%s finds %d versions that do not bear it", what, n)})
	}
}

// blame walks the versions again and names those that a wrong word or edge does
// not find, or finds without reason.
func (d *deepCheck) blame(words map[record.Token]bool, edges map[record.Edge]bool) error {
	return d.Store.History(d.ctx, store.Span{Want: store.WantCard | store.WantBody}, func(row record.Row) error {
		if !row.Current || row.Deleted {
			return nil
		}
		tokens, links, ok := d.derive(row)
		if !ok {
			return nil // said already
		}
		at := Finding{Record: row.Key.String(), Version: row.Version, Position: uint64(row.Position), Code: CodeIndex}
		lost, planted := false, false
		for t := range words {
			_, bears := slices.BinarySearch(tokens, t)
			finds, err := d.finds(row.Key, store.Has{Token: t})
			if err != nil {
				return err
			}
			lost, planted = lost || bears && !finds, planted || finds && !bears
		}
		for e := range edges {
			bears := slices.Contains(links, e)
			finds, err := d.finds(row.Key, store.To{Rel: e.Rel, Keys: []record.Key{e.To}})
			if err != nil {
				return err
			}
			lost, planted = lost || bears && !finds, planted || finds && !bears
		}
		if lost {
			at.Text = "the index does not find the version by all of its tokens and edges"
			d.find(at)
		}
		if planted {
			at.Text = "the index finds the version by a token or an edge that it does not bear"
			d.find(at)
		}
		return d.ctx.Err()
	})
}

func (d *deepCheck) finds(key record.Key, expr store.Expr) (bool, error) {
	found, err := d.Store.Find(d.ctx, store.Find{Expr: store.And{store.Is{Keys: []record.Key{key}}, expr}, CountOnly: true}, nil)
	return found.Count > 0, err
}

// sorted returns versions by position.
func sorted(m map[Ref]version) []version {
	return slices.SortedFunc(maps.Values(m), func(a, b version) int { return cmp.Compare(a.position, b.position) })
}

// byKey returns what was named by record and version.
func byKey(m map[Ref]naming) []naming {
	return slices.SortedFunc(maps.Values(m), func(a, b naming) int {
		return cmp.Or(slices.Compare(a.Key[:], b.Key[:]), cmp.Compare(a.Version, b.Version))
	})
}
