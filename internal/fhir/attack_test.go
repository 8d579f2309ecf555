package fhir_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// attacks are texts of about size bytes that cost a careless parser far more
// than their length.
var attacks = []struct {
	name string
	make func(size int) string
}{
	{"brackets", func(n int) string { return strings.Repeat("[", n) }},
	{"braces", func(n int) string { return strings.Repeat(`{"a":`, n/5) }},
	{"unknown nest", func(n int) string { return patient(`"x":` + strings.Repeat("[", n/2) + strings.Repeat("]", n/2)) }},
	{"nested extensions", func(n int) string {
		return patient(strings.Repeat(`"extension":[{"url":"a",`, n/25) + `"valueCode":"a"` + strings.Repeat("}]", n/25))
	}},
	{"nested items", func(n int) string {
		return `{"resourceType":"Questionnaire","status":"draft",` + strings.Repeat(`"item":[{"linkId":"a","type":"group",`, n/38) + `"text":"a"` + strings.Repeat("}]", n/38) + "}"
	}},
	{"type last in nested resources", func(n int) string {
		s := `{"resourceType":"Patient","language":"` + strings.Repeat("a", n) + `"}`
		for range 15 {
			s = `{"parameter":[{"name":"a","resource":` + s + `}],"resourceType":"Parameters"}`
		}
		return s
	}},
	{"type missing in many resources", func(n int) string {
		return `{"resourceType":"Bundle","type":"batch","entry":[` + strings.Repeat(`{"resource":{"a":1}},`, n/21) + `{"fullUrl":"a"}]}`
	}},
	{"choice given twice beside a long list", func(n int) string {
		return patient(`"extension":[{"url":"u","_valueCode":{"id":"a"},"extension":[` + strings.Repeat(`{"url":"a","valueCode":"a"},`, n/60) +
			`{"url":"a","valueCode":"a"}]` + strings.Repeat(`,"valueInteger":1`, n/34) + `}]`)
	}},
	{"member given again and again", func(n int) string { return patient(`"active":true` + strings.Repeat(`,"active":true`, n/14)) }},
	{"errors deep in a list", func(n int) string { return patient(`"name":[` + strings.Repeat(`{"text":"a"},`, n/13) + `{"text":1}]`) }},
	{"everything an error", func(n int) string { return patient(`"name":[` + strings.Repeat(`1,`, n/2) + `1]`) }},
	{"many contained", func(n int) string {
		return patient(`"contained":[` + strings.Repeat(`{"resourceType":"Basic"},`, n/25) + `{"resourceType":"Basic"}]`)
	}},
	{"many local references", func(n int) string {
		return `{"resourceType":"List","status":"current","mode":"working","entry":[` + strings.Repeat(`{"item":{"reference":"#a"}},`, n/28) + `{"item":{"reference":"#a"}}]}`
	}},
	{"tiny elements", func(n int) string {
		return `{"resourceType":"ClaimResponse","item":[{"itemSequence":1,"adjudication":[{"category":{"text":"a"}}],"noteNumber":[` + strings.Repeat("1,", n/2) + `1]}]}`
	}},
	{"tiny shadows", func(n int) string { return patient(`"name":[{"_given":[` + strings.Repeat("null,", n/5) + `null]}]`) }},
	{"nulls", func(n int) string { return patient(`"name":[{"given":[` + strings.Repeat("null,", n/5) + `null]}]`) }},
	{"long number", func(n int) string { return observation(`"valueQuantity":{"value":` + strings.Repeat("9", n) + `}`) }},
	{"long exponent", func(n int) string { return observation(`"valueQuantity":{"value":1e` + strings.Repeat("0", n) + `1}`) }},
	{"long name", func(n int) string { return patient(`"` + strings.Repeat("a", n) + `":1`) }},
	{"escapes", func(n int) string { return patient(`"language":"` + strings.Repeat(`\u0061`, n/6) + `"`) }},
	{"backslashes", func(n int) string { return patient(`"language":"` + strings.Repeat(`\`, n)) }},
	{"white space", func(n int) string { return patient(strings.Repeat(" ", n) + `"active":true`) }},
	{"white space between all", func(n int) string {
		return patient(`"name":[` + strings.Repeat(`{ "text" : "a" } , `, n/19) + `{"text":"a"}]`)
	}},
	{"tags", func(n int) string { return narrative(strings.Repeat("<b>", n/3)) }},
	{"attributes", func(n int) string { return narrative("<p " + strings.Repeat("id='a' ", n/7) + ">x</p>") }},
	{"comments", func(n int) string { return narrative(strings.Repeat("<!-- ", n/5)) }},
	{"entities", func(n int) string { return narrative(strings.Repeat("&amp", n/4)) }},
	{"open quotes", func(n int) string { return narrative(strings.Repeat("<p id='", n/7)) }},
	{"date digits", func(n int) string { return patient(`"birthDate":"2024-01-0` + strings.Repeat("1", n) + `"`) }},
	{"slashes", func(n int) string { return observation(`"subject":{"reference":"` + strings.Repeat("/a", n/2) + `"}`) }},
}

func narrative(html string) string {
	return patient(`"text":{"status":"generated","div":"<div xmlns='http://www.w3.org/1999/xhtml'>` + html + `</div>"}`)
}

// TestAttacks bounds time and memory by the length of the text. The bounds are
// wide: what is quadratic passes them a hundredfold.
func TestAttacks(t *testing.T) {
	const size = 4 << 20
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			in := []byte(a.make(size))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := fhir.Parse(in)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			fhir.Outcome(err)
			if took > 2*time.Second {
				t.Errorf("%d bytes took %v", len(in), took)
			}
			if grown := int(after.TotalAlloc - before.TotalAlloc); grown > 40*size {
				t.Errorf("%d bytes took %d MB of memory", len(in), grown>>20)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	nested := func(n int) string {
		return patient(strings.Repeat(`"extension":[{"url":"a",`, n) + `"valueCode":"a"` + strings.Repeat("}]", n))
	}
	entries := `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"a"},{"fullUrl":"b"},{"fullUrl":"c"}]}`
	entry := `{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + patient(`"language":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"`) + `}]}`
	for _, c := range []struct {
		name, in string
		limits   fhir.Limits
		ok       bool
	}{
		{"depth", nested(31), fhir.Limits{}, true},
		{"depth over", nested(32), fhir.Limits{}, false},
		{"depth set", nested(3), fhir.Limits{Depth: 6}, false},
		{"bytes", patient(`"active":true`), fhir.Limits{Bytes: 40}, true},
		{"bytes over", patient(`"active":false,"gender":"male"`), fhir.Limits{Bytes: 40}, false},
		{"bytes of all", patient(`"active":false,"gender":"male"`), fhir.Limits{BundleBytes: 40}, false},
		{"entries", entries, fhir.Limits{Entries: 3}, true},
		{"entries over", entries, fhir.Limits{Entries: 2}, false},
		{"bytes of a bundle", entry, fhir.Limits{Bytes: 90}, true},
		{"bytes of an entry", entry, fhir.Limits{Bytes: 60}, false},
		{"nodes", patient(`"name":[{"given":["a","b"]}]`), fhir.Limits{Nodes: 3}, false},
	} {
		_, err := c.limits.Parse([]byte(c.in))
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && !fault.Is(err, fault.TooLarge) {
			t.Errorf("%s: kind %v", c.name, fault.KindOf(err))
		}
	}
}

func TestIssuesAreBounded(t *testing.T) {
	_, err := fhir.Parse([]byte(patient(`"name":[` + strings.Repeat(`1,`, 1000) + `1]`)))
	if n := strings.Count(issues(err), "@"); n != 20 {
		t.Errorf("%d issues", n)
	}
}
