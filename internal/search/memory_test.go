package search_test

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// memory is a store of sets and nothing else, with tokens of any width.
type memory struct {
	bits   int
	ids    []search.TypeID
	cards  [][]byte
	bodies []*fhir.Resource
	times  []time.Time
	has    map[record.Token][]int32
	class  map[record.Token][]int32
	edges  map[record.Edge][]int32
	byRel  map[record.Token][]memoryEdge
	byKey  map[record.Key]int32
	named  map[record.Key]bool // mentioned, perhaps not there
	lists  map[string]*fhir.Resource
	exacts int
	plans  int
	sures  int // plans of which a part is sure
	joins  bool
}

type memoryEdge struct {
	from int32
	to   record.Key
}

func newMemory(t testing.TB, bits int, resources []*fhir.Resource) *memory {
	m := &memory{
		bits: bits, has: map[record.Token][]int32{}, class: map[record.Token][]int32{},
		edges: map[record.Edge][]int32{}, byRel: map[record.Token][]memoryEdge{}, byKey: map[record.Key]int32{}, named: map[record.Key]bool{}, lists: map[string]*fhir.Resource{},
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, r := range resources {
		d, err := search.Extract(r)
		if err != nil {
			t.Fatal(err)
		}
		n := int32(len(m.ids))
		if r.Type() == "List" {
			m.lists[r.ID()] = r
		}
		m.ids = append(m.ids, search.TypeID{Type: r.Type(), ID: r.ID()})
		m.cards = append(m.cards, d.Card)
		m.bodies = append(m.bodies, r)
		sealed, _ := time.Parse(time.RFC3339Nano, r.Root().Get("meta").Get("lastUpdated").Text())
		m.times = append(m.times, sealed.Add(time.Duration(rng.Int64N(int64(record.MaxSkew)))))
		m.byKey[keyOf(r.Type(), r.ID())] = n
		c := m.Class(r.Type())
		m.class[c] = append(m.class[c], n)
		for _, w := range d.Words {
			tok := m.Token(w.Field, w.Value)
			if list := m.has[tok]; len(list) == 0 || list[len(list)-1] != n {
				m.has[tok] = append(list, n)
			}
		}
		for _, ref := range d.Refs {
			e := record.Edge{Rel: m.Rel(ref.Field), To: keyOf(ref.Type, ref.ID)}
			m.named[e.To] = true
			m.edges[e] = append(m.edges[e], n)
			m.byRel[e.Rel] = append(m.byRel[e.Rel], memoryEdge{n, e.To})
		}
	}
	return m
}

func keyOf(typ, id string) (k record.Key) {
	h := fnv.New128a()
	h.Write([]byte(typ + "/" + id))
	h.Sum(k[:0])
	return k
}

func hash64(parts ...[]byte) uint64 {
	h := fnv.New64a()
	var n [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		h.Write(p)
	}
	x := h.Sum64()
	x ^= x >> 31
	return x * 0x9e3779b97f4a7c15
}

func (m *memory) cut(x uint64) record.Token { return record.Token(x >> (64 - m.bits)) }

func (m *memory) Token(field string, value []byte) record.Token {
	return m.cut(hash64([]byte("word"), []byte(field), value))
}
func (m *memory) Class(typ string) record.Token {
	return record.Token(hash64([]byte("class"), []byte(typ)))
}
func (m *memory) Rel(field string) record.Token { return m.cut(hash64([]byte("rel"), []byte(field))) }
func (m *memory) Exact() bool                   { return m.bits == 64 }

// Confine lets joins be, or not.
func (m *memory) Confine(_ context.Context, _ string, e store.Expr) (store.Expr, bool, error) {
	return e, m.joins, nil
}

func (m *memory) Any(_ context.Context, e store.Expr) (bool, error) {
	return len(m.has[e.(store.Has).Token]) > 0, nil
}

func (m *memory) ListItems(_ context.Context, id string) ([]search.TypeID, error) {
	if m.lists[id] == nil {
		return nil, nil
	}
	return search.ListItems(m.lists[id]), nil
}

func (m *memory) Keys(_ context.Context, ids []search.TypeID) ([]record.Key, error) {
	keys := make([]record.Key, len(ids))
	for i, id := range ids {
		if k := keyOf(id.Type, id.ID); m.known(k) {
			keys[i] = k
		}
	}
	return keys, nil
}

func (m *memory) known(k record.Key) bool { _, ok := m.byKey[k]; return ok || m.named[k] }

type bitset []uint64

func (m *memory) empty() bitset    { return make(bitset, (len(m.ids)+63)/64) }
func (b bitset) set(n int32)       { b[n/64] |= 1 << (n % 64) }
func (b bitset) test(n int32) bool { return b[n/64]>>(n%64)&1 != 0 }
func (b bitset) add(list []int32) {
	for _, n := range list {
		b.set(n)
	}
}

func (m *memory) eval(t testing.TB, e store.Expr) bitset {
	out := m.empty()
	switch e := e.(type) {
	case nil:
	case store.All:
		out.add(m.class[e.Class])
	case store.Has:
		out.add(m.has[e.Token])
	case store.To:
		for _, k := range e.Keys {
			out.add(m.edges[record.Edge{Rel: e.Rel, To: k}])
		}
	case store.Join:
		of := m.eval(t, e.Of)
		for _, edge := range m.byRel[e.Rel] {
			if n, ok := m.byKey[edge.to]; ok && of.test(n) {
				out.set(edge.from)
			}
		}
	case store.Targets:
		of := m.eval(t, e.Of)
		for _, edge := range m.byRel[e.Rel] {
			if n, ok := m.byKey[edge.to]; ok && of.test(edge.from) {
				out.set(n)
			}
		}
	case store.Is:
		for _, k := range e.Keys {
			if n, ok := m.byKey[k]; ok {
				out.set(n)
			}
		}
	case store.During:
		for n, at := range m.times {
			if (e.From.IsZero() || !at.Before(e.From)) && (e.Until.IsZero() || at.Before(e.Until)) {
				out.set(int32(n))
			}
		}
	case store.And:
		if len(e) == 0 {
			t.Fatal("an empty And")
		}
		copy(out, m.eval(t, e[0]))
		for _, part := range e[1:] {
			for i, w := range m.eval(t, part) {
				out[i] &= w
			}
		}
	case store.Or:
		for _, part := range e {
			if h, ok := part.(store.Has); ok {
				out.add(m.has[h.Token])
				continue
			}
			for i, w := range m.eval(t, part) {
				out[i] |= w
			}
		}
	case store.Minus:
		copy(out, m.eval(t, e.Of))
		for i, w := range m.eval(t, e.Without) {
			out[i] &^= w
		}
	default:
		t.Fatalf("unknown expression %T", e)
	}
	return out
}

// run plans and runs a query, and rechecks unless the plan is exact.
func (m *memory) run(t testing.TB, q *search.Query) (found []int32, plan *search.Plan, candidates bitset) {
	plan, err := q.Plan(context.Background(), m, m.resolver(t))
	if err != nil {
		t.Fatal(err)
	}
	if plan.Exact && !m.Exact() {
		t.Fatal("a plan over narrow tokens says it is exact")
	}
	m.plans++
	if plan.Exact {
		m.exacts++
	}
	candidates = m.eval(t, plan.Expr)
	sure := m.empty()
	if plan.Sure != nil {
		sure = m.eval(t, plan.Sure)
		m.sures++
	}
	for n := range m.ids {
		if !candidates.test(int32(n)) {
			if sure.test(int32(n)) {
				t.Fatalf("%v is sure and not found", m.ids[n])
			}
			continue
		}
		ok := plan.Exact
		if !ok {
			if ok, err = m.match(plan, n); err != nil {
				t.Fatal(err)
			}
		}
		if sure.test(int32(n)) && !ok {
			t.Fatalf("%v is sure and does not match", m.ids[n])
		}
		if ok {
			found = append(found, int32(n))
		}
	}
	return found, plan, candidates
}

// match rechecks the n-th resource as a vault does.
func (m *memory) match(plan *search.Plan, n int) (bool, error) {
	if !plan.Bodies() {
		return plan.Match(m.cards[n])
	}
	return plan.MatchBody(m.cards[n], func() (*fhir.Resource, error) { return m.bodies[n], nil })
}

func (m *memory) resolver(t testing.TB) search.Resolve {
	return func(_ context.Context, q *search.Query, visit func(search.TypeID, record.Key, []byte) error) error {
		found, _, _ := m.run(t, q)
		for _, n := range found {
			if err := visit(m.ids[n], keyOf(m.ids[n].Type, m.ids[n].ID), m.cards[n]); err != nil {
				return err
			}
		}
		return nil
	}
}

func (m *memory) names(list []int32) []string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = m.ids[n].Type + "/" + m.ids[n].ID
	}
	slices.Sort(out)
	return out
}
