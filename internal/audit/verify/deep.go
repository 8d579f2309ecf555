package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// deepCheck holds the index against what follows from the versions' content:
// each current version must be found by every one of its tokens and edges, and
// each token must find no more than bear it.
type deepCheck struct {
	*verifier
	bear map[record.Token]int
}

func newDeepCheck(v *verifier) *deepCheck {
	return &deepCheck{verifier: v, bear: map[record.Token]int{}}
}

// row re-derives a version's tokens and edges and returns their digest.
func (d *deepCheck) row(row record.Row) (index [32]byte, ok bool) {
	var tokens []record.Token
	var edges []record.Edge
	at := Finding{Record: row.Key.String(), Version: row.Version, Position: uint64(row.Position)}
	if !row.Deleted {
		var err error
		if tokens, edges, err = d.Deep.Index(d.ctx, row); err != nil {
			at.Code, at.Text = CodeRowUnreadable, "the version's content does not open"
			d.find(at)
			return index, false
		}
	}
	if row.Current && !row.Deleted {
		all := store.And{store.Is{Keys: []record.Key{row.Key}}}
		for _, t := range slices.Compact(slices.Sorted(slices.Values(tokens))) {
			all = append(all, store.Has{Token: t})
			d.bear[t]++
		}
		for _, e := range edges {
			all = append(all, store.To{Rel: e.Rel, Keys: []record.Key{e.To}})
		}
		found, err := d.Store.Find(d.ctx, store.Find{Expr: all, CountOnly: true}, nil)
		if err != nil || found.Count != 1 {
			at.Code, at.Text = CodeIndex, "the index does not find the version by all of its tokens and edges"
			d.find(at)
		}
	}
	return record.IndexDigest(tokens, edges), true
}

// finish counts what each token finds.
func (d *deepCheck) finish() error {
	for _, t := range slices.Sorted(maps.Keys(d.bear)) {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		found, err := d.Store.Find(d.ctx, store.Find{Expr: store.Has{Token: t}, CountOnly: true}, nil)
		if err != nil {
			return fmt.Errorf("count a token: %w", err)
		}
		if found.Count > d.bear[t] {
			d.find(Finding{Code: CodeIndex, Text: fmt.Sprintf("token %016x finds %d versions that do not bear it", uint64(t), found.Count-d.bear[t])})
		}
	}
	return nil
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
