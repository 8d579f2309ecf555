package fhir_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

func TestBundleEntries(t *testing.T) {
	r := mustParse(t, spaced(`{"resourceType":"Bundle","type":"transaction","entry":[
		{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","active":true},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=a"}},
		{"request":{"method":"DELETE","url":"Patient/1","ifMatch":"W/\"2\""}}]}`))
	b, ok := r.AsBundle()
	if !ok || b.BundleType() != "transaction" {
		t.Fatal("no transaction")
	}
	var entries []fhir.Entry
	for i, e := range b.Entries() {
		if i != len(entries) {
			t.Errorf("index %d", i)
		}
		entries = append(entries, e)
	}
	if len(entries) != 2 {
		t.Fatalf("%d entries", len(entries))
	}
	first, second := entries[0], entries[1]
	if first.FullURL != "urn:uuid:1" || first.Request.Method != "POST" || first.Request.IfNoneExist != "identifier=a" {
		t.Errorf("%+v", first)
	}
	if string(first.Resource.JSON()) != `{"resourceType":"Patient","active":true}` || first.Resource.Type() != "Patient" {
		t.Errorf("%s", first.Resource.JSON())
	}
	if p := first.Resource.Root().Get("active").Path(); p != "Patient.active" {
		t.Error(p)
	}
	if p := first.Node.Get("resource").Get("active").Path(); p != "Bundle.entry[0].resource.active" {
		t.Error(p)
	}
	sameTree(t, first.Resource)
	sameTree(t, first.Resource.Detach())
	if second.Resource != nil || second.Request.IfMatch != `W/"2"` {
		t.Errorf("%+v", second)
	}
	if _, ok := first.Resource.AsBundle(); ok {
		t.Error("a Patient is a Bundle")
	}
}

func TestBundleWriter(t *testing.T) {
	when := time.Date(2024, 5, 2, 9, 31, 0, 0, time.UTC)
	var buf bytes.Buffer
	w := fhir.NewBundleWriter(&buf, fhir.BundleHead{Type: "searchset", ID: "b", Timestamp: when, Total: 2,
		Links: []fhir.Link{{"self", `https://a/Patient?name="x"`}, {"next", "https://a/p"}}})
	w.Entry(fhir.EntryHead{FullURL: "https://a/Patient/1", Mode: "match", Score: "0.5"}, []byte(`{"resourceType":"Patient","id":"1"}`))
	w.Entry(fhir.EntryHead{Mode: "outcome"}, fhir.OutcomeOf(fault.Issue{Severity: "warning", Code: "processing", Text: "t"}))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const want = `{"resourceType":"Bundle","id":"b","type":"searchset","timestamp":"2024-05-02T09:31:00.000Z","total":2,"link":[{"relation":"self","url":"https://a/Patient?name=\"x\""},{"relation":"next","url":"https://a/p"}],` +
		`"entry":[{"fullUrl":"https://a/Patient/1","resource":{"resourceType":"Patient","id":"1"},"search":{"mode":"match","score":0.5}},` +
		`{"resource":{"resourceType":"OperationOutcome","issue":[{"severity":"warning","code":"processing","diagnostics":"t"}]},"search":{"mode":"outcome"}}]}`
	if buf.String() != want {
		t.Errorf("got\n%s\nwant\n%s", buf.String(), want)
	}
	mustParse(t, buf.String())
	if w.Close() == nil {
		t.Error("closed twice")
	}
}

func TestBundleWriterHistory(t *testing.T) {
	when := time.Date(2024, 5, 2, 9, 31, 0, 0, time.UTC)
	var buf bytes.Buffer
	w := fhir.NewBundleWriter(&buf, fhir.BundleHead{Type: "history", Total: -1})
	big := []byte(`{"resourceType":"Patient","name":[{"text":"` + strings.Repeat("x", 50_000) + `"}]}`)
	for i := range 5 {
		w.Entry(fhir.EntryHead{FullURL: "https://a/Patient/1", Method: "PUT", URL: "Patient/1", Status: "200", ETag: fmt.Sprintf(`W/"%d"`, i), LastModified: when, Location: "l", Outcome: fhir.OutcomeOf(fault.Issue{Severity: "information", Code: "informational"})}, big)
	}
	w.Entry(fhir.EntryHead{FullURL: "https://a/Patient/1", Method: "DELETE", URL: "Patient/1", Status: "204"}, nil)
	if err := w.Close(); err != nil || w.Entries() != 6 {
		t.Fatal(err)
	}
	mustParse(t, buf.String())

	buf.Reset()
	empty := fhir.NewBundleWriter(&buf, fhir.BundleHead{Type: "searchset"})
	if err := empty.Close(); err != nil || buf.String() != `{"resourceType":"Bundle","type":"searchset","total":0}` {
		t.Errorf("%s %v", buf.String(), err)
	}
}

func TestOutcome(t *testing.T) {
	secret := errors.New("SMITHJONES")
	for _, c := range []struct {
		err  error
		want string
	}{
		{secret, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"exception","diagnostics":"Something went wrong on our side. Nothing was changed."}]}`},
		{fmt.Errorf("op: %w", fault.New(fault.NotFound, "x", "")), `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found","diagnostics":"There is nothing here, or it is not for you."}]}`},
		{fault.Wrap(fault.Denied, "x", secret), `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","diagnostics":"You may not do this."}]}`},
		{&fault.Error{Kind: fault.Invalid, Issues: []fault.Issue{{Code: "value", Text: "a \"b\"", Expression: "Patient.name"}, {}}},
			`{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"value","diagnostics":"a \"b\"","expression":["Patient.name"]},{"severity":"error","code":"processing"}]}`},
	} {
		got := fhir.Outcome(c.err)
		if string(got) != c.want {
			t.Errorf("got %s", got)
		}
		mustParse(t, string(got))
	}
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		mustParse(t, string(fhir.Outcome(fault.New(k, "x", ""))))
	}
}
