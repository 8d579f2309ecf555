package chart_test

import (
	"context"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// TestPatchesKeepMarks: what an update may not do, a patch may not do either.
func TestPatchesKeepMarks(t *testing.T) {
	r := hospital(t, 64)
	ctx := context.Background()
	r.as(importer()).put(marked(result("cat", "3.9", "2026-01-02"), "PSY"))
	doctor := r.as(person("doctor"))
	patch := func(who as, next string, cond chart.Condition) error {
		_, err := r.chart.Patch(ctx, who.actor, "Observation", "k-cat", func(*fhir.Resource) (*fhir.Resource, error) {
			return who.parse(next), nil
		}, cond)
		return err
	}
	wantKind(t, patch(doctor, result("cat", "3.9", "2026-01-02"), chart.Condition{}), fault.Unprocessable, "the label taken off")
	wantKind(t, patch(doctor, marked(result("bob", "3.9", "2026-01-02"), "PSY"), chart.Condition{}), fault.Unprocessable, "another id")
	wantKind(t, patch(doctor, marked(result("cat", "4.0", "2026-01-02"), "PSY"), chart.Condition{IfMatch: 7}), fault.Precondition, "another version")
	wantKind(t, patch(r.as(person("nurse", "east")), marked(result("cat", "4.0", "2026-01-02"), "PSY"), chart.Condition{}), fault.NotFound, "a nurse")
	wantKind(t, patch(r.as(program(t)), marked(result("cat", "4.0", "2026-01-02"), "PSY"), chart.Condition{}), fault.NotFound, "a program")
	check(t, patch(doctor, marked(result("cat", "4.0", "2026-01-02"), "PSY"), chart.Condition{IfMatch: 2}))
}

// TestAPatchMeetsAnotherWriter: it is applied anew to what the other one left.
func TestAPatchMeetsAnotherWriter(t *testing.T) {
	r := hospital(t, 64)
	p := r.as(program(t))
	var seen []string
	_, err := r.chart.Patch(context.Background(), p.actor, "Observation", "k-ann", func(old *fhir.Resource) (*fhir.Resource, error) {
		seen = append(seen, old.Root().Get("meta").Get("versionId").Text())
		if len(seen) == 1 {
			p.put(result("ann", "5", "2026-11-20"))
		}
		return old, nil
	}, chart.Condition{})
	check(t, err)
	if len(seen) != 2 || seen[0] != "1" || seen[1] != "2" {
		t.Errorf("applied to versions %v", seen)
	}
}
