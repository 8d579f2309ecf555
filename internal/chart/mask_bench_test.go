package chart_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
)

// What masking costs: a search by MRN and a chain by it, as a program that sees numbers
// masked and as a part of the server that sees all.
func BenchmarkByNumber(b *testing.B) {
	r := newRig(b, 64)
	importer := r.as(identity.System("import", "importer"))
	for i := range 2000 {
		id := fmt.Sprintf("p%d", i)
		importer.put(patient(id, "Adams", "1961-03-12"))
		importer.put(result(id, "4.1", "2026-11-20"))
	}
	scopes, err := identity.ParseScopes("system/*.cruds")
	check(b, err)
	program := identity.Actor{Kind: identity.KindClient, ID: "program", Scopes: scopes, SessionID: "s", RequestID: "r"}
	for _, c := range []struct{ typ, key string }{{"Patient", "identifier"}, {"Observation", "subject:Patient.identifier"}} {
		for _, actor := range []identity.Actor{program, importer.actor} {
			b.Run(c.typ+"/"+actor.ID, func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					sr := chart.SearchRequest{Type: c.typ, Params: []search.Param{{Key: c.key, Value: fmt.Sprintf("urn:mrn|M-p%d", i%2000)}}}
					found, err := r.chart.Search(context.Background(), actor, sr)
					if err != nil || len(found.Matches) != 1 {
						b.Fatalf("%d found: %v", len(found.Matches), err)
					}
				}
			})
		}
	}
}
