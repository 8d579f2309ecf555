package audit

import (
	"context"
	"fmt"
	"slices"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// index is the end of the index by which officers search: the postings that are in
// no whole run yet, and the cells of the steps that hold them. A run is written once
// and its names ascend within a bucket, so that an engine has little to sort.
//
// A step appends to a copy: what lies behind the length of the tree's own slices is
// a failed step's, and of no account.
type index struct {
	first uint64 // leaf that the run begins with, if there is a posting
	posts []verify.Posting
	cells [][]byte

	damaged int // cells that were left where they are
}

// loadIndex reads the postings that are in no whole run yet. A cell that is damaged, or
// not of a run's tail, is left where it is: the index only finds, audit verify tells of
// it, and it must neither stop the log nor be taken into a run. l.tree.mu is held.
func (l *Log) loadIndex(ctx context.Context, nth uint32, size uint64) (index, error) {
	var x index
	err := l.cfg.Store.Scan(ctx, record.SpaceTree, verify.StepPrefix(nth), nil, func(name, value []byte) error {
		some, first, ok := stepPostings(&x, name, value, size)
		if !ok {
			x.damaged++
			return nil
		}
		if len(x.posts) == 0 {
			x.first = first
		}
		x.posts, x.cells = append(x.posts, some...), append(x.cells, slices.Clone(name))
		return nil
	})
	if err != nil {
		return index{}, fmt.Errorf("read the index of entries: %w", err)
	}
	return x, nil
}

// stepPostings returns what a step's cell tells and the leaf it begins with, if all of it
// can be of the run that x has the beginning of.
func stepPostings(x *index, name, value []byte, size uint64) (some []verify.Posting, first uint64, ok bool) {
	first, err := verify.PostingsFirst(name)
	if err != nil || len(name) != len(verify.StepName(0, 0)) {
		return nil, 0, false
	}
	run := first
	if len(x.posts) > 0 {
		run = x.first
	}
	fits := true
	err = verify.ParsePostings(name, value, func(p verify.Posting) {
		fits = fits && p.Leaf >= run && p.Leaf-run < verify.RunLeaves && p.Leaf < size
		some = append(some, p)
	})
	return some, first, err == nil && fits && len(some) > 0
}

// post takes in what a leaf is found by. A run that is whole is written.
func (s *step) post(account *verify.Account, leaf uint64) {
	if len(s.index.posts) > 0 && leaf-s.index.first >= verify.RunLeaves {
		s.putRun() // statements, which have no postings, lie between
	}
	if len(s.index.posts) == 0 {
		s.index.first = leaf
	}
	if len(s.index.posts) == s.kept {
		s.from = leaf
	}
	s.index.posts = verify.AppendPostings(s.index.posts, leaf, account, s.token)
	if leaf-s.index.first+1 >= verify.RunLeaves || len(s.index.posts) >= verify.RunPostings {
		s.putRun()
	}
}

// putRun writes the run, in the place of the cells of its steps.
func (s *step) putRun() {
	run := verify.SortPostings(slices.Clone(s.index.posts))
	for len(run) > 0 {
		bucket, n := verify.Bucket(run[0].Token), 1
		for n < len(run) && verify.Bucket(run[n].Token) == bucket {
			n++
		}
		s.put(verify.RunName(s.ordinal, bucket, s.index.first), verify.AppendPostingsCell(nil, s.index.first, run[:n]))
		run = run[n:]
	}
	for _, name := range s.index.cells {
		s.put(name, nil)
	}
	s.index, s.kept = index{posts: make([]verify.Posting, 0, cap(s.index.posts))}, 0 // the tree still has the others
}

// putStep writes what the step added to a run that is not whole.
func (s *step) putStep() {
	added := s.index.posts[s.kept:]
	if len(added) == 0 {
		return
	}
	name := verify.StepName(s.ordinal, s.from)
	s.put(name, verify.AppendPostingsCell(nil, s.from, verify.SortPostings(slices.Clone(added))))
	s.index.cells = append(s.index.cells, name)
}

// wanted are the tokens sought, by their buckets.
type wanted map[byte]map[record.Token]bool

func wantedOf(tokens []record.Token) wanted {
	w := wanted{}
	for _, t := range tokens {
		b := verify.Bucket(t)
		if w[b] == nil {
			w[b] = map[record.Token]bool{}
		}
		w[b][t] = true
	}
	return w
}

// find visits the leaves of the nth tree that bear a token. The cells of the steps
// are read first: what becomes a whole run in between is then seen twice, not never.
func (w wanted) find(ctx context.Context, s store.Store, nth uint32, visit func(leaf uint64)) error {
	scan := func(prefix []byte, take func(verify.Posting)) error {
		return s.Scan(ctx, record.SpaceTree, prefix, nil, func(name, value []byte) error {
			_ = verify.ParsePostings(name, value, take) // a cell that cannot be read: audit verify tells
			return nil
		})
	}
	take := func(p verify.Posting) {
		if w[verify.Bucket(p.Token)][p.Token] {
			visit(p.Leaf)
		}
	}
	if err := scan(verify.StepPrefix(nth), take); err != nil {
		return err
	}
	for bucket := range w {
		if err := scan(verify.RunPrefix(nth, bucket), take); err != nil {
			return err
		}
	}
	return nil
}
