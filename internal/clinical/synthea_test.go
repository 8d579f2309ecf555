package clinical_test

import (
	"compress/bzip2"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// records yields the resources of some of the Synthea bundles outside the
// repository; without them the test is skipped.
func records(t *testing.T, bundles int, each func(*fhir.Resource)) {
	t.Helper()
	folder := os.Getenv("WARDKEEP_TESTDATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(folder, "synthea-120", "*.json.bz2"))
	if err != nil || len(files) == 0 {
		t.Skip("no Synthea bundles in " + folder)
	}
	for _, file := range files[:min(bundles, len(files))] {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		var bundle struct {
			Entry []struct{ Resource json.RawMessage }
		}
		err = json.NewDecoder(bzip2.NewReader(f)).Decode(&bundle)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range bundle.Entry {
			r, err := fhir.Parse(e.Resource)
			if err != nil {
				continue // package fhir has its own tests of these
			}
			each(r)
		}
	}
}

// TestNothingIsBlank renders whole records and insists that no line lacks a
// part that must be there.
func TestNothingIsBlank(t *testing.T) {
	f := formatter(t, "America/New_York")
	seen := map[string]int{}
	filled := func(r *fhir.Resource, parts ...string) {
		seen[r.Type()]++
		for i, p := range parts {
			if strings.TrimSpace(p) == "" || strings.Contains(p, "%!") {
				t.Errorf("%s/%s: part %d is blank", r.Type(), r.ID(), i)
			}
		}
	}
	records(t, 12, func(r *fhir.Resource) {
		switch r.Type() {
		case "Patient":
			b := f.PatientBanner(r, clinical.AllergyState{}, at(t, now))
			filled(r, b.Name.Full, b.Born, b.Gender, b.MRN)
		case "Observation":
			c := f.Result(r, nil)
			filled(r, c.Test, c.Value, c.Flag.Word, c.Flag.Symbol, c.Range, c.Status, c.Collected, c.Resulted)
			for _, p := range c.Parts {
				filled(r, p.Test, p.Value, p.Status)
			}
		case "MedicationRequest":
			m := f.Medication(r, nil)
			filled(r, m.Generic, m.Status, m.Started, m.By)
			if len(m.Parts()) == 0 {
				t.Errorf("%s/%s: a line of a name only", r.Type(), r.ID())
			}
			if strings.ContainsAny(m.Spoken, `@|<>/\&°`) {
				t.Errorf("%s/%s: %q bears a forbidden character", r.Type(), r.ID(), m.Spoken)
			}
		case "Condition":
			p := f.Problem(r)
			filled(r, p.Name, p.Status, p.Onset, p.Recorded, p.By)
		case "Encounter":
			e := f.Encounter(r)
			filled(r, e.Class, e.Kind, e.Status, e.Start, e.End, e.Place, e.Reason, e.With)
		case "DocumentReference":
			d := f.Document(r)
			filled(r, d.Title, d.Date, d.Author, d.Status, d.Format)
		case "AllergyIntolerance":
			s := f.Allergies([]*fhir.Resource{r}, nil)
			filled(r, s.Statement())
		}
		if e, ok := f.Event(r); ok {
			filled(r, e.Kind, e.What, e.When, e.Status)
		}
	})
	if seen["Observation"] < 100 {
		t.Errorf("only %v seen", seen)
	}
}
