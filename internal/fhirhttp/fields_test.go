package fhirhttp_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhirhttp"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// hidden stands where billing, and for encounters registration, is shown nothing.
const hidden = "Nachtigall"

// withHidden is a rig in which everybody may see a patient and an encounter, but
// not all of them.
func withHidden(t *testing.T) *rig {
	r := newRig(t)
	for _, role := range []string{"billing", "registration"} {
		r.actors[role] = identity.Actor{Kind: identity.KindPerson, ID: role, Roles: []string{role}, MFA: identity.AssuranceMulti, SessionID: "s"}
	}
	narrative := `"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">` + hidden + `</div>"},`
	r.do(201, "PUT", "/Patient/canary", `{"resourceType":"Patient","id":"canary",`+narrative+
		`"extension":[{"url":"urn:x","valueString":"`+hidden+`"}],"name":[{"family":"Kanarienvogel"}],"maritalStatus":{"text":"`+hidden+`"},"photo":[{"title":"`+hidden+`"}],"generalPractitioner":[{"reference":"Practitioner/p","display":"`+hidden+`"}]}`)
	r.do(201, "PUT", "/Practitioner/p", `{"resourceType":"Practitioner","id":"p"}`)
	r.do(201, "PUT", "/Encounter/enc", `{"resourceType":"Encounter","id":"enc",`+narrative+`"contained":[{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/canary"},"code":{"text":"`+hidden+`"}}],`+
		`"status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/canary"},"reasonCode":[{"text":"`+hidden+`"}],"reasonReference":[{"reference":"#c","display":"`+hidden+`"}]}`)
	return r
}

// told is all that an answer says.
func told(w *httptest.ResponseRecorder) string { return fmt.Sprint(w.Header(), w.Body) }

// Every route there is, asked by somebody who sees a part of the record: nothing of
// the rest comes out. That it would, if nothing were cut, shows in the answers to
// somebody who sees all of it.
func TestHiddenElementsLeaveByNoRoute(t *testing.T) {
	shown := 0
	for _, l := range fhirhttp.Lines(newRig(t).config) {
		r := withHidden(t)
		path, body, headers := sample(l)
		if w := r.call(l.Method, path, body, append(headers, as("billing"))...); strings.Contains(told(w), hidden) {
			t.Errorf("%s %s %s: %d %s", l.Method, l.Pattern, l.Operation, w.Code, told(w))
		}
		if strings.Contains(told(r.call(l.Method, path, body, headers...)), hidden) {
			shown++
		}
	}
	if shown < 10 {
		t.Errorf("only %d routes show a record at all", shown)
	}
}

