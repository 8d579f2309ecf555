package fhirhttp_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
)

func TestStatuses(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	r.do(201, "PUT", "/Patient/bob", patient("bob", "Brown"))
	r.do(201, "PUT", "/Patient/gone", patient("gone", "Gone"))
	r.do(204, "DELETE", "/Patient/gone", "")
	for _, c := range []struct {
		want               int
		method, path, body string
		headers            []string
	}{
		{200, "GET", "/Patient/ann", "", nil},
		{200, "HEAD", "/Patient/ann", "", nil},
		{200, "GET", "/Patient/", "", nil},
		{200, "GET", "/Patient/?name=adams", "", nil},
		{404, "GET", "//Patient", "", nil},
		{404, "GET", "/Patient//", "", nil},
		{404, "GET", "/Patient/ann//_history", "", nil},
		{400, "GET", "/Patient/ann%2F_history", "", nil},
		{200, "GET", "/Patient/ann/_history/1", "", nil},
		{200, "GET", "/Patient/ann/_history", "", nil},
		{404, "GET", "/Patient/ann/_history/2", "", nil},
		{404, "GET", "/Patient/ann/_history/x", "", nil},
		{404, "GET", "/Patient/nobody", "", nil},
		{404, "GET", "/Patient/nobody/_history", "", nil},
		{404, "GET", "/Nothing/ann", "", nil},
		{404, "GET", "/Nothing", "", nil},
		{405, "PUT", "/", "", nil},
		{404, "GET", "/Patient/ann/_history/1/2", "", nil},
		{400, "GET", "/Patient/a_b", "", nil},
		{400, "GET", "/Patient/" + strings.Repeat("a", 65), "", nil},
		{410, "GET", "/Patient/gone", "", nil},
		{410, "HEAD", "/Patient/gone", "", nil},
		{200, "GET", "/Patient/gone/_history/1", "", nil},
		{410, "GET", "/Patient/gone/_history/2", "", nil},
		{200, "GET", "/Patient/gone/_history", "", nil},
		{204, "DELETE", "/Patient/gone", "", nil},
		{404, "DELETE", "/Patient/nobody", "", nil},
		{400, "GET", "/Patient/ann?_bogus=1", "", nil},
		{400, "GET", "/Patient?bogus=1", "", nil},
		{200, "GET", "/Patient?bogus=1", "", []string{"Prefer: handling=lenient"}},
		{400, "GET", "/Patient?name=%zz", "", nil},
		{400, "GET", "/Patient?_page=x", "", nil},
		{400, "PUT", "/Patient/ann", patient("bob", "Brown"), nil},
		{400, "PUT", "/Patient/ann", fresh(patient("ann", "Adams")), nil},
		{400, "PUT", "/Observation/ann", patient("ann", "Adams"), nil},
		{400, "POST", "/Observation", patient("ann", "Adams"), nil},
		{400, "POST", "/Patient", `{"resourceType":"Patient","bogus":1}`, nil},
		{400, "POST", "/Patient", `{"resourceType":`, nil},
		{400, "PUT", "/Patient/ann?x=1", patient("ann", "Adams"), nil},
		{415, "POST", "/Patient", patient("x", "X"), []string{"Content-Type: text/turtle"}},
		{415, "POST", "/Patient", "<Patient/>", []string{"Content-Type: application/fhir+xml; charset=utf-16"}},
		{400, "POST", "/Patient", patient("x", "X"), []string{"Content-Type: application/fhir+xml"}},
		{415, "POST", "/Patient", patient("x", "X"), []string{"Content-Encoding: gzip"}},
		{413, "POST", "/Patient", strings.Repeat(" ", 2<<20), nil},
		{401, "GET", "/Patient/ann", "", []string{as("nobody")}},
		{401, "GET", "/Nothing", "", []string{as("nobody")}},
		{200, "GET", "/metadata", "", []string{as("nobody")}},
		{403, "POST", "/Patient", patient("x", "X"), []string{as("reader")}},
		{403, "DELETE", "/Patient?identifier=urn:mrn|none", "", []string{as("reader")}},
		{403, "GET", "/Observation", "", []string{as("writer")}},
		{403, "POST", "/Observation", fresh(result("x", "Patient/ann", "1")), []string{as("writer"), "If-None-Exist: code=2823-3"}},
		{404, "GET", "/Patient/bob", "", []string{as("nurse")}},
		{404, "GET", "/Patient/nobody", "", []string{as("nurse")}},
		{404, "PUT", "/Observation/chosen", result("chosen", "Patient/bob", "1"), []string{as("nurse")}},
	} {
		w := r.do(c.want, c.method, c.path, c.body, c.headers...)
		if c.want >= 400 && c.method != "HEAD" && !strings.Contains(w.Body.String(), `"resourceType":"OperationOutcome"`) {
			t.Errorf("%s %s: no OperationOutcome: %s", c.method, c.path, w.Body)
		}
	}
}

