package fhirhttp_test

import (
	"encoding/base64"
	"strings"
	"testing"
)

const (
	asJSONPatch  = "Content-Type: application/json-patch+json"
	asMergePatch = "Content-Type: application/merge-patch+json"
)

// wrappedPatch is a JSON Patch as an entry of a bundle carries it.
func wrappedPatch(text string) string {
	return `{"resourceType":"Binary","contentType":"application/json-patch+json","data":"` + base64.StdEncoding.EncodeToString([]byte(text)) + `"}`
}

// replaces is a FHIRPath Patch that sets the gender.
func replaces(gender string) string {
	return `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.gender"},{"name":"value","valueCode":"` + gender + `"}]}]}`
}

func gender(value string) string { return `[{"op":"add","path":"/gender","value":"` + value + `"}]` }

func TestPatch(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	for _, c := range []struct {
		want            int
		path, body, has string
		headers         []string
	}{
		{200, "/Patient/ann", gender("female"), `"gender":"female"`, []string{asJSONPatch}},
		{200, "/Patient/ann", `{"gender":"male","birthDate":"1990-01-02"}`, `"gender":"male"`, []string{asMergePatch}},
		{200, "/Patient/ann", `{"birthDate":null}`, `"gender":"male"`, []string{asMergePatch}},
		{200, "/Patient/ann", replaces("other"), `"gender":"other"`, nil},
		{200, "/Patient/ann", gender("unknown"), `"versionId":"6"`, []string{asJSONPatch, `If-Match: W/"5"`}},
		{412, "/Patient/ann", gender("male"), "", []string{asJSONPatch, `If-Match: W/"5"`}},
		{200, "/Patient?identifier=urn:mrn|M-ann", gender("female"), `"gender":"female"`, []string{asJSONPatch}},
		{404, "/Patient?identifier=urn:mrn|nobody", gender("female"), "", []string{asJSONPatch}},
		{400, "/Patient", gender("female"), "", []string{asJSONPatch}},
		{404, "/Patient/nobody", gender("female"), "", []string{asJSONPatch}},
		{415, "/Patient/ann", "<diff/>", "", []string{"Content-Type: application/xml-patch+xml"}},
		{400, "/Patient/ann", patient("ann", "Adams"), "", nil},
		{422, "/Patient/ann", `[{"op":"replace","path":"/id","value":"bob"}]`, "", []string{asJSONPatch}},
		{403, "/Patient/ann", gender("male"), "", []string{asJSONPatch, as("reader")}},
		{403, "/Patient/ann", gender("male"), "", []string{asJSONPatch, as("writer")}},
		{400, "/Patient/ann?x=1", gender("male"), "", []string{asJSONPatch}},
	} {
		w := r.do(c.want, "PATCH", c.path, c.body, c.headers...)
		if !strings.Contains(w.Body.String(), c.has) || c.want < 300 && w.Header().Get("ETag") == "" {
			t.Errorf("%s %s: %s", c.path, c.body, w.Body)
		}
	}
	if w := r.do(200, "GET", "/Patient/ann", ""); !strings.Contains(w.Body.String(), `"versionId":"7"`) || strings.Contains(w.Body.String(), "birthDate") {
		t.Errorf("in the end: %s", w.Body)
	}
	for body, header := range map[string]string{
		`[{"op":"test","path":"/gender","value":"male"}]`: asJSONPatch, `[{"op":"add","path":"/gender","value":"nonsense"}]`: asJSONPatch,
		`[{"op":"remove","path":"/none"}]`: asJSONPatch, `{`: asJSONPatch, `{"bogus":1}`: asMergePatch,
	} {
		if w := r.call("PATCH", "/Patient/ann", body, header); w.Code != 400 && w.Code != 422 {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	r.do(204, "DELETE", "/Patient/ann", "")
	r.do(410, "PATCH", "/Patient/ann", gender("male"), asJSONPatch)
}

// TestPatchIsDecidedOn: on the state before and on the state after, and with its
// label kept.
func TestPatchIsDecidedOn(t *testing.T) {
	r := world(t, "", true)
	move := func(to string) string {
		return `[{"op":"replace","path":"/subject/reference","value":"Patient/` + to + `"}]`
	}
	nurse := as("nurse")
	r.do(200, "PATCH", "/Observation/k-ann", `[{"op":"replace","path":"/valueQuantity/value","value":5.50}]`, asJSONPatch, nurse)
	r.do(404, "PATCH", "/Observation/k-bob", move("ann"), asJSONPatch, nurse)
	r.do(403, "PATCH", "/Observation/k-ann", move("bob"), asJSONPatch, nurse)
	r.do(404, "PATCH", "/Observation?code=2823-3&subject=Patient/bob", move("ann"), asJSONPatch, nurse)
	if w := r.do(200, "GET", "/Observation/k-ann", "", nurse); !strings.Contains(w.Body.String(), "5.50") {
		t.Errorf("%s", w.Body)
	}
	r.do(404, "PATCH", "/Observation/k-bob", `[{"op":"test","path":"/valueQuantity/value","value":7}]`, asJSONPatch, nurse)
}

func TestPatchesInBundles(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	for _, kind := range []string{"batch", "transaction"} {
		b := r.bundle(r.do(200, "POST", "", entries(kind, entry("PATCH", "Patient/ann", "", wrappedPatch(gender("female")), ""))))
		if b.Entry[0].Response.Status != "200 OK" {
			t.Errorf("%s: %+v", kind, b)
		}
		b = r.bundle(r.do(200, "POST", "", entries(kind, entry("PATCH", "Patient?identifier=urn:mrn|M-ann", "", replaces("male"), ""))))
		if b.Entry[0].Response.Status != "200 OK" {
			t.Errorf("%s by FHIRPath: %+v", kind, b)
		}
	}
	urn := "urn:uuid:b3b8f7c0-5a0c-4b0e-9c3d-0d6f2a1e7a11"
	b := r.bundle(r.do(200, "POST", "", entries("transaction",
		entry("PATCH", "Patient/ann", "", wrappedPatch(`[{"op":"add","path":"/managingOrganization","value":{"reference":"`+urn+`"}}]`), `,"ifMatch":"W/\"5\""`),
		entry("POST", "Organization", urn, `{"resourceType":"Organization","name":"Ward"}`, ""),
	)))
	if w := r.do(200, "GET", "/Patient/ann", ""); !strings.Contains(w.Body.String(), `"reference":"Organization/`+b.Entry[1].Resource.ID+`"`) {
		t.Errorf("a reference in a patch: %s", w.Body)
	}
	for want, e := range map[int]string{
		412: entry("PATCH", "Patient/ann", "", wrappedPatch(gender("other")), `,"ifMatch":"W/\"1\""`),
		404: entry("PATCH", "Patient/nobody", "", wrappedPatch(gender("other")), ""),
		400: entry("PATCH", "Patient/ann", "", patient("ann", "A"), ""),
	} {
		r.do(want, "POST", "", entries("transaction", entry("POST", "Patient", "", fresh(patient("x", "X")), ""), e))
	}
	if b := r.bundle(r.do(200, "GET", "/Patient?_summary=count", "")); *b.Total != 1 {
		t.Error("a refused transaction left something")
	}
}

// TestPatchTellsNoVersion: who may change a record and not read it does not learn
// its version by trying.
func TestPatchTellsNoVersion(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Observation/k", result("k", "Patient/ann", "4.1"))
	for _, version := range []string{"1", "7"} {
		r.do(403, "PATCH", "/Observation/k", `[]`, "Content-Type: application/json-patch+json", `If-Match: W/"`+version+`"`, as("writer"))
	}
}
