package fhirhttp_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
)

// wait asks for a job, as the second line of a sample.
const wait = "\nPrefer: respond-async"

var async = strings.TrimPrefix(wait, "\n")

type manifest struct {
	TransactionTime        time.Time
	Request                string
	RequiresAccessToken    bool
	Output, Deleted, Error []struct {
		Type, URL string
		Count     int
	}
}

// order files a job and returns its path.
func (r *rig) order(method, path, body string, headers ...string) string {
	r.t.Helper()
	w := r.do(202, method, path, body, append(headers, async)...)
	return strings.TrimPrefix(w.Header().Get("Content-Location"), base)
}

// await polls a job until it ends.
func (r *rig) await(at string, headers ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		w := r.call("GET", at, "", headers...)
		if w.Code != 202 {
			return w
		}
		if w.Header().Get("X-Progress") == "" || w.Header().Get("Retry-After") == "" {
			r.t.Error("a job under way tells no progress")
		}
		r.clock.Advance(time.Second)
		time.Sleep(2 * time.Millisecond)
	}
	r.t.Fatal("the job does not end")
	return nil
}

func (r *rig) manifest(w *httptest.ResponseRecorder) (m manifest) {
	r.t.Helper()
	if w.Code != 200 {
		r.t.Fatalf("%d %s", w.Code, w.Body)
	}
	check(r.t, json.Unmarshal(w.Body.Bytes(), &m))
	return m
}

// exported returns what the files of a manifest hold, as sorted "Type/id".
func (r *rig) exported(m manifest, headers ...string) []string {
	r.t.Helper()
	var list []string
	for _, f := range m.Output {
		w := r.do(200, "GET", strings.TrimPrefix(f.URL, base), "", headers...)
		lines := strings.Split(strings.TrimSuffix(w.Body.String(), "\n"), "\n")
		if len(lines) != f.Count {
			r.t.Errorf("%s: %d lines, the manifest says %d", f.URL, len(lines), f.Count)
		}
		for _, line := range lines {
			var res struct{ ResourceType, ID string }
			check(r.t, json.Unmarshal([]byte(line), &res))
			if res.ResourceType != f.Type {
				r.t.Errorf("a %s in a file of %s", res.ResourceType, f.Type)
			}
			list = append(list, res.ResourceType+"/"+res.ID)
		}
	}
	slices.Sort(list)
	return list
}

func (r *rig) export(method, path, body string, headers ...string) []string {
	r.t.Helper()
	return r.exported(r.manifest(r.await(r.order(method, path, body, headers...), headers...)), headers...)
}

