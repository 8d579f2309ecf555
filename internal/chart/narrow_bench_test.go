package chart_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// BenchmarkNarrowing tells what narrowing adds to a search: the same page of the
// same records is sought by an exporter, whose searches are not narrowed, and by
// those whose are, in turn, so that the machine's moods are the same for all.
func BenchmarkNarrowing(b *testing.B) {
	r := benchRig(b)
	who := map[string]identity.Actor{"not narrowed": identity.System("x", "exporter"), "nurse": person("nurse", "east"), "doctor": person("doctor", "east"), "pharmacist": person("pharmacist", "east")}
	params, err := chart.ParseQuery("code=2823-3&_count=20")
	if err != nil {
		b.Fatal(err)
	}
	took := map[string][]time.Duration{}
	for b.Loop() {
		for name, actor := range who {
			begin := time.Now()
			if _, err := r.chart.Search(context.Background(), actor, chart.SearchRequest{Type: "Observation", Params: params}); err != nil {
				b.Fatal(err)
			}
			took[name] = append(took[name], time.Since(begin))
		}
	}
	for name, all := range took {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), strings.ReplaceAll(name, " ", "-")+"-µs")
	}
}

// benchRig holds 200 patients with 50 results each, 40 of them on a ward, in the state
// in which the server's housekeeping leaves a store.
func benchRig(b *testing.B) *rig {
	r := newRig(b, 64)
	all := identity.System("import", "importer")
	put := func(text string) {
		b.Helper()
		if _, err := r.chart.Update(context.Background(), all, r.as(all).parse(text), chart.Condition{}); err != nil {
			b.Fatal(err)
		}
	}
	put(`{"resourceType":"Location","id":"east","status":"active"}`)
	for i := range 200 {
		id := fmt.Sprint("p", i)
		put(patient(id, "Adams", "1961-03-12"))
		if i%5 == 0 {
			put(stay(id, "east", "in-progress"))
		}
		for k := range 50 {
			put(strings.Replace(result(id, "4.1", "2026-11-20"), `"id":"k-`+id, fmt.Sprintf(`"id":"k%d-%s`, k, id), 1))
		}
	}
	if err := r.store.Store.(interface{ Tidy(context.Context) error }).Tidy(context.Background()); err != nil {
		b.Fatal(err)
	}
	return r
}
