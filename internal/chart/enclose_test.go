package chart_test

import (
	"context"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
)

const (
	famous  = `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"CEL"}]},`
	therapy = `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}]},`
)

// enclosed is a stored document with one entry beside its Composition.
func enclosed(id, meta, who, entry string) string {
	return `{"resourceType":"Bundle","id":"` + id + `",` + meta + `"type":"document","identifier":{"system":"urn:ietf:rfc:3986","value":"urn:uuid:` + id + `"},"timestamp":"2026-11-05T00:00:00Z","entry":[` +
		`{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Composition","status":"final","type":{"text":"x"},"subject":{"reference":"` + who + `"},"date":"2026-11-05","author":[{"display":"D"}],"title":"T"}}` + entry + `]}`
}

// TestBundlesLieInCompartments: a stored Bundle is found and read by the rights to
// the patients of what it holds, and by all marks of theirs.
func TestBundlesLieInCompartments(t *testing.T) {
	widths(t, func(t *testing.T, r *rig) {
		all, nurse := r.as(program(t)), r.as(person("nurse", "east"))
		all.put(enclosed("of-ann", "", "Patient/ann", ""))
		all.put(enclosed("of-bob", "", "Patient/bob", ""))
		all.put(`{"resourceType":"Bundle","id":"heap","type":"collection","entry":[{"resource":` + result("bob", "4.1", "2026") + `}]}`)
		nurse.finds("Bundle?_sort=_id", "of-ann")
		all.finds("Bundle?_sort=_id", "heap of-ann of-bob")
		check(t, nurse.get("Bundle/of-ann"))
		wantKind(t, nurse.get("Bundle/of-bob"), fault.NotFound, "a document about a patient of another ward")
		wantKind(t, nurse.get("Bundle/heap"), fault.NotFound, "a collection about a patient of another ward")
		r.as(identity.System("importer", "importer")).put(`{"resourceType":"Patient","id":"ann",` + famous + `"active":true}`)
		nurse.finds("Bundle?_sort=_id", "")
		all.finds("Bundle?_sort=_id", "heap of-bob")
		wantKind(t, all.get("Bundle/of-ann"), fault.NotFound, "a document about a patient who is marked")
	})
}

// TestBundlesAreRefused: what holds a patient's data that policy could not tell
// whose, or how sensitive they are, is not stored.
func TestBundlesAreRefused(t *testing.T) {
	r := newRig(t, 64)
	observation := func(meta, who string) string {
		return `,{"resource":{"resourceType":"Observation",` + meta + `"status":"final","code":{"text":"x"},"subject":{"reference":"` + who + `"}}}`
	}
	for name, c := range map[string]struct {
		text string
		want fault.Kind // 0: it is stored
	}{
		"known":                 {enclosed("a", "", "Patient/ann", observation("", "Patient/ann")), 0},
		"a device":              {enclosed("a", "", "Patient/ann", observation("", "Device/x")), 0},
		"by a name within":      {enclosed("a", "", "Patient/ann", observation("", "urn:uuid:2")), fault.Unprocessable},
		"elsewhere":             {enclosed("a", "", "https://other.example.org/fhir/Patient/ann", ""), fault.Unprocessable},
		"relative elsewhere":    {strings.Replace(enclosed("a", "", "Patient/ann", ""), "urn:uuid:1", "https://other.example.org/fhir/Composition/1", 1), fault.Unprocessable},
		"without id":            {enclosed("a", "", "Patient/ann", `,{"resource":{"resourceType":"Patient","active":true}}`), fault.Unprocessable},
		"a label":               {enclosed("a", "", "Patient/ann", observation(therapy, "Patient/ann")), fault.Unprocessable},
		"a label that it bears": {enclosed("a", therapy, "Patient/ann", observation(therapy, "Patient/ann")), 0},
		"a Bundle within":       {enclosed("a", "", "Patient/ann", `,{"resource":`+enclosed("b", "", "urn:uuid:2", "")+`}`), fault.Unprocessable},
		"Parameters":            {enclosed("a", "", "Patient/ann", `,{"resource":{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","resource":{"resourceType":"Patient","id":"bob"}}]}]}}`), fault.Unprocessable},
	} {
		actor := identity.System("importer", "importer")
		res, err := fhir.Parse([]byte(c.text))
		check(t, err)
		_, err = r.chart.Create(context.Background(), actor, res, nil)
		if c.want == 0 && err != nil || c.want != 0 && !fault.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDocumentsBearLabels: a document has the sensitive labels of what it holds, so
// that keeping it opens nothing.
func TestDocumentsBearLabels(t *testing.T) {
	r := hospital(t, 64)
	importer, doctor := r.as(identity.System("importer", "importer")), r.as(person("doctor"))
	importer.put(strings.Replace(result("cat", "3.9", "2026"), `"status"`, therapy+`"status"`, 1))
	importer.put(`{"resourceType":"Composition","id":"c","status":"final","type":{"text":"x"},"subject":{"reference":"Patient/cat"},"date":"2026-11-05","author":[{"display":"D"}],"title":"T","section":[{"title":"S","entry":[{"reference":"Observation/k-cat"}]}]}`)
	text, err := r.chart.Document(context.Background(), doctor.actor, "c", "https://ehr.example.org/fhir", chart.NewID())
	check(t, err)
	if !strings.Contains(string(text), `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}]}`) {
		t.Error(string(text))
	}
}