func TestExport(t *testing.T) {
	r := wards(t)
	r.jobs.Start(context.Background())
	r.put(`{"resourceType":"Group","id":"g","type":"person","actual":true,"member":[{"entity":{"reference":"Patient/bob"}},{"entity":{"reference":"Patient/ann"},"inactive":true}]}`)
	bob := "Encounter/stay-bob Observation/k0-bob Observation/k1-bob Observation/k2-bob Patient/bob"
	ann := strings.ReplaceAll(bob, "bob", "ann")
	both := strings.Fields(ann + " " + bob)
	slices.Sort(both)
	body := func(params ...string) string {
		return `{"resourceType":"Parameters","parameter":[` + strings.Join(params, ",") + `]}`
	}
	patientParam := `{"name":"patient","valueReference":{"reference":"Patient/bob"}}`
	for _, c := range []struct{ line, body, who, want string }{
		{line: "GET /$export", want: "Location/east Location/west Organization/house Practitioner/doc Group/g " + strings.Join(both, " ")},
		{line: "GET /Patient/$export", want: "Group/g " + strings.Join(both, " ")},
		{line: "GET /Patient/$export?_type=Patient,Encounter,Observation", who: "nurse", want: ann},
		{line: "GET /$export?_type=Patient&_type=Location", who: "nurse", want: "Location/east Location/west Patient/ann"},
		{line: "GET /Group/g/$export?_outputFormat=ndjson", want: "Group/g " + bob},
		{line: "GET /Patient/$export?_typeFilter=Observation%3Fdate%3D2026-11-02,Observation%3Fdate%3D2026-11-03%2C2026-11-01%26subject%3DPatient/ann&_type=Observation", want: "Observation/k0-ann Observation/k1-ann Observation/k1-bob Observation/k2-ann"},
		{line: "POST /Patient/$export", body: body(patientParam, `{"name":"_type","valueString":"Patient,Observation"}`), want: "Observation/k0-bob Observation/k1-bob Observation/k2-bob Patient/bob"},
		{line: "POST /Group/g/$export", body: body(patientParam, `{"name":"_type","valueString":"Patient"}`), want: "Patient/bob"},
		{line: "GET /Patient/$export?_since=2030-01-01T00:00:00Z", want: ""},
		{line: "GET /Patient/$export?_since=2020-01-01T00:00:00%2B01:00&_type=Patient", want: "Patient/ann Patient/bob"},
		{line: "GET /$export", who: "obs", want: "Observation/k0-ann Observation/k0-bob Observation/k1-ann Observation/k1-bob Observation/k2-ann Observation/k2-bob"},
	} {
		if c.who == "" {
			c.who = "program"
		}
		method, path, _ := strings.Cut(c.line, " ")
		want := strings.Fields(c.want)
		slices.Sort(want)
		if got := r.export(method, path, c.body, as(c.who)); !slices.Equal(got, want) {
			t.Errorf("%s as %s:\n%v\nwant\n%v", c.line, c.who, got, want)
		}
	}
	for line, want := range map[string]int{
		"/$export?_until=x": 400, "/$export?includeAssociatedData=LatestProvenanceResources": 400, "/$export?_outputFormat=csv": 400,
		"/$export?_type=Kitten": 400, "/$export?_since=soon": 400, "/$export?_typeFilter=x": 400, "/Group/none/$export": 404,
		"/Patient/$export?_type=Location": 400, "/$export?_type=Patient&_typeFilter=Observation%3Fcode%3D1": 400,
		"/$export?_type=Patient&_typeFilter=Patient%3Fcolour%3Dred": 400, "/Patient/$export?patient=Patient/ann": 400,
	} {
		r.do(want, "GET", line, "", async)
	}
	r.do(400, "POST", "/Group/g/$export", body(strings.Replace(patientParam, "bob", "ann", 1)), async)
	r.do(400, "GET", "/$export", "")
	r.do(403, "GET", "/$export", "", as("blind"), async)
	r.do(403, "GET", "/$export?_type=Patient", "", as("obs"), async)
	r.do(403, "GET", "/Group/g/$export", "", as("obs"), async)
	r.do(202, "GET", "/$export?_until=x&_type=Location", "", async, "Prefer: respond-async, handling=lenient")
}

func TestExportedFiles(t *testing.T) {
	r := wards(t)
	r.jobs.Start(context.Background())
	r.clock.Advance(10 * time.Minute)
	since := r.clock.Now().Format(time.RFC3339)
	r.do(204, "DELETE", "/Observation/k0-ann", "")
	r.put(strings.Replace(patient("ann", "Adams"), `"name"`, `"gender":"female","name"`, 1))
	at := r.order("GET", "/Patient/$export?_type=Patient,Observation&_elements=Patient.gender&_since="+since, "")
	done := r.await(at)
	m := r.manifest(done)
	if !m.RequiresAccessToken || !strings.HasPrefix(m.Request, base+"/Patient/$export?") || m.TransactionTime.IsZero() || done.Header().Get("Expires") == "" || len(m.Deleted) != 1 {
		t.Fatalf("%+v", m)
	}
	if got := r.exported(m); !slices.Equal(got, []string{"Patient/ann"}) {
		t.Errorf("since: %v", got)
	}
	file, gone := strings.TrimPrefix(m.Output[0].URL, base), strings.TrimPrefix(m.Deleted[0].URL, base)
	if text := r.do(200, "GET", file, "").Body.String(); strings.Contains(text, "Adams") || !strings.Contains(text, "female") || !strings.Contains(text, "SUBSETTED") {
		t.Error(text)
	}
	if text := r.do(200, "GET", gone, "").Body.String(); !strings.Contains(text, `"type":"transaction"`) || !strings.Contains(text, `"url":"Observation/k0-ann"`) || !strings.Contains(text, "DELETE") {
		t.Error(text)
	}
	// The files belong to whoever asked, and expire.
	for _, who := range []string{"reader", "nurse", "blind"} {
		r.do(404, "GET", at, "", as(who))
		r.do(404, "GET", file, "", as(who))
		r.do(404, "DELETE", at, "", as(who))
	}
	r.do(401, "GET", file, "", as("stranger"))
	r.do(404, "GET", at+"/x", "")
	own := r.actors["program"]
	r.cut("program", "obs") // Patient is not among them
	r.do(403, "GET", file, "")
	r.actors["program"] = own
	r.clock.Advance(25 * time.Hour)
	r.do(404, "GET", at, "")
	r.do(404, "GET", file, "")
	r.jobs.Sweep(context.Background())
	// Deleting ends it at once.
	at = r.order("GET", "/$export?_type=Observation", "")
	m = r.manifest(r.await(at))
	r.do(202, "DELETE", at, "")
	r.do(404, "GET", at, "")
	r.do(404, "GET", strings.TrimPrefix(m.Output[0].URL, base), "")
}

