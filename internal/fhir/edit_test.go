package fhir_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

func mustParse(t testing.TB, s string) *fhir.Resource {
	t.Helper()
	r, err := fhir.Parse([]byte(s))
	if err != nil {
		t.Fatal(issues(err))
	}
	return r
}

const stampedMeta = `"meta":{"versionId":"17","lastUpdated":"2024-05-02T09:31:00.120Z"`

func TestStamp(t *testing.T) {
	when := time.Date(2024, 5, 2, 11, 31, 0, 120_000_000, time.FixedZone("", 7200))
	for _, c := range []struct{ in, want string }{
		{`{"resourceType":"Patient"}`, `{"resourceType":"Patient","id":"new",` + stampedMeta + `}}`},
		{`{"resourceType":"Patient","active":true}`, `{"resourceType":"Patient","id":"new",` + stampedMeta + `},"active":true}`},
		{`{"active":true,"resourceType":"Patient"}`, `{"active":true,"resourceType":"Patient","id":"new",` + stampedMeta + `}}`},
		{`{"active":true,"resourceType":"Patient","gender":"male"}`, `{"active":true,"resourceType":"Patient","id":"new",` + stampedMeta + `},"gender":"male"}`},
		{`{"resourceType":"Patient","id":"old","active":true}`, `{"resourceType":"Patient",` + stampedMeta + `},"id":"new","active":true}`},
		{`{"resourceType":"Patient","active":true,"meta":{"tag":[{"code":"a"}]}}`, `{"resourceType":"Patient","id":"new","active":true,` + stampedMeta + `,"tag":[{"code":"a"}]}}`},
		{`{"resourceType":"Patient","meta":{"tag":[{"code":"a"}],"lastUpdated":"2020-01-01T00:00:00Z"}}`, `{"resourceType":"Patient","id":"new","meta":{"versionId":"17","tag":[{"code":"a"}],"lastUpdated":"2024-05-02T09:31:00.120Z"}}`},
		{`{"resourceType":"Patient","meta":{"lastUpdated":"2020-01-01T00:00:00Z","_lastUpdated":{"id":"a"},"versionId":"1"}}`, `{"resourceType":"Patient","id":"new","meta":{"lastUpdated":"2024-05-02T09:31:00.120Z","_lastUpdated":{"id":"a"},"versionId":"17"}}`},
		{`{"resourceType":"Patient","meta":{"_versionId":{"extension":[{"url":"u","valueCode":"a"}]}}}`, `{"resourceType":"Patient","id":"new",` + stampedMeta + `,"_versionId":{"extension":[{"url":"u","valueCode":"a"}]}}}`},
		{`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"u","valueCode":"a"}]}]}],"meta":{"versionId":"1"}}`,
			`{"resourceType":"Patient","id":"new","name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"u","valueCode":"a"}]}]}],"meta":{"lastUpdated":"2024-05-02T09:31:00.120Z","versionId":"17"}}`},
	} {
		for _, in := range []string{c.in, spaced(c.in)} {
			r := mustParse(t, in)
			before := string(r.JSON())
			got := r.Stamp("new", 17, when)
			if string(got.JSON()) != c.want {
				t.Errorf("%s\n gave %s\n want %s", c.in, got.JSON(), c.want)
			}
			if got.ID() != "new" || got.Root().Get("meta").Get("versionId").Text() != "17" {
				t.Errorf("%s: id %s", c.in, got.ID())
			}
			sameTree(t, got)
			sameTree(t, got.Stamp("again", 18, when))
			if string(r.JSON()) != before {
				t.Errorf("the original changed")
			}
		}
	}
}

func TestRewrite(t *testing.T) {
	r := mustParse(t, spaced(`{"resourceType":"Observation","status":"final","identifier":[{"system":"urn:oid:1.2","value":"urn:uuid:1"}],
		"code":{"text":"Patient/1"},"subject":{"reference":"urn:uuid:1"},"performer":[{"reference":"Practitioner\/1"},{"display":"x"},{"_reference":{"extension":[{"url":"urn:uuid:1","valueUri":"urn:uuid:1"}]}}]}`))
	var seen []string
	got, err := r.Rewrite(func(s string) (string, bool) {
		seen = append(seen, s)
		switch s {
		case "urn:uuid:1":
			return "Patient/long-\"quoted\"", true
		case "Practitioner/1":
			return "P/2", true
		}
		return "", false
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "urn:oid:1.2 urn:uuid:1 Practitioner/1 urn:uuid:1 urn:uuid:1"; strings.Join(seen, " ") != want {
		t.Errorf("asked for %v", seen)
	}
	if s := got.Root().Get("subject").Get("reference").Text(); s != `Patient/long-"quoted"` {
		t.Errorf("subject is %s", s)
	}
	if got.Root().Get("identifier").Get("value").Text() != "urn:uuid:1" {
		t.Error("a string was rewritten")
	}
	if _, err := r.Rewrite(func(string) (string, bool) { return "a\x00", true }); err == nil {
		t.Error("a control character was taken")
	}
	if same, _ := r.Rewrite(func(string) (string, bool) { return "", false }); same != r {
		t.Error("nothing to do must give the same")
	}
}

// TestSyntheaEdits stamps and rewrites what a transaction would, and compares
// the nodes with those of a fresh parse.
func TestSyntheaEdits(t *testing.T) {
	files := synthea(t)
	for _, name := range []string{files[0], files[1], files[7]} {
		r, err := fhir.Parse(readBzip2(t, name))
		if err != nil {
			t.Fatal(issues(err))
		}
		b, _ := r.AsBundle()
		for i, e := range b.Entries() {
			got, err := e.Resource.Rewrite(func(s string) (string, bool) {
				id, ok := strings.CutPrefix(s, "urn:uuid:")
				return "Resource/" + id, ok
			})
			if err != nil {
				t.Fatal(err)
			}
			got = got.Stamp("entry-1", uint64(i), time.Unix(int64(i), 0))
			again, err := fhir.Parse(got.JSON())
			if err != nil {
				t.Fatalf("entry %d: %s", i, issues(err))
			}
			if dump(got.Root()) != dump(again.Root()) {
				t.Fatalf("entry %d: nodes differ", i)
			}
		}
	}
}

// TestEditsKeepTheTree stamps resources whose members come in any order.
func TestEditsKeepTheTree(t *testing.T) {
	members := []string{`"resourceType":"Patient"`, `"id":"a"`, `"meta":{"tag":[{"code":"x"}]}`, `"meta":{"versionId":"1","_versionId":{"id":"q"}}`,
		`"active":true`, `"_active":{"id":"b"}`, `"name":[{"given":["a","b"],"_given":[null,{"id":"x"}]}]`, `"managingOrganization":{"reference":"urn:uuid:1"}`}
	rapid.Check(t, func(rt *rapid.T) {
		list := rapid.Permutation(members).Draw(rt, "members")
		hasMeta := false
		var kept []string
		for _, m := range list {
			if strings.HasPrefix(m, `"meta"`) {
				if hasMeta {
					continue
				}
				hasMeta = true
			}
			kept = append(kept, m)
		}
		r := mustParse(t, "{"+strings.Join(kept, ",")+"}")
		out, err := r.Stamp("new", 2, time.Unix(0, 0)).Rewrite(func(string) (string, bool) { return "Organization/77", true })
		if err != nil {
			rt.Fatal(err)
		}
		again, err := fhir.Parse(out.JSON())
		if err != nil || dump(out.Root()) != dump(again.Root()) {
			rt.Fatalf("%s: %v", out.JSON(), err)
		}
	})
}
