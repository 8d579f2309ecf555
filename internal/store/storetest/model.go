package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Model is a store that answers by looking at everything. It is the judge of
// what an engine finds.
type Model struct {
	Versions []Version // in commit order
}

// Version is one committed put.
type Version struct {
	record.Put
	Position record.Position
	Time     time.Time
}

// Commit notes puts whose last position is known.
func (m *Model) Commit(puts []record.Put, last record.Position, t time.Time) {
	for i, p := range puts {
		m.Versions = append(m.Versions, Version{p, last - record.Position(len(puts)-1-i), t})
	}
}

// Find returns the positions of an expression's members, ascending.
func (m *Model) Find(e store.Expr) []record.Position {
	current := m.current()
	var out []record.Position
	for _, v := range current {
		if !v.Deleted && m.member(e, v, current) {
			out = append(out, v.Position)
		}
	}
	slices.Sort(out)
	return out
}

// current returns the last version of each record, tombstones included.
func (m *Model) current() map[record.Key]*Version {
	current := make(map[record.Key]*Version)
	for i := range m.Versions {
		current[m.Versions[i].Key] = &m.Versions[i]
	}
	return current
}

func (m *Model) member(e store.Expr, v *Version, current map[record.Key]*Version) bool {
	switch e := e.(type) {
	case store.All:
		return v.Class == e.Class
	case store.Has:
		return slices.Contains(v.Tokens, e.Token)
	case store.To:
		return slices.ContainsFunc(v.Edges, func(x record.Edge) bool { return x.Rel == e.Rel && slices.Contains(e.Keys, x.To) })
	case store.Join:
		return slices.ContainsFunc(v.Edges, func(x record.Edge) bool {
			t := current[x.To]
			return x.Rel == e.Rel && t != nil && !t.Deleted && m.member(e.Of, t, current)
		})
	case store.Targets:
		for _, from := range current {
			if !from.Deleted && slices.Contains(from.Edges, record.Edge{Rel: e.Rel, To: v.Key}) && m.member(e.Of, from, current) {
				return true
			}
		}
		return false
	case store.Is:
		return slices.Contains(e.Keys, v.Key)
	case store.During:
		return (e.From.IsZero() || !v.Time.Before(e.From)) && (e.Until.IsZero() || v.Time.Before(e.Until))
	case store.Often:
		return m.member(e.Of, v, current)
	case store.And:
		return !slices.ContainsFunc(e, func(x store.Expr) bool { return !m.member(x, v, current) })
	case store.Or:
		return slices.ContainsFunc(e, func(x store.Expr) bool { return m.member(x, v, current) })
	case store.Minus:
		return m.member(e.Of, v, current) && !m.member(e.Without, v, current)
	}
	return false
}

// Chance makes batches and expressions over few records and few tokens, so
// that everything meets everything.
type Chance struct {
	*rand.Rand
	Records, Tokens int
	next            map[int]uint64 // version of each record's next put
	class           map[int]record.Token
}

// NewChance returns a source of batches that repeats itself for equal seeds.
func NewChance(seed uint64, records, tokens int) *Chance {
	return &Chance{
		Rand: rand.New(rand.NewPCG(seed, 1)), Records: records, Tokens: tokens,
		next: make(map[int]uint64), class: make(map[int]record.Token),
	}
}

// Token returns one of the tokens in use; low ones are common.
func (c *Chance) Token() record.Token {
	return record.Token(1 + c.IntN(1+c.IntN(c.Tokens)))
}

// Puts returns the puts of one batch. It counts them as committed.
func (c *Chance) Puts(most int) []record.Put {
	var puts []record.Put
	for range 1 + c.IntN(most) {
		n := 1 + c.IntN(c.Records)
		c.next[n]++
		if c.class[n] == 0 {
			c.class[n] = []record.Token{patient, observation}[c.IntN(2)]
		}
		p := put(n, c.next[n])
		if c.IntN(8) == 0 {
			p = tombstone(n, c.next[n])
		}
		p.Class = c.class[n]
		for range c.IntN(5) {
			if !p.Deleted {
				p.Tokens = append(p.Tokens, c.Token())
				p.Edges = append(p.Edges, record.Edge{Rel: c.rel(), To: key(1 + c.IntN(c.Records))})
			}
		}
		puts = append(puts, p)
	}
	return puts
}

// Known returns the numbers and current versions of all records put so far.
func (c *Chance) Known() map[int]uint64 { return c.next }

func (c *Chance) rel() record.Token { return subject + record.Token(c.IntN(2)) }

