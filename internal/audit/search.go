package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Filter says which entries are sought. What is filled must all hold.
type Filter struct {
	Since, Until time.Time // of the event; Until is exclusive
	Actor        string
	Patient      record.Key
	Record       record.Key // shown or written
	Version      uint64     // of Record; 0: any
	RequestID    string
	Action       string
	Outcome      string
	Purpose      string // v3-PurposeOfUse
	Type         string

	After  *uint64 // entries beyond this index, in the order walked
	Newest bool    // from the newest entry down
	Limit  int     // 0: all

	// Thorough opens every entry instead of asking the index, which a hostile
	// store could have thinned out.
	Thorough bool
}

// Search visits the entries of all trees, opened, in the order in which they
// were taken in. Entries younger than the last integration (a second) are not seen;
// call Integrate first if that matters. visit may return store.ErrStop.
func (l *Log) Search(ctx context.Context, f Filter, visit func(*Record) error) error {
	const op = "audit.Search"
	leaves := l.leaves()
	indexes, err := l.candidates(ctx, &f, leaves)
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err)
	}
	n := 0
	for index := range indexes {
		r, err := l.open(ctx, leaves, index)
		if damaged(err) {
			tree, leaf := leaves.locate(index)
			r, err = &Record{Index: index, Tree: tree.id, Leaf: leaf, Altered: true}, nil
		}
		if err != nil {
			return fault.Wrap(fault.Internal, op, err)
		}
		if !r.Altered && !f.match(r) {
			continue
		}
		n++
		if err := visit(r); err != nil {
			if errors.Is(err, store.ErrStop) {
				return nil
			}
			return err
		}
		if f.Limit > 0 && n == f.Limit {
			return nil
		}
	}
	return nil
}

// damaged reports whether an entry is not what was logged. Such an entry is
// shown as Altered, whatever is sought: it must not hide the others, nor itself.
func damaged(err error) bool {
	var broken *ChainError
	return errors.Is(err, errAltered) || errors.Is(err, errLeaf) || errors.Is(err, seal.ErrForged) || errors.As(err, &broken)
}

// candidates returns the indexes that may match, in the order asked for.
func (l *Log) candidates(ctx context.Context, f *Filter, leaves *leafReader) (func(yield func(uint64) bool), error) {
	tokens := l.best(f)
	if len(tokens) == 0 || f.Thorough {
		return f.span(leaves.size()), nil
	}
	var list []uint64
	want := wantedOf(tokens)
	for nth, tree := range leaves.spans {
		err := want.find(ctx, l.cfg.Store, uint32(nth+1), func(leaf uint64) {
			if leaf < tree.size && f.beyond(tree.first+leaf) {
				list = append(list, tree.first+leaf)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("read the index: %w", err)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	if f.Newest {
		slices.Reverse(list)
	}
	return slices.Values(list), nil
}

// span walks all indexes.
func (f *Filter) span(size uint64) func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for i := range size {
			index := i
			if f.Newest {
				index = size - 1 - i
			}
			if f.beyond(index) && !yield(index) {
				return
			}
		}
	}
}

func (f *Filter) beyond(index uint64) bool {
	return f.After == nil || (f.Newest && index < *f.After) || (!f.Newest && index > *f.After)
}

// maxDays is the longest stretch of time that is looked up by its days; beyond
// it every entry is opened.
const maxDays = 400

// best returns the tokens of which an entry sought bears one, choosing those
// that narrow the search most.
func (l *Log) best(f *Filter) []record.Token {
	s := l.cfg.Sealer
	switch {
	case f.RequestID != "":
		return []record.Token{s.Token(verify.TokenRequest, []byte(clip(f.RequestID, maxText)))}
	case !f.Record.IsZero():
		return []record.Token{s.Token(verify.TokenRecord, f.Record[:])}
	case !f.Patient.IsZero():
		return []record.Token{s.Token(verify.TokenPatient, f.Patient[:])}
	case f.Actor != "":
		return []record.Token{s.Token(verify.TokenActor, []byte(clip(f.Actor, maxText)))}
	case f.Since.IsZero():
		return nil
	}
	until := f.Until
	if until.IsZero() {
		until = l.cfg.Clock.Now().Add(record.MaxSkew)
	}
	var tokens []record.Token
	for day := f.Since.UTC().Truncate(24 * time.Hour); !day.After(until); day = day.Add(24 * time.Hour) {
		if len(tokens) == maxDays {
			return nil
		}
		tokens = append(tokens, s.Token(verify.TokenDay, verify.Day(day)))
	}
	return tokens
}

func (f *Filter) match(r *Record) bool {
	switch {
	case r.Statement != nil:
		return f.Actor == "" && f.Patient.IsZero() && f.Record.IsZero() && f.RequestID == "" &&
			f.Action == "" && f.Outcome == "" && f.Purpose == "" && f.Type == "" && f.during(r.Statement.Time)
	case !f.during(r.Time),
		f.Actor != "" && r.Actor != f.Actor,
		f.RequestID != "" && r.RequestID != f.RequestID,
		f.Action != "" && r.Action != f.Action,
		f.Outcome != "" && r.Outcome != f.Outcome,
		f.Purpose != "" && r.Purpose != f.Purpose,
		f.Type != "" && r.Type != f.Type,
		!f.Patient.IsZero() && !slices.Contains(r.Patients, f.Patient):
		return false
	}
	return f.Record.IsZero() || slices.ContainsFunc(r.Items, func(i Item) bool {
		return i.Key == f.Record && (f.Version == 0 || i.Version == f.Version)
	})
}

func (f *Filter) during(t time.Time) bool {
	return (f.Since.IsZero() || !t.Before(f.Since)) && (f.Until.IsZero() || t.Before(f.Until))
}
