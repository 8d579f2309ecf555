package audit_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// tellingStore gives back what lie makes of the log and of the cells.
type tellingStore struct {
	store.Store
	entries atomic.Pointer[func([]store.Entry)]
	cells   atomic.Pointer[func(name, value []byte) []byte]
	races   atomic.Int64 // how many commits without entries another process wins
}

func (s *tellingStore) Log(ctx context.Context, shard, from uint64, limit int) ([]store.Entry, error) {
	entries, err := s.Store.Log(ctx, shard, from, limit)
	if lie := s.entries.Load(); lie != nil {
		(*lie)(entries)
	}
	return entries, err
}

func (s *tellingStore) Cells(ctx context.Context, space record.Space, names [][]byte) ([][]byte, error) {
	values, err := s.Store.Cells(ctx, space, names)
	if lie := s.cells.Load(); lie != nil {
		for i := range values {
			values[i] = (*lie)(names[i], values[i])
		}
	}
	return values, err
}

func (s *tellingStore) Commit(ctx context.Context, b record.Batch) (store.Receipt, error) {
	if b.Link == nil && s.races.Load() > 0 {
		s.races.Add(-1)
		return nil, store.ErrGuard
	}
	return s.Store.Commit(ctx, b)
}

func telling(t *testing.T) (*world, *tellingStore, *audit.Log) {
	return behind(t, func(s store.Store) *tellingStore { return &tellingStore{Store: s} })
}

// TestOwnEntriesAreCompared: what the store gives back of this process's entries is
// held against what was linked, and the mark they follow against the chain.
func TestOwnEntriesAreCompared(t *testing.T) {
	mark := func(change func(*verify.Mark)) func(*tellingStore) {
		return func(s *tellingStore) {
			s.races.Store(1) // the marks are read again
			lie := func(name, value []byte) []byte {
				if !bytes.HasPrefix(name, []byte("at/")) || value == nil {
					return value
				}
				m, err := verify.ParseMark(value)
				if err != nil {
					panic(err)
				}
				change(&m)
				return m.Append(nil)
			}
			s.cells.Store(&lie)
		}
	}
	for name, lies := range map[string]func(*tellingStore){
		"an entry's last byte": func(s *tellingStore) {
			lie := func(entries []store.Entry) {
				if len(entries) > 0 {
					b := bytes.Clone(entries[0].Bytes)
					b[len(b)-1] ^= 1
					entries[0].Bytes = b
				}
			}
			s.entries.Store(&lie)
		},
		"a mark further on":       mark(func(m *verify.Mark) { m.Counter += 2 }),
		"a mark of another chain": mark(func(m *verify.Mark) { m.Link[0] ^= 1 }),
		"a mark set back":         mark(func(m *verify.Mark) { m.Counter-- }),
		"nothing":                 nil,
	} {
		t.Run(name, func(t *testing.T) {
			w, s, l := telling(t)
			w.append(l, shown("a", 1), shown("b", 1), shown("c", 1))
			w.integrate(l)
			w.append(l, shown("d", 1), shown("e", 1), shown("f", 1))
			if lies != nil {
				lies(s)
			}
			err := l.Integrate(t.Context())
			if told := fault.Is(err, fault.Unavailable) && l.Err() != nil; told != (lies != nil) {
				t.Errorf("Integrate: %v, log: %v", err, l.Err())
			}
		})
	}
}

// TestManyEntries: more entries than a round takes, more than are remembered, and
// tokens that most of them bear.
func TestManyEntries(t *testing.T) {
	w, _, l := telling(t)
	events := make([]audit.Event, 2*verify.RunLeaves+300)
	for i := range events {
		events[i] = shown("r", byte(i%3), audit.Item{Key: key(byte(i % 7)), Version: 1})
		events[i].Query, events[i].Reason = "", ""
	}
	wide := shown("wide", 1)
	for i := range 400 {
		wide.Items = append(wide.Items, audit.Item{Key: record.Key{byte(i), byte(i >> 8), 1}, Version: 1})
	}
	const large = 900 // some 10 kB each: over 8 MiB
	for range large {
		events = append(events, wide)
	}
	for len(events) > 0 {
		n := min(len(events), 500)
		w.append(l, events[:n]...)
		events = events[n:]
	}
	w.close(l)
	if r := w.verify(nil); !r.OK {
		t.Fatal(r)
	}
	again := w.open()
	for request, want := range map[string]int{"r": 2*verify.RunLeaves + 300, "wide": large} {
		found, err := again.Find(t.Context(), audit.Filter{RequestID: request})
		if err != nil || len(found) != want {
			t.Errorf("%d entries of request %q, want %d: %v", len(found), request, want, err)
		}
	}
}

// TestEventsAreTheCallers: what a caller does with an event afterwards changes nothing.
func TestEventsAreTheCallers(t *testing.T) {
	w, _, l := telling(t)
	e := shown("r", 1)
	w.append(l, e)
	e.Patients[0] = key(2)
	w.integrate(l)
	for patient, want := range map[byte]int{1: 1, 2: 0} {
		found, err := l.Find(t.Context(), audit.Filter{Patient: key(patient)})
		if err != nil || len(found) != want {
			t.Errorf("%d entries of patient %d, want %d: %v", len(found), patient, want, err)
		}
	}
	w.close(l)
	if r := w.verify(nil); !r.OK {
		t.Error(r)
	}
}
