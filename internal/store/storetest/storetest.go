// Package storetest is the conformance suite of storage engines. An engine is
// what store.Store promises if, and only if, Run passes on it.
//
// Positions are compared by order and never by value, except that a batch's
// are consecutive: an engine may skip some between batches.
package storetest

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Open returns a fresh, empty store and sees to it that it is closed when the
// test ends. Closing it twice must do no harm.
type Open func(t testing.TB) store.Store

// Run puts an engine through every concern of the contract.
func Run(t *testing.T, open Open) {
	concerns := []struct {
		name string
		test func(*testing.T, Open)
	}{
		{"Get", testGet},
		{"Batch", testBatch},
		{"Cells", testCells},
		{"Scan", testScan},
		{"Find", testFind},
		{"FindOrder", testFindOrder},
		{"FindModel", testFindModel},
		{"History", testHistory},
		{"Guards", testGuards},
		{"Races", testRaces},
		{"Amend", testAmend},
		{"Visibility", testVisibility},
		{"Log", testLog},
		{"Link", testLink},
		{"Stale", testStale},
		{"Closed", testClosed},
	}
	for _, c := range concerns {
		t.Run(c.name, func(t *testing.T) { c.test(t, open) })
	}
}

// epoch is the hour at which the suite's commits begin.
var epoch = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// at returns the hour n seconds after epoch.
func at(n int) time.Time { return epoch.Add(time.Duration(n) * time.Second) }

// key returns the nth key.
func key(n int) (k record.Key) {
	binary.BigEndian.PutUint64(k[:], uint64(n)*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(k[8:], uint64(n))
	k[0] |= 1
	return k
}

const (
	patient     record.Token = 0xaaaa000000000001
	observation record.Token = 0xbbbb000000000002
	subject     record.Token = 0xcccc000000000003
)

// put returns a plausible version of the nth record.
func put(n int, version uint64, tokens ...record.Token) record.Put {
	return record.Put{
		Key: key(n), Version: version, Class: patient, Tokens: tokens,
		Body: blob('b', n, version), Card: blob('c', n, version),
	}
}

// tombstone returns a deleted version of the nth record.
func tombstone(n int, version uint64) record.Put {
	return record.Put{Key: key(n), Version: version, Class: patient, Deleted: true, Body: blob('b', n, version)}
}

func blob(part byte, n int, version uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32([]byte{part}, uint32(n)), version)
}

// rig is one store under test.
type rig struct {
	*testing.T
	store.Store
	now int // seconds since epoch of the last commit
}

func newRig(t *testing.T, open Open) *rig { return &rig{T: t, Store: open(t)} }

// batch returns a batch of puts, one second after the one before.
func (r *rig) batch(puts ...record.Put) record.Batch {
	r.now++
	return record.Batch{Puts: puts, Time: at(r.now)}
}

// commit commits durably and returns the last position.
func (r *rig) commit(b record.Batch) record.Position {
	r.Helper()
	receipt, err := r.Commit(r.Context(), b)
	if err != nil {
		r.Fatalf("commit: %v", err)
	}
	if err := receipt.Wait(); err != nil {
		r.Fatalf("wait: %v", err)
	}
	return receipt.Last()
}

// put commits one batch of puts.
func (r *rig) put(puts ...record.Put) record.Position {
	r.Helper()
	return r.commit(r.batch(puts...))
}

// get returns one row with card and body.
func (r *rig) get(n int, version uint64) record.Row {
	r.Helper()
	rows, err := r.Get(r.Context(), []store.Ref{{Key: key(n), Version: version}}, store.WantCard|store.WantBody)
	if err != nil || len(rows) != 1 {
		r.Fatalf("get: %d rows, %v", len(rows), err)
	}
	return rows[0]
}

// find returns the keys an expression finds, by number, in the order walked.
func (r *rig) find(f store.Find) []int {
	r.Helper()
	var out []int
	found, err := r.Find(r.Context(), f, func(row record.Row) error {
		if !row.Current || row.Deleted {
			r.Errorf("found a version that is not current, or deleted")
		}
		out = append(out, number(row.Key))
		return nil
	})
	if err != nil {
		r.Fatalf("find: %v", err)
	}
	if found.Count != len(out) {
		r.Errorf("Count is %d with %d rows visited", found.Count, len(out))
	}
	return out
}

// count returns the size of an expression's set.
func (r *rig) count(e store.Expr) int {
	r.Helper()
	found, err := r.Find(r.Context(), store.Find{Expr: e, CountOnly: true}, func(record.Row) error {
		r.Error("CountOnly visited a row")
		return nil
	})
	if err != nil {
		r.Fatalf("count: %v", err)
	}
	return found.Count
}

// history collects a span; bytes are copied.
func (r *rig) history(s store.Span) []record.Row {
	r.Helper()
	var out []record.Row
	err := r.History(r.Context(), s, func(row record.Row) error {
		row.Card, row.Body = append([]byte(nil), row.Card...), append([]byte(nil), row.Body...)
		out = append(out, row)
		return nil
	})
	if err != nil {
		r.Fatalf("history: %v", err)
	}
	return out
}

// number is the inverse of key.
func number(k record.Key) int { return int(binary.BigEndian.Uint64(k[8:])) }
