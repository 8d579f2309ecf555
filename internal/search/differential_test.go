package search_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"strconv"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

const baseURL = "https://fhir.example.org/r4"

var testNow = time.Date(2024, 3, 1, 8, 30, 0, 0, time.UTC)

// TestDifferential asks generated queries of the index and of the plain reading,
// over wide and over narrow tokens. WARDKEEP_SEARCH_ALL takes all of the data,
// WARDKEEP_SEARCH_QUERIES another number of queries.
func TestDifferential(t *testing.T) {
	bundles, queries := 20, 3000
	if allData() {
		bundles = 0
	}
	if s := os.Getenv("WARDKEEP_SEARCH_QUERIES"); s != "" {
		queries, _ = strconv.Atoi(s)
	}
	if testing.Short() {
		queries = 500
	}
	resources := append(slices.Clone(synthea(t, bundles)), nastyResources(t, 900)...)
	g, w := plainReading(t, resources)
	wide, narrow := newMemory(t, 64, resources), newMemory(t, 12, resources)
	hits, bad := 0, 0
	kinds := map[string]int{}
	for i := range queries {
		typ := g.pick(g.types)
		if g.IntN(3) == 0 {
			typ = "Observation" // quantities, composites, and half of all there is
		}
		var conds []*plainQuery
		var params []search.Param
		for range 1 + max(0, g.IntN(5)-2) {
			c, kv := g.condition(typ, 2)
			conds, params = append(conds, c), append(params, kv)
			kinds[c.param.kind]++
		}
		q, err := search.Parse(typ, params, search.Options{BaseURL: baseURL, Now: testNow})
		if err != nil {
			t.Fatalf("query %d %s %q: %v", i, typ, params, err)
		}
		if q, err = q.Resolve(t.Context(), testTerms{}); err != nil {
			t.Fatalf("query %d %s %q: %v", i, typ, params, err)
		}
		var want []string
		for _, d := range g.byType[typ] {
			all := true
			for _, c := range conds {
				all = all && w.holds(d, c)
			}
			if all {
				want = append(want, typ+"/"+d.id)
			}
		}
		slices.Sort(want)
		hits += len(want)
		for _, m := range []*memory{wide, narrow} {
			m.joins = i%2 == 0
			if !compare(t, m, q, want, fmt.Sprintf("query %d, %d bits: %s %q", i, m.bits, typ, params)) {
				bad++
			}
		}
		if bad > 20 {
			t.Fatal("too many differences")
		}
	}
	t.Logf("%d queries over %d resources, %d hits; %d of %d plans over wide tokens exact; conditions by kind %v",
		queries, len(resources), hits, wide.exacts, wide.plans, kinds)
}

// plainReading parses resources for the plain evaluator and the generator.
func plainReading(t *testing.T, resources []*fhir.Resource) (*generator, *plainWorld) {
	w := &plainWorld{now: testNow, base: baseURL, docs: map[string]*plainDoc{}, systems: plainSystems(t)}
	g := &generator{Rand: rand.New(rand.NewPCG(20, 26)), params: plainParams(t), codes: map[string][]string{}, byType: map[string][]*plainDoc{}}
	for _, r := range resources {
		d := &plainDoc{
			typ: r.Type(), id: r.ID(), root: plainNode{v: parsePlain(r.JSON())},
			cache: map[*plainParam][]plainNode{}, parts: map[*plainParam][][][]plainNode{},
		}
		w.docs[d.typ+"/"+d.id] = d
		g.byType[d.typ] = append(g.byType[d.typ], d)
	}
	g.systems = w.systems
	for typ := range g.byType {
		g.types = append(g.types, typ)
		for code := range g.params[typ] {
			g.codes[typ] = append(g.codes[typ], code)
		}
		sort.Strings(g.codes[typ])
	}
	sort.Strings(g.types)
	return g, w
}

func compare(t *testing.T, m *memory, q *search.Query, want []string, label string) bool {
	found, plan, candidates := m.run(t, q)
	got := m.names(found)
	if !slices.Equal(got, want) {
		extra, missed := diff(got, want), diff(want, got)
		t.Errorf("%s\n exact %v, found %d, want %d\n not wanted %v\n missed %v", label, plan.Exact, len(got), len(want), extra[:min(3, len(extra))], missed[:min(3, len(missed))])
		return false
	}
	if plan.Exact {
		return true
	}
	// Match alone must give the same answer, whatever was found.
	alone := 0
	for n := range m.ids {
		if m.ids[n].Type != q.Type {
			continue
		}
		ok, err := plan.Match(m.cards[n])
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			alone++
			if !candidates.test(int32(n)) {
				t.Errorf("%s\n Match accepts %v, which the plan does not find", label, m.ids[n])
				return false
			}
		}
	}
	if alone != len(want) {
		t.Errorf("%s\n Match alone accepts %d, want %d", label, alone, len(want))
		return false
	}
	return true
}

func diff(a, b []string) (out []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}
