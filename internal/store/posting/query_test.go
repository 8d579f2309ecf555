package posting_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/posting"
	"github.com/wardkeep/wardkeep/internal/store/storetest"
)

// source is a posting.Source in memory, built from what a model holds.
type source struct {
	model   *storetest.Model
	lists   map[posting.List]map[posting.Chunk]*posting.Set
	dead    map[posting.Chunk]*posting.Set
	used    map[posting.Chunk]*posting.Set // positions that versions have
	heads   map[record.Key]record.Position
	rows    map[record.Position]record.Key
	last    record.Position
	open    int // cursors not closed
	sought  int // seeks of cursors
	failing error
}

func newSource(m *storetest.Model) *source {
	s := &source{
		model: m, lists: make(map[posting.List]map[posting.Chunk]*posting.Set),
		dead: make(map[posting.Chunk]*posting.Set), used: make(map[posting.Chunk]*posting.Set),
		heads: make(map[record.Key]record.Position), rows: make(map[record.Position]record.Key),
	}
	for _, v := range m.Versions {
		c, low := posting.Locate(v.Position)
		in(s.used, c).Add(low)
		add := func(l posting.List) {
			if s.lists[l] == nil {
				s.lists[l] = make(map[posting.Chunk]*posting.Set)
			}
			in(s.lists[l], c).Add(low)
		}
		add(posting.List{Kind: posting.ByClass, Token: v.Class})
		for _, t := range v.Tokens {
			add(posting.List{Kind: posting.ByToken, Token: t})
		}
		for _, e := range v.Edges {
			add(posting.List{Kind: posting.ByEdge, Token: e.Rel, Key: e.To})
		}
		if was := s.heads[v.Key]; was != 0 {
			c, low := posting.Locate(was)
			in(s.dead, c).Add(low)
		}
		if v.Deleted {
			in(s.dead, c).Add(low)
		}
		s.heads[v.Key], s.rows[v.Position], s.last = v.Position, v.Key, v.Position
	}
	return s
}

func in(m map[posting.Chunk]*posting.Set, c posting.Chunk) *posting.Set {
	if m[c] == nil {
		m[c] = new(posting.Set)
	}
	return m[c]
}

func (s *source) Cursor(l posting.List, down bool) (posting.Cursor, error) {
	s.open++
	return &cursor{s: s, sets: s.lists[l], down: down}, s.failing
}

func (s *source) Dead(c posting.Chunk, into *posting.Set) error {
	into.Reset()
	into.AddRange(0, posting.ChunkSize-1)
	into.Subtract(in(s.used, c))
	into.Union(in(s.dead, c))
	return s.failing
}

func (s *source) Heads(_ context.Context, keys []record.Key, add func(record.Position)) error {
	for _, k := range keys {
		if p := s.heads[k]; p != 0 {
			add(p)
		}
	}
	return s.failing
}

func (s *source) Keys(_ context.Context, ps []record.Position) ([]record.Key, error) {
	var keys []record.Key
	for _, p := range ps {
		keys = append(keys, s.rows[p])
	}
	return keys, s.failing
}

func (s *source) Referrers(_ context.Context, rel record.Token, keys []record.Key, from posting.Chunk, add func(posting.Chunk, []byte) error) error {
	for _, k := range keys {
		for c, set := range s.lists[posting.List{Kind: posting.ByEdge, Token: rel, Key: k}] {
			if c < from {
				continue
			}
			if err := add(c, set.AppendTo(nil)); err != nil {
				return err
			}
		}
	}
	return s.failing
}

func (s *source) Referred(_ context.Context, rel record.Token, add func(record.Key, posting.Chunk, []byte) error) error {
	for l, sets := range s.lists {
		for c, set := range sets {
			if l.Kind != posting.ByEdge || l.Token != rel {
				continue
			}
			if err := add(l.Key, c, set.AppendTo(nil)); err != nil {
				return err
			}
		}
	}
	return s.failing
}

func (s *source) First(t time.Time) (record.Position, error) {
	for _, v := range s.model.Versions {
		if !v.Time.Before(t) {
			return v.Position, nil
		}
	}
	return s.last + 1, s.failing
}

func (s *source) Last() record.Position { return s.last }

type cursor struct {
	s    *source
	sets map[posting.Chunk]*posting.Set
	down bool
	past posting.Chunk
	used bool
}

func (c *cursor) Seek(at posting.Chunk) (posting.Chunk, []byte, bool, error) {
	if c.used && at != c.past && (at < c.past) != c.down {
		return 0, nil, false, errors.New("a cursor was sent backwards")
	}
	c.past, c.used = at, true
	c.s.sought++
	chunks := slices.Sorted(maps.Keys(c.sets))
	if c.down {
		slices.Reverse(chunks)
	}
	for _, x := range chunks {
		if x == at || (x < at) == c.down {
			return x, c.sets[x].AppendTo(nil), true, c.s.failing
		}
	}
	return 0, nil, false, c.s.failing
}

func (c *cursor) Close() error {
	c.s.open--
	return nil
}

// world is a random history whose positions spread over chunks.
func world(t *rapid.T) (*storetest.Model, *storetest.Chance, int) {
	c := storetest.NewChance(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 40).Draw(t, "records"), rapid.IntRange(1, 12).Draw(t, "tokens"))
	m, p := new(storetest.Model), record.Position(0)
	commits := rapid.IntRange(0, 60).Draw(t, "commits")
	stride := rapid.SampledFrom([]int{1, 100, 30_000, 200_000}).Draw(t, "stride")
	for n := range commits {
		puts := c.Puts(5)
		p += record.Position(len(puts) + c.IntN(stride))
		m.Commit(puts, p, time.Date(2026, 3, 1, 8, 0, n, 0, time.UTC))
	}
	return m, c, commits
}

