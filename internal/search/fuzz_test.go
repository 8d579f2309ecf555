package search_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

// FuzzQuery reads any query string: it is refused as invalid, or planned and
// matched over wide and narrow tokens with one answer.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{
		"code=http://loinc.org|8480-6,x&date=ge2010-01&_sort=-date,code", "subject:Patient.name:exact=Ann%5C,%20Marie", "value-quantity=ap5.40e-3||mg",
		"combo-code-value-quantity=a%24lt5|u|mg", "_lastUpdated=gt2020-01-01T00:00:00.123%2B01:00", "_id=a,b&status:not=final&subject:missing=true", "_include=*&_count=0&_elements=code",
		"date=ne1650,sa2200-01,ap9999", "value-quantity=gt-1e20,lt0,eq1e-9", "category:not=|x", "performer=https://fhir.example.org/r4/Patient/1/_history/2", "value-string:contains=%C3%A9",
		"_has:Observation:derived-from:code=1&_list=a", "subject._has:Observation:patient:subject:Patient.name=x", "_filter=code%20eq%201%20and%20not(subject:Patient.family%20co%20a)", "_revinclude=*&_include:iterate=*",
	} {
		f.Add(s)
	}
	var resources []*fhir.Resource
	for _, b := range world {
		r, err := fhir.Parse([]byte(b))
		if err != nil {
			f.Fatal(err)
		}
		resources = append(resources, r.Stamp(r.ID(), 1, stamped))
	}
	wide, narrow := newMemory(f, 64, resources), newMemory(f, 12, resources)
	f.Fuzz(func(t *testing.T, raw string) {
		var params []search.Param
		for kv := range strings.SplitSeq(raw, "&") {
			k, v, _ := strings.Cut(kv, "=")
			k, err1 := url.QueryUnescape(k)
			v, err2 := url.QueryUnescape(v)
			if err1 == nil && err2 == nil {
				params = append(params, search.Param{Key: k, Value: v})
			}
		}
		for _, typ := range []string{"Observation", "Patient"} {
			q, err := search.Parse(typ, params, search.Options{BaseURL: baseURL, Now: testNow})
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
			b, plan, _ := narrow.run(t, q)
			if strings.Join(wide.names(a), " ") != strings.Join(narrow.names(b), " ") {
				t.Fatalf("wide %v, narrow %v", wide.names(a), narrow.names(b))
			}
			for n := range narrow.cards {
				if _, err := plan.SortKey(narrow.cards[n]); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// FuzzCard reads any bytes as a card.
func FuzzCard(f *testing.F) {
	for _, b := range world {
		r, err := fhir.Parse([]byte(b))
		if err != nil {
			f.Fatal(err)
		}
		d, err := search.Extract(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(d.Card)
	}
	m := newMemory(f, 12, nil)
	var plans []*search.Plan
	for _, q := range []string{"code=1&value-quantity=gt1&_sort=date,subject,-value-quantity", "subject=p1&date=2020&component-code-value-quantity=a$1"} {
		var params []search.Param
		for kv := range strings.SplitSeq(q, "&") {
			k, v, _ := strings.Cut(kv, "=")
			params = append(params, search.Param{Key: k, Value: v})
		}
		query, err := search.Parse("Observation", params, search.Options{})
		if err != nil {
			f.Fatal(err)
		}
		plan, err := query.Plan(context.Background(), m, nil)
		if err != nil {
			f.Fatal(err)
		}
		plans = append(plans, plan)
	}
	f.Fuzz(func(_ *testing.T, card []byte) {
		for _, p := range plans {
			_, _ = p.Match(card)
			_, _ = p.SortKey(card)
		}
	})
}
