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
// over wide and over narrow tokens: 2,000 of a sample, with WARDKEEP_SEARCH_ALL
// 19,000 of it and 1,000 of all of the data. WARDKEEP_SEARCH_QUERIES takes
// another number of the sample, WARDKEEP_SEARCH_ALL of all, if it is more than 1.
func TestDifferential(t *testing.T) {
	queries, seed := 2000, uint64(26)
	if allData() {
		queries = 19_000
		all, seed := 1000, uint64(27)
		if n, err := strconv.Atoi(os.Getenv("WARDKEEP_SEARCH_ALL")); err == nil && n > 1 {
			all, seed = n, uint64(n)
		}
		t.Run("all", func(t *testing.T) { differ(t, 0, all, seed) })
	}
	if s := os.Getenv("WARDKEEP_SEARCH_QUERIES"); s != "" {
		queries, _ = strconv.Atoi(s)
		seed = uint64(queries)
	}
	if testing.Short() {
		queries = 500
	}
	differ(t, 20, queries, seed)
}

// differ compares over that many bundles; 0 are all.
func differ(t *testing.T, bundles, queries int, seed uint64) {
	resources := append(slices.Clone(synthea(t, bundles)), nastyResources(t, 900)...)
	g, w := plainReading(t, resources)
	g.Rand = rand.New(rand.NewPCG(20, seed))
	w.params = g.params
	var lists []*fhir.Resource
	lists, g.lists = listResources(t, resources)
	resources = append(resources, lists...)
	wide, narrow := newMemory(t, 64, resources), newMemory(t, 12, resources)
	hits, bad := 0, 0
	kinds := map[string]int{}
	for i := range queries {
		typ := g.pick(g.types)
		if g.IntN(3) == 0 {
			typ = "Observation" // quantities, composites, and half of all there is
		}
		made := g.search(t, typ)
		var want []string
		for _, typ := range made.types {
			for _, c := range made.conds[typ] {
				if c.param != nil {
					kinds[c.param.kind]++
				}
			}
			for _, d := range g.byType[typ] {
				if !slices.ContainsFunc(made.conds[typ], func(c *plainQuery) bool { return !w.holds(d, c) }) {
					want = append(want, typ+"/"+d.id)
				}
			}
		}
		slices.Sort(want)
		hits += len(want)
		for _, m := range []*memory{wide, narrow} {
			m.joins = i%2 == 0
			if !compare(t, m, made.query, want, fmt.Sprintf("query %d, %d bits: %s", i, m.bits, made.label)) {
				bad++
			}
		}
		if bad > 20 {
			t.Fatal("too many differences")
		}
	}
	t.Logf("%d queries over %d resources, %d hits; %d of %d plans over wide tokens exact, %d sure in part; conditions by kind %v",
		queries, len(resources), hits, wide.exacts, wide.plans, wide.sures, kinds)
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
	var got, alone []string
	exact := 0
	for _, part := range q.Parts() {
		found, plan, candidates := m.run(t, part)
		got = append(got, m.names(found)...)
		if plan.Exact {
			exact++
			alone = append(alone, m.names(found)...)
			continue
		}
		// Match alone must give the same answer, whatever was found.
		for n := range m.ids {
			if m.ids[n].Type != part.Type {
				continue
			}
			ok, err := m.match(plan, n)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				alone = append(alone, m.ids[n].Type+"/"+m.ids[n].ID)
				if !candidates.test(int32(n)) {
					t.Errorf("%s\n Match accepts %v, which the plan does not find", label, m.ids[n])
					return false
				}
			}
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		extra, missed := diff(got, want), diff(want, got)
		t.Errorf("%s\n %d parts exact, found %d, want %d\n not wanted %v\n missed %v", label, exact, len(got), len(want), extra[:min(3, len(extra))], missed[:min(3, len(missed))])
		return false
	}
	if len(alone) != len(want) {
		t.Errorf("%s\n Match alone accepts %d, want %d", label, len(alone), len(want))
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
