package fhirhttp_test

import (
	"slices"
	"strings"
	"testing"
)

// entries makes a Bundle of "METHOD url" entries with what follows each.
func entries(kind string, list ...string) string {
	return `{"resourceType":"Bundle","type":"` + kind + `","entry":[` + strings.Join(list, ",") + `]}`
}

// entry is one of them; more is further members of request.
func entry(method, url, fullURL, resource, more string) string {
	e := `{"request":{"method":"` + method + `","url":"` + url + `"` + more + `}`
	if fullURL != "" {
		e += `,"fullUrl":"` + fullURL + `"`
	}
	if resource != "" {
		e += `,"resource":` + resource
	}
	return e + "}"
}

func TestTransactionReferences(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/old", patient("old", "Old"))
	urn := "urn:uuid:b3b8f7c0-5a0c-4b0e-9c3d-0d6f2a1e7a11"
	other := "http://elsewhere.example.org/fhir"
	b := r.bundle(r.do(200, "POST", "", entries("transaction",
		entry("POST", "Observation", "", fresh(result("a", urn, "1")), ""),
		entry("POST", "Observation", "", fresh(result("b", "Patient/far", "1")), ""),
		entry("POST", "Observation", "", fresh(result("c", other+"/Patient/far", "1")), ""),
		entry("POST", "Observation", "", fresh(result("d", "Patient?identifier=urn:mrn|M-old", "1")), ""),
		entry("POST", "Observation", "", fresh(result("e", base+"/Patient/old", "1")), ""),
		entry("POST", "Observation", "", fresh(result("f", other+"/Patient/unknown", "1")), ""),
		entry("POST", "Patient", urn, fresh(patient("new", "New")), ""),
		entry("POST", "Patient", other+"/Patient/far", fresh(patient("far", "Far")), ""),
		entry("GET", "Patient/old", "", "", ""),
	)))
	if b.Type != "transaction-response" || len(b.Entry) != 9 {
		t.Fatalf("%+v", b)
	}
	created, far := "Patient/"+b.Entry[6].Resource.ID, "Patient/"+b.Entry[7].Resource.ID
	for i, want := range []string{created, far, far, "Patient/old", "Patient/old", other + "/Patient/unknown"} {
		if got := b.Entry[i].Resource.Subject.Reference; got != want {
			t.Errorf("entry %d refers to %s, not %s", i, got, want)
		}
		if e := b.Entry[i].Response; e.Status != "201 Created" || e.Etag != `W/"1"` || !strings.HasSuffix(e.Location, "/_history/1") {
			t.Errorf("entry %d: %+v", i, e)
		}
	}
	if b.Entry[8].Response.Status != "200 OK" || b.Entry[8].Resource.ID != "old" {
		t.Errorf("the read: %+v", b.Entry[8])
	}
}