func TestExportIsGzippedAndListed(t *testing.T) {
	r := wards(t)
	r.jobs.Start(context.Background())
	for i := range 30 {
		r.put(seen(fmt.Sprintf("x%d", i), "ann", coded("1"), "2026-11-01"))
	}
	m := r.manifest(r.await(r.order("GET", "/$export?_type=Observation", "")))
	w := r.do(200, "GET", strings.TrimPrefix(m.Output[0].URL, base), "", "Accept-Encoding: gzip")
	if w.Header().Get("Content-Encoding") != "gzip" || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/fhir+ndjson") {
		t.Errorf("%v", w.Header())
	}
	zr, err := gzip.NewReader(w.Body)
	check(t, err)
	text, err := io.ReadAll(zr)
	check(t, err)
	if n := strings.Count(string(text), "\n"); n != m.Output[0].Count {
		t.Errorf("%d lines of %d", n, m.Output[0].Count)
	}
	check(t, r.log.Integrate(context.Background()))
	listed := 0
	check(t, r.log.Search(context.Background(), audit.Filter{Actor: "program", Action: audit.ActionExport}, func(rec *audit.Record) error {
		listed += len(rec.Items)
		return nil
	}))
	if listed != 36 {
		t.Errorf("%d versions are listed, of 36 that left", listed)
	}
}

func TestJobsAreBounded(t *testing.T) {
	r := wards(t) // nobody works
	var at string
	for range 4 {
		at = r.order("GET", "/$export", "")
	}
	if w := r.do(429, "GET", "/$export", "", async); w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	r.order("GET", "/$export", "", as("reader"))
	r.do(202, "GET", at, "")
	r.do(429, "GET", at, "")
	r.do(202, "DELETE", at, "")
	r.order("GET", "/$export", "")
}

