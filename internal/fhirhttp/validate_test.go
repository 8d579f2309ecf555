package fhirhttp_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
)

type outcome struct {
	ResourceType string
	Issue        []struct {
		Severity, Code, Diagnostics string
		Details                     struct{ Text string }
		Expression                  []string
	}
}

func outcomeIn(t *testing.T, w *httptest.ResponseRecorder) outcome {
	t.Helper()
	var o outcome
	check(t, json.Unmarshal(w.Body.Bytes(), &o))
	if o.ResourceType != "OperationOutcome" || len(o.Issue) == 0 {
		t.Fatalf("no outcome: %s", w.Body)
	}
	return o
}

// errors are the places of the errors in an outcome.
func (o outcome) errors() string {
	var places []string
	for _, i := range o.Issue {
		if i.Severity == "error" {
			places = append(places, strings.Join(i.Expression, ","))
		}
	}
	return strings.Join(places, " ")
}

// heart is a heart rate as the profile of FHIR demands it, with the parts left
// out or replaced that are given as pairs.
func heart(id string, pairs ...string) string {
	text := `{"resourceType":"Observation","id":"` + id + `","status":"final",` +
		`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],` +
		`"code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient/p1"},` +
		`"effectiveDateTime":"2026-11-22","valueQuantity":{"value":80,"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"}}`
	return strings.NewReplacer(pairs...).Replace(text)
}

func TestValidate(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/p1", patient("p1", "Tester"))
	r.do(201, "PUT", "/Observation/h1", heart("h1"))
	params := func(parts ...string) string {
		return `{"resourceType":"Parameters","parameter":[` + strings.Join(parts, ",") + `]}`
	}
	resource := func(text string) string { return `{"name":"resource","resource":` + text + `}` }
	mode := func(code string) string { return `{"name":"mode","valueCode":"` + code + `"}` }
	bad := heart("h1", `"subject":{"reference":"Patient/p1"},`, "")
	for name, c := range map[string]struct{ method, path, body, errors string }{
		"good":                 {"POST", "/Observation/$validate", heart("h1"), ""},
		"a vital sign of none": {"POST", "/Observation/$validate", bad, "Observation.subject"},
		"its structure":        {"POST", "/Observation/$validate", `{"resourceType":"Observation","status":"final"}`, "Observation.code"},
		"as a parameter":       {"POST", "/Observation/$validate", params(resource(bad)), "Observation.subject"},
		"create":               {"POST", "/Observation/$validate", params(resource(heart("x")), mode("create")), ""},
		"update":               {"POST", "/Observation/h1/$validate?mode=update", heart("h1"), ""},
		"delete":               {"GET", "/Observation/h1/$validate?mode=delete", "", ""},
		"stored":               {"GET", "/Observation/h1/$validate", "", ""},
		"profile in address":   {"POST", "/Observation/$validate?profile=http://hl7.org/fhir/StructureDefinition/bp", heart("h1"), "Observation.code Observation.value Observation.component"},
		"profile not loaded":   {"POST", "/Observation/$validate?profile=http://example.org/no", heart("h1"), "Observation"},
	} {
		t.Run(name, func(t *testing.T) {
			o := outcomeIn(t, r.do(200, c.method, c.path, c.body))
			for _, place := range strings.Fields(c.errors) {
				if !strings.Contains(o.errors(), place) {
					t.Errorf("errors at %q, want one at %q: %+v", o.errors(), place, o)
				}
			}
			if c.errors == "" && o.errors() != "" {
				t.Errorf("errors at %q, want none: %+v", o.errors(), o)
			}
		})
	}
}

func TestValidateRefuses(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Observation/h1", heart("h1"))
	for path, want := range map[string]int{
		"/Observation/$validate?mode=guess":     400,
		"/Observation/$validate?mode=update":    400,
		"/Observation/h1/$validate?mode=create": 400,
		"/Observation/$validate?else=1":         400,
		"/Patient/$validate":                    400, // another type
		"/Observation/none/$validate":           404,
		"/Observation/h2/$validate?mode=delete": 404,
	} {
		outcomeIn(t, r.do(want, "POST", path, heart("h1")))
	}
	r.do(400, "POST", "/Observation/$validate", "")
	r.do(403, "POST", "/Observation/$validate?mode=create", heart("h1"), as("reader"))
	r.do(403, "GET", "/Observation/h1/$validate?mode=delete", "", as("writer"))
}

// TestPolicyForWrites: a heart rate without a subject is told of, or refused, as
// the setting says, on every road that writes.
func TestPolicyForWrites(t *testing.T) {
	bad := heart("h1", `"subject":{"reference":"Patient/p1"},`, "")
	told := "Prefer: return=OperationOutcome"
	bundle := entries("transaction", entry("PUT", "Observation/h1", "", bad, ""))
	t.Run("warn", func(t *testing.T) {
		r := newRigThat(t, chart.Validation{Mode: chart.ValidateWarn})
		if o := outcomeIn(t, r.do(201, "PUT", "/Observation/h1", bad, told)); o.errors() != "Observation.subject" {
			t.Errorf("told of %q", o.errors())
		}
		if w := r.do(200, "POST", "/", bundle, told); !strings.Contains(w.Body.String(), `"Observation.subject"`) {
			t.Errorf("a transaction tells nothing: %s", w.Body)
		}
		r.do(200, "GET", "/Observation/h1", "")
	})
	t.Run("enforce", func(t *testing.T) {
		r := newRigThat(t, chart.Validation{Mode: chart.ValidateEnforce})
		for _, w := range []*httptest.ResponseRecorder{
			r.do(422, "PUT", "/Observation/h1", bad), r.do(422, "POST", "/Observation", fresh(bad)), r.do(422, "POST", "/", bundle),
		} {
			if o := outcomeIn(t, w); !strings.Contains(o.errors(), "Observation.subject") {
				t.Errorf("refused at %q", o.errors())
			}
		}
		r.do(404, "GET", "/Observation/h1", "")
		r.do(201, "PUT", "/Observation/h1", heart("h1"))
	})
}
