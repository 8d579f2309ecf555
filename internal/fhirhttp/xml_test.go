package fhirhttp_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir/xml"
	"github.com/wardkeep/wardkeep/internal/fhirhttp"
)

const (
	sendXML = "Content-Type: application/fhir+xml"
	wantXML = "Accept: application/fhir+xml"
)

// inXML writes a resource as XML.
func inXML(t *testing.T, text string) string {
	t.Helper()
	out, err := xml.FromJSON([]byte(text), false)
	check(t, err)
	return string(out)
}

// ofXML reads what was answered as XML.
func ofXML(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	out, err := xml.ToJSON(w.Body.Bytes())
	if err != nil || w.Header().Get("Content-Type") != "application/fhir+xml; charset=utf-8" {
		t.Errorf("%v: %s: %s", err, w.Header().Get("Content-Type"), w.Body)
	}
	return string(out)
}

// chance is what differs from one time to the next.
var chance = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Za-z0-9_-]{30,}`)

// TestEveryRouteInXML calls every line of the table in both forms: the answers
// are the same.
func TestEveryRouteInXML(t *testing.T) {
	inA, inB := newRig(t), newRig(t)
	resources := 0
	for _, l := range fhirhttp.Lines(inA.config) {
		path, body, headers := sample(l)
		for _, r := range []*rig{inA, inB} {
			r.call("PUT", "/Patient/canary", patient("canary", "Kanarienvogel"))
		}
		a := inA.call(l.Method, path, body, headers...)
		if strings.HasPrefix(body, `{"resourceType"`) && len(headers) == 0 {
			body, headers = inXML(t, body), append(headers, sendXML)
		}
		b := inB.call(l.Method, path, body, append(headers, wantXML)...)
		for _, name := range []string{"ETag", "Last-Modified", "Location", "Content-Location", "Retry-After", "Cache-Control"} {
			if x, y := a.Header().Get(name), b.Header().Get(name); chance.ReplaceAllString(x, "") != chance.ReplaceAllString(y, "") {
				t.Errorf("%s %s: %s is %q, and with XML %q", l.Method, path, name, x, y)
			}
		}
		if a.Code != b.Code {
			t.Errorf("%s %s: %d, and with XML %d: %s", l.Method, path, a.Code, b.Code, b.Body)
			continue
		}
		if !strings.HasPrefix(a.Header().Get("Content-Type"), "application/fhir+json") || a.Body.Len() == 0 {
			continue
		}
		resources++
		var x, y any
		check(t, json.Unmarshal(chance.ReplaceAll(a.Body.Bytes(), nil), &x))
		check(t, json.Unmarshal([]byte(chance.ReplaceAllString(ofXML(t, b), "")), &y))
		if !reflect.DeepEqual(x, y) {
			t.Errorf("%s %s:\n%s\n%s", l.Method, path, a.Body, b.Body)
		}
	}
	t.Logf("%d answers are resources", resources)
	if resources < 40 {
		t.Errorf("%d answers are resources only", resources)
	}
}

// TestXML is what a client that speaks XML alone does.
func TestXML(t *testing.T) {
	r := newRig(t)
	const ann = `<Patient xmlns="http://hl7.org/fhir"><id value="ann"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">A&#160;<b>b</b></div></text>` +
		`<name><family value="Adams"/><given value="Ann"><extension url="http://x"><valueDecimal value="1.50"/></extension></given></name></Patient>`
	w := r.do(201, "PUT", "/Patient/ann", ann, sendXML, wantXML)
	if h := w.Header(); h.Get("ETag") != `W/"1"` || h.Get("Location") != base+"/Patient/ann/_history/1" || h.Get("Last-Modified") == "" {
		t.Errorf("%v", h)
	}
	if got := r.do(200, "GET", "/Patient/ann", "").Body.String(); !strings.Contains(got, `"valueDecimal":1.50`) || !strings.Contains(got, `A&#160;<b>b</b>`) {
		t.Errorf("stored: %s", got)
	}
	r.do(304, "GET", "/Patient/ann", "", wantXML, `If-None-Match: W/"1"`)
	for _, media := range []string{"text/xml", "application/xml", "application/fhir+xml; charset=UTF-8; fhirVersion=4.0"} {
		r.do(200, "PUT", "/Patient/ann", "\uFEFF"+ann, "Content-Type: "+media)
	}
	if w := r.do(200, "PUT", "/Patient/ann", ann, sendXML, wantXML, "Prefer: return=minimal"); w.Body.Len() != 0 {
		t.Errorf("minimal: %s", w.Body)
	}
	ofXML(t, r.do(200, "PUT", "/Patient/ann", ann, sendXML, wantXML, "Prefer: return=OperationOutcome"))

	// A patch in XML, and one that is none.
	const patch = `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/><part><name value="type"/><valueCode value="add"/></part>` +
		`<part><name value="path"/><valueString value="Patient"/></part><part><name value="name"/><valueString value="active"/></part>` +
		`<part><name value="value"/><valueBoolean value="true"/></part></parameter></Parameters>`
	if got := ofXML(t, r.do(200, "PATCH", "/Patient/ann", patch, sendXML, wantXML)); !strings.Contains(got, `"active":true`) {
		t.Errorf("patched: %s", got)
	}
	if got := ofXML(t, r.do(415, "PATCH", "/Patient/ann", `<diff/>`, "Content-Type: application/xml-patch+xml", wantXML)); !strings.Contains(got, "FHIRPath Patch (Parameters) in application/fhir+json or application/fhir+xml") {
		t.Errorf("XML Patch: %s", got)
	}

	// Bundles, with an entry that asks for something else.
	sent := inXML(t, entries("transaction", entry("PUT", "Observation/o", "", result("o", "Patient/ann", "1.0"), ""),
		entry("GET", "Patient/ann?_format=json", "", "", ""), entry("GET", "Observation?_format=xml", "", "", "")))
	if got := ofXML(t, r.do(200, "POST", "", sent, sendXML, wantXML)); strings.Count(got, `"resourceType"`) != 5 || !strings.Contains(got, `"value":1.0}`) {
		t.Errorf("transaction: %s", got)
	}
	form := r.do(200, "POST", "/Observation/_search", "subject=Patient/ann&_format=xml&_pretty=true", "Content-Type: application/x-www-form-urlencoded")
	if got := ofXML(t, form); !strings.Contains(got, `"total":1`) || !strings.Contains(form.Body.String(), "\n      <Observation>\n") {
		t.Errorf("form: %s", form.Body)
	}
	for _, query := range []string{"_summary=true", "_summary=text", "_summary=data", "_elements=name", "_pretty=true"} {
		for _, path := range []string{"/Patient/ann?", "/metadata?", "/Patient/ann/_history?"} {
			var x, y any
			check(t, json.Unmarshal(r.do(200, "GET", path+query, "").Body.Bytes(), &x))
			check(t, json.Unmarshal([]byte(ofXML(t, r.do(200, "GET", path+query, "", wantXML))), &y))
			if !reflect.DeepEqual(x, y) {
				t.Errorf("%s%s:\n%v\n%v", path, query, x, y)
			}
		}
	}
	ofXML(t, r.do(200, "GET", "/Patient?_summary=count", "", wantXML))
	r.do(400, "GET", "/metadata?_summary=count", "")
	if w := r.do(200, "GET", "/metadata", "", wantXML, "Accept-Encoding: gzip"); w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("not packed: %v", w.Header())
	}
	ofXML(t, r.do(404, "GET", "/Patient/none?_format=xml", ""))
	ofXML(t, r.do(401, "GET", "/Patient/ann", "", wantXML, as("nobody at all")))
	ofXML(t, r.do(400, "GET", "/Patient?nonsense=1", "", wantXML))
	if w := r.do(200, "HEAD", "/Patient/ann", "", wantXML); w.Header().Get("Content-Type") != "application/fhir+xml; charset=utf-8" {
		t.Errorf("HEAD: %v", w.Header())
	}
}

