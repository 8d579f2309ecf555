package fhirhttp_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fhirhttp"
)

// samples are bodies, and headers behind a line feed, for routes that a general
// one does not fit, by method and pattern.
var samples = map[string]string{
	"POST ": entries("batch", entry("GET", "Patient/canary", "", "", ""), entry("DELETE", "Patient/canary", "", "", ""),
		entry("GET", "Patient?family=Kanarienvogel", "", "", "")),
	"POST {type}/{id}/$meta-add":    metaParameters,
	"POST {type}/{id}/$meta-delete": metaParameters,
	"POST $import":                  importOrder("Patient https://source.example.org/patients.ndjson") + wait,
	"GET $export":                   wait, "POST $export": wait, "GET Patient/$export": wait, "POST Patient/$export": wait,
	"GET Group/{id}/$export": wait, "POST Group/{id}/$export": wait,
	"POST {type}/_search":               "family=Kanarienvogel\nContent-Type: application/x-www-form-urlencoded",
	"PATCH {type}":                      `[{"op":"add","path":"/gender","value":"other"}]` + "\nContent-Type: application/json-patch+json",
	"PATCH {type}/{id}":                 `[{"op":"add","path":"/gender","value":"other"}]` + "\nContent-Type: application/json-patch+json",
	"POST _search":                      "_id=canary\nContent-Type: application/x-www-form-urlencoded",
	"POST {type}/{id}/{member}/_search": "code=x\nContent-Type: application/x-www-form-urlencoded",
	"POST {type}/$validate":             patient("canary", "Kanarienvogel"),
	"POST {type}/{id}/$validate":        patient("canary", "Kanarienvogel"),
}

// queries are what a GET of an operation must be asked with.
var queries = map[string]string{
	"ValueSet/$expand":               "?url=http://hl7.org/fhir/ValueSet/administrative-gender",
	"ValueSet/$validate-code":        "?url=http://hl7.org/fhir/ValueSet/administrative-gender&system=http://hl7.org/fhir/administrative-gender&code=male",
	"ValueSet/{id}/$validate-code":   "?system=http://hl7.org/fhir/administrative-gender&code=male",
	"CodeSystem/$validate-code":      "?url=http://hl7.org/fhir/administrative-gender&code=male",
	"CodeSystem/{id}/$validate-code": "?code=male",
	"CodeSystem/$lookup":             "?system=http://hl7.org/fhir/administrative-gender&code=male",
	"CodeSystem/$subsumes":           "?system=http://hl7.org/fhir/administrative-gender&codeA=male&codeB=female",
	"CodeSystem/{id}/$subsumes":      "?codeA=male&codeB=female",
	"ConceptMap/$translate":          "?system=http://hl7.org/fhir/administrative-gender&code=male",
	"Subscription/$status":           "?id=canary",

	"Subscription/$get-ws-binding-token": "?id=canary",
	"ConceptMap/{id}/$translate":         "?system=http://hl7.org/fhir/administrative-gender&code=male",
}

// sample makes a request that a route takes, about the canary.
func sample(l fhirhttp.Line) (path, body string, headers []string) {
	typ := "Patient"
	if l.Types != nil {
		typ = l.Types[0]
	}
	path = "/" + strings.NewReplacer("{type}", typ, "{id}", "canary", "{version}", "1", "{member}", "Observation").Replace(l.Pattern) + queries[l.Pattern]
	body, special := samples[l.Method+" "+l.Pattern]
	body, header, _ := strings.Cut(body, "\n")
	if header != "" {
		headers = []string{header}
	}
	if l.Level == "type" && (l.Method == "PUT" || l.Method == "DELETE" || l.Method == "PATCH") {
		path += "?family=Kanarienvogel"
	}
	if special || l.Method == "GET" {
		return path, body, headers
	}
	switch {
	case l.Operation != "":
		body = `{"resourceType":"Parameters"}`
	case l.Method != "DELETE":
		body = patient("canary", "Kanarienvogel")
	}
	if l.Method == "POST" {
		body = fresh(body)
	}
	return path, body, headers
}

// withCanary is a rig in which one patient must not be seen.
func withCanary(t *testing.T) *rig {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/canary", patient("canary", "Kanarienvogel"))
	return r
}

// traces counts the audit entries of an actor.
func (r *rig) traces(actor string) int {
	r.t.Helper()
	check(r.t, r.log.Integrate(context.Background()))
	n := 0
	check(r.t, r.log.Search(context.Background(), audit.Filter{Actor: actor}, func(*audit.Record) error { n++; return nil }))
	return n
}

