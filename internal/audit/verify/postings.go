package verify

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
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

// Posting says that a leaf bears a token.
type Posting struct {
	Token record.Token
	Leaf  uint64
}

// AppendPostings appends the tokens under which the entry of a leaf is found, a
// token that the entry bears twice among them twice.
func AppendPostings(list []Posting, leaf uint64, a *Account, token Tokenize) []Posting {
	bear := func(field string, value []byte) { list = append(list, Posting{token(field, value), leaf}) }
	bear(TokenDay, Day(a.Time))
	if a.Actor != "" {
		bear(TokenActor, []byte(a.Actor))
	}
	if a.RequestID != "" {
		bear(TokenRequest, []byte(a.RequestID))
	}
	for i := range a.Patients {
		bear(TokenPatient, a.Patients[i][:])
	}
	for i := range a.Read {
		bear(TokenRecord, a.Read[i].Key[:])
	}
	for i := range a.Written {
		bear(TokenRecord, a.Written[i].Key[:])
	}
	for i := range a.Amended {
		bear(TokenRecord, a.Amended[i].Key[:])
	}
	return list
}

// ComparePostings orders by token, then by leaf.
func ComparePostings(a, b Posting) int {
	if a.Token != b.Token {
		return cmp.Compare(a.Token, b.Token)
	}
	return cmp.Compare(a.Leaf, b.Leaf)
}

// SortPostings returns the postings in order, each once. It writes to list.
func SortPostings(list []Posting) []Posting {
	slices.SortFunc(list, ComparePostings)
	return slices.Compact(list)
}

// The index of a tree is made of runs: the postings of leaves that follow each
// other, RunLeaves of them at most, in up to Buckets cells by the first bits of
// the token. What came since the last whole run is in one cell a step.
const (
	RunLeaves   = 4096
	RunPostings = 1 << 16 // a run that has as many is whole

	Buckets    = 1 << bucketBits
	bucketBits = 6

	runSpace  = "i/"
	stepSpace = "j/"
)

// Bucket says in which of a run's cells a token is.
func Bucket(token record.Token) byte { return byte(uint64(token) >> (64 - bucketBits)) }

// RunPrefix is what the names of a bucket's cells in the nth tree, from 1, begin with.
func RunPrefix(nth uint32, bucket byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte(runSpace), nth), bucket)
}

// RunName is the cell of a bucket of the run that begins at a leaf.
func RunName(nth uint32, bucket byte, first uint64) []byte {
	return endingWith(RunPrefix(nth, bucket), first)
}

// StepPrefix is what the names of the cells that came since the last whole run of
// the nth tree begin with.
func StepPrefix(nth uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte(stepSpace), nth)
}

// StepName is the cell of what a step added, from a leaf on.
func StepName(nth uint32, first uint64) []byte {
	return endingWith(StepPrefix(nth), first)
}

func endingWith(prefix []byte, leaf uint64) []byte {
	return binary.BigEndian.AppendUint64(slices.Clip(prefix), leaf)
}

// PostingsFirst returns the leaf that a cell's name ends with.
func PostingsFirst(name []byte) (uint64, error) {
	if len(name) < len(stepSpace)+4+8 {
		return 0, errLayout
	}
	return binary.BigEndian.Uint64(name[len(name)-8:]), nil
}

// AppendPostingsCell appends the value of a cell whose name ends with first. The list
// MUST be sorted, its leaves lie in the RunLeaves from first on.
func AppendPostingsCell(buf []byte, first uint64, list []Posting) []byte {
	buf = append(buf, layoutFormat)
	for len(list) > 0 {
		token, n := list[0].Token, 1
		for n < len(list) && list[n].Token == token {
			n++
		}
		buf = binary.BigEndian.AppendUint64(buf, uint64(token))
		buf = binary.AppendUvarint(buf, uint64(n))
		at := first
		for _, p := range list[:n] {
			buf = binary.AppendUvarint(buf, p.Leaf-at)
			at = p.Leaf
		}
		list = list[n:]
	}
	return buf
}

// ParsePostings visits what a cell of the index tells, sorted, until it is malformed.
func ParsePostings(name, value []byte, visit func(Posting)) error {
	first, err := PostingsFirst(name)
	if err != nil || first > math.MaxInt64 || len(value) == 0 || value[0] != layoutFormat {
		return errLayout
	}
	p := Posting{}
	for rest, begun := value[1:], false; len(rest) > 0; begun = true {
		if len(rest) < 8 || begun && record.Token(binary.BigEndian.Uint64(rest)) <= p.Token {
			return errLayout
		}
		p.Token = record.Token(binary.BigEndian.Uint64(rest))
		if rest, err = parseLeaves(rest[8:], first, p.Token, visit); err != nil {
			return err
		}
	}
	return nil
}

// parseLeaves visits the leaves of one token, and returns what follows them.
func parseLeaves(src []byte, first uint64, token record.Token, visit func(Posting)) ([]byte, error) {
	count, size := binary.Uvarint(src)
	if size <= 0 || count == 0 || count > RunLeaves {
		return nil, errLayout
	}
	at := first
	for i := range count {
		src = src[size:]
		var step uint64
		if step, size = binary.Uvarint(src); size <= 0 || step >= RunLeaves-(at-first) || i > 0 && step == 0 {
			return nil, errLayout
		}
		at += step
		visit(Posting{token, at})
	}
	return src[size:], nil
}

// OfIndex reports whether a cell is one of the index.
func OfIndex(name []byte) bool {
	return bytes.HasPrefix(name, []byte(runSpace)) || bytes.HasPrefix(name, []byte(stepSpace))
}
