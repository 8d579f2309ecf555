package clinical_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/wardkeep/wardkeep/internal/clinical"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

var update = flag.Bool("update", false, "write the golden files")

const now = "2026-03-07T19:00:00Z"

// golden renders each line of testdata/name.ndjson and compares.
func golden(t *testing.T, name string, render func(*fhir.Resource) any) {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name+".ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for line := range bytes.Lines(src) {
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(render(parse(t, string(line)))); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%s differs from what is rendered; run with -update and read the difference", path)
	}
}

func TestGoldenBanners(t *testing.T) {
	f := formatter(t, "America/New_York")
	golden(t, "patient", func(r *fhir.Resource) any {
		return struct {
			Banner  clinical.Banner
			Numbers []clinical.Identifier
		}{f.PatientBanner(r, clinical.AllergyState{}, at(t, now)), clinical.Identifiers(r.Root())}
	})
}

func TestGoldenMedications(t *testing.T) {
	f := formatter(t, "America/New_York")
	far := parse(t, `{"resourceType":"Medication","id":"far","code":{"text":"Ceftriaxone 1000 MG Injection"}}`)
	golden(t, "medication", func(r *fhir.Resource) any {
		return f.Medication(r, func(ref string) *fhir.Resource {
			if ref == "Medication/far" {
				return far
			}
			return nil
		})
	})
}

func TestGoldenResults(t *testing.T) {
	f := formatter(t, "America/New_York")
	former := parse(t, `{"resourceType":"Observation","id":"corrected","status":"final","code":{"text":"Sodium"},"valueQuantity":{"value":114,"unit":"mmol/L"}}`)
	golden(t, "observation", func(r *fhir.Resource) any { return f.Result(r, former) })
}