func TestNegotiation(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	const json, xml = "application/fhir+json", "application/fhir+xml"
	answered := func(at, accept, want string) {
		t.Helper()
		status := 200
		if want == "" {
			status, want = 406, json
		}
		w := r.do(status, "GET", at, "", "Accept: "+accept)
		if got := w.Header().Get("Content-Type"); got != want+"; charset=utf-8" || !slices.Contains(w.Header().Values("Vary"), "Accept") {
			t.Errorf("%s, %q: answered in %s", at, accept, got)
		}
		if strings.HasPrefix(w.Body.String(), "<?xml") != strings.HasSuffix(want, "xml") {
			t.Errorf("%s, %q: %s", at, accept, w.Body)
		}
	}
	for accept, want := range map[string]string{
		"": json, "*/*": json, "application/*": json, "text/*": "text/json", json: json, xml: xml,
		"application/json": "application/json", "text/xml": "text/xml", "application/xml": "application/xml",
		json + ";fhirVersion=4.0": json, xml + "; fhirVersion=4.0.1": xml, xml + ";charset=utf-8": xml,
		"text/html, */*;q=0.8": json, xml + ", " + json + ";q=0.5": xml, xml + ";q=0.5, " + json: json,
		xml + ", " + json: json, xml + ", */*": xml, "*/*, " + xml: xml, json + ";q=0.1, */*": "application/json",
		json + ";q=0, application/json;q=0, text/json;q=0, */*":           xml,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": "application/xml",
		json + ";q=0": "", json + ";q=0.0": "", json + ";q=-1": "", json + ";q=NaN": "", xml + ";q=nonsense": "",
		json + ";fhirVersion=5.0": "", xml + ";fhirVersion=3.0": "", "text/turtle": "", "nonsense": "",
	} {
		answered("/Patient/ann", accept, want)
	}
	for format, want := range map[string]string{
		"json": json, "application/fhir%2Bjson": json, "application/fhir+json": json, "text/json": json, "application/json": json,
		"xml": xml, "application/fhir%2Bxml": xml, "application/fhir+xml": xml, "text/xml": xml, "application/xml": xml,
		"ttl": "", "html": "", "application/fhir+xml;fhirVersion=5.0": "",
	} {
		answered("/Patient/ann?_format="+format, "text/turtle", want)
	}
}

// TestOwnNumbers: a client's number of its request comes back to it.
func TestOwnNumbers(t *testing.T) {
	r := newRig(t)
	for id, want := range map[string]string{"abc-1": "abc-1", "": "", "a b": "", "<script>": "", strings.Repeat("a", 65): ""} {
		w := r.do(200, "GET", "/Patient", "", "X-Request-Id: "+id)
		if got := w.Header().Get("X-Correlation-Id"); got != want || w.Header().Get("X-Request-Id") == "" || w.Header().Get("X-Request-Id") == id {
			t.Errorf("%q: %v", id, w.Header())
		}
	}
}

func TestMethodsNotTaken(t *testing.T) {
	r := newRig(t)
	for path, c := range map[string]struct{ method, allow string }{
		"/Patient/ann":            {"POST", "DELETE, GET, HEAD, PATCH, PUT"},
		"/Patient/_search":        {"GET", "POST"},
		"/Patient/ann/_history":   {"DELETE", "GET, HEAD"},
		"/Patient/ann/_history/1": {"PUT", "GET, HEAD"},
		"":                        {"PUT", "GET, HEAD, POST"},
	} {
		w := r.call(c.method, path, "")
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q, want %q", c.method, path, w.Code, w.Header().Get("Allow"), c.allow)
		}
	}
}

