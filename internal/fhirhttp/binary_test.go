package fhirhttp_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

func TestBinary(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	content := "%PDF-1.7\x00\xff\xfe"
	w := r.do(201, "POST", "/Binary", content, "Content-Type: application/pdf", "X-Security-Context: Patient/ann")
	path, _, _ := strings.Cut(strings.TrimPrefix(w.Header().Get("Location"), base), "/_history/")
	if !strings.Contains(w.Body.String(), `"resourceType":"Binary"`) {
		t.Errorf("created: %s", w.Body)
	}
	for accept, wrapped := range map[string]bool{
		"": false, "*/*": false, "application/pdf": false, "application/json": false, "text/html,*/*;q=0.8": false,
		"application/fhir+json": true, "application/fhir+json, */*": true, "application/fhir+json;q=0, */*": false,
	} {
		for _, at := range []string{path, path + "/_history/1"} {
			w := r.do(200, "GET", at, "", "Accept: "+accept)
			h := w.Header()
			if raw := w.Body.String() == content; raw == wrapped || raw != (h.Get("Content-Type") == "application/pdf") || h.Get("ETag") != `W/"1"` {
				t.Errorf("%s, %q: %q %v", at, accept, w.Body, h)
			}
			if !wrapped && h.Get("X-Security-Context") != "Patient/ann" {
				t.Errorf("%q: %v", accept, h)
			}
		}
	}
	r.do(200, "GET", path, "", "Accept: text/turtle")
	r.do(406, "GET", path+"?_format=ttl", "")
	r.do(200, "GET", path+"?_format=json", "")
	r.do(304, "GET", path, "", `If-None-Match: W/"1"`)
	r.do(400, "GET", path+"?_summary=true", "")
	if w := r.do(200, "HEAD", path, ""); w.Header().Get("Content-Type") != "application/pdf" {
		t.Errorf("HEAD: %v", w.Header())
	}
	r.do(200, "PUT", path, "second", "Content-Type: text/plain; charset=utf-8")
	if w := r.do(200, "GET", path, ""); w.Body.String() != "second" || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("changed: %q %v", w.Body, w.Header())
	}
	// JSON of another resource is content; a Binary's is the resource.
	r.do(201, "PUT", "/Binary/json", patient("x", "X"))
	if w := r.do(200, "GET", "/Binary/json", ""); w.Body.String() != patient("x", "X") || w.Header().Get("Content-Type") != "application/fhir+json" {
		t.Errorf("%q %v", w.Body, w.Header())
	}
	r.do(201, "PUT", "/Binary/wrapped", `{"resourceType":"Binary","id":"wrapped","contentType":"text/css","data":"YQ=="}`)
	if w := r.do(200, "GET", "/Binary/wrapped", ""); w.Body.String() != "a" {
		t.Errorf("%q", w.Body)
	}
	r.do(400, "PUT", "/Binary/wrapped", `{"resourceType":"Binary","id":"other","contentType":"text/css"}`)
	r.do(415, "POST", "/Binary", "x", "Content-Type: nonsense/")
	r.do(413, "POST", "/Binary", strings.Repeat("x", 2<<20), "Content-Type: image/png")
	b := r.bundle(r.do(200, "POST", "", entries("batch", entry("GET", "Binary/wrapped", "", "", ""))))
	if b.Entry[0].Resource.ResourceType != "Binary" {
		t.Errorf("in a batch: %+v", b)
	}
}

// TestTextSaysItsCoding: a text that was sent without its coding is given back as UTF-8 if
// it can be that, and one that says another, or cannot be, as it is.
func TestTextSaysItsCoding(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ sent, content, want string }{
		{"text/plain", "Grüße", "text/plain; charset=utf-8"}, {"application/xml", "<a/>", "application/xml; charset=utf-8"}, {"image/svg+xml", "<svg/>", "image/svg+xml; charset=utf-8"},
		{"text/plain; charset=iso-8859-1", "Gr\xfc\xdfe", "text/plain; charset=iso-8859-1"}, {"text/plain", "Gr\xfc\xdfe", "text/plain"},
		{"text/plain", "\x1b$B4A;z\x1b(B", "text/plain"}, {"application/json", "{}", "application/json"}, {"application/pdf", "%PDF-1.7", "application/pdf"},
	} {
		w := r.do(201, "POST", "/Binary", c.content, "Content-Type: "+c.sent)
		path, _, _ := strings.Cut(strings.TrimPrefix(w.Header().Get("Location"), base), "/_history/")
		if w := r.do(200, "GET", path, ""); w.Header().Get("Content-Type") != c.want || w.Body.String() != c.content {
			t.Errorf("%s: %q, %q", c.sent, w.Header().Get("Content-Type"), w.Body)
		}
	}
}

