package fhirhttp_test

import (
	"context"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// roads are the ways to data that go beyond read, search and history.
var roads = []struct{ line, body, header string }{
	{line: "GET /Patient?_has:Observation:subject:value-quantity=gt4.5"}, {line: "GET /Schedule?_has:Slot:schedule:status=free&actor=Patient/bob"},
	{line: "GET /Schedule?actor:Patient._has:Observation:subject:value-quantity=gt4.5&_total=accurate"}, {line: "GET /Location?_has:Encounter:location:status=in-progress&_total=accurate"},
	{line: "GET /Location?_has:Encounter:location:subject:Patient.family=brown&_summary=count"}, {line: "GET /Observation?_has:Observation:has-member:code=2823-3&_total=accurate"},
	{line: "GET /Observation?has-member:Observation.value-quantity=7&_total=accurate"}, {line: "GET /Observation?has-member.subject:Patient.family=brown"},
	{line: `GET /Patient?_filter=family%20eq%20brown&_total=accurate`}, {line: `GET /Patient?_filter=not(family%20eq%20adams)&_summary=count`},
	{line: `GET /Schedule?_filter=actor:Patient.family%20eq%20brown`}, {line: `GET /Schedule?_filter=not(actor:Patient.family%20eq%20brown)&_total=accurate`},
	{line: `GET /Schedule?_filter=actor:Patient[family%20eq%20brown].birthdate%20pr%20false&_total=accurate`},
	{line: `GET /Observation?_filter=value-quantity%20gt%204.5%20or%20value-quantity%20lt%204.5&_summary=count`},
	{line: "GET /Observation?_list=ann-names"}, {line: "GET /Observation?_list=bob-names&_total=accurate"}, {line: "GET /Patient?_list=ann-names,bob-names&_summary=count"},
	{line: "GET /Observation?_list=nothing"}, {line: "GET ?_type=Patient,Observation&_list=bob-names&_summary=count"},
	{line: "GET ?_type=Observation,Schedule,Location&_sort=-_lastUpdated&_count=2&_total=accurate"}, {line: "GET ?_type=Observation&_lastUpdated=gt2020&_summary=count"},
	{line: "GET /Patient/bob/Schedule"}, {line: "GET /Patient/bob/Patient"}, {line: "GET /Encounter/stay-bob/Observation?_total=accurate"}, {line: "GET /Encounter/stay-bob/*"},
	{line: "GET /Patient/bob/*?_include=*&_include:iterate=*&_total=accurate"}, {line: "GET /Practitioner/drs/*?_total=accurate"},
	{line: "GET /Observation?_include=*&_include:iterate=Observation:*"}, {line: "GET /Observation?_id=k-panel&_include=Observation:has-member&_include:iterate=Observation:subject"},
	{line: "GET /Schedule?_revinclude=Observation:*"}, {line: "GET /Location?_revinclude:iterate=Encounter:*&_include:iterate=Encounter:*"}, {line: "GET /Patient?_revinclude=Observation:*&_revinclude=List:*"},
	{line: "GET /Patient/bob/$everything"}, {line: "GET /Encounter/stay-bob/$everything"}, {line: "GET /Patient/$everything?_count=1"}, {line: "GET /Patient/ann/$everything"}, {line: "GET /Encounter/stay-ann/$everything"},
	{line: "GET /Observation/$lastn?subject=Patient/bob&code=2823-3&max=2"}, {line: "GET /Observation/$lastn?subject:Patient.family=brown&code=2823-3"}, {line: "GET /Observation/$lastn?patient=Patient/ann&category=x"},
	{line: "GET /Composition/note-ann/$document"}, {line: "GET /Composition/note-bob/$document"}, {line: "GET /Composition/nothing/$document"},
	{line: "GET /Patient/bob/$meta"}, {line: "GET /Observation/gone-bob/$meta"},
	{line: "POST /Observation/k-bob/$meta-add", body: someMeta}, {line: "POST /Observation/gone-bob/$meta-delete", body: someMeta},
	{line: "GET /Observation/k-bob/$validate"}, {line: "GET /Observation/gone-bob/$validate"}, {line: "GET /Observation/k-bob/$validate?mode=delete"}, {line: "POST /Observation/gone-bob/$validate?mode=delete"},
	{line: "POST /Observation/k-bob/$validate?mode=update", body: result("k-bob", "Patient/ann", "1")}, {line: "POST /Observation/k-bob/$validate", body: result("k-bob", "Patient/ann", "1")},
	{line: "POST /Observation/$validate", body: result("x", "Patient/bob", "1")}, {line: "POST /Observation/$validate?mode=create", body: result("x", "Patient/ann", "1")},
	{line: "GET /Binary/scan-bob"}, {line: "GET /Binary/scan-bob", header: "Accept: application/fhir+json"}, {line: "GET /Binary/scan-bob/_history/1"}, {line: "GET /Binary?_total=accurate"},
	{line: "PATCH /Observation/k-bob", body: `[{"op":"test","path":"/valueQuantity/value","value":7}]`, header: asJSONPatch},
	{line: "PATCH /Observation/gone-bob", body: `[{"op":"test","path":"/valueQuantity/value","value":9}]`, header: asJSONPatch},
	{line: "PATCH /Observation?_has:Observation:has-member:code=2823-3", body: `[{"op":"test","path":"/status","value":"amended"}]`, header: asJSONPatch},
	{line: "DELETE /Observation/k-bob", header: `If-Match: W/"1"`}, {line: "DELETE /Observation?_list=bob-names"}, {line: "DELETE /Observation?_filter=value-quantity%20gt%204.5"},
	{line: "POST /Observation", body: fresh(result("x", "Patient/ann", "1")), header: "If-None-Exist: subject:Patient.family=brown"},
	{line: "POST /Observation", body: fresh(result("x", "Patient/ann", "1")), header: "If-None-Exist: _list=bob-names"},
	{line: "POST /", body: entries("transaction", entry("POST", "Observation", "", fresh(result("x", "Patient?_has:Observation:subject:value-quantity=7", "1")), ""))},
	{line: "POST /", body: entries("transaction", entry("DELETE", "Observation/gone-bob", "", "", ""))},
	{line: "POST /", body: entries("batch", entry("GET", "Observation/k-bob/$validate?mode=delete", "", "", ""), entry("GET", "Patient/bob/$everything", "", "", ""), entry("GET", "Composition/note-ann/$document", "", "", ""))},
	{line: "GET /ValueSet/codes-bob/$expand"}, {line: "GET /ValueSet/nothing/$expand"},
	{line: "GET /Subscription/watch-bob/$status"}, {line: "GET /Subscription/$status?id=watch-bob"}, {line: "GET /Subscription/watch-bob/$get-ws-binding-token"}, {line: "GET /Subscription/$get-ws-binding-token?id=watch-bob"}, {line: "GET /Subscription/watch-bob/$events"}, {line: "GET /Subscription/$status"},
	{line: "GET /SearchParameter/none/$index-status"},
}

const someMeta = `{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"system":"urn:t","code":"x"}]}}]}`

// furnished is a world with what the roads lead over: visible records that name
// hidden ones, and hidden ones of the kinds that roads begin at.
func furnished(t *testing.T, mark string, secrets bool) *rig {
	r := world(t, mark, secrets)
	put := func(address, text string) {
		t.Helper()
		if w := r.call("PUT", address, text, as("importer")); w.Code >= 300 {
			t.Fatalf("%s: %d %s", address, w.Code, w.Body)
		}
	}
	list := func(id, who string) string {
		return `{"resourceType":"List","id":"` + id + `","status":"current","mode":"working","subject":{"reference":"Patient/` + who + `"},"entry":[` +
			`{"item":{"reference":"Observation/k-ann"}},{"item":{"reference":"Observation/k-bob"}},{"item":{"reference":"Patient/bob"}},{"item":{"reference":"Observation/gone-bob"}}]}`
	}
	note := func(id, who, of string) string {
		return `{"resourceType":"Composition","id":"` + id + `","status":"final","type":{"text":"note"},"date":"2026-11-22","author":[{"display":"x"}],"title":"t","subject":{"reference":"Patient/` + who + `"},"section":[{"title":"s","entry":[{"reference":"Observation/` + of + `"}]}]}`
	}
	put("/List/ann-names", list("ann-names", "ann"))
	put("/Composition/note-ann", note("note-ann", "ann", "k-bob"))
	put("/Observation/k-panel", strings.Replace(result("k-panel", "Patient/ann", "1"), `"status"`, `"hasMember":[{"reference":"Observation/k-bob"},{"reference":"Observation/gone-bob"}],"status"`, 1))
	if secrets {
		put("/List/bob-names", list("bob-names", "bob"))
		put("/Composition/note-bob", note("note-bob", "bob", "k-bob"))
		put("/Binary/scan-bob", `{"resourceType":"Binary","id":"scan-bob","contentType":"text/plain","securityContext":{"reference":"Patient/bob"},"data":"aGVsbG8="}`)
	}
	return r
}

// TestRoadsTellOfNothingHidden is TestWhatIsHiddenChangesNothing for operations
// and for searches that lead over other records.
func TestRoadsTellOfNothingHidden(t *testing.T) {
	for name, c := range map[string]struct{ who, mark string }{
		"a nurse and another ward":   {"nurse", ""},
		"a nurse and a mark":         {"nurse", vip},
		"a program and a mark":       {"program", vip},
		"a narrow program, a mark":   {"obs", vip},
		"a program that only writes": {"writer", vip},
	} {
		t.Run(name, func(t *testing.T) {
			without, with := furnished(t, c.mark, false), furnished(t, c.mark, true)
			for _, p := range roads {
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

// TestIndexStatusTellsNoNumbers: an expression can ask anything of the records
// there are; whoever may write SearchParameters must not learn the answer.
func TestIndexStatusTellsNoNumbers(t *testing.T) {
	without, with := furnished(t, vip, false), furnished(t, vip, true)
	scopes, err := identity.ParseScopes("system/SearchParameter.cruds")
	check(t, err)
	var answers []string
	for _, r := range []*rig{without, with} {
		author := identity.Actor{Kind: identity.KindClient, ID: "author", Scopes: scopes, SessionID: "s"}
		r.actors["author"] = author
		r.do(201, "PUT", "/SearchParameter/probe", `{"resourceType":"SearchParameter","id":"probe","url":"urn:probe","name":"probe","status":"active","description":"x",
			"code":"probe","base":["Patient"],"type":"string","expression":"Patient.name.where(family = 'Brown').family"}`, as("author"))
		answers = append(answers, r.eventually("GET", "/SearchParameter/probe/$index-status", `"valueCode":"ready"`, as("author")))
	}
	if answers[0] != answers[1] {
		t.Errorf("without: %s\nwith: %s", answers[0], answers[1])
	}
}

// TestWriteOnlySeesNoMeta: who may write and not read is shown no more than he
// sent.
func TestWriteOnlySeesNoMeta(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Observation/k", strings.Replace(result("k", "Patient/ann", "1"), `"status"`, `"meta":{"tag":[{"system":"urn:t","code":"secret"}]},"status"`, 1))
	for _, name := range []string{"$meta-add", "$meta-delete"} {
		if w := r.do(403, "POST", "/Observation/k/"+name, someMeta, as("writer")); strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s shows %s", name, w.Body)
		}
	}
}

// TestLastNKnowsValueSets: what only a terminology can read is asked there, not
// left out.
func TestLastNKnowsValueSets(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Observation/k", result("k", "Patient/ann", "1"))
	r.do(201, "PUT", "/ValueSet/v", `{"resourceType":"ValueSet","id":"v","url":"urn:v","status":"active","compose":{"include":[{"system":"http://loinc.org","concept":[{"code":"2823-3"}]}]}}`)
	for query, want := range map[string]int{"code:in=urn:v": 1, "code:not-in=urn:v&category:missing=true": 0} {
		if b := r.bundle(r.do(200, "GET", "/Observation/$lastn?subject=Patient/ann&"+query, "")); len(b.Entry) != want {
			t.Errorf("%s finds %d", query, len(b.Entry))
		}
	}
	r.do(400, "GET", "/Observation/$lastn?subject=Patient/ann&code:in=urn:none", "")
}

// TestKeptAnswersNeedTheirScopes: an answer that was kept for its caller is
// given to none of his tokens that could not have asked for it.
func TestKeptAnswersNeedTheirScopes(t *testing.T) {
	r := wards(t)
	r.jobs.Start(context.Background())
	r.do(201, "PUT", "/Bundle/b", `{"resourceType":"Bundle","id":"b","type":"collection","entry":[{"resource":`+patient("ann", "Adams")+`}]}`)
	for order, scopes := range map[string]map[string]int{
		"/Patient?family=Adams": {"system/Linkage.r": 403, "system/Bundle.rs": 403, "system/*.rs": 403, "system/*.cruds": 200},
		"/$export?_type=Bundle": {"system/Linkage.r": 403, "system/*.cruds": 200},
	} {
		m := r.manifest(r.await(r.order("GET", order, "")))
		file := strings.TrimPrefix(m.Output[0].URL, base)
		for text, want := range scopes {
			narrow, err := identity.ParseScopes(text)
			check(t, err)
			who := r.actors["program"]
			who.Scopes = narrow
			r.actors["narrow"] = who
			r.do(want, "GET", file, "", as("narrow"))
		}
		delete(r.actors, "narrow") // jobs look for who asked by his number
	}
}