// TestLinksInBundles: links that are no references follow the records too.
func TestLinksInBundles(t *testing.T) {
	r := newRig(t)
	urn, full := "urn:uuid:b3b8f7c0-5a0c-4b0e-9c3d-0d6f2a1e7a11", "http://elsewhere.example.org/fhir/Binary/far"
	doc := `{"resourceType":"DocumentReference","status":"current","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"` + urn + `\">she</a> <img src='` + full + `' alt='x'/></div>"},` +
		`"subject":{"reference":"` + urn + `"},"content":[{"attachment":{"url":"` + full + `","title":"` + full + `"}},{"attachment":{"url":"http://elsewhere.example.org/fhir/Binary/other"}}]}`
	w := r.do(200, "POST", "", entries("transaction",
		entry("POST", "DocumentReference", "", doc, ""),
		entry("POST", "Patient", urn, fresh(patient("x", "X")), ""),
		entry("POST", "Binary", full, `{"resourceType":"Binary","contentType":"text/plain"}`, ""),
	))
	b := r.bundle(w)
	text := w.Body.String()
	for _, want := range []string{
		`<a href=\"Patient/` + b.Entry[1].Resource.ID + `\">`, `<img src='Binary/` + b.Entry[2].Resource.ID + `' alt`,
		`"url":"Binary/` + b.Entry[2].Resource.ID + `","title":"` + full + `"`, `"url":"http://elsewhere.example.org/fhir/Binary/other"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// TestReferencesToVersions: those to a version stay such, and those that ask for
// it become such (FHIR R4 3.1.0.11.2).
func TestReferencesToVersions(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/old", patient("old", "Old"))
	r.do(201, "PUT", "/Patient/apart", patient("apart", "Apart"))
	urn, full := "urn:uuid:b3b8f7c0-5a0c-4b0e-9c3d-0d6f2a1e7a11", "http://elsewhere.example.org/fhir/Patient/far"
	asks := func(ref string) string {
		return strings.Replace(fresh(result("x", ref, "1.10")), `"subject":{`, `"subject":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/resolve-as-version-specific","valueBoolean":true}],`, 1)
	}
	w := r.do(200, "POST", "", entries("transaction",
		entry("POST", "Observation", "", fresh(result("a", full+"/_history/7", "1")), ""),
		entry("POST", "Observation", "", fresh(result("b", urn+"#part", "1")), ""),
		entry("POST", "Observation", "", asks(urn), ""),
		entry("POST", "Observation", "", asks("Patient/old"), ""),
		entry("POST", "Observation", "", asks("Patient/apart"), ""),
		entry("POST", "Observation", "", fresh(result("c", "Patient/apart/_history/1", "1")), ""),
		entry("POST", "Patient", full, fresh(patient("far", "Far")), ""),
		entry("POST", "Patient", urn, fresh(patient("new", "New")), ""),
		entry("PUT", "Patient/old", "", patient("old", "Older"), ""),
	))
	b := r.bundle(w)
	far, created := "Patient/"+b.Entry[6].Resource.ID, "Patient/"+b.Entry[7].Resource.ID
	for i, want := range []string{far + "/_history/1", created + "#part", created + "/_history/1", "Patient/old/_history/2", "Patient/apart", "Patient/apart/_history/1"} {
		if got := b.Entry[i].Resource.Subject.Reference; got != want {
			t.Errorf("entry %d refers to %s, not %s", i, got, want)
		}
	}
	if text := w.Body.String(); strings.Contains(text, "resolve-as-version-specific") || !strings.Contains(text, "1.10") {
		t.Errorf("%s", text)
	}
}

func TestTransactionsAreWhole(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Location/east", `{"resourceType":"Location","id":"east"}`)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	r.do(201, "PUT", "/Patient/bob", patient("bob", "Brown"))
	r.do(201, "PUT", "/Encounter/stay", `{"resourceType":"Encounter","id":"stay","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/ann"},"location":[{"location":{"reference":"Location/east"}}]}`)
	r.do(201, "PUT", "/Observation/hidden", result("hidden", "Patient/bob", "1"))
	mine, foreign := entry("POST", "Observation", "", fresh(result("a", "Patient/ann", "1")), ""), fresh(result("b", "Patient/bob", "1"))
	for name, c := range map[string]struct {
		want int
		who  string
		last string
	}{
		"one denial":              {403, "nurse", entry("POST", "Observation", "", foreign, "")},
		"one type denied":         {403, "nurse", entry("POST", "MedicationRequest", "", `{"resourceType":"MedicationRequest","status":"active","intent":"order","medicationCodeableConcept":{"text":"x"},"subject":{"reference":"Patient/ann"}}`, "")},
		"one hidden":              {404, "nurse", entry("PUT", "Observation/hidden", "", result("hidden", "Patient/ann", "2"), "")},
		"one unknown":             {404, "program", entry("DELETE", "Patient/nobody", "", "", "")},
		"one stale":               {412, "program", entry("PUT", "Patient/ann", "", patient("ann", "A"), `,"ifMatch":"W/\"9\""`)},
		"one unresolved":          {412, "program", entry("POST", "Observation", "", fresh(result("c", "Patient?identifier=urn:mrn|nobody", "1")), "")},
		"one ambiguous":           {412, "program", entry("DELETE", "Patient?name:contains=a,b", "", "", "")},
		"one of another type":     {400, "program", entry("POST", "Patient", "", fresh(result("c", "Patient/ann", "1")), "")},
		"one with a bad address":  {400, "program", entry("PUT", "Patient/a/b/c", "", patient("ann", "A"), "")},
		"one patch":               {400, "program", entry("PATCH", "Patient/ann", "", patient("ann", "A"), "")},
		"one under another's id":  {400, "program", entry("PUT", "Patient/bob", "", patient("ann", "A"), "")},
		"one without a resource":  {400, "program", entry("POST", "Patient", "", "", "")},
		"one creation with an id": {400, "program", entry("POST", "Patient/x", "", patient("x", "A"), "")},
	} {
		w := r.do(c.want, "POST", "", entries("transaction", mine, c.last), as(c.who))
		if !strings.Contains(w.Body.String(), "OperationOutcome") || !strings.Contains(w.Body.String(), "Bundle.entry[1]") {
			t.Errorf("%s: %s", name, w.Body)
		}
		if b := r.bundle(r.do(200, "GET", "/Observation?_summary=count", "")); *b.Total != 1 {
			t.Fatalf("%s: the rest was carried out", name)
		}
	}
	b := r.bundle(r.do(200, "POST", "", entries("transaction", mine), as("nurse")))
	if b.Entry[0].Response.Status != "201 Created" {
		t.Errorf("%+v", b)
	}
}

func TestBatchesAreNot(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	b := r.bundle(r.do(200, "POST", "/", entries("batch",
		entry("GET", "Patient/ann", "", "", ""),
		entry("GET", "Patient/nobody", "", "", ""),
		entry("GET", "Patient?name=adams", "", "", ""),
		entry("PUT", "Patient/ann", "", patient("ann", "Brown"), `,"ifMatch":"W/\"7\""`),
		entry("POST", "Patient", "", fresh(patient("x", "X")), `,"ifNoneExist":"identifier=urn:mrn|M-ann"`),
		entry("PUT", "Patient/bob", "", patient("bob", "Brown"), ""),
		entry("DELETE", "Patient/bob", "", "", ""),
		entry("PATCH", "Patient/ann", "", wrappedPatch(`[{"op":"add","path":"/gender","value":"other"}]`), ""),
		entry("POST", "/", "", entries("batch", entry("GET", "Patient/ann", "", "", "")), ""),
		entry("GET", "metadata", "", "", ""),
		entry("HEAD", "Patient/ann", "", "", ""),
		entry("GET", "Patient/ann", "", "", `,"ifNoneMatch":"W/\"2\""`),
		entry("GET", "Patient/ann/_history", "", "", ""),
		entry("GET", "../Patient/ann", "", "", ""),
		entry("GET", base+"/Patient/ann", "", "", ""),
	)))
	var got []string
	for _, e := range b.Entry {
		got = append(got, e.Response.Status[:3])
		if e.Response.Status >= "4" && e.Response.Outcome == nil {
			t.Errorf("no outcome: %+v", e.Response)
		}
	}
	want := "200 404 200 412 200 201 204 200 400 200 200 304 200 404 404"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if b.Type != "batch-response" || b.Entry[10].Resource.ID != "" || b.Entry[0].Resource.ID != "ann" {
		t.Errorf("%+v", b)
	}
	for _, kind := range []string{"collection", "document", "searchset"} {
		r.do(400, "POST", "", entries(kind))
	}
	r.do(400, "POST", "", patient("ann", "A"))
}

// TestABatchHasAnEnd: a batch must not carry away the store, entry by entry.
func TestABatchHasAnEnd(t *testing.T) {
	r := newRig(t)
	big := strings.Replace(patient("big", "Big"), `"name"`, `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">`+strings.Repeat("x", 900_000)+`</div>"},"name"`, 1)
	r.do(201, "PUT", "/Patient/big", big)
	var list []string
	for range 100 {
		list = append(list, entry("GET", "Patient/big", "", "", ""))
	}
	w := r.do(200, "POST", "", entries("batch", list...))
	b := r.bundle(w)
	if len(b.Entry) != 100 || w.Body.Len() > 80<<20 || !strings.HasPrefix(b.Entry[99].Response.Status, "403") || !strings.HasPrefix(b.Entry[0].Response.Status, "200") {
		t.Errorf("%d bytes; the last entry: %s", w.Body.Len(), b.Entry[99].Response.Status)
	}
}

// TestBundlesAreBounded in their entries, before the first is looked at.
func TestBundlesAreBounded(t *testing.T) {
	r := newRig(t)
	post := entry("POST", "Basic", "", `{"resourceType":"Basic","code":{"text":"x"}}`, "")
	for n, want := range map[int]int{10: 200, 5001: 413} {
		for _, kind := range []string{"batch", "transaction"} {
			r.do(want, "POST", "", entries(kind, slices.Repeat([]string{post}, n)...))
		}
	}
	if b := r.bundle(r.do(200, "GET", "/Basic?_summary=count", "")); *b.Total != 20 {
		t.Errorf("%d of the entries were carried out", *b.Total)
	}
}
