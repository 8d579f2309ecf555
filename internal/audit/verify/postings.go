package verify

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
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

// PostingName is the cell that says that a leaf of the nth tree, from 1, bears
// a token.
func PostingName(token record.Token, nth uint32, leaf uint64) []byte {
	return binary.BigEndian.AppendUint64(PostingPrefix(token, nth), leaf)
}

const postingSpace = "i/"

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
	names [][]byte
	leafs []uint64
}

// entry takes in what a leaf must be found by.
func (p *postings) entry(a *Account, nth uint32, leaf uint64) error {
	p.read++
	for _, token := range Postings(a, p.Token) {
		p.want++
		p.names, p.leafs = append(p.names, PostingName(token, nth, leaf)), append(p.leafs, leaf)
	}
	if len(p.names) >= 4*tileWidth {
		return p.check()
	}
	return nil
}

func (p *postings) check() error {
	values, err := p.Store.Cells(p.ctx, record.SpaceTree, p.names)
	if err != nil {
		return fmt.Errorf("read the index of entries: %w", err)
	}
	for i, v := range values {
		if v == nil {
			p.find(Finding{Code: CodePosting, Leaf: &p.leafs[i], Text: "the index of entries does not find this entry by one of its tokens"})
		}
	}
	p.names, p.leafs = nil, nil
	return nil
}

// finish counts the cells of the index, if it is known how many are due.
func (p *postings) finish() error {
	if err := p.check(); err != nil {
		return err
	}
	if p.read < p.report.Leaves {
		return nil
	}
	var have uint64
	err := p.Store.Scan(p.ctx, record.SpaceTree, []byte(postingSpace), nil, func(_, _ []byte) error {
		have++
		return nil
	})
	if err != nil {
		return fmt.Errorf("count the index of entries: %w", err)
	}
	if have > p.want {
		p.find(Finding{Code: CodePosting, Text: fmt.Sprintf("the index of entries holds %s cells too many", number(have-p.want))})
	}
	return nil
}
