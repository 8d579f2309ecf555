package search_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/search"
)

func TestFilter(t *testing.T) {
	lists := []string{
		`{"resourceType":"List","id":"l1","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/p1"}},{"item":{"reference":"Patient/p2"},"deleted":true},{"item":{"reference":"Observation/b"}},{"item":{"reference":"Patient/p1"}}]}`,
		`{"resourceType":"List","id":"l2","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/p3/_history/1"}},{"item":{"display":"nobody"}}]}`,
	}
	for _, bits := range []int{64, 12} {
		m := newMemory(t, bits, resourcesOf(t, append(slices.Clone(world), lists...)))
		for _, c := range []struct{ typ, filter, want string }{
			{"Patient", `family eq "ADAMS"`, "p1 p3"},
			{"Patient", `family eq adam`, ""},
			{"Patient", `family sw ada`, "p1 p3"},
			{"Patient", `family ew mmer`, "p2"},
			{"Patient", `name co "dva"`, "p2"},
			{"Patient", `family ne Zimmer`, "p1 p2 p3"},
			{"Patient", `gender eq male or gender eq female`, "p1 p2"},
			{"Patient", `gender ne male`, "p1"},
			{"Patient", `not(gender eq male)`, "p1 p3"},
			{"Patient", `not (gender pr true)`, "p3"},
			{"Patient", `gender pr false`, "p3"},
			{"Patient", `_id eq p1 or _id eq p2 and birthdate lt 1975`, "p2"}, // from left to right
			{"Patient", `_id eq p1 or (_id eq p2 and birthdate lt 1975)`, "p1 p2"},
			{"Patient", `_id ne p1`, "p2 p3"},
			{"Patient", `birthdate eq 1980-02`, "p1 p3"},
			{"Patient", `birthdate po 1980-02-03`, "p1 p3"},
			{"Patient", `birthdate ge 1980-02-03 and given eq Amy`, "p3"},
			{"Patient", `organization.name eq One`, "p1"},
			{"Patient", `organization[name sw "o"].name ew e`, "p1"},
			{"Patient", `organization[name eq Two].name ew e`, ""},
			{"Patient", `organization re Organization/o1`, "p1"},
			{"Patient", `_has:Observation:patient:code eq 1`, "p1"},
			{"Patient", `_has:Observation:patient:encounter.status eq finished`, "p1"},
			{"Patient", `not(_has:Observation:patient:code eq 1)`, "p2 p3"},
			{"Observation", `subject.name co "dam"`, "a"},
			{"Observation", `subject:Patient.name co "dam" or status eq amended`, "a c d"},
			{"Observation", `subject:Group re p1`, "c"},
			{"Observation", `patient[gender eq male or gender eq female].birthdate gt 1975`, "a"},
			{"Observation", `value-quantity gt 9.6`, "a"},
			{"Observation", `value-quantity ge 9.5 and value-quantity le 10`, "a b"},
			{"Observation", `code ne 1`, "b d"},
			{"Observation", `code-value-quantity eq 1$gt5`, "a"},
			{"Observation", `(((status eq final)))and not((code eq 2))`, "a"},
			{"Observation", `subject.family eq adams or subject._id eq p1`, "a c"},
		} {
			q, err := search.Parse(c.typ, []search.Param{{Key: "_filter", Value: c.filter}}, search.Options{Now: testNow})
			if err != nil {
				t.Errorf("%s: %v", c.filter, err)
				continue
			}
			m.joins = !m.joins
			found, _, _ := m.run(t, q)
			if got := ids(m, found); got != c.want {
				t.Errorf("%d bits, %s: %q, want %q", bits, c.filter, got, c.want)
			}
		}
		for query, want := range map[string]string{
			"Patient?_list=l1": "p1", "Patient?_list=l2": "p3", "Patient?_list=l1,l2": "p1 p3", "Patient?_list=l3": "", "Observation?_list=l1": "b",
			"Patient?_list=l1&gender=male": "", "Observation?patient._list=l1": "a", "Observation?patient._filter=not(gender eq female)": "b",
		} {
			typ, rest, _ := strings.Cut(query, "?")
			q, err := parse(t, typ, rest, search.Options{})
			if err != nil {
				t.Errorf("%s: %v", query, err)
				continue
			}
			found, _, _ := m.run(t, q)
			if got := ids(m, found); got != want {
				t.Errorf("%d bits, %s: %q, want %q", bits, query, got, want)
			}
		}
	}
}

