package verify

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// postings holds the index of entries against the entries: whoever thins it out
// hides accesses from a search, though not from the log.
type postings struct {
	*verifier
	read uint64 // leaves whose tokens are known
	want uint64
	nth  uint32    // the tree whose leaves are due
	due  []Posting // by leaf
}

// maxDue is how many postings are sought in the index at once: of some runs, so that a
// cell is not read again and again where entries are wide.
const maxDue = 4 * RunPostings

// entry takes in what a leaf must be found by.
func (p *postings) entry(a *Account, nth uint32, leaf uint64) error {
	if p.nth != nth || len(p.due) >= maxDue {
		if err := p.check(); err != nil {
			return err
		}
	}
	p.read, p.nth = p.read+1, nth
	own := len(p.due)
	p.due = AppendPostings(p.due, leaf, a, p.Token)
	p.due = p.due[:own+len(SortPostings(p.due[own:]))]
	p.want += uint64(len(p.due) - own)
	return nil
}

// check asks the index for the postings that are due.
func (p *postings) check() error {
	if len(p.due) == 0 {
		return nil
	}
	from, to := p.due[0].Leaf, p.due[len(p.due)-1].Leaf
	p.due = SortPostings(p.due)
	found, err := p.found(from, to)
	if err != nil {
		return fmt.Errorf("read the index of entries: %w", err)
	}
	for i, d := range p.due {
		if !found[i] {
			p.find(Finding{Code: CodePosting, Leaf: &d.Leaf, Text: "the index of entries does not find this entry by one of its tokens"})
		}
	}
	p.due = p.due[:0]
	return nil
}

// found says which of the postings that are due the index tells, whose leaves lie
// from one to another. A posting counts only in the bucket where a search looks for it.
func (p *postings) found(from, to uint64) ([]bool, error) {
	found := make([]bool, len(p.due))
	mark := func(g Posting) {
		if i, ok := slices.BinarySearchFunc(p.due, g, ComparePostings); ok {
			found[i] = true
		}
	}
	for b := range byte(Buckets) {
		err := p.scan(RunPrefix(p.nth, b), from, to, func(g Posting) {
			if Bucket(g.Token) == b {
				mark(g)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return found, p.scan(StepPrefix(p.nth), from, to, mark)
}

// scan visits what the cells of a prefix tell that may tell of some leaves.
func (p *postings) scan(prefix []byte, from, to uint64, visit func(Posting)) error {
	last := endingWith(prefix, to)
	var after []byte
	if from >= RunLeaves {
		after = endingWith(prefix, from-RunLeaves)
	}
	return p.Store.Scan(p.ctx, record.SpaceTree, prefix, after, func(name, value []byte) error {
		if bytes.Compare(name, last) > 0 {
			return store.ErrStop
		}
		_ = ParsePostings(name, value, visit) // what cannot be read is told by finish
		return nil
	})
}

// finish counts the postings of the index, if it is known how many are due.
func (p *postings) finish() error {
	if err := p.check(); err != nil {
		return err
	}
	if p.read < p.report.Leaves {
		return nil
	}
	var have, damaged uint64
	for _, space := range []string{runSpace, stepSpace} {
		err := p.Store.Scan(p.ctx, record.SpaceTree, []byte(space), nil, func(name, value []byte) error {
			if ParsePostings(name, value, func(Posting) { have++ }) != nil {
				damaged++
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("count the index of entries: %w", err)
		}
	}
	if have > p.want {
		p.find(Finding{Code: CodePosting, Text: fmt.Sprintf("the index of entries names %s leaves too many", number(have-p.want))})
	}
	if damaged > 0 {
		p.find(Finding{Code: CodePosting, Text: fmt.Sprintf("%s cells of the index of entries cannot be read", number(damaged))})
	}
	return nil
}
