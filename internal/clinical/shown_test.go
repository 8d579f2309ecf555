package clinical_test

import (
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// What a role is not shown is not said to be missing.
func TestNotShownIsNotNotRecorded(t *testing.T) {
	visit := parse(t, `{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"reasonCode":[{"text":"Fall"}]}`)
	cut, err := visit.Masked(func(string) *fhir.Mask {
		return &fhir.Mask{But: map[string]*fhir.Mask{"participant": nil, "reasonCode": nil}}
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := clinical.New(time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if e := f.Encounter(visit); e.Reason != "Fall" || e.With != clinical.NotRecorded {
		t.Errorf("whole: %q, %q", e.Reason, e.With)
	}
	if e := f.Encounter(cut); e.Reason != clinical.NotShown || e.With != clinical.NotShown {
		t.Errorf("cut: %q, %q", e.Reason, e.With)
	}
	if e, _ := f.Event(cut); e.Detail != "" {
		t.Errorf("the history says %q", e.Detail)
	}
}
