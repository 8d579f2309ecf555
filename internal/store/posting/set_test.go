package posting_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// naive is a set that cannot be wrong.
type naive map[uint16]bool

func (n naive) sorted() []uint16 { return slices.Sorted(maps.Keys(n)) }

// pair is a set both ways.
type pair struct {
	set   posting.Set
	naive naive
}

// drawn returns a set made of single places and runs, small or large, so that
// arrays, bitmaps and their border all occur.
func drawn(t *rapid.T, label string) *pair {
	p := &pair{naive: naive{}}
	for range rapid.IntRange(0, 6).Draw(t, label+" parts") {
		lo := rapid.Uint16().Draw(t, label+" from")
		switch rapid.IntRange(0, 2).Draw(t, label+" sort") {
		case 0:
			p.set.Add(lo)
			p.naive[lo] = true
		case 1:
			hi := uint16(min(int(lo)+rapid.IntRange(0, 9000).Draw(t, label+" run"), 0xffff))
			p.set.AddRange(lo, hi)
			for v := int(lo); v <= int(hi); v++ {
				p.naive[uint16(v)] = true
			}
		case 2:
			step := rapid.IntRange(2, 300).Draw(t, label+" step")
			for v := int(lo); v <= 0xffff; v += step {
				p.set.Add(uint16(v))
				p.naive[uint16(v)] = true
			}
		}
	}
	return p
}

func (p *pair) check(t *rapid.T, after string) {
	want := p.naive.sorted()
	if got := slices.Collect(p.set.All()); !slices.Equal(got, want) {
		t.Fatalf("%s: %d members, want %d", after, len(got), len(want))
	}
	if p.set.Len() != len(want) {
		t.Fatalf("%s: Len is %d, want %d", after, p.set.Len(), len(want))
	}
	slices.Reverse(want)
	if got := slices.Collect(p.set.Backward()); !slices.Equal(got, want) {
		t.Fatalf("%s: backward differs", after)
	}
	for range 4 {
		v := rapid.Uint16().Draw(t, "member")
		if p.set.Contains(v) != p.naive[v] {
			t.Fatalf("%s: Contains(%d) is %t", after, v, !p.naive[v])
		}
	}
}

// TestSet compares every operation, in any order, with one on maps.
func TestSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawn(t, "a")
		a.check(t, "made")
		for range rapid.IntRange(1, 4).Draw(t, "steps") {
			b := drawn(t, "b")
			op := rapid.SampledFrom([]string{"union", "intersect", "subtract", "or", "stored"}).Draw(t, "op")
			switch op {
			case "union":
				a.set.Union(&b.set)
				maps.Copy(a.naive, b.naive)
			case "or":
				if err := a.set.Or(b.set.AppendTo(nil)); err != nil {
					t.Fatal(err)
				}
				maps.Copy(a.naive, b.naive)
			case "intersect":
				a.set.Intersect(&b.set)
				maps.DeleteFunc(a.naive, func(v uint16, _ bool) bool { return !b.naive[v] })
			case "subtract":
				a.set.Subtract(&b.set)
				maps.DeleteFunc(a.naive, func(v uint16, _ bool) bool { return b.naive[v] })
			case "stored":
				box := a.set.AppendTo([]byte("before"))
				if err := a.set.Decode(box[len("before"):]); err != nil {
					t.Fatal(err)
				}
			}
			a.check(t, op)
			b.check(t, op+": the other")
		}
	})
}

// TestSizes pins the kind that is chosen, and so the bytes on disk.
func TestSizes(t *testing.T) {
	every := func(step, n int) (s posting.Set) {
		for i := range n {
			s.Add(uint16(i * step))
		}
		return s
	}
	span := func(lo, hi uint16) (s posting.Set) { s.AddRange(lo, hi); return s }
	cases := []struct {
		name string
		set  posting.Set
		kind byte
		size int
	}{
		{"none", posting.Set{}, 1, 1},
		{"one", every(1, 1), 1, 3},
		{"two in a row", every(1, 2), 1, 5},
		{"three in a row", every(1, 3), 3, 5},
		{"a run", span(10, 60000), 3, 5},
		{"the whole chunk", span(0, 0xffff), 3, 5},
		{"scattered", every(7, 4096), 1, 8193},
		{"scattered, one more", every(7, 4097), 2, 8193},
		{"every other", every(2, 32768), 2, 8193},
	}
	for _, c := range cases {
		box := c.set.AppendTo(nil)
		if box[0] != c.kind || len(box) != c.size {
			t.Errorf("%s: kind %d in %d bytes, want kind %d in %d", c.name, box[0], len(box), c.kind, c.size)
		}
	}
}

func TestDamaged(t *testing.T) {
	cases := map[string][]byte{
		"nothing":             {},
		"unknown kind":        {9, 1, 2},
		"array cut short":     {1, 5},
		"array falls":         {1, 5, 0, 4, 0},
		"array repeats":       {1, 5, 0, 5, 0},
		"bitmap cut short":    append([]byte{2}, make([]byte, 8191)...),
		"bitmap too long":     append([]byte{2}, make([]byte, 8193)...),
		"run cut short":       {3, 1, 0, 2},
		"run backwards":       {3, 5, 0, 4, 0},
		"runs that touch":     {3, 1, 0, 2, 0, 3, 0, 4, 0},
		"runs out of order":   {3, 9, 0, 9, 0, 1, 0, 2, 0},
		"array far too long":  append([]byte{1}, make([]byte, 2*65537)...),
		"runs far too long":   append([]byte{3}, make([]byte, 4*2049)...),
		"a run and a half":    {3, 1, 0, 2, 0, 9, 0},
		"array, odd and long": append([]byte{1}, make([]byte, 9001)...),
	}
	for name, box := range cases {
		var s, full posting.Set
		full.AddRange(0, 50000)
		for _, into := range []*posting.Set{&s, &full} {
			if err := into.Or(box); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

func TestLocate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := record.Position(rapid.Uint64Range(0, uint64(posting.MaxPosition)).Draw(t, "p"))
		c, low := posting.Locate(p)
		if c.Position(low) != p || p/posting.ChunkSize != record.Position(c) {
			t.Fatalf("%d is at %d in chunk %d", p, low, c)
		}
	})
}

// FuzzDecode wants either an error or a set that survives being stored.
func FuzzDecode(f *testing.F) {
	var s posting.Set
	for _, add := range []func(){func() {}, func() { s.Add(7) }, func() { s.AddRange(9, 30) }, func() {
		for v := 100; v < 20000; v += 3 {
			s.Add(uint16(v))
		}
	}} {
		add()
		f.Add(s.AppendTo(nil))
	}
	f.Add([]byte{3, 0, 0, 255, 255})
	f.Add([]byte{1, 255, 255, 0, 0})
	f.Fuzz(func(t *testing.T, box []byte) {
		var a, b posting.Set
		if err := a.Decode(box); err != nil {
			if !errors.Is(err, store.ErrCorrupt) {
				t.Fatalf("got %v", err)
			}
			return
		}
		if err := b.Decode(a.AppendTo(nil)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(slices.Collect(a.All()), slices.Collect(b.All())) || a.Len() != b.Len() {
			t.Fatal("a set changed by being stored")
		}
	})
}