// Expr returns an expression of at most depth levels over commits until now.
func (c *Chance) Expr(depth, now int) store.Expr {
	if depth > 0 {
		switch c.IntN(5) {
		case 0:
			return store.And(c.exprs(depth, now, 1))
		case 1:
			return store.Or(c.exprs(depth, now, 0))
		case 2:
			return store.Minus{Of: c.Expr(depth-1, now), Without: c.Expr(depth-1, now)}
		case 3:
			return store.Join{Rel: c.rel(), Of: c.Expr(depth-1, now)}
		case 4:
			return store.Targets{Rel: c.rel(), Of: c.Expr(depth-1, now)}
		}
	}
	switch c.IntN(10) {
	case 8, 9:
		return c.often(c.IntN(6))
	case 0:
		return store.All{Class: []record.Token{patient, observation}[c.IntN(2)]}
	case 1:
		return store.To{Rel: c.rel(), Keys: c.keys()}
	case 2:
		return store.Is{Keys: c.keys()}
	case 3:
		d := store.During{From: at(c.IntN(now + 2)), Until: at(c.IntN(now + 2))}
		if c.IntN(3) == 0 {
			d.From = time.Time{}
		}
		if c.IntN(3) == 0 {
			d.Until = time.Time{}
		}
		return d
	}
	return store.Has{Token: c.Token()}
}

// often returns the nth of a few expressions that are asked for again and again.
func (c *Chance) often(n int) store.Expr {
	few := &Chance{Rand: rand.New(rand.NewPCG(uint64(n), 7)), Records: c.Records, Tokens: c.Tokens}
	any := store.Or{store.To{Rel: few.rel(), Keys: slices.Concat(few.keys(), few.keys())}}
	for range few.IntN(3) {
		any = append(any, store.And{store.All{Class: patient}, store.Has{Token: few.Token()}}, store.Has{Token: few.Token()})
	}
	return store.Often{Of: any, Name: [32]byte{byte(n), byte(c.Records), byte(c.Tokens)}}
}

func (c *Chance) exprs(depth, now, least int) []store.Expr {
	out := make([]store.Expr, least+c.IntN(4))
	for i := range out {
		out[i] = c.Expr(depth-1, now)
	}
	return out
}

func (c *Chance) keys() []record.Key {
	out := make([]record.Key, c.IntN(12))
	for i := range out {
		out[i] = key(1 + c.IntN(c.Records))
	}
	return out
}

// testFindModel compares an engine with the model on random worlds.
func testFindModel(t *testing.T, open Open) {
	for seed := uint64(1); seed <= 3; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			r, c, m := newRig(t, open), NewChance(seed, 60, 12), new(Model)
			for range 100 {
				b := r.batch(c.Puts(6)...)
				m.Commit(b.Puts, r.commit(b), b.Time)
				for range 4 {
					e := c.Expr(3, r.now)
					r.agree(m, e, c)
				}
			}
			for _, span := range c.spans(m, r.now) {
				r.agreeHistory(m, span)
			}
		})
	}
}

// agree asks engine and model the same, whole and in part, both ways.
func (r *rig) agree(m *Model, e store.Expr, c *Chance) {
	r.Helper()
	want := m.Find(e)
	after, limit := record.Position(0), 0
	if len(want) > 0 && c.IntN(2) == 0 {
		after, limit = want[c.IntN(len(want))], 1+c.IntN(4)
	}
	for _, newest := range []bool{false, true} {
		var got []record.Position
		_, err := r.Find(r.Context(), store.Find{Expr: e, After: after, Limit: limit, Newest: newest}, func(row record.Row) error {
			got = append(got, row.Position)
			return nil
		})
		part := window(want, after, limit, newest)
		if err != nil || !slices.Equal(got, part) {
			r.Fatalf("%#v\nafter %d, limit %d, newest %t: got %v, %v, want %v", e, after, limit, newest, got, err, part)
		}
	}
	if n := r.count(e); n != len(want) {
		r.Fatalf("%#v\ncounted %d, want %d", e, n, len(want))
	}
}

func window(all []record.Position, after record.Position, limit int, newest bool) []record.Position {
	out := slices.Clone(all)
	if newest {
		slices.Reverse(out)
	}
	out = slices.DeleteFunc(out, func(p record.Position) bool {
		return after != 0 && (cmp.Compare(p, after) == 0 || (p > after) == newest)
	})
	if limit > 0 {
		out = out[:min(limit, len(out))]
	}
	return out
}
