package fhirhttp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/job"
	"github.com/wardkeep/wardkeep/internal/outbound"
)

func TestImportFromAnotherServer(t *testing.T) {
	observation := result("o1", "https://other.example.org/fhir/Patient/n1", "4.1")
	r, source := importing(t, texts(map[string]string{"/p": numbered(30) + "\n", "/o": gzipped(t, observation)}))
	r.jobs.Start(context.Background())
	inputs := []string{"Patient " + source + "/p", "Observation " + source + "/o"}
	parameters := `{"resourceType":"Parameters","parameter":[{"name":"inputFormat","valueCode":"application/fhir+ndjson"},
		{"name":"inputSource","valueUri":"https://other.example.org/fhir/"},{"name":"storageDetail","part":[{"name":"type","valueCode":"https"}]},
		{"name":"input","part":[{"name":"type","valueCode":"Patient"},{"name":"url","valueUri":"` + source + `/p"}]},
		{"name":"input","part":[{"name":"type","valueCode":"Observation"},{"name":"url","valueUri":"` + source + `/o"}]}]}`
	for i, body := range []string{importOrder(inputs...), parameters} {
		stored, outcomes := r.imports(r.order("POST", "/$import", body, "Content-Type: application/json"))
		if !slices.Equal(stored, []string{"Patient 30", "Observation 1"}) || len(outcomes) > 0 {
			t.Errorf("%v %v", stored, outcomes)
		}
		if text := r.do(200, "GET", "/Patient/n29", "").Body.String(); !strings.Contains(text, fmt.Sprintf(`"versionId":"%d"`, i+1)) {
			t.Errorf("import %d: %s", i+1, text)
		}
	}
	if text := r.do(200, "GET", "/Observation?patient=n1", "").Body.String(); !strings.Contains(text, `"Patient/n1"`) {
		t.Errorf("a reference to the source was not made one to here: %s", text)
	}
	check(t, r.log.Integrate(t.Context()))
	listed := 0
	check(t, r.log.Search(t.Context(), audit.Filter{Actor: "program"}, func(rec *audit.Record) error {
		for _, item := range rec.Items {
			if rec.Event.Action == "transaction" && item.Version > 0 {
				listed++
			}
		}
		return nil
	}))
	if listed != 62 {
		t.Errorf("%d written versions are in the audit log, of 62", listed)
	}
}

func TestImportOrders(t *testing.T) {
	r, source := importing(t, texts(nil))
	good := importOrder("Patient " + source + "/p")
	change := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	for name, c := range map[string]struct {
		body, who string
		want      int
	}{
		"another host":        {importOrder("Patient https://evil.example/p"), "", 422},
		"metadata of clouds":  {importOrder("Patient https://169.254.169.254/latest"), "", 422},
		"not https":           {change("https://127", "http://127"), "", 422},
		"a user in it":        {change("https://127", "https://a:b@127"), "", 400},
		"unknown member":      {change(`{"input`, `{"mode":"fast","input`), "", 400},
		"member of input":     {change(`{"type":"Patient"`, `{"etag":"x","type":"Patient"`), "", 400},
		"two values":          {good + good, "", 400},
		"another format":      {change("ndjson", "json"), "", 400},
		"another storage":     {change(`"https"}`, `"azure-blob"}`), "", 400},
		"no inputs":           {importOrder(), "", 400},
		"no type":             {change("Patient", "Kitten"), "", 400},
		"another resource":    {patient("x", "X"), "", 400},
		"unknown parameter":   {`{"resourceType":"Parameters","parameter":[{"name":"mode","valueCode":"x"}]}`, "", 400},
		"the nurse":           {good, "nurse", 403},
		"scopes to read":      {good, "reader", 403},
		"scopes of a type":    {good, "writer", 403},
		"write, and not read": {change("Patient", "Observation"), "writer", 403},
		"nothing":             {good, "blind", 403},
		"nobody":              {good, "stranger", 401},
		"an orderly order":    {good, "program", 202},
	} {
		if c.who == "" {
			c.who = "program"
		}
		id := r.actors[c.who].ID
		before := r.traces(id)
		w := r.call("POST", "/$import", c.body, as(c.who), async)
		if w.Code != c.want || strings.Contains(w.Body.String(), "evil") {
			t.Errorf("%s: %d, want %d: %s", name, w.Code, c.want, w.Body)
		}
		if (c.want == 403 || c.want == 422 || c.want == 202) && r.traces(id) == before {
			t.Errorf("%s leaves no audit entry", name)
		}
	}
	r.do(400, "POST", "/$import", good)
	r.do(400, "POST", "/$import?x=y", good, async)
	r.do(415, "POST", "/$import", good, async, "Content-Type: text/plain")
}

