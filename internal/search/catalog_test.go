package search_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

// maiden is a parameter that R4 does not have: the family name in an extension.
func maiden(number uint32, indexing, searchable bool) *search.Parameter {
	return &search.Parameter{
		Number: number, Code: "maiden", Type: "string", Base: []string{"Patient"}, Indexing: indexing, Searchable: searchable,
		Eval: func(r *fhir.Resource, visit func(fhir.Node, string)) error {
			for ext := range r.Root().All("extension") {
				if ext.Get("url").Text() == "http://example.org/maiden" {
					visit(ext.Get("value"), "")
				}
			}
			return nil
		},
	}
}

func catalog(t *testing.T, added ...*search.Parameter) *search.Catalog {
	t.Helper()
	c, err := search.Base().With(added...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const married = `{"resourceType":"Patient","id":"p1","extension":[{"url":"http://example.org/maiden","valueString":"Öz"}],"name":[{"family":"Smith"}]}`

func extract(t *testing.T, src string, read func(*fhir.Resource) (search.Document, error)) search.Document {
	t.Helper()
	r, err := fhir.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := read(r)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func match(t *testing.T, c *search.Catalog, card []byte, key, value string) bool {
	t.Helper()
	q, err := search.Parse("Patient", []search.Param{{Key: key, Value: value}}, search.Options{Catalog: c})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := q.Plan(t.Context(), newMemory(t, 64, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	ok, err := plan.Match(card)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// TestAddedParameter: a parameter that was added finds what it should, and
// nothing else changes.
func TestAddedParameter(t *testing.T) {
	ready := catalog(t, maiden(7, true, true))
	before, after := extract(t, married, search.Extract), extract(t, married, ready.Extract)
	if len(after.Words) <= len(before.Words) {
		t.Error("the added parameter left no words")
	}
	for _, w := range before.Words {
		if !slices.ContainsFunc(after.Words, func(o search.Word) bool { return o.Field == w.Field && slices.Equal(o.Value, w.Value) }) {
			t.Errorf("a word of %s is gone", w.Field)
		}
	}
	for key, c := range map[string]struct {
		value string
		want  bool
	}{
		"maiden": {"oz", true}, "maiden:exact": {"Öz", true}, "maiden:missing": {"true", false}, "family": {"Smith", true},
	} {
		if match(t, ready, after.Card, key, c.value) != c.want {
			t.Errorf("%s does not answer %t", key, c.want)
		}
	}
	if match(t, ready, after.Card, "maiden", "oza") {
		t.Error("found by a name it does not bear")
	}
	if !match(t, ready, extract(t, `{"resourceType":"Patient","id":"p2"}`, ready.Extract).Card, "maiden:missing", "true") {
		t.Error("who has none is not missing it")
	}
}

// TestAddedParameterUnfinished: it is read, and cannot be searched by.
func TestAddedParameterUnfinished(t *testing.T) {
	building := catalog(t, maiden(7, true, false))
	if len(extract(t, married, building.Extract).Words) <= len(extract(t, married, search.Extract).Words) {
		t.Error("it is not indexed")
	}
	if _, err := search.Parse("Patient", []search.Param{{Key: "maiden", Value: "oz"}}, search.Options{Catalog: building}); err == nil {
		t.Error("it can be searched by before everything is indexed")
	}
}

// TestExtractAs: what a version is found by can be derived from its card and its
// body, whatever was added or taken away since.
func TestExtractAs(t *testing.T) {
	old, retired := extract(t, married, search.Extract), catalog(t, maiden(7, false, false))
	both := catalog(t, maiden(7, false, false), func() *search.Parameter { p := maiden(8, true, false); p.Code = "other"; return p }())
	seven := extract(t, married, catalog(t, maiden(7, true, true)).Extract)
	for name, c := range map[string]struct {
		read func(*fhir.Resource) (search.Document, error)
		want search.Document
	}{
		"written before":               {func(r *fhir.Resource) (search.Document, error) { return both.ExtractAs(r, old.Card) }, old},
		"written while it was there":   {func(r *fhir.Resource) (search.Document, error) { return retired.ExtractAs(r, seven.Card) }, seven},
		"written after it was retired": {retired.Extract, old},
	} {
		got := extract(t, married, c.read)
		if !slices.Equal(got.Card, c.want.Card) || len(got.Words) != len(c.want.Words) {
			t.Errorf("%s: derived otherwise", name)
		}
	}
	anew := extract(t, married, func(r *fhir.Resource) (search.Document, error) { return both.ExtractAnew(r, seven.Card) })
	if len(anew.Words) <= len(seven.Words) {
		t.Error("an amend lost what was there, or did not add")
	}
}

// TestAddedParameterFails: an expression that does not evaluate finds nothing, and
// hinders nothing.
func TestAddedParameterFails(t *testing.T) {
	broken := maiden(9, true, true)
	broken.Eval = func(r *fhir.Resource, visit func(fhir.Node, string)) error {
		visit(fhir.Node{}, "half")
		return errors.New("broken")
	}
	doc := extract(t, married, catalog(t, broken).Extract)
	if !slices.Equal(doc.Card, extract(t, married, search.Extract).Card) {
		t.Error("half a value was kept")
	}
}

func TestCatalogRefuses(t *testing.T) {
	for name, change := range map[string]func(*search.Parameter){
		"a code R4 has":  func(p *search.Parameter) { p.Code = "family" },
		"a composite":    func(p *search.Parameter) { p.Type = "composite" },
		"a foreign base": func(p *search.Parameter) { p.Base = []string{"Ward"} },
		"no number":      func(p *search.Parameter) { p.Number = 0 },
	} {
		p := maiden(7, true, true)
		change(p)
		if _, err := search.Base().With(p); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := search.Base().With(maiden(7, true, true), maiden(8, true, true)); err == nil {
		t.Error("one code twice was accepted")
	}
}
