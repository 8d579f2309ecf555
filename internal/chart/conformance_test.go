package chart_test

import (
	"context"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
)

// TestDefinitionsAreReadByOne: while somebody looks whether there are new
// definitions, others have the ones there are at once; what was written here is
// seen by all.
func TestDefinitionsAreReadByOne(t *testing.T) {
	r := newRig(t, 64)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	look := func() *chart.Profiles {
		t.Helper()
		p, err := r.chart.Profiles(ctx)
		check(t, err)
		return p
	}
	definition := func(id string) string {
		return `{"resourceType":"StructureDefinition","id":"` + id + `","url":"urn:` + id + `","name":"X","status":"active","kind":"resource","abstract":false,"type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","derivation":"constraint"}`
	}
	r.as(program(t)).put(definition("a"))
	first := look()
	r.clock.Advance(4 * time.Second)
	met := make(chan *chart.Profiles, 1)
	meanwhile := func() {
		go func() {
			p, _ := r.chart.Profiles(ctx)
			met <- p
		}()
		select {
		case p := <-met:
			met <- p
		case <-time.After(5 * time.Second):
			t.Error("others wait for him who looks")
		}
	}
	r.store.meanwhile.Store(&meanwhile)
	if again := look(); again != first || <-met != first {
		t.Error("nothing changed, and it is another value")
	}
	r.as(program(t)).put(definition("b"))
	if got := look().Of("Patient"); len(got) != 2 {
		t.Errorf("after a write: %v", got)
	}
}