// TestImportAtAnAddressOfThisMachine: that a host may be called does not let it
// point to where only this server comes.
func TestImportAtAnAddressOfThisMachine(t *testing.T) {
	var called atomic.Int64
	r, source := importing(t, func(http.ResponseWriter, *http.Request) { called.Add(1) }, outbound.Policy{})
	r.jobs.Start(context.Background())
	stored, outcomes := r.imports(r.order("POST", "/$import", importOrder("Patient "+source+"/p")))
	if called.Load() > 0 || len(outcomes) != 1 || !slices.Equal(stored, []string{"Patient 0"}) {
		t.Errorf("%d calls, %v %v", called.Load(), stored, outcomes)
	}
}

// TestImportOfBadLines: what is refused keeps nothing else out, is counted and
// located, and none of it is told.
func TestImportOfBadLines(t *testing.T) {
	const canary = "Kanarienvogel"
	bad := []string{
		`{"resourceType":"Patient","id":"bad","nick":"` + canary + `"}`, `{"resourceType":"Patient","id":"bad","gender":"` + canary + `"}`,
		`{"resourceType":"Basic","id":"bad","code":{"text":"` + canary + `"}}`, patient("", canary)[:20] + canary, `{"resourceType":"Patient","name":[{"family":"` + canary + `"}]}`,
		`{"resourceType":"Patient","id":"bad","managingOrganization":{"reference":"Organization?identifier=` + canary + `"}}`,
	}
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSpace(numbered(len(bad))), "\n") {
		b.WriteString(line + "\n\n" + bad[i] + "\n")
	}
	r, source := importing(t, texts(map[string]string{
		"/half": b.String(), "/bomb": gzipped(t, strings.Repeat("\n", 40<<20)), "/torn": gzipped(t, numbered(3))[:40],
		"/many": strings.Repeat("{}\n", 11_000) + numbered(600), "/other": numbered(2),
	}))
	r.jobs.Start(context.Background())
	stored, outcomes := r.imports(r.order("POST", "/$import", importOrder("Patient "+source+"/half", "Patient "+source+"/missing",
		"Patient "+source+"/bomb", "Patient "+source+"/torn", "Patient "+source+"/other")))
	if !slices.Equal(stored, []string{"Patient 6", "Patient 0", "Patient 0", "Patient 0", "Patient 2"}) || len(outcomes) != 9 {
		t.Fatalf("%v\n%s", stored, strings.Join(outcomes, "\n"))
	}
	text := strings.Join(outcomes, "\n")
	if strings.Contains(text, canary) || strings.Contains(text, source) {
		t.Errorf("outcomes show values:\n%s", text)
	}
	for _, has := range []string{"inputs[0], line 3: ", "inputs[0], line 18: ", "of another type", "no id", "inputs[1], Nothing was stored from line 1 on: the source did not answer with 200 OK.", "unpacks to more", "inputs[3], Nothing"} {
		if !strings.Contains(text, has) {
			t.Errorf("no %q in\n%s", has, text)
		}
	}
	for _, line := range outcomes {
		var o struct {
			ResourceType string
			Issue        []struct{ Severity, Code, Diagnostics string }
		}
		if json.Unmarshal([]byte(line), &o) != nil || o.ResourceType != "OperationOutcome" || len(o.Issue) != 1 {
			t.Errorf("%s", line)
		}
	}
	stored, outcomes = r.imports(r.order("POST", "/$import", importOrder("Patient "+source+"/many")))
	if !slices.Equal(stored, []string{"Patient 0"}) || len(outcomes) != 10_001 || !strings.Contains(outcomes[10_000], "from line 10001 on: too many") {
		t.Errorf("%v, %d outcomes", stored, len(outcomes))
	}
}