func TestVersionHeaders(t *testing.T) {
	r := newRig(t)
	w := r.do(201, "POST", "/Patient", fresh(patient("x", "Adams")))
	location := w.Header().Get("Location")
	path, ok := strings.CutPrefix(location, base)
	path, version, _ := strings.Cut(path, "/_history/")
	if !ok || version != "1" || w.Header().Get("ETag") != `W/"1"` || w.Header().Get("Last-Modified") != "Sun, 22 Nov 2026 12:00:00 GMT" {
		t.Errorf("created: %v", w.Header())
	}
	id := strings.TrimPrefix(path, "/Patient/")
	r.clock.Advance(time.Minute)
	w = r.do(200, "PUT", path, patient(id, "Brown"), `If-Match: W/"1"`)
	if w.Header().Get("ETag") != `W/"2"` || w.Header().Get("Location") != "" {
		t.Errorf("updated: %v", w.Header())
	}
	r.do(412, "PUT", path, patient(id, "Clark"), `If-Match: W/"1"`)
	r.do(412, "DELETE", path, "", `If-Match: W/"1"`)
	r.do(412, "PUT", path, patient(id, "Clark"), "If-None-Match: *")
	r.do(400, "PUT", path, patient(id, "Clark"), `If-None-Match: W/"2"`)
	r.do(400, "PUT", path, patient(id, "Clark"), "If-Match: 2")
	r.do(404, "PUT", "/Patient/none", patient("none", "N"), "If-Match: *")
	r.do(412, "PUT", "/Patient/none", patient("none", "N"), `If-Match: W/"1"`)
	r.do(201, "PUT", "/Patient/some", patient("some", "N"), "If-None-Match: *")
	for header, want := range map[string]int{
		`If-None-Match: W/"2"`: 304, `If-None-Match: "2"`: 304, `If-None-Match: W/"1"`: 200, `If-None-Match: W/"1", W/"2"`: 304,
		"If-Modified-Since: Sun, 22 Nov 2026 12:01:00 GMT": 304, "If-Modified-Since: Sun, 22 Nov 2026 12:00:59 GMT": 200, "If-Modified-Since: x": 200,
	} {
		w := r.do(want, "GET", path, "", header)
		if w.Header().Get("ETag") != `W/"2"` || want == 304 && w.Body.Len() != 0 {
			t.Errorf("%s: %v %s", header, w.Header(), w.Body)
		}
	}
	w = r.do(204, "DELETE", path, "", `If-Match: W/"2"`)
	if w.Header().Get("ETag") != `W/"3"` {
		t.Errorf("deleted: %v", w.Header())
	}
	w = r.do(201, "PUT", path, patient(id, "Back"))
	if w.Header().Get("ETag") != `W/"4"` || w.Header().Get("Location") == "" {
		t.Errorf("brought back: %v", w.Header())
	}
}

func TestPrefer(t *testing.T) {
	r := newRig(t)
	for prefer, want := range map[string]string{
		"": `"resourceType":"Patient"`, "return=representation": `"resourceType":"Patient"`, "return=minimal": "",
		"return=OperationOutcome": `"resourceType":"OperationOutcome"`, `respond-async, return="minimal"`: "", "return=bogus": `"resourceType":"Patient"`,
	} {
		w := r.do(201, "POST", "/Patient", fresh(patient("x", "X")), "Prefer: "+prefer)
		if got := w.Body.String(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %s", prefer, got)
		}
		if w.Header().Get("Location") == "" {
			t.Errorf("%s: no Location", prefer)
		}
	}
}

// TestPreferOfEntries: what Prefer says of changes does not take away what was read.
func TestPreferOfEntries(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	for _, kind := range []string{"batch", "transaction"} {
		for prefer, want := range map[string][2]bool{"minimal": {false, false}, "representation": {true, false}, "OperationOutcome": {false, true}} {
			b := r.bundle(r.do(200, "POST", "", entries(kind,
				entry("POST", "Patient", "", fresh(patient("x", "X")), ""), entry("GET", "Patient/ann", "", "", ""), entry("DELETE", "Observation?code=x", "", "", ""),
			), "Prefer: return="+prefer))
			if got := [2]bool{b.Entry[0].Resource.ID != "", b.Entry[0].Response.Outcome != nil}; got != want || b.Entry[1].Resource.ID != "ann" {
				t.Errorf("%s, %s: %+v", kind, prefer, b)
			}
			if b.Entry[0].Response.Location == "" || b.Entry[0].Response.Status != "201 Created" {
				t.Errorf("%s, %s: %+v", kind, prefer, b.Entry[0])
			}
		}
	}
}