// TestQuery compares positions, both ways and from any place, and counts, with
// what looking at every version finds.
func TestQuery(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, c, now := world(t)
		s := newSource(m)
		for range 8 {
			e := c.Expr(c.IntN(5), now)
			want := m.Find(e)
			after := record.Position(0)
			if len(want) > 0 && c.IntN(2) == 0 {
				after = want[c.IntN(len(want))] - record.Position(c.IntN(2))
			}
			for _, down := range []bool{false, true} {
				got := positions(t, s, e, down, after)
				part := slices.DeleteFunc(slices.Clone(want), func(p record.Position) bool {
					return after != 0 && (p == after || (p > after) == down)
				})
				if down {
					slices.Reverse(part)
				}
				if !slices.Equal(got, part) {
					t.Fatalf("%#v\ndown %t, after %d: got %v, want %v", e, down, after, got, part)
				}
			}
			q, err := posting.Compile(context.Background(), s, e, false)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := q.Count(context.Background()); err != nil || n != len(want) {
				t.Fatalf("counted %d, %v, want %d", n, err, len(want))
			}
			_ = q.Close()
			if s.open != 0 {
				t.Fatalf("%d cursors were left open", s.open)
			}
		}
	})
}

func positions(t *rapid.T, s posting.Source, e store.Expr, down bool, after record.Position) (out []record.Position) {
	q, err := posting.Compile(context.Background(), s, e, down)
	if err != nil {
		t.Fatal(err)
	}
	for p, err := range q.Positions(context.Background(), after) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// spread returns a source of n chunks: token 1 in all of them, token 2 in the
// last alone.
func spread(n int) *source {
	m := new(storetest.Model)
	for i := range n {
		p := record.Put{Key: record.Key{1, byte(i >> 8), byte(i)}, Version: 1, Tokens: []record.Token{1}}
		if i == n-1 {
			p.Tokens = append(p.Tokens, 2)
		}
		m.Commit([]record.Put{p}, record.Position(i)*posting.ChunkSize+5, time.Unix(int64(i), 0))
	}
	return newSource(m)
}

// TestSkips checks that work follows the answer, not the store: a page ends the
// walk, and a rare token leads a common one past what they do not share.
func TestSkips(t *testing.T) {
	s := spread(1000)
	ctx := t.Context()
	q, err := posting.Compile(ctx, s, store.Has{Token: 1}, false)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range q.Positions(ctx, 0) {
		if n++; n == 20 {
			break
		}
	}
	if s.sought > 21 {
		t.Errorf("a page of 20 took %d seeks", s.sought)
	}
	for _, e := range []store.Expr{store.And{store.Has{Token: 1}, store.Has{Token: 2}}, store.And{store.Has{Token: 2}, store.Has{Token: 1}}} {
		s.sought = 0
		q, err := posting.Compile(ctx, s, e, false)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := q.Count(ctx); err != nil || n != 1 {
			t.Errorf("count %d, %v", n, err)
		}
		if s.sought > 8 {
			t.Errorf("one common member took %d seeks", s.sought)
		}
	}
}

func TestRefused(t *testing.T) {
	s := spread(3)
	for name, e := range map[string]store.Expr{
		"empty And":      store.And{},
		"within a join":  store.Join{Of: store.And{}},
		"within targets": store.Targets{Of: store.And{}},
		"beside a list":  store.Or{store.Has{Token: 1}, store.And{}},
		"within a minus": store.Minus{Of: store.Has{Token: 1}, Without: store.And{}},
	} {
		if _, err := posting.Compile(t.Context(), s, e, false); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if s.open != 0 {
			t.Errorf("%s: %d cursors were left open", name, s.open)
		}
	}
}

// TestErrors checks that neither a failing source nor a cancelled caller is
// mistaken for an empty set.
func TestErrors(t *testing.T) {
	s := spread(100)
	broken := errors.New("broken")
	exprs := []store.Expr{
		store.Has{Token: 1}, store.And{store.Has{Token: 1}, store.Has{Token: 2}}, store.Or{store.Has{Token: 1}, store.Has{Token: 2}},
		store.Minus{Of: store.Has{Token: 1}, Without: store.Has{Token: 2}}, store.Join{Rel: 1, Of: store.Has{Token: 1}},
		store.Targets{Rel: 1, Of: store.Has{Token: 1}},
		store.Is{Keys: []record.Key{{1}}}, store.To{Rel: 1, Keys: make([]record.Key, 20)}, store.During{Until: time.Unix(500, 0)},
	}
	for _, e := range exprs {
		s.failing = broken
		q, err := posting.Compile(t.Context(), s, e, false)
		if err == nil {
			_, err = q.Count(t.Context())
		}
		if !errors.Is(err, broken) {
			t.Errorf("%#v: a failing source: %v", e, err)
		}
		s.failing = nil
		ctx, cancel := context.WithCancel(t.Context())
		if q, err = posting.Compile(ctx, s, store.Or{e, store.Has{Token: 1}}, false); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := q.Count(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%#v: a cancelled walk: %v", e, err)
		}
	}
}

func TestVersions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, c, _ := world(t)
		s := newSource(m)
		for class := range s.lists {
			if class.Kind != posting.ByClass {
				continue
			}
			var want []record.Position
			for _, v := range m.Versions {
				if v.Class == class.Token {
					want = append(want, v.Position)
				}
			}
			down := c.IntN(2) == 0
			if down {
				slices.Reverse(want)
			}
			q, err := posting.Versions(s, class.Token, down)
			if err != nil {
				t.Fatal(err)
			}
			var got []record.Position
			for p := range q.Positions(context.Background(), 0) {
				got = append(got, p)
			}
			if _ = q.Close(); !slices.Equal(got, want) {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
	})
}
