package fhirhttp_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhirhttp"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/web"
)

const metaParameters = `{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"profile":["http://example.org/p"],"tag":[{"system":"http://example.org/t","code":"a"}]}}]}`

func stay(id, who, where, practitioner string) string {
	return `{"resourceType":"Encounter","id":"` + id + `","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/` + who + `"},"participant":[{"individual":{"reference":"Practitioner/` + practitioner + `"}}],"location":[{"location":{"reference":"Location/` + where + `"}}],"period":{"start":"2026-11-01T08:00:00Z"}}`
}

func seen(id, who, code, when string) string {
	return `{"resourceType":"Observation","id":"` + id + `","status":"final","category":[{"coding":[{"code":"lab"}]}],"code":{"coding":[` + code + `]},"subject":{"reference":"Patient/` + who + `"},"encounter":{"reference":"Encounter/stay-` + who + `"},"performer":[{"reference":"Practitioner/doc"}],"effectiveDateTime":"` + when + `","valueQuantity":{"value":1}}`
}

func coded(codes ...string) string {
	for i, c := range codes {
		codes[i] = `{"system":"http://loinc.org","code":"` + c + `"}`
	}
	return strings.Join(codes, ",")
}

// wards is Ann on the east ward and Bob on the west one, both seen by one doctor.
func wards(t *testing.T) *rig {
	r := newRig(t)
	for _, text := range []string{
		`{"resourceType":"Organization","id":"house","name":"House"}`,
		`{"resourceType":"Practitioner","id":"doc","name":[{"family":"Doe"}]}`,
		`{"resourceType":"Location","id":"east","name":"East","managingOrganization":{"reference":"Organization/house"}}`,
		`{"resourceType":"Location","id":"west","name":"West"}`,
		patient("ann", "Adams"), patient("bob", "Brown"),
		stay("stay-ann", "ann", "east", "doc"), stay("stay-bob", "bob", "west", "doc"),
	} {
		r.put(text)
	}
	for i, day := range []string{"2026-11-01", "2026-11-02", "2026-11-03"} {
		for _, who := range []string{"ann", "bob"} {
			r.put(seen(fmt.Sprintf("k%d-%s", i, who), who, coded("2823-3"), day))
		}
	}
	return r
}

