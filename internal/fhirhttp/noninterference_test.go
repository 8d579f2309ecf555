package fhirhttp_test

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// Two worlds that differ in what is hidden alone must give the same answers:
// status, headers and body. Whatever differs tells of something hidden.

const vip = `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"CEL"}]},`

// world is a ward with Ann on it, and records everybody may see that name Bob.
// With secrets there is Bob himself, on another ward or marked, with a past.
func world(t *testing.T, mark string, secrets bool) *rig {
	r := newRig(t)
	put := func(text string) {
		t.Helper()
		typ, rest, _ := strings.Cut(strings.TrimPrefix(text, `{"resourceType":"`), `"`)
		_, rest, _ = strings.Cut(rest, `"id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		if w := r.call("PUT", "/"+typ+"/"+id, text, as("importer")); w.Code >= 300 {
			t.Fatalf("%s/%s: %d %s", typ, id, w.Code, w.Body)
		}
	}
	encounter := func(id, who, where string) string {
		return `{"resourceType":"Encounter","id":"` + id + `","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/` + who + `"},"location":[{"location":{"reference":"Location/` + where + `"}}]}`
	}
	put(`{"resourceType":"Location","id":"east","name":"East"}`)
	put(`{"resourceType":"Location","id":"west","name":"West","partOf":{"reference":"Location/site"}}`)
	put(`{"resourceType":"Schedule","id":"plan-ann","actor":[{"reference":"Patient/ann"}]}`)
	put(`{"resourceType":"Schedule","id":"plan-bob","actor":[{"reference":"Patient/bob"}]}`)
	put(`{"resourceType":"Slot","id":"slot-bob","status":"free","schedule":{"reference":"Schedule/plan-bob"},"start":"2026-11-23T08:00:00Z","end":"2026-11-23T09:00:00Z"}`)
	put(patient("ann", "Adams"))
	put(encounter("stay-ann", "ann", "east"))
	put(result("k-ann", "Patient/ann", "4"))
	if secrets {
		bob := patient("bob", "Brown")
		put(bob)
		put(encounter("stay-bob", "bob", "west"))
		for _, value := range []string{"5", "6", "7"} {
			put(result("k-bob", "Patient/bob", value))
		}
		put(result("gone-bob", "Patient/bob", "9"))
		r.do(204, "DELETE", "/Observation/gone-bob", "", as("program"))
		put(strings.Replace(bob, `"id":"bob",`, `"id":"bob",`+mark, 1))
	}
	return r
}

// probes are "METHOD path", with a body and If-None-Exist where they need one.
var probes = []struct{ line, body, header string }{
	{line: "GET /Patient/bob"}, {line: "HEAD /Patient/bob"}, {line: "GET /Patient/bob/_history"}, {line: "GET /Patient/bob/_history/1"},
	{line: "GET /Observation/k-bob"}, {line: "GET /Observation/k-bob/_history/2"}, {line: "GET /Observation/k-bob/_history?_count=1"},
	{line: "GET /Observation/gone-bob"}, {line: "GET /Observation/gone-bob/_history"}, {line: "GET /Observation/gone-bob/_history/1"},
	{line: "GET ?_type=Patient,Observation,Location&_count=1&_total=accurate"}, {line: "GET /?_summary=count"}, {line: "GET /Patient/bob/Observation"}, {line: "GET /Patient/bob/*?_summary=count"},
	{line: "GET /_history"}, {line: "GET /_history?_count=1"}, {line: "GET /_history?_summary=count"}, {line: "GET /Patient/_history"}, {line: "GET /Patient/_history?_summary=count"},
	{line: "GET /Observation/_history?_count=1"}, {line: "GET /Observation/_history?_since=2020-01-01T00:00:00Z"}, {line: "GET /Observation/_history?_at=2026-11-22"}, {line: "GET /Encounter/_history"},
	{line: "GET /Patient/bob", header: `If-None-Match: W/"1"`}, {line: "GET /Patient/bob", header: "If-None-Match: *"},
	{line: "GET /Patient"}, {line: "GET /Patient?_sort=family&_count=1&_total=accurate"}, {line: "GET /Patient?_summary=count"},
	{line: "GET /Patient?_id=bob"}, {line: "GET /Patient?_id:not=ann&_summary=count"}, {line: "GET /Patient?family=brown&_summary=count"}, {line: "GET /Patient?family:missing=false&_total=accurate"},
	{line: "GET /Patient?_security=http://terminology.hl7.org/CodeSystem/v3-ActCode|CEL"}, {line: "GET /Patient?_security:missing=true&_total=accurate"},
	{line: "GET /Patient?_lastUpdated=gt2020&_summary=count"}, {line: "GET /Patient?identifier=urn:mrn|M-bob,urn:mrn|M-ann"},
	{line: "GET /Observation?_sort=-value-quantity&_count=1"}, {line: "GET /Observation?value-quantity=gt4&_summary=count"}, {line: "GET /Observation?code=2823-3&_count=1&_total=estimate"},
	{line: "GET /Observation?subject=Patient/bob&_total=accurate"}, {line: "GET /Observation?subject:Patient.family=brown&_total=accurate"}, {line: "GET /Observation?code-value-quantity=2823-3$gt4&_summary=count"},
	{line: "GET /Schedule?_include=Schedule:actor"}, {line: "GET /Schedule?_include=*&_include:iterate=Encounter:location"}, {line: "GET /Slot?_include=Slot:schedule&_include:iterate=Schedule:actor"},
	{line: "GET /Schedule?actor:Patient.family=brown"}, {line: "GET /Schedule?actor:Patient.birthdate:missing=true&_summary=count"}, {line: "GET /Schedule?actor:Patient._id=bob,ann&_total=accurate"},
	{line: "GET /Slot?schedule.actor:Patient.family=brown"}, {line: "GET /Slot?schedule.actor:Patient.identifier=urn:mrn|M-bob&_summary=count"}, {line: "GET /Schedule?actor:Patient.link:Patient.family=x"},
	{line: "GET /Location?_revinclude=Encounter:location"}, {line: "GET /Location?_id=west&_revinclude=Encounter:location&_revinclude:iterate=Observation:encounter&_include:iterate=Encounter:subject"}, {line: "GET /Location?_revinclude=Encounter:*"},
	{line: "PUT /Observation/k-bob?subject=x", body: result("k-bob", "Patient/ann", "1")},
	{line: "PATCH /Observation/k-bob", body: gender("male"), header: asJSONPatch}, {line: "PATCH /Observation?value-quantity=gt4.5", body: gender("male"), header: asJSONPatch}, {line: "PATCH /Patient/bob", body: replaces("male")},
	{line: "DELETE /Patient/bob"}, {line: "DELETE /Observation/k-bob"}, {line: "DELETE /Observation/gone-bob"},
	{line: "DELETE /Observation?value-quantity=gt4.5"}, {line: "DELETE /Encounter?location=Location/west"},
	{line: "POST /Observation", body: fresh(result("x", "Patient/ann", "1")), header: "If-None-Exist: value-quantity=gt4.5"},
	{line: "PUT /Observation?value-quantity=7", body: fresh(result("x", "Patient/ann", "7"))},
	{line: "POST /", body: entries("batch", entry("GET", "Patient/bob", "", "", ""), entry("GET", "Observation?value-quantity=gt4.5", "", "", ""), entry("GET", "Observation/gone-bob", "", "", ""))},
	{line: "POST /", body: entries("transaction", entry("POST", "Observation", "", fresh(result("x", "Patient?identifier=urn:mrn|M-bob", "1")), ""))},
	{line: "POST /", body: entries("transaction", entry("DELETE", "Observation?value-quantity=gt4.5", "", "", ""))},
}

// narrowed are probes that are told apart only for those who may choose ids.
var narrowed = []struct{ line, body, header string }{
	{line: "PUT /Observation/k-bob", body: result("k-bob", "Patient/ann", "1")}, {line: "PUT /Observation/k-bob", body: result("k-bob", "Patient/bob", "1")},
	{line: "PUT /Observation/gone-bob", body: result("gone-bob", "Patient/ann", "1")}, {line: "PUT /Observation/k-bob", body: result("k-bob", "Patient/ann", "1"), header: `If-Match: W/"3"`},
	{line: "PUT /Observation/k-bob", body: result("k-bob", "Patient/ann", "1"), header: "If-None-Match: *"},
	{line: "PUT /Observation?_id=k-bob", body: result("k-bob", "Patient/bob", "1")}, {line: "PUT /Observation?value-quantity=5", body: result("k-bob", "Patient/ann", "1")},
	{line: "POST /Observation", body: fresh(result("x", "Patient/bob", "1"))}, {line: "POST /Encounter", body: `{"resourceType":"Encounter","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/bob"}}`},
	{line: "POST /", body: entries("transaction", entry("PUT", "Observation/k-bob", "", result("k-bob", "Patient/ann", "1"), ""))},
}

var (
	uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}`)
	pages = regexp.MustCompile(`_page=[A-Za-z0-9_%-]+`)
)