// TestImportGoesOnAfterARestart stops the process while a source is in the
// middle: what was filed is not filed again, and the rest comes.
func TestImportGoesOnAfterARestart(t *testing.T) {
	h := newHalting(700, 600)
	r, source := importing(t, h.serve)
	r.jobs.Start(context.Background())
	at := r.order("POST", "/$import", importOrder("Patient "+source+"/p"))
	r.until("the first unit does not come", func() bool { return r.count("/Patient?family=New") == 500 })
	r.jobs.Close()
	<-h.left
	close(h.release)
	r.revive(1 << 30)
	r.jobs.Start(context.Background())
	defer func() { r.jobs.Close() }()
	stored, outcomes := r.imports(at)
	if !slices.Equal(stored, []string{"Patient 700"}) || len(outcomes) > 0 || h.requests.Load() != 2 {
		t.Errorf("%v %v after %d requests", stored, outcomes, h.requests.Load())
	}
	r.newOnce(700)
}

// TestImportGoesOnAfterACrash lets the process die at every single write of an
// import's own in turn.
func TestImportGoesOnAfterACrash(t *testing.T) {
	for lives := int64(1); lives <= 4; lives++ {
		r, source := importing(t, texts(map[string]string{"/a": numbered(5) + "{}\n", "/b": `{"resourceType":"Basic","id":"b"}`}))
		r.revive(1 << 30)
		at := r.order("POST", "/$import", importOrder("Patient "+source+"/a", "Basic "+source+"/b", "Patient "+source+"/c"))
		r.dieUntilDone(at, lives, func(int) {})
		r.revive(1 << 30)
		stored, outcomes := r.imports(at)
		if !slices.Equal(stored, []string{"Patient 5", "Basic 0", "Patient 0"}) || len(outcomes) != 3 || r.objects() != 3 {
			t.Errorf("%v %v, %d objects", stored, outcomes, r.objects())
		}
		r.newOnce(5)
	}
}

func TestImportCancelled(t *testing.T) {
	h := newHalting(700, 600)
	r, source := importing(t, h.serve)
	r.jobs.Start(context.Background())
	at := r.order("POST", "/$import", importOrder("Patient "+source+"/p"))
	r.until("the first unit does not come", func() bool { return r.count("/Patient?family=New") == 500 })
	r.until("the progress is not told", func() bool { // it is noted after the unit can be seen
		j, err := r.jobs.Get(r.actors["program"], idOf(at))
		return err == nil && strings.Contains(j.Step, "500 stored")
	})
	r.do(404, "DELETE", at, "", as("reader"))
	if w := r.do(202, "GET", at, ""); !strings.Contains(w.Header().Get("X-Progress"), "inputs[0] Patient, 500 stored") {
		t.Errorf("progress %q", w.Header().Get("X-Progress"))
	}
	r.do(202, "DELETE", at, "")
	select {
	case <-h.left:
	case <-time.After(10 * time.Second):
		t.Fatal("the source is still read")
	}
	r.do(404, "GET", at, "")
	r.newOnce(500)
}

// TestRightsLostEndAnImport: what is taken from the caller while a source is read
// is not used any more.
func TestRightsLostEndAnImport(t *testing.T) {
	h := newHalting(700, 600)
	r, source := importing(t, h.serve)
	r.jobs.Start(context.Background())
	at := r.order("POST", "/$import", importOrder("Patient "+source+"/p"))
	r.until("the first unit does not come", func() bool { return r.count("/Patient?family=New") == 500 })
	r.rights.Store("reader")
	close(h.release)
	var j job.Job
	r.until("the job does not end", func() bool {
		var err error
		j, err = r.jobs.Get(r.actors["program"], idOf(at))
		return err == nil && j.Ended()
	})
	if j.State != job.Failed || j.Failure.Kind.String() != "denied" {
		t.Errorf("%+v", j)
	}
	r.newOnce(500)
}

// TestImportOfAStandstill: a source that sends nothing does not hold a place for
// ever.
func TestImportOfAStandstill(t *testing.T) {
	h := newHalting(700, 0)
	r, source := importing(t, h.serve)
	rec := r.receiver()
	rec.Idle = 50 * time.Millisecond
	r.jobs.Register(bulk.ImportKind, rec)
	r.jobs.Start(context.Background())
	_, outcomes := r.imports(r.order("POST", "/$import", importOrder("Patient "+source+"/p")))
	if len(outcomes) != 1 || !strings.Contains(outcomes[0], "stopped sending") {
		t.Errorf("%v", outcomes)
	}
}