// TestXMLFaults: what is no resource is refused by place, and nothing of it is told.
func TestXMLFaults(t *testing.T) {
	r := newRig(t)
	const head = `<Patient xmlns="http://hl7.org/fhir">` + "\n"
	for text, place := range map[string]string{
		head + `<name><family value="Kanarienvogel"><Kanarienvogel/></family></name></Patient>`: "Patient.name[0].family",
		head + `<birthDate value="Kanarienvogel"/></Patient>`:                                   "Patient.birthDate",
		head + `<multipleBirthInteger value="Kanarienvogel"/></Patient>`:                        "Patient.multipleBirth",
		`<!DOCTYPE a [<!ENTITY b "Kanarienvogel">]>` + head + `</Patient>`:                      "line 1",
		`<!DOCTYPE a SYSTEM "file:///Kanarienvogel">` + head + `</Patient>`:                     "line 1",
		head + `<language value="&Kanarienvogel;"/></Patient>`:                                  "line 2",
		head + `Kanarienvogel`: "line 2",
	} {
		w := r.do(400, "POST", "/Patient", text, sendXML)
		if got := w.Body.String(); strings.Contains(got, "Kanarienvogel") || !strings.Contains(got, place) {
			t.Errorf("%s: %s", text, got)
		}
		w = r.call("POST", "/Patient/$validate", text, sendXML)
		if got := w.Body.String(); w.Code != 200 || strings.Contains(got, "Kanarienvogel") || !strings.Contains(got, place) {
			t.Errorf("validated: %s: %d %s", text, w.Code, got)
		}
	}
	deep := head + strings.Repeat(`<extension url="a">`, 100) + strings.Repeat(`</extension>`, 100) + `</Patient>`
	r.do(413, "POST", "/Patient", deep, sendXML)
	r.do(413, "POST", "/Patient", head+strings.Repeat(" ", 2<<20)+`</Patient>`, sendXML) // of the rig's limit on bodies
	r.do(415, "POST", "/Patient", head+`</Patient>`, sendXML, "Content-Encoding: gzip")
	if n := r.bundle(r.do(200, "GET", "/Patient", "")).Total; n == nil || *n != 0 {
		t.Error("something was stored")
	}
}