// hiddenRoads are roads that the general samples do not take.
var hiddenRoads = []struct{ who, line, body, header string }{
	{who: "billing", line: "GET /Patient/canary"}, {who: "billing", line: "GET /Patient/canary?_elements=maritalStatus,photo,text"}, {who: "billing", line: "GET /Patient/canary?_summary=text"},
	{who: "billing", line: "GET /Patient/canary", header: "Accept: application/fhir+xml"}, {who: "billing", line: "GET /Patient/canary/_history"}, {who: "billing", line: "GET /_history"}, {who: "billing", line: "GET /Patient/canary/_history/1"},
	{who: "billing", line: "GET /Patient?_id=canary&_include=*&_revinclude=*&_include:iterate=*"}, {who: "billing", line: "GET /Patient/canary/*"}, {who: "billing", line: "GET /Patient/canary/$everything"}, {who: "billing", line: "GET /Encounter/enc/$everything"},
	{who: "billing", line: "GET /Practitioner?_id=p&_revinclude=Patient:general-practitioner"}, {who: "billing", line: "GET /Patient?general-practitioner=Practitioner/p"}, {who: "billing", line: "GET /Patient?_sort=general-practitioner"},
	{who: "billing", line: "GET /Practitioner?_has:Patient:general-practitioner:family=Kanarienvogel"}, {who: "billing", line: "GET /Encounter?reason-code:text=" + hidden}, {who: "billing", line: "GET /Encounter?reason-reference.code:text=" + hidden},
	{who: "billing", line: "GET /Patient?_text=" + hidden}, {who: "billing", line: "GET /Patient?_content=" + hidden}, {who: "billing", line: "GET /Condition?_contained=true&code:text=" + hidden}, {who: "billing", line: "GET /Encounter?_filter=reason-code%20eq%20x"},
	{who: "billing", line: "GET /Practitioner/p/Patient"}, {who: "billing", line: "POST /Patient/_search", body: "_id=canary", header: "Content-Type: application/x-www-form-urlencoded"},
	{who: "billing", line: "POST /", body: entries("batch", entry("GET", "Patient/canary", "", "", ""), entry("GET", "Encounter?_id=enc", "", "", ""), entry("GET", "Patient/canary/$everything", "", "", ""))},
	{who: "registration", line: "PUT /Encounter/enc", body: `{"resourceType":"Encounter","id":"enc","status":"onleave","class":{"code":"IMP"},"subject":{"reference":"Patient/canary"}}`},
	{who: "registration", line: "PUT /Encounter?_id=enc", body: `{"resourceType":"Encounter","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/canary"}}`, header: "Prefer: return=representation"},
	{who: "registration", line: "PUT /Encounter/enc", body: `{"resourceType":"Encounter","id":"enc","status":"onleave","class":{"code":"IMP"},"subject":{"reference":"Patient/canary"},"reasonCode":[{"text":"x"}]}`},
	{who: "registration", line: "PATCH /Encounter/enc", body: `[{"op":"replace","path":"/status","value":"onleave"}]`, header: asJSONPatch},
	{who: "registration", line: "PATCH /Encounter/enc", body: `[{"op":"test","path":"/reasonCode/0/text","value":"x"}]`, header: asJSONPatch},
	{who: "registration", line: "PATCH /Encounter/enc", body: `[{"op":"copy","from":"/reasonCode","path":"/type"}]`, header: asJSONPatch},
	{who: "registration", line: "PATCH /Encounter/enc", body: `{"status":"in-progress"}`, header: "Content-Type: application/merge-patch+json"},
	{who: "registration", line: "POST /Encounter", body: `{"resourceType":"Encounter","status":"planned","class":{"code":"IMP"},"subject":{"reference":"Patient/canary"}}`, header: "If-None-Exist: _id=enc"},
	{who: "registration", line: "POST /Encounter/enc/$meta-add", body: someMeta}, {who: "registration", line: "GET /Encounter/enc/$validate"},
	{who: "registration", line: "POST /", body: entries("transaction", entry("PATCH", "Encounter/enc", "", `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Encounter.status"},{"name":"value","valueCode":"onleave"}]}]}`, "")), header: "Prefer: return=representation"},
}

func TestHiddenElementsLeaveByNoRoad(t *testing.T) {
	r := withHidden(t)
	for _, p := range hiddenRoads {
		method, path, _ := strings.Cut(p.line, " ")
		headers := []string{as(p.who)}
		if p.header != "" {
			headers = append(headers, p.header)
		}
		w := r.call(method, path, p.body, headers...)
		if strings.Contains(told(w), hidden) || w.Code >= 500 {
			t.Errorf("%s %s: %d %s", p.line, p.body, w.Code, told(w))
		}
	}
	now := told(r.call("GET", "/Encounter/enc", ""))
	if !strings.Contains(now, `"reasonCode"`) || !strings.Contains(now, `"contained"`) {
		t.Error("somebody erased what he was not shown:", now)
	}
	// To ask by what is hidden is answered as to ask by what nobody knows, and the
	// same whether there is anything or not.
	for _, query := range []string{"/Encounter?reason-code=%s", "/Patient?general-practitioner=Practitioner/%s", "/Encounter?_sort=reason-code&_id=%s"} {
		a, b := r.call("GET", fmt.Sprintf(query, "p"), "", as("billing")), r.call("GET", fmt.Sprintf(query, "q"), "", as("billing"))
		if a.Code != 400 || a.Code != b.Code || a.Body.String() != b.Body.String() {
			t.Errorf("%s: %d %s; %d %s", query, a.Code, a.Body, b.Code, b.Body)
		}
	}
}

// A file that an export leaves is cut as well.
func TestHiddenElementsAreNotExported(t *testing.T) {
	r := withHidden(t)
	r.jobs.Start(t.Context())
	for _, who := range []string{"billing", "program"} {
		m := r.manifest(r.await(r.order("GET", "/$export?_type=Patient,Encounter", "", as(who)), as(who)))
		text := ""
		for _, file := range m.Output {
			text += r.call("GET", strings.TrimPrefix(file.URL, base), "", as(who)).Body.String()
		}
		if got := strings.Contains(text, hidden); got != (who == "program") || !strings.Contains(text, "Kanarienvogel") {
			t.Errorf("%s: %s", who, text)
		}
	}
}
