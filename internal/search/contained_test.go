package search_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

// container puts copies of other resources into one, with references among them.
func container(t *testing.T, rng *rand.Rand, r *fhir.Resource, others []*fhir.Resource) *fhir.Resource {
	t.Helper()
	tree := parsePlain(r.JSON())
	var list []any
	for i := range rng.IntN(4) {
		in := parsePlain(others[rng.IntN(len(others))].JSON())
		delete(in, "meta")
		delete(in, "text")
		delete(in, "contained")
		in["id"] = fmt.Sprintf("c%d", i)
		in["extension"] = []any{object{"url": "urn:in", "valueReference": object{"reference": "#"}}}
		list = append(list, in)
	}
	if delete(tree, "contained"); list != nil {
		tree["contained"] = list
		for _, v := range list { // references where chains go
			in := v.(object)
			name := map[any]string{"Patient": "subject", "Encounter": "encounter"}[in["resourceType"]]
			if tree[name] != nil && rng.IntN(3) > 0 {
				tree[name] = object{"reference": "#" + asText(in["id"])}
			}
		}
	}
	src, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	out, err := fhir.Parse(src)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return out
}

// containedWorld is a plain reading that knows what resources contain.
type containedWorld struct {
	*generator
	world *plainWorld
	inner map[string][]*plainDoc // by the name of the container
	typs  []string               // of contained resources
}

func newContainedWorld(t *testing.T, resources []*fhir.Resource) *containedWorld {
	g, w := plainReading(t, resources)
	out := &containedWorld{generator: g, world: w, inner: map[string][]*plainDoc{}}
	byType := map[string][]*plainDoc{}
	for _, name := range slices.Sorted(maps.Keys(w.docs)) {
		list, _ := w.docs[name].root.v.(object)["contained"].([]any)
		for _, v := range list {
			in := v.(object)
			sub := &plainDoc{
				typ: asText(in["resourceType"]), id: asText(in["id"]), root: plainNode{v: in},
				cache: map[*plainParam][]plainNode{}, parts: map[*plainParam][][][]plainNode{},
			}
			out.inner[name] = append(out.inner[name], sub)
			byType[sub.typ] = append(byType[sub.typ], sub)
		}
	}
	g.byType, out.typs = byType, slices.Sorted(maps.Keys(byType))
	return out
}

// containedSearch is a search, and what each record that answers it gives.
type containedSearch struct {
	query   *search.Query
	each    bool
	entries map[string]int
	label   string
}

// search makes a query of up to three conditions; ok is false if it is refused as
// one that contained resources are not searched by.
func (g *containedWorld) search(t *testing.T) (out containedSearch, ok bool) {
	t.Helper()
	typ, both := g.pick(g.typs), g.IntN(2) == 0
	out.each, out.entries = g.IntN(2) == 0, map[string]int{}
	params := []search.Param{{Key: "_contained", Value: "true"}, {Key: "_containedType", Value: "container"}}
	if both {
		params[0].Value = "both"
	}
	if out.each {
		params[1].Value = "contained"
	}
	var conds []*plainQuery
	for range g.IntN(4) {
		c, kv := g.condition(typ, 0)
		conds, params = append(conds, c), append(params, kv)
	}
	out.label = fmt.Sprintf("%s %q", typ, params)
	var err error
	out.query, err = search.Parse(typ, params, search.Options{BaseURL: baseURL, Now: testNow, Contained: true})
	if fault.Is(err, fault.Invalid) && strings.HasPrefix(fault.Public(err), "Contained resources are not") {
		return out, false
	}
	if err == nil {
		out.query, err = out.query.Resolve(t.Context(), testTerms{})
	}
	if err != nil {
		t.Fatalf("%s: %v", out.label, err)
	}
	holds := func(d *plainDoc) bool {
		return d.typ == typ && !slices.ContainsFunc(conds, func(c *plainQuery) bool { return !g.world.holds(d, c) })
	}
	for name, d := range g.world.docs {
		if both && holds(d) {
			out.entries[name]++
		}
		for _, in := range g.inner[name] {
			if holds(in) {
				out.entries[name]++
			}
		}
	}
	return out, true
}