// asksPolicy calls a route as somebody who may see nothing, and says what is
// wrong with what happens.
func (r *rig) asksPolicy(l fhirhttp.Line) string {
	r.t.Helper()
	if (len(l.Asks) == 0) == (l.Free == "") {
		return "it must ask policy, or say why it need not"
	}
	path, body, headers := sample(l)
	before := r.traces("blind")
	w := r.call(l.Method, path, body, append(headers, as("blind"))...)
	switch after := r.traces("blind"); {
	case strings.Contains(w.Body.String(), "Kanarienvogel"):
		return "it shows what the caller may not see"
	case l.Free != "":
		return ""
	case after == before:
		return "it leaves no audit entry"
	case strings.HasPrefix(l.Does, "transaction"):
		return "" // 200, with refusals inside
	case w.Code == 200 && l.Does == "search-system" && !strings.Contains(w.Body.String(), "fullUrl"):
		return "" // of all types he may search none, or what he may is empty
	case w.Code != 403 && w.Code != 404:
		return "it does not refuse: " + w.Result().Status + " " + w.Body.String()
	}
	return ""
}

func TestEveryRouteAsksPolicy(t *testing.T) {
	for _, l := range fhirhttp.Lines(newRig(t).config) {
		r := withCanary(t)
		if wrong := r.asksPolicy(l); wrong != "" {
			t.Errorf("%s %s %s: %s", l.Method, l.Pattern, l.Operation, wrong)
		}
		// Whoever may see everything leaves a trace too.
		path, body, headers := sample(l)
		before := r.traces("program")
		w := r.call(l.Method, path, body, headers...)
		if w.Code == 404 && strings.Contains(w.Body.String(), "no such address") || w.Code == 405 || w.Code >= 500 {
			t.Errorf("%s %s: %d %s", l.Method, l.Pattern, w.Code, w.Body)
		}
		if l.Free == "" && r.traces("program") == before {
			t.Errorf("%s %s %s: no entry of a full answer: %d %s", l.Method, l.Pattern, l.Operation, w.Code, w.Body)
		}
	}
}

// TestRoguesAreSeen is the negative control.
func TestRoguesAreSeen(t *testing.T) {
	for name, c := range map[string]struct {
		line fhirhttp.Line
		says string
	}{
		"no entry":         {fhirhttp.Line{Method: "GET", Pattern: "{type}/{id}/$x", Asks: []string{"read"}}, "{}"},
		"shows":            {fhirhttp.Line{Method: "GET", Pattern: "{type}/{id}/$x", Asks: []string{"read"}}, "Kanarienvogel"},
		"shows for free":   {fhirhttp.Line{Method: "GET", Pattern: "{type}/{id}/$x", Free: "so it says"}, "Kanarienvogel"},
		"asks nothing":     {fhirhttp.Line{Method: "GET", Pattern: "{type}/{id}/$x"}, "{}"},
		"shows to anybody": {fhirhttp.Line{Method: "GET", Pattern: "{type}/{id}/$x", Public: true, Free: "so it says"}, "Kanarienvogel"},
	} {
		r := withCanary(t)
		r.api = fhirhttp.WithRogue(r.config, c.line, c.says)
		if r.asksPolicy(c.line) == "" {
			t.Errorf("%s: a route that does not go through the chart was not seen", name)
		}
	}
}

// statement is the CapabilityStatement as tests read it.
type statement struct {
	Rest []struct {
		level
		Resource []struct {
			level
			Type        string
			Profile     string
			SearchParam []struct{ Name, Type string }
		}
	}
}

type level struct {
	Interaction []struct{ Code string }
	Operation   []struct{ Name, Definition string }
}

func (l level) does(code string) bool {
	return slices.ContainsFunc(l.Interaction, func(i struct{ Code string }) bool { return i.Code == code })
}

func (l level) has(line fhirhttp.Line) bool {
	return slices.Contains(l.Operation, struct{ Name, Definition string }{line.Operation, line.Definition})
}

func (r *rig) statement() (s statement, raw map[string]any) {
	w := r.do(200, "GET", "/metadata", "")
	check(r.t, json.Unmarshal(w.Body.Bytes(), &s))
	check(r.t, json.Unmarshal(w.Body.Bytes(), &raw))
	return s, raw
}

