package audit_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/record"
)

// fakeDeep knows what put gives each record, as a vault knows it from the
// opened content.
type fakeDeep struct{}

func (fakeDeep) Index(_ context.Context, row record.Row) ([]record.Token, []record.Edge, error) {
	if len(row.Body) == 0 || len(row.Card) == 0 {
		return nil, nil, fmt.Errorf("a row came without its parts")
	}
	p := put(row.Key[0], row.Version, "")
	return p.Tokens, p.Edges, nil
}

// listAt is the key of a token's first container of positions.
func listAt(token uint64) []byte {
	return append(binary.BigEndian.AppendUint64([]byte("t"), token), 0, 0, 0, 0)
}

// TestDeep: the index answers for exactly what was written.
func TestDeep(t *testing.T) {
	ev := gather(t)
	for _, c := range []struct {
		name   string
		change func(a admin)
		codes  []verify.Code
	}{
		{"nothing", func(admin) {}, nil},
		{"a list is dropped", func(a admin) { a.drop(listAt(77)) }, []verify.Code{verify.CodeIndex}},
		{"a list finds too much", func(a admin) { a.set(listAt(2), a.get(listAt(77))) }, []verify.Code{verify.CodeIndex}},
		{"two lists are swapped", func(a admin) { a.swap(listAt(1), listAt(2)) }, []verify.Code{verify.CodeIndex}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := copyFS(t, ev.fs)
			ev.tamper(t, fs, c.change)
			r := ev.on(t, fs).verify(func(v *verify.Config) { v.Deep, v.Pinned = fakeDeep{}, ev.pinned })
			if !slices.Equal(codes(r), c.codes) {
				t.Errorf("want %v, got\n%s", c.codes, r)
			}
		})
	}
}

// TestIndexDigest: tokens that do not follow from the content were written
// already, by a process that was not ours or not well.
func TestIndexDigest(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	p := put(3, 1, "x")
	p.Tokens = append(p.Tokens, 99)
	w.write(l, put(1, 1, "a"), p)
	w.close(l)
	r := w.verify(func(v *verify.Config) { v.Deep = fakeDeep{} })
	if len(r.Findings) != 1 || r.Findings[0].Code != verify.CodeIndex || r.Findings[0].Record != p.Key.String() {
		t.Errorf("got\n%s", r)
	}
}

// BenchmarkVerify verifies a store of many entries and versions.
func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	l, err := audit.Open(b.Context(), quietConfig(w))
	if err != nil {
		b.Fatal(err)
	}
	const batches, size = 40, 500
	for i := range batches {
		var puts []record.Put
		for j := range size {
			p := put(1, 1, "0123456789012345678901234567890123456789")
			binary.BigEndian.PutUint64(p.Key[8:], uint64(i*size+j))
			puts = append(puts, p)
		}
		w.write(l, puts...)
		w.append(l, many(size)...)
	}
	w.integrate(l)
	w.close(l)
	b.ResetTimer()
	start := time.Now()
	for range b.N {
		if r := w.verify(nil); !r.OK || r.Rows != batches*size {
			b.Fatal(r)
		}
	}
	b.ReportMetric(float64(b.N*batches*size)/time.Since(start).Seconds(), "leaves+rows/s")
}