// TestContainedDifferential asks generated queries of what resources contain, of
// the index and of the plain reading (FHIR R4 search, _contained): each contained
// resource is held against all conditions by itself.
func TestContainedDifferential(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	plain := nastyResources(t, 500)
	var resources []*fhir.Resource
	for _, r := range plain {
		resources = append(resources, container(t, rng, r, plain))
	}
	g := newContainedWorld(t, resources)
	wide, narrow := newMemory(t, 64, resources), newMemory(t, 12, resources)
	queries, asked, hits, bad := 100, 0, 0, 0
	if allData() {
		queries = 5000
	}
	for asked < queries && bad <= 10 {
		made, ok := g.search(t)
		if !ok {
			continue
		}
		asked++
		want := slices.Sorted(maps.Keys(made.entries))
		hits += len(want)
		for _, m := range []*memory{wide, narrow} {
			label := fmt.Sprintf("query %d, %d bits: %s", asked, m.bits, made.label)
			if !compare(t, m, made.query, want, label) || !sameEntries(t, m, made, label) {
				bad++
			}
		}
	}
	t.Logf("%d queries over %d resources, %d hits", asked, len(resources), hits)
}

// TestChainsIntoContained: a chain is followed to resources of the store and to
// those that a record contains.
func TestChainsIntoContained(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 9))
	plain := nastyResources(t, 400)
	var resources []*fhir.Resource
	for _, r := range plain {
		resources = append(resources, container(t, rng, r, plain))
	}
	g, w := plainReading(t, resources)
	w.inner = newContainedWorld(t, resources).inner
	w.params = g.params
	wide, narrow := newMemory(t, 64, resources), newMemory(t, 12, resources)
	queries, asked, inside, bad := 1500, 0, 0, 0
	if allData() {
		queries = 5000
	}
	for asked < queries && bad <= 10 {
		typ := g.pick(g.types)
		p := g.params[typ][g.pick(g.codes[typ])]
		if p.kind != "reference" {
			continue
		}
		c := &plainQuery{param: p}
		kv, ok := g.chain(c, typ, 1)
		if !ok {
			continue
		}
		asked++
		q, err := search.Parse(typ, []search.Param{kv}, search.Options{BaseURL: baseURL, Now: testNow})
		if err == nil {
			q, err = q.Resolve(t.Context(), testTerms{})
		}
		if err != nil {
			t.Fatalf("%s %q: %v", typ, kv, err)
		}
		var want []string
		for _, d := range g.byType[typ] {
			if w.holds(d, c) {
				want = append(want, typ+"/"+d.id)
				if w.holdsInside(d, c) {
					inside++
				}
			}
		}
		slices.Sort(want)
		for _, m := range []*memory{wide, narrow} {
			m.joins = asked%2 == 0
			if !compare(t, m, q, want, fmt.Sprintf("query %d, %d bits: %s %q", asked, m.bits, typ, kv)) {
				bad++
			}
		}
	}
	t.Logf("%d queries over %d resources, %d hits in contained resources", asked, len(resources), inside)
	if inside == 0 {
		t.Error("no chain ends in a contained resource")
	}
}

// sameEntries compares what each record that matches gives.
func sameEntries(t *testing.T, m *memory, made containedSearch, label string) bool {
	for _, part := range made.query.Parts() {
		found, plan, _ := m.run(t, part)
		for _, n := range found {
			name := m.ids[n].Type + "/" + m.ids[n].ID
			wanted := made.entries[name]
			if !made.each {
				wanted = 1
			}
			got, err := plan.Entries(m.cards[n])
			if err != nil {
				t.Fatal(err)
			}
			if got != wanted {
				t.Errorf("%s: %s has %d entries, want %d", label, name, got, wanted)
				return false
			}
			if !made.each {
				continue
			}
			self, in, err := made.query.Found(m.bodies[n])
			if err != nil {
				t.Fatal(err)
			}
			if self {
				got--
			}
			if len(in) != got {
				t.Errorf("%s: %s gives %d contained resources, want %d", label, name, len(in), got)
				return false
			}
		}
	}
	return true
}

