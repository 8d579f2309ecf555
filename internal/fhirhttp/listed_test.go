package fhirhttp_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
)

// shownIn counts the versions of stored records in an answer, each once.
func shownIn(text []byte) int {
	seen := map[string]bool{}
	var walk func(json.RawMessage)
	walk = func(raw json.RawMessage) {
		var res struct {
			ResourceType, ID string
			Meta             struct{ VersionID string }
			Entry            []struct {
				Resource json.RawMessage
				Request  struct{ Method, URL string }
				Response struct{ Etag string }
			}
		}
		if json.Unmarshal(raw, &res) != nil {
			return
		}
		if res.ResourceType != "Bundle" && res.Meta.VersionID != "" {
			seen[res.ResourceType+"/"+res.ID+"/"+res.Meta.VersionID] = true
		}
		for _, e := range res.Entry {
			if e.Request.Method == "DELETE" { // a tombstone in a history
				seen[e.Request.URL+e.Response.Etag] = true
			}
			walk(e.Resource)
		}
	}
	walk(text)
	return len(seen)
}

// TestEveryVersionShownIsListed: the audit log names each version that an answer
// held, whichever road it took.
func TestEveryVersionShownIsListed(t *testing.T) {
	r := furnished(t, "", true)
	for _, value := range []string{"2", "3"} {
		r.do(200, "PUT", "/Observation/k-ann", result("k-ann", "Patient/ann", value))
	}
	listed := func() int {
		t.Helper()
		check(t, r.log.Integrate(context.Background()))
		n := 0
		check(t, r.log.Search(context.Background(), audit.Filter{Actor: "program"}, func(rec *audit.Record) error {
			n += len(rec.Items)
			return nil
		}))
		return n
	}
	for _, c := range []struct{ line, body, header string }{
		{line: "GET /Patient/ann"}, {line: "GET /Observation/k-ann/_history/1"}, {line: "GET /Observation/k-ann/_history"}, {line: "GET /Observation/k-ann/_history?_count=2"},
		{line: "GET /Observation/_history"}, {line: "GET /_history?_count=3"}, {line: "GET /Observation/_history?_at=2026"},
		{line: "GET /Observation?_sort=-value-quantity&_count=2"}, {line: "GET ?_type=Patient,Observation"}, {line: "GET /Patient/ann/*"},
		{line: "GET /Schedule?_include=*&_revinclude=Slot:schedule"}, {line: "GET /Observation?_id=k-panel&_include=*&_include:iterate=Observation:*"}, {line: "GET /Location?_revinclude=Encounter:location&_include:iterate=Encounter:subject"},
		{line: "GET /Observation?_list=ann-names"}, {line: "GET /Schedule?actor:Patient.family=brown"},
		{line: "GET /Patient/ann/$everything"}, {line: "GET /Encounter/stay-ann/$everything"}, {line: "GET /Patient/$everything?_count=2"},
		{line: "GET /Observation/$lastn?subject=Patient/ann&code=2823-3"}, {line: "GET /Composition/note-bob/$document"},
		{line: "GET /Observation/k-ann/$validate"},
		{line: "POST /", body: entries("batch", entry("GET", "Patient/ann", "", "", ""), entry("GET", "Observation?subject=Patient/ann", "", "", ""), entry("GET", "Patient/ann/$everything", "", "", ""))},
		{line: "POST /Patient", body: fresh(patient("x", "Adams")), header: "If-None-Exist: identifier=urn:mrn|M-ann"},
		{line: "POST /", body: entries("transaction", entry("POST", "Patient", "", fresh(patient("x", "Adams")), `,"ifNoneExist":"identifier=urn:mrn|M-ann"`))},
		{line: "PATCH /Patient/ann", body: gender("female"), header: asJSONPatch}, {line: "PUT /Patient?family=adams", body: patient("ann", "Adams")},
	} {
		method, path, _ := strings.Cut(c.line, " ")
		headers := []string{"Prefer: return=representation"}
		if c.header != "" {
			headers = append(headers, c.header)
		}
		before := listed()
		w := r.call(method, path, c.body, headers...)
		got, shown := listed()-before, shownIn(w.Body.Bytes())
		if strings.Contains(path, "$validate") {
			shown = 1 // its findings tell of it
		}
		if w.Code >= 300 || shown == 0 {
			t.Errorf("%s: %d, %d shown: %s", c.line, w.Code, shown, w.Body)
		}
		if got < shown {
			t.Errorf("%s shows %d versions and %d are listed", c.line, shown, got)
		}
	}
}
