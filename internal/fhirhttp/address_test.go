package fhirhttp_test

import (
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhirhttp"
	"github.com/wardkeep/wardkeep/internal/web"
)

// TestOpaqueAddresses: what may tell of people is taken from no address, by whatever
// method, unless the setting lets everybody, or the registration one program; what is
// opaque is, and all of it in bodies.
func TestOpaqueAddresses(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	lines := map[string]int{
		"GET /Patient?family=Adams": 400, "GET /?_type=Patient&name=Adams": 400, "GET /Patient?_count=1&birthdate=1980": 400, "HEAD /Patient?name=Adams": 400,
		"GET /Patient?n%61me=Adams": 400, "GET /Patient/ann/Observation?identifier=1": 400, "GET /Patient/ann/*?identifier=1": 400,
		"PUT /Patient?identifier=1": 400, "DELETE /Patient?identifier=1": 400, "PATCH /Patient?identifier=1": 400, "POST /Patient/_search?name=Adams": 400,
		"GET /Observation/$lastn?patient.name=Adams": 400, "GET /Patient/$export?_typeFilter=Patient%3Fname%3DAdams": 400,
		"GET /Patient?_id=ann": 200, "GET /Patient?active=true": 200, "GET /Patient/ann/Observation?status=final": 200, "GET /Patient/ann?_summary=true": 200,
		"GET /Patient/_history?_count=1": 200, "GET /Observation/$lastn?patient=ann&category=x&max=1": 200, "GET /metadata?_format=json": 200, "GET /Patient?_has:Observation:patient:code=x": 200,
	}
	run := func(refused bool) {
		t.Helper()
		for line, want := range lines {
			method, path, _ := strings.Cut(line, " ")
			w := r.call(method, path, "", "Content-Type: application/x-www-form-urlencoded")
			said := strings.Contains(w.Body.String(), "by POST to [type]/_search with its parameters")
			if refused && (w.Code != want || said != (want == 400) && method != "HEAD") || !refused && said || strings.Contains(w.Body.String(), "Adams") && want == 400 && refused {
				t.Errorf("%s: %d %.200s", line, w.Code, w.Body)
			}
		}
	}
	run(false)
	r.config.NamesInURLs = false
	api, err := fhirhttp.New(r.config)
	check(t, err)
	r.api = web.Chain(api, web.Config{Log: slog.New(slog.DiscardHandler), Clock: r.clock, OnFault: fhirhttp.Fail})
	run(true)
	if !strings.Contains(r.do(200, "GET", "/metadata", "").Body.String(), "refused in addresses") {
		t.Error("metadata does not tell")
	}
	let := r.actors["program"]
	let.NamesInURLs = true
	r.actors["let"] = let
	r.do(200, "GET", "/Patient?family=Adams", "", as("let"))
	r.do(400, "GET", "/Patient?family=Adams", "", as("reader"))
	for _, w := range []string{"family=Adams", "birthdate=1980-01-01"} {
		r.do(200, "POST", "/Patient/_search", w, "Content-Type: application/x-www-form-urlencoded")
	}
	r.do(200, "POST", "", entries("batch", entry("GET", "Patient?family=Adams", "", "", "")))
	r.do(201, "POST", "/Patient", patient("x", "Xu"), "If-None-Exist: family=Nobody")
}

var written = regexp.MustCompile(`"(?:url|fullUrl|location)":"(https://[^"]*)"`)

// TestAddressesWeWrite: no address by which we lead anybody on holds what was sought,
// whatever the setting: all pages of searches, histories and operations are walked. What
// was sought stands in self links, as R4 asks, and nobody is led there.
func TestAddressesWeWrite(t *testing.T) {
	r := newRig(t)
	for _, id := range []string{"ann", "bob", "cat"} {
		r.do(201, "PUT", "/Patient/"+id, patient(id, "Adams"))
	}
	self := regexp.MustCompile(`\{"relation":"self","url":"[^"]*"\}`)
	walked, left := map[string]bool{}, false
	var walk func(body string)
	walk = func(body string) {
		left = left || strings.Contains(body, "Adams")
		for _, m := range written.FindAllStringSubmatch(self.ReplaceAllString(body, ""), -1) {
			address := strings.TrimPrefix(m[1], base)
			if text, err := url.QueryUnescape(address); err != nil || strings.Contains(text, "Adams") || strings.Contains(text, "1980") {
				t.Errorf("an address holds what was sought: %s", address)
			}
			if !walked[address] && strings.HasPrefix(address, "?_page=") {
				walked[address] = true
				walk(r.do(200, "GET", address, "").Body.String())
			}
		}
	}
	walk(r.do(200, "GET", "/Patient?family=Adams&_count=1", "").Body.String())
	walk(r.do(200, "POST", "/Patient/_search", "family=Adams&birthdate=gt1900&_count=1", "Content-Type: application/x-www-form-urlencoded").Body.String())
	walk(r.do(200, "GET", "/Patient/_history?_count=1", "").Body.String())
	walk(r.do(200, "POST", "", entries("batch", entry("GET", "Patient?family=Adams&_count=1", "", "", ""))).Body.String())
	w := r.do(201, "POST", "/Patient", patient("x", "Adams"), "If-None-Exist: family=Nobody")
	walk(`"url":"` + w.Header().Get("Location") + `"`)
	if len(walked) < 4 || !left {
		t.Errorf("%d pages were walked, Adams on one: %v", len(walked), left)
	}
}
