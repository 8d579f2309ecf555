package testscript_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/e2e/testscript"
)

// toy is a server that keeps one patient.
func toy(t *testing.T) testscript.Target {
	kept := ""
	mux := http.NewServeMux()
	mux.HandleFunc("POST /fhir/Patient", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		kept = strings.Replace(string(body), "{", `{"id":"p1",`, 1)
		w.Header().Set("Content-Type", "application/fhir+json")
		w.Header().Set("ETag", `W/"1"`)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, kept)
	})
	mux.HandleFunc("GET /fhir/Patient/p1", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/fhir+json; charset=utf-8")
		fmt.Fprint(w, kept)
	})
	mux.HandleFunc("DELETE /fhir/Patient/p1", func(w http.ResponseWriter, r *http.Request) {
		kept = ""
		w.WriteHeader(http.StatusNoContent)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		s.Close()
		if kept != "" {
			t.Error("what autodelete is to take away is still there")
		}
	})
	return testscript.Target{Base: s.URL + "/fhir", Client: s.Client(), Eval: func(resource []byte, expression string) ([]string, error) {
		if expression == "Patient.id" && strings.Contains(string(resource), `"id":"p1"`) {
			return []string{"p1"}, nil
		}
		return nil, nil
	}}
}

// with makes a script whose one test reads the patient and then does this.
func with(action string) string {
	return `{"resourceType":"TestScript","name":"x","status":"active",
"contained":[{"resourceType":"Patient","id":"f","gender":"male"}],
"fixture":[{"id":"fix","autodelete":true,"resource":{"reference":"#f"}}],
"variable":[{"name":"id","sourceId":"made","expression":"Patient.id"},{"name":"tag","sourceId":"made","headerField":"ETag"}],
"setup":{"action":[{"operation":{"type":{"code":"create"},"resource":"Patient","sourceId":"fix","responseId":"made","encodeRequestUrl":true}},
 {"assert":{"response":"created","operator":"equals","warningOnly":false}}]},
"test":[{"name":"t","action":[{"operation":{"type":{"code":"read"},"resource":"Patient","targetId":"made"}},` + action + `]}],
"teardown":{"action":[{"operation":{"type":{"code":"delete"},"resource":"Patient","targetId":"made"}}]}}`
}

// TestAsserts: what holds passes, and what does not, or is not known, fails.
func TestAsserts(t *testing.T) {
	for action, holds := range map[string]bool{
		`{"assert":{"response":"okay"}}`:                                                                             true,
		`{"assert":{"response":"created"}}`:                                                                          false,
		`{"assert":{"response":"fine"}}`:                                                                             false,
		`{"assert":{"responseCode":"200,201","operator":"in"}}`:                                                      true,
		`{"assert":{"responseCode":"500,501","operator":"notIn"}}`:                                                   true,
		`{"assert":{"responseCode":"200","operator":"notIn"}}`:                                                       false,
		`{"assert":{"contentType":"json"}}`:                                                                          true,
		`{"assert":{"contentType":"xml"}}`:                                                                           false,
		`{"assert":{"contentType":"json","operator":"matchesMimeClass"}}`:                                            true,
		`{"assert":{"contentType":"xml","operator":"matchesMimeClass"}}`:                                             false,
		`{"assert":{"headerField":"ETag","sourceId":"made","value":"${tag}"}}`:                                       true,
		`{"assert":{"headerField":"ETag","operator":"notEmpty"}}`:                                                    false,
		`{"assert":{"resource":"Patient"}}`:                                                                          true,
		`{"assert":{"resource":"Bundle"}}`:                                                                           false,
		`{"assert":{"minimumId":"fix"}}`:                                                                             true,
		`{"assert":{"expression":"Patient.id","value":"${id}"}}`:                                                     true,
		`{"assert":{"expression":"Patient.id","compareToSourceId":"made","compareToSourceExpression":"Patient.id"}}`: true,
		`{"assert":{"expression":"Patient.name","operator":"empty"}}`:                                                true,
		`{"assert":{"expression":"Patient.name","operator":"notEmpty"}}`:                                             false,
		`{"assert":{"expression":"Patient.id","value":"${none}"}}`:                                                   false,
		`{"assert":{"path":"fhir:Patient","value":"x"}}`:                                                             false,
		`{"assert":{"navigationLinks":true}}`:                                                                        false,
		`{"assert":{"validateProfileId":"none"}}`:                                                                    false,
		`{"assert":{"responseCode":"200","operator":"resembles"}}`:                                                   false,
		`{"assert":{"label":"says nothing"}}`:                                                                        false,
		`{"assert":{"responseBody":"\"gender\":\"m.le\"","operator":"matchesRegex"}}`:                                true,
		`{"assert":{"responseBody":"female","operator":"contains"}}`:                                                 false,
		`{"assert":{"responseCode":"500","warningOnly":true}}`:                                                       true,
		`{"operation":{"type":{"code":"read"},"resource":"Patient","params":"/p1"}}`:                                 false, // asserts nothing
		`{"operation":{"type":{"code":"Bogus Code"}}},{"assert":{"response":"okay"}}`:                                false,
		`{"operation":{"type":{"code":"read"},"destination":2}},{"assert":{"response":"okay"}}`:                      false,
		`{"operation":{"type":{"code":"read"},"url":"${none}"}},{"assert":{"response":"okay"}}`:                      false,
		`{}`: false,
	} {
		script, err := testscript.Parse([]byte(with(action)))
		if err != nil {
			t.Fatalf("%s: %v", action, err)
		}
		for _, r := range testscript.Run(context.Background(), toy(t), script) {
			if passed := len(r.Failures) == 0; passed != holds {
				t.Errorf("%s: passed %v, %v", action, passed, r.Failures)
			}
		}
	}
}

// TestUnknownMembers: a script with a feature that is not known is refused.
func TestUnknownMembers(t *testing.T) {
	for _, text := range []string{
		strings.Replace(with(`{"assert":{"response":"okay"}}`), `"status"`, `"scope":[],"status"`, 1),
		with(`{"assert":{"response":"okay","stopTestOnFail":true}}`),
		`{"resourceType":"TestScript"}`, `{"resourceType":"Patient"}`, `{`,
		`{"resourceType":"TestScript","test":[{"name":"x"}]}`,
	} {
		if _, err := testscript.Parse([]byte(text)); err == nil {
			t.Errorf("accepted: %.60s", text)
		}
	}
}
