package fhirhttp_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// parameters makes a Parameters resource of "name type value" triples.
func parameters(triples ...string) string {
	var list []string
	for i := 0; i < len(triples); i += 3 {
		list = append(list, `{"name":"`+triples[i]+`","value`+triples[i+1]+`":`+triples[i+2]+`}`)
	}
	return `{"resourceType":"Parameters","parameter":[` + strings.Join(list, ",") + `]}`
}

// raw returns the parts of a response Bundle as they came.
func (r *rig) raw(kind string, headers []string, list ...string) (status []string, bodies []any) {
	r.t.Helper()
	var b struct {
		Entry []struct {
			Resource any
			Response struct{ Status string }
		}
	}
	check(r.t, json.Unmarshal(r.do(200, "POST", "", entries(kind, list...), headers...).Body.Bytes(), &b))
	for _, e := range b.Entry {
		status, bodies = append(status, e.Response.Status[:3]), append(bodies, timeless(e.Resource))
	}
	return status, bodies
}

// timeless leaves out of a response what differs from call to call.
func timeless(v any) any {
	if m, ok := v.(map[string]any); ok {
		delete(m, "timestamp")
		delete(m, "id")
		for _, k := range []string{"expansion", "meta"} {
			if e, ok := m[k].(map[string]any); ok {
				delete(e, "identifier")
				delete(e, "timestamp")
			}
		}
	}
	return v
}

// TestOperationsInBatches: an operation in a batch answers what it answers alone,
// to each caller.
func TestOperationsInBatches(t *testing.T) {
	r := newRig(t)
	r.do(201, "PUT", "/Patient/p", patient("p", "A"))
	r.do(201, "PUT", "/Patient/q", patient("q", "B"))
	r.do(201, "PUT", "/Observation/o", result("o", "Patient/p", "1"))
	r.do(201, "PUT", "/Location/east", `{"resourceType":"Location","id":"east"}`)
	r.do(201, "PUT", "/Encounter/e", `{"resourceType":"Encounter","id":"e","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/p"},"location":[{"location":{"reference":"Location/east"}}]}`)
	calls := [][3]string{
		{"GET", "Patient/p/$everything", ""},
		{"GET", "Patient/q/$everything", ""},
		{"POST", "Patient/p/$everything", ""},
		{"POST", "Patient/p/$everything", parameters("_type", "Code", `"Observation"`)},
		{"POST", "Observation/$lastn", parameters("patient", "Uri", `"Patient/p"`)},
		{"GET", "Observation/$lastn?patient=Patient/q", ""},
		{"POST", "Patient/$validate", fresh(patient("x", "X"))},
		{"GET", "Patient/p/$validate", ""},
		{"GET", "Patient/q/$meta", ""},
		{"GET", "Patient/$meta", ""},
		{"GET", "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender", ""},
		{"POST", "CodeSystem/$lookup", parameters("system", "Uri", `"http://hl7.org/fhir/administrative-gender"`, "code", "Code", `"male"`)},
		{"POST", "CodeSystem/$lookup", ""},
		{"GET", "Patient/$nothing", ""},
		{"POST", "Patient/$nothing", ""},
	}
	for _, who := range []string{"program", "nurse", "obs"} {
		var list []string
		for _, c := range calls {
			list = append(list, entry(c[0], c[1], "", c[2], ""))
		}
		status, bodies := r.raw("batch", []string{as(who)}, list...)
		for i, c := range calls {
			w := r.call(c[0], "/"+c[1], c[2], as(who))
			var alone any
			check(t, json.Unmarshal(w.Body.Bytes(), &alone))
			if want := []string{"200", "403", "404", "400"}; status[i] != itoa(w.Code) || !strings.Contains(strings.Join(want, " "), status[i]) {
				t.Errorf("%s %s as %s: %s in a batch, %d alone", c[0], c[1], who, status[i], w.Code)
			}
			if w.Code == 200 && !reflect.DeepEqual(bodies[i], timeless(alone)) {
				t.Errorf("%s %s as %s: in a batch\n%v\nalone\n%v", c[0], c[1], who, bodies[i], alone)
			}
		}
	}
	b := r.bundle(r.do(200, "POST", "", entries("batch",
		entry("GET", "$export", "", "", ""), entry("POST", "$export", "", "", ""), entry("POST", "$import", "", parameters("x", "String", `"y"`), ""),
		entry("POST", "Patient/p/$meta-add", "", parameters("meta", "Meta", `{"tag":[{"system":"urn:t","code":"x"}]}`), ""),
		entry("GET", "Patient/p", "", "", ""))))
	for i, e := range b.Entry[:3] {
		if e.Response.Status[:3] != "400" || !strings.Contains(string(e.Response.Outcome), "request of its own") {
			t.Errorf("entry %d: %+v", i, e.Response)
		}
	}
	if b.Entry[4].Resource.ID != "p" || b.Entry[4].Resource.Meta.VersionID != "2" {
		t.Errorf("%+v", b.Entry[3:])
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// TestOperationsInTransactions: those that only read see what the transaction has
// made; those that change something refuse it whole.
func TestOperationsInTransactions(t *testing.T) {
	r := newRig(t)
	status, bodies := r.raw("transaction", nil,
		entry("GET", "Patient/p/$meta", "", "", ""),
		entry("POST", "Patient/p/$everything", "", "", ""),
		entry("POST", "Patient/$validate", "", fresh(patient("x", "X")), ""),
		entry("PUT", "Patient/p", "", patient("p", "A"), ""),
		entry("GET", "Patient/nobody/$everything", "", "", ""),
	)
	if got := strings.Join(status, " "); got != "200 200 200 201 404" {
		t.Errorf("got %s", got)
	}
	if everything, _ := bodies[1].(map[string]any)["entry"].([]any); len(everything) != 1 {
		t.Errorf("everything of a patient who was just made: %v", bodies[1])
	}
	for _, refused := range []string{
		entry("POST", "Patient/p/$meta-add", "", parameters("meta", "Meta", `{"tag":[{"system":"urn:t","code":"x"}]}`), ""),
		entry("POST", "Composition/c/$document", "", parameters("persist", "Boolean", "true"), ""),
		entry("GET", "$export", "", "", ""), entry("POST", "$import", "", parameters("x", "String", `"y"`), ""),
		entry("POST", "Patient/$nothing", "", "", ""), entry("PUT", "Patient/p/$everything", "", patient("p", "Z"), ""),
	} {
		w := r.do(400, "POST", "", entries("transaction", entry("PUT", "Patient/not", "", patient("not", "A"), ""), refused))
		if !strings.Contains(w.Body.String(), "Bundle.entry[1].request") {
			t.Errorf("%s: %s", refused, w.Body)
		}
	}
	r.do(404, "GET", "/Patient/not", "")
}