// TestRightsLostEndAnExport: a permission that is taken away between the order and
// the work ends the job.
func TestRightsLostEndAnExport(t *testing.T) {
	r := wards(t)
	at := r.order("GET", "/$export?_type=Patient", "", as("reader"))
	who := r.actors["obs"]
	who.ID = "reader"
	r.actors["reader"] = who
	r.jobs.Start(context.Background())
	if w := r.await(at, as("reader")); w.Code != 403 || !strings.Contains(w.Body.String(), "OperationOutcome") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRequestsThatAreNotWaitedFor(t *testing.T) {
	r := wards(t)
	r.jobs.Start(context.Background())
	for _, c := range []struct{ line, body, has string }{
		{"GET /Patient?family=Adams", "", `"id":"ann"`},
		{"GET /Patient/ann/_history", "", `"type":"history"`},
		{"GET /Patient/ann/$everything", "", `k0-ann`},
		{"POST /", entries("batch", entry("GET", "Patient/ann", "", "", "")), `"batch-response"`},
		{"POST /", entries("transaction", entry("POST", "Patient", "", fresh(patient("x", "Later")), "")), `201 Created`},
	} {
		method, path, _ := strings.Cut(c.line, " ")
		m := r.manifest(r.await(r.order(method, path, c.body)))
		if len(m.Output) != 1 || m.Output[0].Type != "Bundle" {
			t.Errorf("%s: %+v", c.line, m)
			continue
		}
		if text := r.do(200, "GET", strings.TrimPrefix(m.Output[0].URL, base), "").Body.String(); !strings.Contains(text, c.has) || strings.Count(text, "\n") != 1 {
			t.Errorf("%s: %s", c.line, text)
		}
	}
	if n := len(r.bundle(r.do(200, "GET", "/Patient?family=Later", "")).Entry); n != 1 {
		t.Errorf("a transaction was carried out %d times", n)
	}
	r.do(200, "GET", "/Patient/ann", "", async) // a read does not wait
	if w := r.await(r.order("GET", "/Patient?colour=red", "")); w.Code != 400 {
		t.Errorf("a job that fails: %d", w.Code)
	}
	if m := r.manifest(r.await(r.order("GET", "/Patient", "", as("nurse")), as("nurse"))); strings.Contains(r.do(200, "GET", strings.TrimPrefix(m.Output[0].URL, base), "", as("nurse")).Body.String(), "Brown") {
		t.Error("a job shows a nurse another ward")
	}
}

// TestAnswersLastAsLongAsTheRights: a kept answer is shown while its owner may
// see the same as when it was made, and no longer.
func TestAnswersLastAsLongAsTheRights(t *testing.T) {
	const vip = `{"resourceType":"Patient","id":"ann","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"CEL"}]}}`
	for name, c := range map[string]struct {
		line, who string
		change    func(*rig)
		want      int
	}{
		"nothing": {"GET /Patient", "nurse", func(*rig) {}, 200},
		"another ward": {"GET /Patient", "nurse", func(r *rig) {
			moved := r.actors["nurse"]
			moved.WardIDs = []string{"west"}
			r.actors["nurse"] = moved
		}, 410},
		"another role": {"GET /Location", "nurse", func(r *rig) {
			other := r.actors["nurse"]
			other.Roles = []string{"billing"}
			r.actors["nurse"] = other
		}, 410},
		"a discharge": {"GET /Patient", "nurse", func(r *rig) {
			r.put(strings.Replace(stay("stay-ann", "ann", "east", "doc"), "in-progress", "finished", 1))
		}, 410},
		"another's discharge": {"GET /Patient", "nurse", func(r *rig) {
			r.put(strings.Replace(stay("stay-bob", "bob", "west", "doc"), "in-progress", "finished", 1))
		}, 200},
		"a mark":                 {"GET /$export?_type=Observation", "program", func(r *rig) { r.put(vip) }, 410},
		"a discharge of its own": {"POST /", "nurse", func(*rig) {}, 200},
		"fewer scopes than its":  {"GET /Patient", "program", func(r *rig) { r.cut("program", "obs") }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			r := wards(t)
			r.jobs.Start(context.Background())
			method, path, _ := strings.Cut(c.line, " ")
			body := ""
			if method == "POST" {
				body = entries("transaction", entry("PUT", "Encounter/stay-ann", "", strings.Replace(stay("stay-ann", "ann", "east", "doc"), "in-progress", "finished", 1), ""))
			}
			at := r.order(method, path, body, as(c.who))
			file := strings.TrimPrefix(r.manifest(r.await(at, as(c.who))).Output[0].URL, base)
			r.do(200, "GET", file, "", as(c.who))
			c.change(r)
			w := r.do(c.want, "GET", file, "", as(c.who))
			if c.want == 410 {
				if !strings.Contains(w.Body.String(), "Order it again") {
					t.Error(w.Body)
				}
				r.do(410, "GET", at, "", as(c.who))
			}
		})
	}
}

// cut leaves an actor the scopes of another.
func (r *rig) cut(who, other string) {
	less := r.actors[who]
	less.Scopes = r.actors[other].Scopes
	r.actors[who] = less
}
