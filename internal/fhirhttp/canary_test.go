package fhirhttp_test

import (
	"encoding/base64"
	"strings"
	"testing"
)

const canary = "Zephyrine"

// TestRefusalsRepeatNothing: what was sent, and what is stored, comes back in no
// refusal, neither in its body nor in a header; but for the name of a parameter
// nobody knows, if it is one by its letters.
func TestRefusalsRepeatNothing(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/ann", patient("ann", canary))
	parameters := func(name, value string) string {
		return `{"resourceType":"Parameters","parameter":[{"name":"` + name + `","` + value + `}]}`
	}
	x := canary
	for _, p := range []struct{ line, body, header string }{
		{line: "GET /Patient?" + x + "1=1"}, {line: "GET /Patient?birthdate=" + x}, {line: "GET /Patient?name:" + x + "=1"}, {line: "GET /Patient?_sort=" + x}, {line: "GET /Patient?_include=" + x},
		{line: "GET /Patient?_revinclude=Observation:" + x}, {line: "GET /Patient?_has:Observation:" + x + ":code=1"}, {line: "GET /Patient?_has:" + x + ":subject:code=1"}, {line: "GET /Patient?organization." + x + "1=1"}, {line: "GET /Patient?general-practitioner:" + x + ".name=1"},
		{line: "GET /Patient?_filter=" + x + "1%20eq%201"}, {line: "GET /Patient?_filter=name%20" + x + "%201"}, {line: "GET /Patient?_filter=birthdate%20eq%20" + x}, {line: "GET /Patient?_list=$" + x}, {line: "GET /Patient?_list=" + x + "_"},
		{line: "GET /Patient?_elements=" + x}, {line: "GET /Patient?_summary=" + x}, {line: "GET /Patient?_total=" + x}, {line: "GET /Patient?_count=" + x}, {line: "GET /Patient?_page=" + x}, {line: "GET /Patient?_query=" + x}, {line: "GET /Patient?_format=" + x}, {line: "GET ?_type=" + x},
		{line: "GET /Observation?code:in=http://" + x}, {line: "GET /Observation?code:below=http://" + x + "|" + x}, {line: "GET /Observation?value-quantity=" + x}, {line: "GET /Observation?subject:" + x + "=1"}, {line: "GET /Location?near=" + x}, {line: "GET /Patient?_content=(" + x},
		{line: "GET /" + x}, {line: "GET /Patient/" + x + "_"}, {line: "GET /Patient/ann/" + x}, {line: "GET /Patient/ann/$" + x}, {line: "GET /Patient/ann/_history/" + x}, {line: "GET /Patient/ann/_history?_since=" + x}, {line: "GET /Patient/_history?_at=" + x}, {line: "GET /_history?_count=" + x}, {line: "GET /_history?" + x + "=1"},
		{line: "GET /Patient/ann/$everything?_type=" + x}, {line: "GET /Patient/ann/$everything?start=" + x}, {line: "GET /Patient/ann/$everything?" + x + "=1"}, {line: "GET /Observation/$lastn?subject=Patient/" + x + "&code=1&max=" + x}, {line: "GET /Observation/$lastn?subject=" + x + "&code=1&_sort=" + x},
		{line: "GET /Composition/" + x + "/$document?persist=" + x}, {line: "GET /Subscription/$status?id=" + x}, {line: "GET /Subscription/$status?status=" + x}, {line: "GET /Subscription/$get-ws-binding-token?id=" + x}, {line: "GET /Subscription/s/$events?eventsSinceNumber=" + x}, {line: "GET /Subscription/s/$events?content=" + x}, {line: "GET /ValueSet/$expand?url=u&designation=" + x + "&system-version=" + x + "|" + x + "&exclude-system=" + x}, {line: "GET /ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender&force-system-version=http://hl7.org/fhir/administrative-gender|" + x}, {line: "GET /$export?_type=" + x, header: async}, {line: "GET /$export?_typeFilter=Patient?birthdate=" + x, header: async}, {line: "GET /$export?_since=" + x, header: async}, {line: "GET /$export?_outputFormat=" + x, header: async},
		{line: "GET /$job/" + x}, {line: "GET /$job/" + x + "/" + x}, {line: "GET /ValueSet/$expand?url=http://" + x}, {line: "GET /ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender&filter=" + x + "&offset=" + x}, {line: "GET /CodeSystem/$lookup?system=http://" + x + "&code=" + x}, {line: "GET /CodeSystem/$lookup?system=http://hl7.org/fhir/administrative-gender&code=" + x},
		{line: "GET /CodeSystem/$subsumes?system=http://" + x + "&codeA=" + x + "&codeB=" + x}, {line: "GET /ConceptMap/$translate?url=http://" + x + "&code=" + x + "&system=" + x},
		{line: "POST /Patient", body: `{"resourceType":"Patient","gender":"` + x + `"}`}, {line: "POST /Patient", body: `{"resourceType":"Patient","birthDate":"` + x + `"}`}, {line: "POST /Patient", body: `{"resourceType":"Patient","name":"` + x + `"}`}, {line: "POST /Patient", body: `{"resourceType":"Patient","` + x + `":1}`},
		{line: "POST /Patient", body: `{"resourceType":"` + x + `"}`}, {line: "POST /Patient", body: `{` + x}, {line: "POST /Patient", body: `{"resourceType":"Patient","id":"` + x + `_"}`}, {line: "POST /Patient", body: fresh(patient("x", x)), header: "If-None-Exist: birthdate=" + x}, {line: "POST /Patient", body: "x", header: "Content-Type: text/" + x},
		{line: "PUT /Patient/ann", body: patient(x, x)}, {line: "PUT /Patient/ann", body: patient("ann", x), header: "If-Match: " + x}, {line: "PUT /Patient?" + x + "1=1", body: patient("ann", x)}, {line: "PUT /Patient/ann", body: patient("ann", x), header: `If-Match: W/"99"`}, {line: "DELETE /Patient?birthdate=" + x},
		{line: "PATCH /Patient/ann", body: `[{"op":"test","path":"/name/0/family","value":"x"}]`, header: asJSONPatch}, {line: "PATCH /Patient/ann", body: `[{"op":"` + x + `","path":"/` + x + `","value":"x"}]`, header: asJSONPatch}, {line: "PATCH /Patient/ann", body: `[{"op":"replace","path":"/` + x + `","value":"x"}]`, header: asJSONPatch}, {line: "PATCH /Patient/ann", body: `[{"op":"add","path":"/gender","value":"` + x + `"}]`, header: asJSONPatch},
		{line: "PATCH /Patient/ann", body: `{"` + x + `":"` + x + `"}`, header: "Content-Type: application/merge-patch+json"}, {line: "PATCH /Patient/ann", body: `{"name":[{"family":5}]}`, header: "Content-Type: application/merge-patch+json"},
		{line: "PATCH /Patient/ann", body: `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.name.where(family='` + x + `').` + x + `"},{"name":"value","valueString":"` + x + `"}]}]}`},
		{line: "POST /Patient/ann/$meta-add", body: parameters(x, `valueString":"`+x+`"`)}, {line: "POST /Patient/$validate?mode=" + x, body: patient("ann", x)}, {line: "POST /Patient/$validate?profile=http://" + x, body: patient("ann", x)}, {line: "POST /Patient/$validate", body: `{"resourceType":"Patient","meta":{"profile":["http://` + x + `"]},"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"` + x + `_"}]}}],"contact":[{"gender":"male"}]}`},
		{line: "POST /", body: `{"resourceType":"Bundle","type":"` + x + `"}`}, {line: "POST /", body: entries("transaction", entry("GET", x, "", "", ""))}, {line: "POST /", body: entries("transaction", entry("POST", "Observation", "", fresh(result("x", "Patient?birthdate="+x, "1")), ""))}, {line: "POST /", body: entries("transaction", entry("POST", "Observation", "", fresh(result("x", "Patient?family="+x+"x", "1")), ""))},
		{line: "POST /", body: entries("transaction", entry("PUT", "Patient/ann", "", patient(x, x), ""))}, {line: "POST /", body: entries("transaction", entry("PATCH", "Patient/ann", "", `{"resourceType":"Binary","contentType":"application/`+x+`","data":"`+base64.StdEncoding.EncodeToString([]byte(x))+`"}`, ""))},
		{line: "PUT /Subscription/s", body: strings.Replace(socketSubscription, `"s1"`, `"s"`, 1) + x}, {line: "PUT /Subscription/s", body: `{"resourceType":"Subscription","id":"s","status":"requested","reason":"x","criteria":"Patient?birthdate=` + x + `","channel":{"type":"websocket"}}`}, {line: "PUT /Subscription/s", body: `{"resourceType":"Subscription","id":"s","status":"requested","reason":"x","criteria":"Patient?","channel":{"type":"rest-hook","endpoint":"https://` + x + `/","header":["` + x + `"]}}`},
		{line: "PUT /Binary/b", body: `{"resourceType":"Binary","id":"b","contentType":"text/plain","securityContext":{"reference":"Group/` + x + `"}}`},
	} {
		method, path, _ := strings.Cut(p.line, " ")
		var headers []string
		if p.header != "" {
			headers = append(headers, p.header)
		}
		w := r.call(method, path, p.body, headers...)
		if w.Code < 400 && !strings.Contains(path, "$validate") {
			continue
		}
		if text := answerOf(w); strings.Contains(strings.ToLower(text), strings.ToLower(canary)) {
			t.Errorf("%s %s %s: %d %s", p.line, p.body, p.header, w.Code, text)
		}
	}
}