// TestRoutesAreDeclared: whatever is served is in the CapabilityStatement.
func TestRoutesAreDeclared(t *testing.T) {
	r := newRig(t)
	s, raw := r.statement()
	rest := s.Rest[0]
	members := raw["rest"].([]any)[0].(map[string]any)["resource"].([]any)
	for _, l := range fhirhttp.Lines(newRig(t).config) {
		declared := func(at level, what string) {
			for code := range strings.FieldsSeq(l.Does) {
				if code != "capabilities" && !at.does(code) {
					t.Errorf("%s: %s is served and not declared", what, code)
				}
			}
			if l.Operation != "" && !at.has(l) {
				t.Errorf("%s: $%s is served and not declared", what, l.Operation)
			}
		}
		if l.Level == "system" {
			declared(rest.level, "system")
			continue
		}
		for i, res := range rest.Resource {
			if !l.Serves(res.Type) {
				continue
			}
			declared(res.level, res.Type)
			for name, value := range l.Claims {
				if got := members[i].(map[string]any)[name]; !reflect.DeepEqual(got, value) {
					t.Errorf("%s: %s is %v, not %v", res.Type, name, got, value)
				}
			}
		}
	}
}

// calls are how a client does what a CapabilityStatement declares.
var calls = map[string]string{
	"read": "GET {type}/x", "vread": "GET {type}/x/_history/1", "update": "PUT {type}/x", "patch": "PATCH {type}/x",
	"delete": "DELETE {type}/x", "history-instance": "GET {type}/x/_history", "history-type": "GET {type}/_history",
	"create": "POST {type}", "search-type": "GET {type}?_count=1",
	"transaction": "POST ", "batch": "POST ", "search-system": "GET ?_type=Patient", "history-system": "GET _history",
}

// values are what a search parameter of each type takes.
var values = map[string]string{
	"string": "x", "token": "x", "uri": "urn:x", "reference": "x", "date": "2020", "number": "1", "quantity": "1", "composite": "x$2020",
}

// TestTheDeclaredIsServed: whatever is in the CapabilityStatement can be called.
func TestTheDeclaredIsServed(t *testing.T) {
	r := newRig(t)
	s, _ := r.statement()
	rest := s.Rest[0]
	try := func(method, path, body string) {
		w := r.call(method, path, body)
		missing := w.Code == 404 && (strings.Contains(w.Body.String(), "no such address") || strings.Contains(w.Body.String(), "no resource type"))
		if missing || w.Code == 405 || w.Code >= 500 {
			t.Errorf("%s %s is declared: %d %s", method, path, w.Code, w.Body)
		}
	}
	interactions := func(at level, typ string) {
		if len(at.Interaction) == 0 {
			t.Errorf("%s: nothing is declared", typ)
		}
		for _, in := range at.Interaction {
			call, ok := calls[in.Code]
			if !ok {
				t.Errorf("%s: %s is no interaction of R4", typ, in.Code)
			}
			method, path, _ := strings.Cut(strings.ReplaceAll(call, "{type}", typ), " ")
			body := ""
			if method != "GET" && method != "DELETE" {
				body = "{}"
			}
			try(method, "/"+path, body)
		}
	}
	interactions(rest.level, "system")
	for _, res := range rest.Resource {
		interactions(res.level, res.Type)
		if res.Profile != "http://hl7.org/fhir/StructureDefinition/"+res.Type {
			t.Errorf("%s: profile %s", res.Type, res.Profile)
		}
		for _, p := range res.SearchParam {
			if value := values[p.Type]; value != "" && (res.Type == "Patient" || res.Type == "Observation") {
				r.do(200, "GET", "/"+res.Type+"?_count=1&"+p.Name+"="+value, "")
			}
		}
		for _, op := range res.Operation {
			if !r.operates(op.Name, res.Type) {
				t.Errorf("%s: $%s is declared and not served", res.Type, op.Name)
			}
		}
	}
	for _, op := range rest.Operation {
		if !r.operates(op.Name, "") {
			t.Errorf("system: $%s is declared and not served", op.Name)
		}
	}
}