func (r *rig) put(text string) {
	r.t.Helper()
	typ, rest, _ := strings.Cut(strings.TrimPrefix(text, `{"resourceType":"`), `"`)
	_, rest, _ = strings.Cut(rest, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	if w := r.call("PUT", "/"+typ+"/"+id, text, as("importer")); w.Code >= 300 {
		r.t.Fatalf("%s/%s: %d %s", typ, id, w.Code, w.Body)
	}
}

// all returns what a searchset and its further pages hold, as "match Type/id".
func (r *rig) all(path string, headers ...string) []string {
	r.t.Helper()
	var list []string
	for pages := 0; path != "" && pages < 100; pages++ {
		b := r.bundle(r.do(200, "GET", path, "", headers...))
		for _, e := range b.Entry {
			list = append(list, e.Search.Mode+" "+e.Resource.ResourceType+"/"+e.Resource.ID)
		}
		path = b.link("next")
	}
	return list
}

func (r *rig) holds(path, want string, headers ...string) {
	r.t.Helper()
	got := r.all(path, headers...)
	slices.Sort(got)
	if text := strings.Join(got, "\n"); text != strings.TrimSpace(strings.ReplaceAll(want, "\t", "")) {
		r.t.Errorf("%s %v:\n%s\nwant:\n%s", path, headers, text, want)
	}
}

func TestEverything(t *testing.T) {
	r := wards(t)
	ann := `include Location/east
		include Organization/house
		include Practitioner/doc
		match Encounter/stay-ann
		match Observation/k0-ann
		match Observation/k1-ann
		match Observation/k2-ann
		match Patient/ann`
	for _, who := range []string{"program", "nurse"} {
		r.holds("/Patient/ann/$everything", ann, as(who))
		r.holds("/Patient/ann/$everything?_count=1", ann, as(who))
		r.holds("/Patient/ann/$everything?_count=2", ann, as(who))
	}
	r.holds("/Patient/ann/$everything?_type=Observation,Practitioner&start=2026-11-02&end=2026-11-02", "include Practitioner/doc\nmatch Observation/k1-ann")
	r.holds("/Patient/ann/$everything?_type=Patient,Encounter&end=2026-10-01", "match Patient/ann")
	r.holds("/Patient/$everything?_type=Patient,Encounter", "match Encounter/stay-ann\nmatch Patient/ann", as("nurse"))
	r.holds("/Patient/$everything?_type=Patient&_count=1", "match Patient/ann\nmatch Patient/bob")
	r.holds("/Encounter/stay-ann/$everything?_count=2", strings.Replace(strings.Replace(ann, "\n\t\tmatch Patient/ann", "", 1), "include Practitioner", "include Patient/ann\ninclude Practitioner", 1), as("nurse"))
	r.holds("/Encounter/stay-bob/$everything?_type=Observation", "match Observation/k0-bob\nmatch Observation/k1-bob\nmatch Observation/k2-bob")
	r.clock.Advance(60e9)
	r.put(seen("k3-ann", "ann", coded("2823-3"), "2026-11-04"))
	r.holds("/Patient/ann/$everything?_since=2026-11-22T12:00:30Z", "match Observation/k3-ann", as("nurse"))
	post := r.do(200, "POST", "/Patient/ann/$everything", `{"resourceType":"Parameters","parameter":[{"name":"_type","valueString":"Patient"}]}`)
	if n := len(r.bundle(post).Entry); n != 1 {
		t.Errorf("by POST: %d entries", n)
	}
	for path, want := range map[string]int{
		"/Patient/ann/$everything?colour=x": 400, "/Patient/ann/$everything?_since=yesterday": 400,
		"/Patient/ann/$everything?_type=Kitten": 400, "/Patient/ann/$everything?_count=0": 400,
		"/Patient/none/$everything": 404, "/Encounter/stay-ann/$everything?start=2026": 400,
		"/Patient/ann/$everything?start=soon": 400, "/Observation/k0-ann/$everything": 404,
	} {
		r.do(want, "GET", path, "")
	}
	r.do(404, "GET", "/Patient/bob/$everything", "", as("nurse"))
	r.do(404, "GET", "/Encounter/stay-bob/$everything", "", as("nurse"))
	r.do(403, "GET", "/Patient/ann/$everything", "", as("writer"))
	page := r.bundle(r.do(200, "GET", "/Patient/ann/$everything?_count=1", "")).link("next")
	r.do(400, "GET", page, "", as("nurse"))
	r.do(400, "GET", strings.Replace(page, "/ann/", "/bob/", 1), "")
}

func TestEverythingRemembersManyReferences(t *testing.T) {
	r := newRig(t)
	r.put(patient("ann", "Adams"))
	var want []string
	for i := range 50 {
		who := fmt.Sprintf("doc%02d", i)
		r.put(`{"resourceType":"Practitioner","id":"` + who + `"}`)
		for _, n := range []string{"a", "b"} {
			r.put(strings.Replace(seen(who+n, "ann", coded("1"), "2026-11-01"), "Practitioner/doc", "Practitioner/"+who, 1))
		}
		want = append(want, "include Practitioner/"+who, "match Observation/"+who+"a", "match Observation/"+who+"b")
	}
	slices.Sort(want)
	r.holds("/Patient/ann/$everything?_type=Observation,Practitioner&_count=7", strings.Join(want, "\n"))
}

func TestLastN(t *testing.T) {
	r := wards(t)
	r.put(seen("two", "ann", coded("718-7", "2823-3"), "2026-11-03"))
	r.put(seen("one", "ann", coded("718-7"), "2026-10-01"))
	r.put(seen("other", "ann", coded("9999-9"), "2026-10-01"))
	for path, want := range map[string]string{
		"?patient=ann&category=lab":                 "k2-ann two other", // a tie is shown whole
		"?patient=ann&code=9999-9":                  "other",
		"?patient=ann&category=lab&max=4":           "k2-ann two k1-ann k0-ann other",
		"?subject=Patient/ann&code=718-7&max=5":     "two one",
		"?patient=ann&category=lab&date=lt2026-11":  "one other",
		"?patient=bob&category=lab":                 "k2-bob",
		"?patient=ann&category=vital-signs&max=100": "",
	} {
		var ids []string
		for _, e := range r.bundle(r.do(200, "GET", "/Observation/$lastn"+path, "")).Entry {
			ids = append(ids, e.Resource.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{"?category=lab", "?patient=ann", "?patient=ann&category=lab&max=0", "?patient=ann&category=lab&colour=x", "?patient=ann&category=lab&_sort=date"} {
		r.do(400, "GET", "/Observation/$lastn"+path, "")
	}
	if n := len(r.bundle(r.do(200, "GET", "/Observation/$lastn?patient=bob&category=lab", "", as("nurse"))).Entry); n != 0 {
		t.Errorf("a nurse of another ward sees %d", n)
	}
	r.do(403, "GET", "/Observation/$lastn?patient=ann&category=lab", "", as("writer"))
}

func letter(id, who, entry string) string {
	return `{"resourceType":"Composition","id":"` + id + `","status":"final","type":{"text":"letter"},"subject":{"reference":"Patient/` + who + `"},"date":"2026-11-05","author":[{"reference":"Practitioner/doc"}],"title":"Letter","section":[{"title":"Results","entry":[{"reference":"` + entry + `"}]}]}`
}

func TestDocument(t *testing.T) {
	r := wards(t)
	r.put(letter("whole", "ann", "Observation/k0-ann"))
	r.put(letter("absent", "ann", "Observation/none"))
	r.put(letter("foreign", "ann", "Observation/k0-bob"))
	w := r.do(200, "GET", "/Composition/whole/$document", "", as("program"))
	b := r.bundle(w)
	var refs []string
	for _, e := range b.Entry {
		refs = append(refs, e.Resource.ResourceType+"/"+e.Resource.ID)
	}
	if got := strings.Join(refs, " "); b.Type != "document" || got != "Composition/whole Patient/ann Practitioner/doc Observation/k0-ann" {
		t.Errorf("%s: %s", b.Type, got)
	}
	if !strings.Contains(w.Body.String(), `"identifier":{"system":"urn:ietf:rfc:3986","value":"urn:uuid:`) || !strings.Contains(w.Body.String(), `"timestamp":`) {
		t.Error("a document needs an identifier and a time: " + w.Body.String())
	}
	kept := r.do(201, "POST", "/Composition/whole/$document?persist=true", "")
	r.do(200, "GET", strings.TrimPrefix(kept.Header().Get("Location"), base), "")
	r.do(405, "GET", "/Composition/whole/$document?persist=true", "")
	r.do(400, "GET", "/Composition/whole/$document?persist=maybe", "")
	r.do(403, "POST", "/Composition/whole/$document?persist=true", "", as("reader"))
	absent := r.do(422, "GET", "/Composition/absent/$document", "", as("nurse"))
	foreign := r.do(422, "GET", "/Composition/foreign/$document", "", as("nurse"))
	if absent.Body.String() != foreign.Body.String() {
		t.Error("what is hidden and what is not there look different")
	}
}

func TestMeta(t *testing.T) {
	r := wards(t)
	add := func(want int, what, body string, headers ...string) string {
		t.Helper()
		return r.do(want, "POST", "/Patient/ann/$meta-"+what, body, headers...).Body.String()
	}
	label := strings.Replace(metaParameters, `"tag":[`, `"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}],"tag":[`, 1)
	for range 2 { // twice adds once
		if got := add(200, "add", metaParameters); strings.Count(got, `"http://example.org/t"`) != 1 || strings.Count(got, "http://example.org/p") != 1 {
			t.Error(got)
		}
	}
	if got := r.do(200, "GET", "/Patient/ann/$meta", "").Body.String(); !strings.Contains(got, `"code":"a"`) || !strings.Contains(got, `"versionId":"3"`) {
		t.Error(got)
	}
	if got := add(200, "delete", metaParameters); strings.Contains(got, "example.org") {
		t.Error(got)
	}
	if got := r.do(200, "GET", "/Patient/ann", "").Body.String(); !strings.Contains(got, "Adams") || strings.Contains(got, "example.org") {
		t.Error(got)
	}
	add(400, "add", `{"resourceType":"Parameters"}`)
	add(400, "add", `{"resourceType":"Patient"}`)
	add(403, "add", metaParameters, as("reader"))
	r.do(404, "POST", "/Observation/k0-bob/$meta-add", metaParameters, as("nurse"))
	r.do(404, "GET", "/Patient/bob/$meta", "", as("nurse"))
	r.do(404, "POST", "/Patient/none/$meta-add", metaParameters)
	// A sensitive label closes the record to those who may not open such ones,
	// and nobody takes it off by this road.
	r.put(`{"resourceType":"CareTeam","id":"team","status":"active","subject":{"reference":"Patient/ann"},"participant":[{"member":{"reference":"Practitioner/doctor"}}]}`)
	r.actors["doctor"] = identity.Actor{
		Kind: identity.KindPerson, ID: "doctor-1", Roles: []string{"doctor"}, WardIDs: []string{"east"},
		PractitionerID: "doctor", MFA: identity.AssuranceMulti, SessionID: "s", Purpose: "TREAT",
	}
	obs := "/Observation/k0-ann/$meta-"
	r.do(200, "POST", obs+"add", label, as("doctor"))
	r.do(422, "POST", obs+"delete", label, as("doctor"))
	r.do(404, "GET", obs[:len(obs)-1], "", as("nurse"))
}

// TestEverythingOfSpans: care that reaches into the dates asked for is in scope,
// also if it ends on the first day or begins on the last.
func TestEverythingOfSpans(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/eve", `{"resourceType":"Patient","id":"eve"}`)
	for id, period := range map[string]string{
		"before": `"start":"2026-01-01","end":"2026-02-28"`, "ends": `"start":"2026-02-01","end":"2026-03-01T08:00:00Z"`,
		"around": `"start":"2026-01-01","end":"2026-12-31"`, "open": `"start":"2026-01-01"`, "within": `"start":"2026-03-10","end":"2026-03-12"`,
		"begins": `"start":"2026-03-31T22:00:00Z","end":"2026-05-01"`, "after": `"start":"2026-04-01","end":"2026-04-02"`,
	} {
		r.do(201, "PUT", "/Encounter/"+id, `{"resourceType":"Encounter","id":"`+id+`","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/eve"},"period":{`+period+`}}`)
	}
	r.holds("/Patient/eve/$everything?_type=Encounter&start=2026-03-01&end=2026-03-31",
		"match Encounter/around\nmatch Encounter/begins\nmatch Encounter/ends\nmatch Encounter/open\nmatch Encounter/within")
	r.holds("/Patient/eve/$everything?_type=Encounter&start=2026-03&end=2026-03",
		"match Encounter/around\nmatch Encounter/begins\nmatch Encounter/ends\nmatch Encounter/open\nmatch Encounter/within")
}

// TestMetas: what records bear is told as far as they can be found.
func TestMetas(t *testing.T) {
	r := newRig(t)
	tagged := func(id, tag string) string {
		return `{"resourceType":"Observation","id":"` + id + `","meta":{"profile":["urn:p"],"tag":[{"system":"urn:t","code":"` + tag + `"}]},"status":"final","code":{"text":"x"}}`
	}
	r.do(201, "PUT", "/Observation/a", tagged("a", "one"))
	r.do(201, "PUT", "/Observation/b", tagged("b", "two"))
	r.do(201, "PUT", "/Patient/c", `{"resourceType":"Patient","id":"c","meta":{"tag":[{"code":"three"}],"security":[{"system":"urn:s","code":"four"}]}}`)
	for path, want := range map[string]string{
		"/Observation/$meta": `{"profile":["urn:p"],"tag":[{"system":"urn:t","code":"one"},{"system":"urn:t","code":"two"}]}`,
		"/$meta":             `{"profile":["urn:p"],"security":[{"system":"urn:s","code":"four"}],"tag":[{"code":"three"},{"system":"urn:t","code":"one"},{"system":"urn:t","code":"two"}]}`,
		"/Condition/$meta":   `{}`,
	} {
		if body := r.do(200, "GET", path, "").Body.String(); !strings.Contains(body, `"valueMeta":`+want) {
			t.Errorf("%s: %s", path, body)
		}
	}
	if body := r.do(200, "GET", "/$meta", "", as("obs")).Body.String(); strings.Contains(body, "three") || !strings.Contains(body, "two") {
		t.Errorf("of Observations alone: %s", body)
	}
	r.do(403, "GET", "/Patient/$meta", "", as("obs"))
	if body := r.do(200, "GET", "/$meta", "", as("nurse")).Body.String(); strings.Contains(body, "one") || strings.Contains(body, "three") {
		t.Errorf("told of patients of others: %s", body)
	}
}

// TestWalksAreFew: what may open thousands of records waits for its place.
func TestWalksAreFew(t *testing.T) {
	r := wards(t)
	r.api = web.Chain(fhirhttp.Walked(r.config), web.Config{Log: slog.New(slog.DiscardHandler), Clock: r.clock, MaxBody: 1 << 20, OnFault: fhirhttp.Fail})
	for line, want := range map[string]int{"GET /Observation/$lastn?patient=ann&category=lab": 503, "GET /_history": 503, "GET /Patient/ann": 200, "POST ": 503} {
		method, path, _ := strings.Cut(line, " ")
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		req := httptest.NewRequestWithContext(ctx, method, "/fhir"+path, strings.NewReader(entries("batch")))
		req.Header.Set("Content-Type", "application/fhir+json")
		req.Header.Set("Authorization", "Bearer program")
		w := httptest.NewRecorder()
		r.api.ServeHTTP(w, req)
		cancel()
		if w.Code != want {
			t.Errorf("%s: %d, want %d", line, w.Code, want)
		}
	}
}
