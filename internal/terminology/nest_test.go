package terminology_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/terminology"
)

// TestNested: each code stands once, in the nearest code above it that is there,
// whatever way the hierarchy is told, and also where it runs in a circle.
func TestNested(t *testing.T) {
	const circle = `{"resourceType":"CodeSystem","url":"urn:circle","status":"active","content":"complete",
"property":[{"code":"parent","uri":"http://hl7.org/fhir/concept-properties#parent","type":"code"}],
"concept":[{"code":"a","property":[{"code":"parent","valueCode":"b"}]},{"code":"b","property":[{"code":"parent","valueCode":"a"}]},{"code":"c","property":[{"code":"parent","valueCode":"c"}]}]}`
	for name, c := range map[string]struct {
		system, include, want string
	}{
		"concepts": {birds, `{"system":"urn:birds"}`, "bird song/bird wren/song tit/song water/bird duck/water dipper/water dodo/bird"},
		"gaps":     {birds, `{"system":"urn:birds","concept":[{"code":"wren"},{"code":"bird"},{"code":"dipper"},{"code":"song"}]}`, "wren/song bird dipper/song song/bird"},
		"circle":   {circle, `{"system":"urn:circle"}`, "a/b b c"},
	} {
		e, err := service(c.system, compose(c.include)).Expand(t.Context(), terminology.ExpandRequest{ValueSet: "urn:vs", Count: 3, Offset: 1, Nested: true})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, in := range e.Contains {
			text := in.Code
			if in.Within > 0 {
				text += "/" + e.Contains[in.Within-1].Code
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != c.want || e.Total != len(got) {
			t.Errorf("%s: %v of %d, want %s", name, got, e.Total, c.want)
		}
	}
}

// TestNestedDeep: a hierarchy that is deeper than anybody reads does not make an
// answer that deep.
func TestNestedDeep(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `,{"code":"c%d","property":[{"code":"parent","valueCode":"c%d"}]}`, i+1, i)
	}
	deep := `{"resourceType":"CodeSystem","url":"urn:deep","status":"active","content":"complete",
"property":[{"code":"parent","uri":"http://hl7.org/fhir/concept-properties#parent","type":"code"}],"concept":[{"code":"c0"}` + b.String() + `]}`
	e, err := service(deep, compose(`{"system":"urn:deep"}`)).Expand(t.Context(), terminology.ExpandRequest{ValueSet: "urn:vs", Count: -1, Nested: true})
	if err != nil || len(e.Contains) != 1001 {
		t.Fatalf("%d, %v", len(e.Contains), err)
	}
	for i := range e.Contains {
		depth := 0
		for at := i + 1; at > 0; at = e.Contains[at-1].Within {
			depth++
		}
		if depth > 100 {
			t.Fatalf("code %d stands %d deep", i, depth)
		}
	}
}

func TestIsAbove(t *testing.T) {
	s := service(birds)
	for _, c := range []struct {
		system, a, b string
		want         terminology.Verdict
	}{
		{"urn:birds", "bird", "wren", valid}, {"urn:birds", "wren", "wren", valid}, {"urn:birds", "wren", "bird", terminology.Invalid},
		{"urn:birds", "crow", "bird", terminology.Unknown}, {"urn:none", "a", "b", terminology.Unknown},
	} {
		got, err := s.IsAbove(t.Context(), terminology.Coding{System: c.system, Code: c.a}, terminology.Coding{System: c.system, Code: c.b})
		if err != nil || got != c.want {
			t.Errorf("%s above %s: %v, %v", c.a, c.b, got, err)
		}
	}
}

// TestVersionsAsked: a version that is asked for counts, or is told to be missing.
func TestVersionsAsked(t *testing.T) {
	s := service(birds, compose(`{"system":"urn:birds","version":"2"}`))
	for _, c := range []struct {
		versions terminology.Versions
		kind     fault.Kind
		ok       bool
	}{
		{terminology.Versions{Default: map[string]string{"urn:birds": "9"}}, 0, true},
		{terminology.Versions{Check: map[string]string{"urn:birds": "2"}}, 0, true},
		{terminology.Versions{Check: map[string]string{"urn:birds": "9"}}, fault.Unprocessable, false},
		{terminology.Versions{Force: map[string]string{"urn:birds": "9"}}, fault.NotSupported, false},
		{terminology.Versions{Force: map[string]string{"urn:other": "9"}}, 0, true},
	} {
		e, err := s.Expand(t.Context(), terminology.ExpandRequest{ValueSet: "urn:vs", Count: -1, Versions: c.versions})
		if c.ok != (err == nil && e.Total == 8) || !c.ok && !fault.Is(err, c.kind) {
			t.Errorf("%+v: %d, %v", c.versions, e.Total, err)
		}
	}
}
