package search_test

import (
	"context"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
)

func BenchmarkExtract(b *testing.B) {
	by := map[string][]*fhir.Resource{}
	for _, r := range synthea(b, 20) {
		by[r.Type()] = append(by[r.Type()], r)
	}
	for _, typ := range []string{"Observation", "Patient", "Encounter", "Condition", "MedicationRequest", "DiagnosticReport", "Claim", "ExplanationOfBenefit", "Provenance"} {
		b.Run(typ, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := search.Extract(by[typ][i%len(by[typ])]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var benchQueries = []struct {
	name   string
	params []search.Param
}{
	{"code", []search.Param{{Key: "code", Value: "http://loinc.org|8480-6"}}},
	{"date", []search.Param{{Key: "date", Value: "ge2010-03-15"}}},
	{"quantity", []search.Param{{Key: "value-quantity", Value: "gt72.5||cm"}}},
	{"composite", []search.Param{{Key: "component-code-value-quantity", Value: "http://loinc.org|8480-6$gt120"}}},
	{"three", []search.Param{{Key: "patient", Value: "x"}, {Key: "category", Value: "vital-signs"}, {Key: "date", Value: "ge2010-03-15"}}},
}

func BenchmarkMatch(b *testing.B) {
	resources := synthea(b, 20)
	m := newMemory(b, 64, resources)
	var cards [][]byte
	for i, id := range m.ids {
		if id.Type == "Observation" {
			cards = append(cards, m.cards[i])
		}
	}
	for _, bq := range benchQueries {
		q, err := search.Parse("Observation", bq.params, search.Options{Now: testNow})
		if err != nil {
			b.Fatal(err)
		}
		plan, err := q.Plan(context.Background(), m, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(bq.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := plan.Match(cards[i%len(cards)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParsePlan(b *testing.B) {
	m := newMemory(b, 64, nil)
	for _, bq := range benchQueries {
		b.Run(bq.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				q, err := search.Parse("Observation", bq.params, search.Options{Now: testNow})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := q.Plan(context.Background(), m, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSortKey(b *testing.B) {
	m := newMemory(b, 64, synthea(b, 20))
	q, err := search.Parse("Observation", []search.Param{{Key: "_sort", Value: "-date,code"}}, search.Options{})
	if err != nil {
		b.Fatal(err)
	}
	plan, err := q.Plan(context.Background(), m, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := plan.SortKey(m.cards[i%len(m.cards)]); err != nil {
			b.Fatal(err)
		}
	}
}
