package fhir_test

import (
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

func TestDraft(t *testing.T) {
	const src = `{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p"}],"code":{"text":"c"}}`
	if _, err := fhir.Parse([]byte(src)); err == nil {
		t.Fatal("the text is meant to break rules")
	}
	r, err := fhir.Limits{}.Draft([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if string(r.JSON()) != src || r.Root().Get("code").Get("text").Text() != "c" {
		t.Errorf("got %s", r.JSON())
	}
	for _, bad := range []string{``, `{`, `[]`, `{}`, `{"resourceType":"Unicorn"}`, `{"resourceType":"Patient"} {}`} {
		if _, err := (fhir.Limits{}).Draft([]byte(bad)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := (fhir.Limits{Depth: 2}).Draft([]byte(src)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("deep: %v", err)
	}
}

// FuzzDraft looks at every element of texts that break the rules.
func FuzzDraft(f *testing.F) {
	f.Add([]byte(`{"resourceType":"Observation","code":{"text":"c"},"_status":{"id":"x"},"note":[null,{"text":1}]}`))
	f.Add([]byte(`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","name":[{}]}},{"resource":{}}]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		r, err := fhir.Limits{}.Draft(src)
		if err != nil {
			return
		}
		var walk func(n fhir.Node)
		walk = func(n fhir.Node) {
			_, _, _ = n.Path(), n.Text(), n.Resource()
			for c := range n.Children() {
				walk(c)
			}
		}
		walk(r.Root())
	})
}
