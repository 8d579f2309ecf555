package path_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/defs"
	"github.com/wardkeep/wardkeep/internal/fhir/path"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// misnamed are the invariants of R4 that name an element which their type does
// not have, corrected in later releases.
var misnamed = map[string]bool{"ChargeItemDefinition cid-0": true, "Extension inv-1": true}

// TestPublished compiles every expression that R4 publishes: the search
// parameters, and the invariants of each element for the type it has.
func TestPublished(t *testing.T) {
	n := 0
	for _, src := range defs.All("SearchParameter") {
		root := parse(t, string(src))
		if e := root.Get("expression").Text(); e != "" {
			n++
			compile(t, e)
		}
	}
	for _, src := range defs.All("StructureDefinition") {
		for e := range parse(t, string(src)).Get("snapshot").All("element") {
			for c := range e.All("constraint") {
				n += invariant(t, e, c)
			}
		}
	}
	t.Logf("%d expressions compile", n)
	if n < 10_000 {
		t.Error("the definitions were not read")
	}
}

func invariant(t *testing.T, element, c fhir.Node) int {
	place, src := element.Get("path").Text(), c.Get("expression").Text()
	if src == "" {
		return 0
	}
	_, err := path.CompileFor(typeAt(place), src)
	key := place + " " + c.Get("key").Text()
	if (err != nil) != misnamed[key] {
		t.Errorf("%s: %s: %v", key, src, err)
	}
	return 1
}

// typeAt returns the type of the element at a path of a definition, 0 if it has
// several.
func typeAt(place string) r4.TypeID {
	parts := strings.Split(place, ".")
	at := r4.TypeByName(parts[0])
	for _, name := range parts[1:] {
		m := r4.Lookup(at, name)
		if m == 0 {
			return 0
		}
		at = m.Type()
	}
	return at
}
