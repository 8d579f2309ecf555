package audit_test

import (
	"context"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// prying is a store that changes entries on the way, once it is told to, and notes
// whether content parts are asked for.
type prying struct {
	store.Store
	change  bool
	content int
}

func (p *prying) Log(ctx context.Context, shard, from uint64, limit int) ([]store.Entry, error) {
	entries, err := p.Store.Log(ctx, shard, from, limit)
	for i := range entries {
		if p.change && entries[i].Counter == 3 {
			entries[i].Bytes = append([]byte(nil), entries[i].Bytes...)
			entries[i].Bytes[60] ^= 1
		}
	}
	return entries, err
}

func (p *prying) Cells(ctx context.Context, space record.Space, names [][]byte) ([][]byte, error) {
	if space == record.SpaceContent {
		p.content++
	}
	return p.Store.Cells(ctx, space, names)
}

// TestFeed: entries come in the tree's order with the hashes that the tree is made of,
// without their content parts; what was altered is told as such, and hides no other.
func TestFeed(t *testing.T) {
	w := newWorld(t)
	under := &prying{Store: w.store}
	w.store = under
	l := w.open()
	w.append(l, shown("req-1", 1, audit.Item{Key: key(1), Version: 1, Name: "Patient/one"}), shown("req-2", 2), shown("req-3", 3))
	w.integrate(l)
	under.content = 0
	feed := func(from uint64, limit int) (list []*audit.Leaf) {
		if err := l.Feed(t.Context(), from, limit, func(leaf *audit.Leaf) error { list = append(list, leaf); return nil }); err != nil {
			t.Fatal(err)
		}
		return list
	}
	all := feed(0, 100)
	if uint64(len(all)) != l.Size() || len(all) != 4 || len(feed(1, 2)) != 2 || len(feed(4, 100)) != 0 || feed(2, 1)[0].Account.RequestID != "req-2" {
		t.Fatalf("%d entries of %d", len(all), l.Size())
	}
	tree := &verify.Tree{}
	for i, leaf := range all {
		if leaf.Index != uint64(i) || leaf.Altered || leaf.Account == nil || leaf.Logged.IsZero() {
			t.Errorf("entry %d is %+v", i, leaf)
		}
		if err := tree.Add(leaf.Hash, func(int, uint64, []byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, c := l.Published(); c.Root != tree.Root() || c.Size != tree.Size() {
		t.Error("the hashes are not those of the tree")
	}
	if under.content > 0 {
		t.Errorf("%d content parts were looked for", under.content)
	}
	if r, err := l.Read(t.Context(), 1); err != nil || !strings.Contains(r.Query, "smith") || under.content == 0 {
		t.Errorf("the control does not see content parts: %v", err)
	}
	under.change = true
	for _, leaf := range feed(0, 100) {
		if leaf.Altered != (leaf.Index == 2) || leaf.Altered && leaf.Account != nil {
			t.Errorf("entry %d is altered: %t", leaf.Index, leaf.Altered)
		}
	}
}