// TestBinaryCannotRun: what somebody stored does not become a page of ours.
func TestBinaryCannotRun(t *testing.T) {
	r := newRig(t)
	page := []byte("<script>alert(1)</script>")
	for _, media := range []string{"text/html", "image/svg+xml", "application/xhtml+xml", "application/javascript"} {
		w := r.do(201, "POST", "/Binary", string(page), "Content-Type: "+media)
		path, _, _ := strings.Cut(strings.TrimPrefix(w.Header().Get("Location"), base), "/_history/")
		h := r.do(200, "GET", path, "", "Accept: text/html").Header()
		if h.Get("Content-Disposition") != "attachment; filename=document" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Security-Policy") != "sandbox; default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'" {
			t.Errorf("%s: %v", media, h)
		}
	}
	w := r.do(201, "POST", "/Binary", `{"resourceType":"Binary","contentType":"text/html foo","data":"PHNjcmlwdD4="}`)
	path, _, _ := strings.Cut(strings.TrimPrefix(w.Header().Get("Location"), base), "/_history/")
	if w := r.do(200, "GET", path, ""); w.Header().Get("Content-Type") != "application/octet-stream" || !bytes.Equal(w.Body.Bytes(), []byte("<script>")) {
		t.Errorf("a type that is none: %v", w.Header())
	}
}

// TestBinaryHasTheRightsOfItsPatient: the security context says whose it is.
func TestBinaryHasTheRightsOfItsPatient(t *testing.T) {
	r := newRig(t)
	for _, put := range []string{
		`{"resourceType":"Location","id":"east"}`, patient("ann", "Adams"), patient("bob", "Brown"),
		`{"resourceType":"Encounter","id":"stay","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/ann"},"location":[{"location":{"reference":"Location/east"}}]}`,
		`{"resourceType":"Binary","id":"b-ann","contentType":"text/plain","data":"YQ==","securityContext":{"reference":"` + base + `/Patient/ann"}}`,
		`{"resourceType":"Binary","id":"b-bob","contentType":"text/plain","data":"Yg==","securityContext":{"reference":"Patient/bob"}}`,
		`{"resourceType":"Binary","id":"b-none","contentType":"text/plain","data":"Yw=="}`,
	} {
		typ, rest, _ := strings.Cut(strings.TrimPrefix(put, `{"resourceType":"`), `","id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		r.do(201, "PUT", "/"+typ+"/"+id, put)
	}
	for id, want := range map[string]int{"b-ann": 200, "b-bob": 404, "b-none": 404} {
		r.do(want, "GET", "/Binary/"+id, "", as("nurse"))
		r.do(200, "GET", "/Binary/"+id, "")
	}
	b := r.bundle(r.do(200, "GET", "/Binary?_total=accurate", "", as("nurse")))
	if *b.Total != 1 || b.Entry[0].Resource.ID != "b-ann" {
		t.Errorf("a search: %+v", b)
	}
	r.do(201, "POST", "/Binary", "x", "Content-Type: text/plain", "X-Security-Context: Patient/ann", as("nurse"))
	r.do(403, "POST", "/Binary", "x", "Content-Type: text/plain", "X-Security-Context: Patient/bob", as("nurse"))
	r.do(403, "POST", "/Binary", "x", "Content-Type: text/plain", as("nurse"))
	for _, context := range []string{"Observation/x", "https://elsewhere.example.org/fhir/Patient/ann", "Patient", "urn:uuid:b3b8f7c0-5a0c-4b0e-9c3d-0d6f2a1e7a11"} {
		w := r.do(http.StatusUnprocessableEntity, "POST", "/Binary", "x", "Content-Type: text/plain", "X-Security-Context: "+context)
		if !strings.Contains(w.Body.String(), "Binary.securityContext") {
			t.Errorf("%s: %s", context, w.Body)
		}
	}
}
