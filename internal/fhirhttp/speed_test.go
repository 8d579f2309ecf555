package fhirhttp_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// TestExportSpeed measures a whole export, files and audit included, over a store
// in memory: WARDKEEP_EXPORT_SPEED=1.
func TestExportSpeed(t *testing.T) {
	if os.Getenv("WARDKEEP_EXPORT_SPEED") == "" {
		t.Skip("WARDKEEP_EXPORT_SPEED is not set")
	}
	r := newRig(t)
	const n = 40_000
	for from := 0; from < n; from += 1000 {
		var entries []chart.Entry
		for i := from; i < from+1000; i++ {
			text := seen(fmt.Sprintf("o%d", i), fmt.Sprintf("p%d", i/100), coded("2823-3"), "2026-11-01")
			if i%100 == 0 {
				text = patient(fmt.Sprintf("p%d", i/100), "Name")
			}
			res, err := fhir.Parse([]byte(text))
			check(t, err)
			entries = append(entries, chart.Entry{Method: "PUT", URL: res.Type() + "/" + res.ID(), Resource: res})
		}
		_, err := r.config.Chart.Transaction(context.Background(), r.actors["importer"], entries)
		check(t, err)
	}
	r.jobs.Register(bulk.ExportKind, &bulk.Exporter{Chart: r.config.Chart})
	r.jobs.Start(context.Background())
	start := time.Now()
	m := r.manifest(r.await(r.order("GET", "/$export?_type=Patient,Observation", "")))
	took := time.Since(start)
	total := 0
	for _, f := range m.Output {
		total += f.Count
	}
	t.Logf("%d resources in %v: %.0f/s", total, took, float64(total)/took.Seconds())
}