func answerOf(w *httptest.ResponseRecorder) string {
	h := w.Header()
	h.Del("X-Request-Id")
	var b strings.Builder
	_ = h.Write(&b) // to memory
	text := b.String() + w.Body.String()
	return pages.ReplaceAllString(uuids.ReplaceAllString(text, "uuid"), "_page=token")
}

func TestWhatIsHiddenChangesNothing(t *testing.T) {
	for name, c := range map[string]struct{ who, mark string }{
		"a nurse and another ward": {"nurse", ""},
		"a nurse and a mark":       {"nurse", vip},
		"a program and a mark":     {"program", vip},
	} {
		t.Run(name, func(t *testing.T) {
			without, with := world(t, c.mark, false), world(t, c.mark, true)
			list := probes
			if c.who == "nurse" {
				list = append(list[:len(list):len(list)], narrowed...)
			}
			for _, p := range list {
				method, path, _ := strings.Cut(p.line, " ")
				headers := []string{as(c.who)}
				if p.header != "" {
					headers = append(headers, p.header)
				}
				a, b := without.call(method, path, p.body, headers...), with.call(method, path, p.body, headers...)
				if a.Code != b.Code || answerOf(a) != answerOf(b) {
					t.Errorf("%s %s\nwithout: %d %s\nwith:    %d %s", p.line, p.header, a.Code, a.Body, b.Code, b.Body)
				}
			}
		})
	}
}
