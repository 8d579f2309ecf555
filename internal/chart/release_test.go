package chart_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
)

// page returns how many records the results page of the portal shows of a patient.
func (a as) page(t *testing.T, patient string) int {
	t.Helper()
	view, err := a.chart.View(context.Background(), a.actor, chart.ViewRequest{
		Name: "results", Patient: patient, Searches: []string{"Observation?patient=" + patient + "&category=laboratory&_sort=-date&_count=600"},
	})
	check(t, err)
	check(t, view.Parts[0].Err)
	return len(view.Parts[0].Resources)
}

// What is filed, final or preliminary, the patient and who acts for her see with the
// next request: 45 CFR 171 knows no delay.
func TestResultsReachThePatientAtOnce(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		p := r.as(importer())
		p.put(strings.Replace(related("ann", "proxy-1", `{"start":"2026-01-01"}`), `"patient"`, `"id":"rp","patient"`, 1))
		seen := 0
		for _, status := range []string{"preliminary", "final", "amended", "corrected"} {
			for _, typ := range []string{"Observation", "DiagnosticReport"} {
				id := "new-" + status
				for _, who := range []as{r.as(herself("ann")), r.as(mother())} {
					if err := who.get(typ + "/" + id); err == nil {
						t.Fatal("seen before it was filed")
					}
				}
				text := `{"resourceType":"%s","id":"%s","status":"%s","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"text":"x"},"subject":{"reference":"Patient/ann"}}`
				p.put(fmt.Sprintf(text, typ, id, status))
				if typ == "Observation" {
					seen++
				}
				for _, who := range []as{r.as(herself("ann")), r.as(mother())} {
					check(t, who.get(typ+"/"+id))
					who.finds(typ+"?_id="+id, id)
					if n := who.total(typ + "?patient=ann&status=" + status); n < 1 {
						t.Errorf("%s %s as %s: counts %d", status, typ, who.actor.Name, n)
					}
					if n := who.page(t, "ann"); n != seen {
						t.Errorf("%s as %s: the page shows %d of %d", status, who.actor.Name, n, seen)
					}
				}
				if err := r.as(herself("bob")).get(typ + "/" + id); err == nil {
					t.Error("somebody else sees it")
				}
			}
		}
	})
}
