package chart_test

import (
	"context"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// Whoever opens a chart by one role is not told that nothing was recorded of what only
// another role of hers reaches, in other wards.
func TestNothingFoundIsNotNothingRecorded(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		desk := person("nurse", "east")
		desk.Roles = []string{"nurse", "registration"}
		part := func(actor identity.Actor, patient, search string) chart.Part {
			t.Helper()
			view, err := r.chart.View(context.Background(), actor, chart.ViewRequest{Name: "chart", Patient: patient, Searches: []string{search}})
			check(t, err)
			return view.Parts[0]
		}
		for _, patient := range []string{"bob", "ann"} {
			r.as(identity.System("import", "importer")).put(`{"resourceType":"AllergyIntolerance","id":"shellfish-` + patient + `","patient":{"reference":"Patient/` + patient + `"},"code":{"text":"Shellfish"}}`)
		}
		if p := part(desk, "ann", "AllergyIntolerance?patient=ann"); p.Err != nil || len(p.Resources) != 1 {
			t.Errorf("on her ward: %v, %v", p.Resources, p.Err)
		}
		if p := part(desk, "ann", "Immunization?patient=ann"); p.Err != nil || len(p.Resources) != 0 {
			t.Errorf("what there is none of, on her ward: %v, %v", p.Resources, p.Err)
		}
		if p := part(desk, "bob", "AllergyIntolerance?patient=bob"); !fault.Is(p.Err, fault.Denied) {
			t.Errorf("of another ward she reads that there are %d: %v", len(p.Resources), p.Err)
		}
	})
}
