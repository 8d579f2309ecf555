package fhir_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// FuzzParse: nothing panics; what is taken comes out as it is read again; every
// edit of it can be read again.
func FuzzParse(f *testing.F) {
	for _, table := range [][]struct{ name, in, code, where string }{refused, refusedShadows, refusedGraph} {
		for _, c := range table {
			f.Add([]byte(c.in))
		}
	}
	f.Add(vitals)
	f.Add([]byte(spaced(string(vitals))))
	f.Add([]byte(`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns='http://www.w3.org/1999/xhtml'><a href='x'>&amp;<br/></a><!-- c --></div>"},"_gender":{"extension":[{"url":"u","valueCode":"c"}]},"name":[{"given":[null,"a"],"_given":[{"extension":[{"url":"u","valueCode":"c"}]},null]}]}`))
	f.Add([]byte(`{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"active":true,"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"}],"managingOrganization":{"reference":"#o"}}}]}`))
	small := fhir.Limits{Bytes: 1 << 16, BundleBytes: 1 << 16, Nodes: 1 << 12, BundleNodes: 1 << 12}
	f.Fuzz(func(t *testing.T, src []byte) {
		r, err := small.Parse(bytes.Clone(src))
		if err != nil {
			fhir.Outcome(err)
			return
		}
		again, err := fhir.Parse(r.JSON())
		if err != nil || !bytes.Equal(again.JSON(), r.JSON()) || dump(again.Root()) != dump(r.Root()) {
			t.Fatalf("not stable: %v", err)
		}
		sameTree(t, r.Stamp("x", 1, time.Unix(0, 0)))
		out, err := r.Rewrite(func(s string) (string, bool) { return "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", len(s)%2 == 0 })
		if err != nil {
			t.Fatal(err)
		}
		if dump(out.Root()) == "" {
			t.Fatal("nothing left")
		}
		for _, s := range []fhir.Summary{fhir.SummaryTrue, fhir.SummaryText, fhir.SummaryData} {
			if _, err := fhir.Parse(r.Subset(fhir.Subset{Summary: s})); err != nil && !r.Root().Get("contained").Exists() {
				t.Fatalf("summary %d: %s", s, issues(err))
			}
		}
		for n := range r.References() {
			n.TargetType()
			n.Path()
		}
		if b, ok := r.AsBundle(); ok {
			for _, e := range b.Entries() {
				if e.Resource != nil {
					e.Resource.Detach()
				}
			}
		}
	})
}