// TestPreferOfOperations: what an operation returns is no representation of a
// change, and a batch tells of findings like the request alone.
func TestPreferOfOperations(t *testing.T) {
	r := newRigThat(t, chart.Validation{Mode: chart.ValidateWarn})
	unchecked := `{"resourceType":"Patient","meta":{"profile":["http://example.org/not-loaded"]}}`
	for _, prefer := range []string{"minimal", "OperationOutcome"} {
		b := r.bundle(r.do(200, "POST", "", entries("batch",
			entry("POST", "Patient/$validate", "", fresh(patient("x", "X")), ""), entry("POST", "Patient", "", unchecked, ""),
		), "Prefer: return="+prefer))
		if b.Entry[0].Resource.ResourceType != "OperationOutcome" || b.Entry[1].Resource.ID != "" {
			t.Errorf("%s: %+v", prefer, b)
		}
		if told := strings.Contains(string(b.Entry[1].Response.Outcome), "not loaded"); told != (prefer == "OperationOutcome") {
			t.Errorf("%s: findings %s", prefer, b.Entry[1].Response.Outcome)
		}
	}
}

func TestConditions(t *testing.T) {
	r := newRig(t)
	mrn := "identifier=urn:mrn|M-ann"
	first := r.do(201, "POST", "/Patient", fresh(patient("ann", "Adams")), "If-None-Exist: "+mrn)
	again := r.do(200, "POST", "/Patient", fresh(patient("ann", "Other")), "If-None-Exist: "+mrn)
	if again.Header().Get("Location") != first.Header().Get("Location") || strings.Contains(again.Body.String(), "Other") {
		t.Errorf("created again: %v", again.Header())
	}
	r.do(400, "POST", "/Patient", fresh(patient("ann", "Adams")), "If-None-Exist: bogus=1")
	r.do(400, "POST", "/Patient", fresh(patient("ann", "Adams")), "If-None-Exist: _count=1")
	r.do(200, "PUT", "/Patient?"+mrn, fresh(patient("ann", "Brown")))
	r.do(400, "PUT", "/Patient?"+mrn, patient("another", "Brown"))
	r.do(400, "PUT", "/Patient?", patient("another", "Brown"))
	r.do(201, "PUT", "/Patient?identifier=urn:mrn|M-new", fresh(patient("new", "New")))
	r.do(201, "PUT", "/Patient?identifier=urn:mrn|M-own", patient("own", "Own"))
	r.do(409, "PUT", "/Patient?identifier=urn:mrn|M-other", patient("own", "Other"))
	r.do(200, "GET", "/Patient/own", "")
	r.do(201, "POST", "/Patient", fresh(patient("ann", "Twin")))
	r.do(412, "POST", "/Patient", fresh(patient("ann", "Adams")), "If-None-Exist: "+mrn)
	r.do(412, "PUT", "/Patient?"+mrn, fresh(patient("ann", "Adams")))
	r.do(412, "DELETE", "/Patient?"+mrn, "")
	r.do(412, "DELETE", "/Patient?identifier=urn:mrn|M-new", "", `If-Match: W/"7"`)
	r.do(204, "DELETE", "/Patient?identifier=urn:mrn|M-new", "")
	r.do(204, "DELETE", "/Patient?identifier=urn:mrn|M-new", "")
	r.do(400, "DELETE", "/Patient", "")
	// If-Match: * asks that there be a record: one that was deleted is none.
	r.do(201, "PUT", "/Patient/gone", patient("gone", "Gone"))
	r.do(204, "DELETE", "/Patient/gone", "", "If-Match: *")
	r.do(412, "PUT", "/Patient/gone", patient("gone", "Back"), "If-Match: *")
	r.do(201, "PUT", "/Patient/gone", patient("gone", "Back"), "If-None-Match: *")
	// What names this server by its address is found by it.
	r.do(201, "PUT", "/Observation/one", result("one", base+"/Patient/own", "1"))
	r.do(200, "POST", "/Observation", fresh(result("one", "Patient/own", "1")), "If-None-Exist: subject="+base+"/Patient/own")
}

