package fhir_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

func TestSmoke(t *testing.T) {
	r, err := fhir.Parse([]byte(`{ "resourceType":"Observation", "id":"a1", "status":"final", "code":{"text":"x\u00e9"}, "valueQuantity": {"value":1.00}, "_issued": {"extension":[{"url":"http://a","valueCode":"b"}]}}`))
	if err != nil {
		var f *fault.Error
		errors.As(err, &f)
		t.Fatal(err, f.Issues)
	}
	t.Log(string(r.JSON()), r.ID(), r.Root().Get("value").Type(), r.Root().Get("value").Get("value").Path(), r.Root().Get("code").Get("text").Text())
	for c := range r.Root().Children() {
		t.Log(c.Path(), c.Type(), string(c.Raw()), c.Get("extension").Path())
	}
}

func TestStampSmoke(t *testing.T) {
	for _, s := range []string{
		`{"resourceType":"Patient","name":[{"given":["a"]}],"gender":"male"}`,
		`{"id":"old","name":[{"given":["a"]}],"resourceType":"Patient"}`,
		`{"id":"old","meta":{"tag":[{"code":"x"}]},"name":[{"given":["a"]}],"resourceType":"Patient"}`,
		`{"id":"old","meta":{"versionId":"4","lastUpdated":"2024-01-01T00:00:00Z","tag":[{"code":"x"}]},"name":[{"given":["a"]}],"resourceType":"Patient"}`,
		`{"resourceType":"Patient"}`,
		`{"resourceType":"Patient","meta":{"_versionId":{"extension":[{"url":"a","valueCode":"b"}]}}}`,
	} {
		r, err := fhir.Parse([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		r = r.Stamp("new-1", 17, time.Unix(1, 0))
		again, err := fhir.Parse(r.JSON())
		if err != nil {
			t.Fatal(err, string(r.JSON()))
		}
		t.Log(string(r.JSON()))
		if a, b := dump(r.Root()), dump(again.Root()); a != b {
			t.Fatalf("%s\n%s\n%s", r.JSON(), a, b)
		}
	}
}

func dump(n fhir.Node) string {
	s := n.Path() + " " + n.Type() + " " + string(n.Raw()) + "\n"
	for c := range n.Children() {
		s += dump(c)
	}
	return s
}