func TestContainedRefusals(t *testing.T) {
	for _, query := range []string{
		"subject.name=x", "_has:Provenance:target:agent=x", "_list=a", "_content=x", "_lastUpdated=2020", "_include=Encounter:subject",
		"_revinclude=Provenance:target", "_sort=date", "_sort=_lastUpdated&_containedType=contained", "_elements=status",
		"_filter=subject.name sw x", "part-of:below=a",
	} {
		params := []search.Param{{Key: "_contained", Value: "true"}}
		for kv := range strings.SplitSeq(query, "&") {
			key, value, _ := strings.Cut(kv, "=")
			params = append(params, search.Param{Key: key, Value: value})
		}
		var f *fault.Error
		if _, err := search.Parse("Encounter", params, search.Options{Contained: true}); !errors.As(err, &f) || f.Kind != fault.Invalid || !strings.HasPrefix(f.Public, "Contained resources are not") {
			t.Errorf("%s: %v", query, err)
		}
	}
	both := []search.Param{{Key: "_contained", Value: "both"}}
	if _, err := search.Parse("Patient", both, search.Options{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("_contained where nobody looks for it: %v", err)
	}
	if _, err := search.Parse("Patient", both, search.Options{Contained: true, Compartment: search.TypeID{Type: "Patient", ID: "p"}}); !fault.Is(err, fault.Invalid) {
		t.Errorf("_contained in a compartment: %v", err)
	}
	if _, err := search.ParseSystem(append(both, search.Param{Key: "_type", Value: "Patient"}), search.Options{Contained: true}); !fault.Is(err, fault.Invalid) {
		t.Errorf("_contained in all types: %v", err)
	}
	for _, value := range []string{"yes", "TRUE", "true,false"} {
		if _, err := search.Parse("Patient", []search.Param{{Key: "_contained", Value: value}}, search.Options{Contained: true}); !fault.Is(err, fault.Invalid) {
			t.Errorf("_contained=%s: %v", value, err)
		}
	}
}

// A store that was written before contained resources were indexed reads as it
// did, and what contains nothing is written as it was.
func TestContainedCards(t *testing.T) {
	with, err := fhir.Parse([]byte(`{"resourceType":"Condition","id":"x","subject":{"reference":"Patient/1"},"asserter":{"reference":"#p"},"contained":[{"resourceType":"Patient","id":"p","gender":"male"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	old, err := search.Base().ExtractAs(with, search.HeaderCard("Condition", "x", testNow)) // as a card before
	if err != nil {
		t.Fatal(err)
	}
	now, err := search.Extract(with)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range now.Words {
		if strings.HasPrefix(w.Field, "Patient") {
			t.Errorf("the contained resource has a word of a field of records: %s", w.Field)
		}
	}
	if len(old.Words) >= len(now.Words) || len(old.Card) >= len(now.Card) {
		t.Error("a card without contained resources is not derived again as it was")
	}
	anew, err := search.Base().ExtractAs(with, now.Card)
	if err != nil || len(anew.Words) != len(now.Words) || string(anew.Card) != string(now.Card) {
		t.Errorf("a card with contained resources is not derived again: %v", err)
	}
	if string(now.Card[:len(old.Card)]) != string(old.Card) {
		t.Error("what a container holds itself is written differently")
	}
	for cut := len(old.Card) + 1; cut < len(now.Card); cut++ {
		q, err := search.Parse("Patient", []search.Param{{Key: "_contained", Value: "true"}}, search.Options{Contained: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range q.Parts() {
			if part.Type != "Condition" {
				continue
			}
			plan, err := part.Plan(t.Context(), newMemory(t, 64, nil), nil)
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := plan.Match(now.Card[:cut]); ok || err == nil {
				t.Fatalf("a card cut at %d is read", cut)
			}
		}
	}
}