func TestSearchBundles(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	for _, id := range []string{"a", "b", "c"} {
		r.do(201, "PUT", "/Observation/"+id, result(id, "Patient/ann", "1"))
	}
	b := r.bundle(r.do(200, "GET", "/Observation?_count=2&subject=Patient/ann&_include=Observation:subject&_total=accurate", ""))
	if b.Type != "searchset" || b.Total == nil || *b.Total != 3 || len(b.Entry) != 3 || b.Entry[2].Search.Mode != "include" ||
		b.Entry[0].FullURL != base+"/Observation/a" || b.link("self") == "" {
		t.Errorf("%+v", b)
	}
	next := b.link("next")
	b = r.bundle(r.do(200, "GET", next, ""))
	if len(b.Entry) != 2 || b.link("next") != "" {
		t.Errorf("second page: %+v", b)
	}
	r.do(400, "GET", next, "", as("reader"))
	r.do(400, "GET", next+"&subject=Patient/ann", "")
	r.do(400, "GET", strings.Replace(next, "?", "/Patient?", 1), "")
	r.do(200, "GET", strings.Replace(next, "?", "/Observation?", 1), "")
	r.clock.Advance(time.Hour)
	r.do(400, "GET", next, "")
	b = r.bundle(r.do(200, "GET", "/Observation?_summary=count", ""))
	if *b.Total != 3 || len(b.Entry) != 0 {
		t.Errorf("count: %+v", b)
	}
	w := r.do(200, "POST", "/Observation/_search?_count=1", "subject=Patient%2Fann", "Content-Type: application/x-www-form-urlencoded")
	if b = r.bundle(w); len(b.Entry) != 1 {
		t.Errorf("by form: %+v", b)
	}
	if next := b.link("next"); next == "" || strings.Contains(next, "ann") || len(r.bundle(r.do(200, "GET", next, "")).Entry) != 1 {
		t.Errorf("the next page of a form: %s", next)
	}
	r.do(415, "POST", "/Observation/_search", "{}")
	// A search as long as a form may be goes on by a link that is short.
	long := "_count=1&_id=a,b" + strings.Repeat(",no-such-id", 300)
	w = r.do(200, "POST", "/Observation/_search", long, "Content-Type: application/x-www-form-urlencoded")
	next = r.bundle(w).link("next")
	if b := r.bundle(r.do(200, "GET", next, "")); len(next) > 100 || len(b.Entry) != 1 || b.Entry[0].Resource.ID != "b" {
		t.Errorf("a long search: %s %+v", next, b)
	}
	r.do(400, "GET", next, "", as("reader"))
}

func TestSearchesOfManyTypes(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	r.do(201, "PUT", "/Patient/bob", patient("bob", "Brown"))
	for _, who := range []string{"ann", "bob"} {
		r.do(201, "PUT", "/Observation/k-"+who, result("k-"+who, "Patient/"+who, "4"))
	}
	form := "Content-Type: application/x-www-form-urlencoded"
	for _, c := range []struct{ method, path, body, want string }{
		{"GET", "?_type=Patient,Observation&_count=1", "", "ann bob k-ann k-bob"},
		{"POST", "/_search", "_type=Observation&_id=k-bob,ann", "k-bob"},
		{"GET", "/Patient/ann/Observation?_count=1", "", "k-ann"},
		{"GET", "/Patient/ann/Observation?code=2823-3", "", "k-ann"},
		{"GET", "/Patient/ann/*?_count=1", "", "ann k-ann"},
		{"POST", "/Patient/bob/Observation/_search", "code=2823-3", "k-bob"},
		{"GET", "/Patient/nobody/Observation", "", ""},
	} {
		var got []string
		headers := []string{form}
		for path, method, body := c.path, c.method, c.body; ; method, body = "GET", "" {
			b := r.bundle(r.do(200, method, path, body, headers...))
			for _, e := range b.Entry {
				got = append(got, e.Resource.ID)
			}
			if path = b.link("next"); path == "" {
				break
			}
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s %s %s: %s, not %s", c.method, c.path, c.body, text, c.want)
		}
	}
	r.do(404, "GET", "/Patient/ann/Nothing", "")
	r.do(404, "GET", "/Observation/k-ann/Patient", "")
	r.do(400, "GET", "?_type=Nothing", "")
	r.do(400, "GET", "?bogus=1", "")
}

func TestHistoryLinks(t *testing.T) {
	r := newRig(t)
	for i := range 5 {
		r.call("PUT", "/Patient/ann", patient("ann", "V"+string(rune('0'+i))))
		r.clock.Advance(time.Minute)
	}
	path, seen := "/Patient/ann/_history?_count=2&_since=2026-11-22T12:01:00Z", ""
	for range 10 {
		b := r.bundle(r.do(200, "GET", path, ""))
		for _, e := range b.Entry {
			seen += e.Resource.Meta.VersionID
		}
		if b.Type != "history" || len(b.Entry) > 2 {
			t.Errorf("%+v", b)
		}
		if path = b.link("next"); path == "" {
			break
		}
	}
	if seen != "5432" {
		t.Errorf("versions %s since the second", seen)
	}
	r.do(400, "GET", "/Patient/ann/_history?_count=0", "")
	r.do(400, "GET", "/Patient/ann/_history?_since=yesterday", "")
}