// TestBinaryInXML: the resource is told from XML that is content.
func TestBinaryInXML(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Binary/b", `<Binary xmlns="http://hl7.org/fhir"><id value="b"/><contentType value="text/css"/><data value="YQ=="/></Binary>`, sendXML)
	if w := r.do(200, "GET", "/Binary/b", ""); w.Body.String() != "a" || w.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%q %v", w.Body, w.Header())
	}
	if got := ofXML(t, r.do(200, "GET", "/Binary/b", "", wantXML)); !strings.Contains(got, `"data":"YQ=="`) {
		t.Error(got)
	}
	const other = `<ClinicalDocument xmlns="urn:hl7-org:v3"/>`
	r.do(201, "PUT", "/Binary/cda", other, "Content-Type: text/xml")
	if w := r.do(200, "GET", "/Binary/cda", "", "Accept: text/xml"); w.Body.String() != other || w.Header().Get("Content-Type") != "text/xml; charset=utf-8" {
		t.Errorf("%q %v", w.Body, w.Header())
	}
}

// TestXMLLacksACharacter: the answer is JSON then, and the change is told as made.
func TestXMLLacksACharacter(t *testing.T) {
	r := newRig(t)
	w := r.do(201, "PUT", "/Patient/ann", patient("ann", `A\ufffe`), wantXML)
	if got := w.Header().Get("Content-Type"); got != "application/fhir+json; charset=utf-8" || !json.Valid(w.Body.Bytes()) {
		t.Errorf("%s: %s", got, w.Body)
	}
}

// TestXMLLater: a request that is kept is read when its time comes.
func TestXMLLater(t *testing.T) {
	r := newRig(t)
	sent := inXML(t, entries("batch", entry("PUT", "Patient/ann", "", patient("ann", "Adams"), "")))
	r.jobs.Start(context.Background())
	r.do(406, "POST", "", sent, sendXML, "Accept: text/turtle", async)
	r.await(r.order("POST", "/", sent, sendXML, wantXML))
	r.do(200, "GET", "/Patient/ann", "")
}
