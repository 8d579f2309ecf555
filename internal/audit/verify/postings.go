package verify

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Fields of the tokens by which officers find entries.
const (
	TokenActor   = "audit.actor"
	TokenDay     = "audit.day" // of the event, as 2006-01-02
	TokenPatient = "audit.patient"
	TokenRecord  = "audit.record"
	TokenRequest = "audit.request"
)

// Tokenize returns the keyed token of a value.
type Tokenize func(field string, value []byte) record.Token

// Day returns the value of TokenDay.
func Day(t time.Time) []byte { return t.UTC().AppendFormat(nil, time.DateOnly) }

// Postings returns the tokens under which an entry is found.
func Postings(a *Account, token Tokenize) []record.Token {
	tokens := make([]record.Token, 0, 3+len(a.Patients)+len(a.Read)+len(a.Written)+len(a.Amended))
	tokens = append(tokens, token(TokenDay, Day(a.Time)))
	if a.Actor != "" {
		tokens = append(tokens, token(TokenActor, []byte(a.Actor)))
	}
	if a.RequestID != "" {
		tokens = append(tokens, token(TokenRequest, []byte(a.RequestID)))
	}
	for i := range a.Patients {
		tokens = append(tokens, token(TokenPatient, a.Patients[i][:]))
	}
	for i := range a.Read {
		tokens = append(tokens, token(TokenRecord, a.Read[i].Key[:]))
	}
	for i := range a.Written {
		tokens = append(tokens, token(TokenRecord, a.Written[i].Key[:]))
	}
	for i := range a.Amended {
		tokens = append(tokens, token(TokenRecord, a.Amended[i].Key[:]))
	}
	slices.Sort(tokens)
	return slices.Compact(tokens)
}

// PostingSpan bounds how far the leaves of one cell of the index lie apart.
const PostingSpan = 4096

// PostingName is the cell that says which leaves of the nth tree, from 1, bear a
// token: the one it is named by, and those its value tells, which follow.
func PostingName(token record.Token, nth uint32, first uint64) []byte {
	return binary.BigEndian.AppendUint64(PostingPrefix(token, nth), first)
}

// AppendPosting appends the value of the cell of some leaves, which MUST ascend
// and lie within PostingSpan.
func AppendPosting(buf []byte, leaves []uint64) []byte {
	buf = append(buf, layoutFormat)
	for i := 1; i < len(leaves); i++ {
		buf = binary.AppendUvarint(buf, leaves[i]-leaves[i-1])
	}
	return buf
}

// ParsePosting returns the leaves of a cell, from its name behind the prefix and
// its value.
func ParsePosting(name, value []byte) ([]uint64, error) {
	if len(name) != 8 || len(value) == 0 || value[0] != layoutFormat {
		return nil, errLayout
	}
	first := binary.BigEndian.Uint64(name)
	leaves := []uint64{first}
	for value = value[1:]; len(value) > 0; {
		step, n := binary.Uvarint(value)
		last := leaves[len(leaves)-1]
		if n <= 0 || step == 0 || step >= PostingSpan-(last-first) || last+step < last {
			return nil, errLayout
		}
		leaves, value = append(leaves, last+step), value[n:]
	}
	return leaves, nil
}

const (
	postingSpace      = "i/"
	postingPrefixSize = len(postingSpace) + 12
)

// PostingPrefix is what the names of a token's cells begin with.
func PostingPrefix(token record.Token, nth uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64([]byte(postingSpace), uint64(token)), nth)
}

// postings holds the index of entries against the entries: whoever thins it out
// hides accesses from a search, though not from the log.
type postings struct {
	*verifier
	read  uint64 // leaves whose tokens are known
	want  uint64
	nth   uint32                    // the tree whose leaves are due
	due   map[record.Token][]uint64 // ascending
	count int
}

// entry takes in what a leaf must be found by.
func (p *postings) entry(a *Account, nth uint32, leaf uint64) error {
	if p.nth != nth || p.count >= 4*tileWidth {
		if err := p.check(); err != nil {
			return err
		}
	}
	p.read, p.nth = p.read+1, nth
	if p.due == nil {
		p.due = map[record.Token][]uint64{}
	}
	for _, token := range Postings(a, p.Token) {
		p.want++
		p.count++
		p.due[token] = append(p.due[token], leaf)
	}
	return nil
}

// check asks the index for the leaves that are due.
func (p *postings) check() error {
	for _, token := range slices.Sorted(maps.Keys(p.due)) {
		leaves := p.due[token]
		has, err := p.found(token, leaves[0], leaves[len(leaves)-1])
		if err != nil {
			return fmt.Errorf("read the index of entries: %w", err)
		}
		for _, leaf := range leaves {
			if !has[leaf] {
				p.find(Finding{Code: CodePosting, Leaf: &leaf, Text: "the index of entries does not find this entry by one of its tokens"})
			}
		}
	}
	p.due, p.count = nil, 0
	return nil
}

// found returns what the index finds by a token from one leaf to another.
func (p *postings) found(token record.Token, from, to uint64) (map[uint64]bool, error) {
	found, prefix := map[uint64]bool{}, PostingPrefix(token, p.nth)
	var after []byte
	if from >= PostingSpan {
		after = PostingName(token, p.nth, from-PostingSpan)
	}
	last := PostingName(token, p.nth, to)
	err := p.Store.Scan(p.ctx, record.SpaceTree, prefix, after, func(name, value []byte) error {
		if bytes.Compare(name, last) > 0 {
			return store.ErrStop
		}
		leaves, _ := ParsePosting(name[len(prefix):], value) // none of a cell that cannot be read: finish tells
		for _, leaf := range leaves {
			found[leaf] = true
		}
		return nil
	})
	return found, err
}

// finish counts the leaves of the index, if it is known how many are due.
func (p *postings) finish() error {
	if err := p.check(); err != nil {
		return err
	}
	if p.read < p.report.Leaves {
		return nil
	}
	var have, damaged uint64
	err := p.Store.Scan(p.ctx, record.SpaceTree, []byte(postingSpace), nil, func(name, value []byte) error {
		leaves, err := ParsePosting(name[min(len(name), postingPrefixSize):], value)
		if have += uint64(len(leaves)); err != nil {
			damaged++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count the index of entries: %w", err)
	}
	if have > p.want {
		p.find(Finding{Code: CodePosting, Text: fmt.Sprintf("the index of entries names %s leaves too many", number(have-p.want))})
	}
	if damaged > 0 {
		p.find(Finding{Code: CodePosting, Text: fmt.Sprintf("%s cells of the index of entries cannot be read", number(damaged))})
	}
	return nil
}