// operates reports whether an operation can be called for a type, "" for the
// system, by some method at some level.
func (r *rig) operates(name, typ string) bool {
	paths := []string{"/$" + name}
	if typ != "" {
		paths = []string{"/" + typ + "/$" + name, "/" + typ + "/x/$" + name}
	}
	for _, path := range paths {
		for _, method := range []string{"POST", "GET"} {
			w := r.call(method, path, `{"resourceType":"Parameters"}`)
			if w.Code != 405 && w.Code < 500 && !(w.Code == 404 && strings.Contains(w.Body.String(), "no such address")) {
				return true
			}
		}
	}
	return false
}

// TestEveryRouteIsReached: no line of the table hides behind another.
func TestEveryRouteIsReached(t *testing.T) {
	cfg := newRig(t).config
	for i, l := range fhirhttp.Lines(cfg) {
		path, _, _ := sample(l)
		if got := fhirhttp.Found(cfg, httptest.NewRequest(l.Method, "/fhir"+path, nil)); got != i {
			t.Errorf("%s %s leads to line %d, not %d", l.Method, path, got, i)
		}
	}
}

// TestFormatsAreServed: what is declared is spoken both ways, and nothing else is.
func TestFormatsAreServed(t *testing.T) {
	r := newRig(t)
	_, raw := r.statement()
	declared := raw["format"].([]any)
	for _, name := range []string{"json", "xml"} {
		if !slices.Contains(declared, any(name)) || !slices.Contains(declared, any("application/fhir+"+name)) {
			t.Errorf("%s is not declared: %v", name, declared)
		}
	}
	for _, format := range append(declared, "ttl", "application/fhir+turtle", "text/html", "application/fhir+cbor") {
		name, spoken := format.(string), slices.Contains(declared, format)
		status, kind := 200, strings.TrimPrefix(name, "application/fhir+")
		if !spoken {
			status, kind = 406, "json"
		}
		ways := map[string][]string{"?_format=" + strings.ReplaceAll(name, "+", "%2B"): nil}
		if strings.Contains(name, "/") {
			ways[""] = []string{"Accept: " + name}
			body := `{"resourceType":"Patient","gender":"male"}`
			if kind == "xml" {
				body = inXML(t, body)
			}
			if w := r.call("POST", "/Patient", body, "Content-Type: "+name); (w.Code == 201) != spoken || !spoken && w.Code != 415 {
				t.Errorf("%s is sent: %d %s", name, w.Code, w.Body)
			}
		}
		for query, headers := range ways {
			if w := r.do(status, "GET", "/metadata"+query, "", headers...); w.Header().Get("Content-Type") != "application/fhir+"+kind+"; charset=utf-8" {
				t.Errorf("%s: answered in %s", name, w.Header().Get("Content-Type"))
			}
		}
	}
	r.do(201, "PUT", "/Patient/ann", patient("ann", "Adams"))
	for _, media := range append(raw["patchFormat"].([]any), "application/xml-patch+xml") {
		w := r.call("PATCH", "/Patient/ann", "?", "Content-Type: "+media.(string))
		if spoken := media != "application/xml-patch+xml"; (w.Code == 415) == spoken {
			t.Errorf("a patch in %s: %d %s", media, w.Code, w.Body)
		}
	}
}

func TestModes(t *testing.T) {
	r := newRig(t)
	for mode, want := range map[string]int{"full": 200, "normative": 200, "": 200, "terminology": 200, "other": 400} {
		w := r.do(want, "GET", "/metadata?mode="+mode, "", as("nobody"))
		if strings.Contains(w.Body.String(), `"CapabilityStatement"`) != (want == 200 && mode != "terminology") {
			t.Errorf("mode=%s: %.100s", mode, w.Body)
		}
	}
}

// TestProfilesAreDeclared: those that are loaded, as long as they are.
func TestProfilesAreDeclared(t *testing.T) {
	r := newRig(t)
	declared := func() bool {
		return strings.Contains(r.do(200, "GET", "/metadata", "").Body.String(), `"supportedProfile":["https://example.org/fhir/StructureDefinition/tall"]`)
	}
	if declared() {
		t.Fatal("declared before it is there")
	}
	r.do(201, "PUT", "/StructureDefinition/tall", `{"resourceType":"StructureDefinition","id":"tall","url":"https://example.org/fhir/StructureDefinition/tall","name":"Tall","status":"active","kind":"resource","abstract":false,"type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","derivation":"constraint","differential":{"element":[{"id":"Patient","path":"Patient"}]}}`)
	if !declared() {
		t.Error("not declared")
	}
	r.do(204, "DELETE", "/StructureDefinition/tall", "")
	if declared() {
		t.Error("declared when it is gone")
	}
}