func ids(m *memory, found []int32) string {
	var list []string
	for _, n := range found {
		list = append(list, m.ids[n].ID)
	}
	return strings.Join(list, " ")
}

func TestFilterRefused(t *testing.T) {
	for _, c := range []struct{ filter, says string }{
		{`nmae eq secret`, "Its parameters: "},
		{`family eq`, "character 10 there should be a value"},
		{`family is secret`, "character 7 there should be a blank and one of eq, ne"},
		{`family eq "secret`, "JSON string"},
		{`family eq ""`, "JSON string"},
		{`(family eq secret`, "and, or, or )"},
		{`family eq secret)`, "and, or, or the end"},
		{`family eq secret and`, "the name of a search parameter"},
		{`not family eq secret`, "one of eq"},
		{`family gt secret`, "takes eq, ne, co, sw, ew"},
		{`gender co secret`, "takes eq, ne, in"},
		{`gender pr secret`, "true or false"},
		{`birthdate eq secret`, "a date"},
		{`birthdate eq gt2020`, "a date"},
		{`gender.name eq secret`, "not a reference"},
		{`organization.secret eq 1`, "no type with such a parameter"},
		{`organization[secret eq 1].name eq 1`, "no type with such a parameter"},
		{`organization[name eq secret] eq 1`, "followed by a point"},
		{`organization:Patient eq 1`, "only a reference"},
		{`_lastUpdated pr true`, "takes"},
		{`_text eq secret`, "does not take"},
		{`_has:Observation:secret:code eq 1`, "these point to Patient"},
		{strings.Repeat("(", 40) + "_id eq a" + strings.Repeat(")", 40), "nested"},
		{strings.Repeat("_id eq a or ", 100) + "_id eq a", "100 tests"},
		{"_id eq " + strings.Repeat("a", 17<<10), "bytes"},
	} {
		_, err := search.Parse("Patient", []search.Param{{Key: "_filter", Value: c.filter}}, search.Options{})
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || !strings.Contains(f.Public, c.says) || strings.Contains(f.Error(), "secret") {
			t.Errorf("%.60s: %v, want %q in it", c.filter, err, c.says)
		}
	}
	for _, query := range []string{"_list=$current-problems", "_list=a/b", "_contained=true", "_contained=both", "_containedType=x"} {
		if _, err := parse(t, "Patient", query, search.Options{Lenient: true}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", query, err)
		}
	}
	if _, err := parse(t, "Patient", "_contained=false", search.Options{}); err != nil {
		t.Error(err)
	}
}

// FuzzFilter reads any text as a filter, and holds what is read to one answer.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		`family eq "a\u0041" and not(birthdate ge 1980 or gender pr false)`, `subject:Patient[name co x].birthdate le 2000`, `code eq a|b)`, `_has:Observation:patient:code ne 1`,
		`value-quantity ap 5.4|u|mg and status ne final`, `organization re Organization/o1`, `((_id eq a))`, `birthdate po 1980`, "name sw \"é\"",
	} {
		f.Add(s)
	}
	resources := resourcesOf(f, world)
	wide, narrow := newMemory(f, 64, resources), newMemory(f, 12, resources)
	f.Fuzz(func(t *testing.T, text string) {
		for _, typ := range []string{"Observation", "Patient"} {
			q, err := search.Parse(typ, []search.Param{{Key: "_filter", Value: text}}, search.Options{Now: testNow})
			if err == nil {
				q, err = q.Resolve(t.Context(), nil)
			}
			if err != nil {
				if !fault.Is(err, fault.Invalid) {
					t.Fatal(err)
				}
				continue
			}
			a, _, _ := wide.run(t, q)
			b, _, _ := narrow.run(t, q)
			if ids(wide, a) != ids(narrow, b) {
				t.Fatalf("wide %s, narrow %s", ids(wide, a), ids(narrow, b))
			}
		}
	})
}
