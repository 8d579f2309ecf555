package chart_test

import (
	"context"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/search"
)

// Entries that are contained resources are disclosures of their containers: of
// those on the page, and of no more than the page shows.
func TestContainedIsAudited(t *testing.T) {
	r := newRig(t, 0)
	client := r.as(program(t))
	const order = `{"resourceType":"MedicationRequest","id":"ID","status":"active","intent":"order","subject":{"reference":"Patient/p"},"medicationReference":{"reference":"#m"},
		"note":[{"text":"x","authorReference":{"reference":"#n"}}],
		"contained":[{"resourceType":"Medication","id":"m","status":"active"},{"resourceType":"Practitioner","id":"n","active":true}]}`
	client.put(`{"resourceType":"Patient","id":"p"}`)
	for _, id := range []string{"a", "b", "c"} {
		client.put(strings.ReplaceAll(order, "ID", id))
	}
	sr := chart.SearchRequest{Type: "Medication", Params: []search.Param{
		{Key: "status", Value: "active"}, {Key: "_contained", Value: "true"}, {Key: "_containedType", Value: "contained"}, {Key: "_count", Value: "2"}}}
	for _, want := range []int{2, 1} {
		result, err := r.chart.Search(t.Context(), client.actor, sr)
		check(t, err)
		if len(result.Matches) != want || !result.Matches[0].Contained || result.Matches[0].Type() != "Medication" {
			t.Fatalf("%d entries, want %d", len(result.Matches), want)
		}
		check(t, r.log.Integrate(context.Background()))
		var items, patients int
		check(t, r.log.Search(context.Background(), audit.Filter{Actor: client.actor.ID, Action: "search"}, func(rec *audit.Record) error {
			items, patients = len(rec.Items), len(rec.Patients)
			return nil
		}))
		if items != want || patients != 1 {
			t.Errorf("the audit entry names %d records of %d patients, want %d of 1", items, patients, want)
		}
		sr.Page = result.Next
	}
}
