package terminology_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/terminology"
)

// flock is a code system of n codes, each of which names all its parents twice.
func flock(n, parents int) string {
	var b strings.Builder
	b.WriteString(`{"resourceType":"CodeSystem","url":"urn:flock","status":"active","content":"complete","property":[{"code":"parent","uri":"http://hl7.org/fhir/concept-properties#parent","type":"code"}],"concept":[{"code":"c0"}`)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `,{"code":"c%d","property":[`, i)
		for k := range 2 * parents {
			fmt.Fprintf(&b, `{"code":"parent","valueCode":"c%d"},`, (i+k%parents)%n)
		}
		b.WriteString(`{"code":"parent","valueCode":"c0"}]}`)
	}
	b.WriteString(`]}`)
	return b.String()
}

// TestBounds: what a definition can ask for is bounded, whoever wrote it.
func TestBounds(t *testing.T) {
	repeat := func(part string, n int) string { return strings.Repeat(part+",", n-1) + part }
	all := `{"system":"urn:flock"}`
	many := `{"system":"urn:flock","filter":[` + repeat(filter("code", "regex", "c.*"), 200) + `]}`
	chain := func(n int) []string {
		out := []string{compose(`{"valueSet":["urn:vs1"]}`)}
		for i := 1; i < n; i++ {
			out = append(out, strings.Replace(compose(fmt.Sprintf(`{"valueSet":["urn:vs%d"]}`, i+1)), `"urn:vs"`, fmt.Sprintf(`"urn:vs%d"`, i), 1))
		}
		return append(out, strings.Replace(compose(all), `"urn:vs"`, fmt.Sprintf(`"urn:vs%d"`, n), 1))
	}
	for name, c := range map[string]struct {
		texts []string
		want  string
	}{
		"parts":            {[]string{compose(repeat(all, 5000))}, "too costly"},
		"parts and codes":  {[]string{compose(repeat(many, 200))}, "too costly"},
		"imports too deep": {chain(40), "too costly"},
		"imports":          {chain(20), "1000 codes"},
		"more than a page": {[]string{strings.Replace(compose(all), "urn:flock", "urn:birds", 1), birds}, "8 codes"},
	} {
		s := terminology.New(terminology.Config{Source: shelf{}.add(append(c.texts, flock(1000, 3))...), Clock: clock.System{}})
		got := codes(t, s, terminology.ExpandRequest{ValueSet: "urn:vs", Count: -1})
		if n := len(strings.Fields(got)); got != "too costly" {
			got = fmt.Sprint(n, " codes")
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestCircles: a hierarchy that goes in circles, with links named twice, ends.
func TestCircles(t *testing.T) {
	s := terminology.New(terminology.Config{Source: shelf{}.add(flock(500, 20)), Clock: clock.System{}})
	below, err := s.Below(t.Context(), "urn:flock", "c7")
	if err != nil || len(below) < 2 || len(below) > 500 {
		t.Errorf("%d, %v", len(below), err)
	}
	l, err := s.Lookup(t.Context(), terminology.LookupRequest{Coding: terminology.Coding{System: "urn:flock", Code: "c7"}})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range l.Properties {
		if seen[p.Code+p.Text] {
			t.Errorf("%s %s twice", p.Code, p.Text)
		}
		seen[p.Code+p.Text] = true
	}
}

// TestPages: more codes than one answer holds are asked for in pages.
func TestPages(t *testing.T) {
	s := terminology.New(terminology.Config{Source: shelf{}.add(flock(10_500, 1), compose(`{"system":"urn:flock"}`)), Clock: clock.System{}})
	req := terminology.ExpandRequest{ValueSet: "urn:vs", Count: -1}
	if got := codes(t, s, req); got != "too costly" {
		t.Errorf("%.40s", got)
	}
	req.Count, req.Offset = 5, 10_498
	if got := codes(t, s, req); got != "c10498 c10499" {
		t.Error(got)
	}
	n := 0
	if err := s.Members(t.Context(), "urn:vs", func(string, string) { n++ }); err != nil || n != 10_500 {
		t.Errorf("%d, %v", n, err)
	}
}

// TestAnotherOnesFault: a value set that somebody sends, and which makes those
// that are loaded go in circles, spoils nothing for others.
func TestAnotherOnesFault(t *testing.T) {
	s := service(
		strings.Replace(compose(`{"valueSet":["urn:inner"]}`), `"urn:vs"`, `"urn:outer"`, 1),
		strings.Replace(compose(`{"system":"urn:birds"}`), `"urn:vs"`, `"urn:inner"`, 1),
		birds,
	)
	sent, err := fhir.Parse([]byte(strings.Replace(compose(`{"valueSet":["urn:outer"]}`), `"urn:vs"`, `"urn:inner"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Expand(t.Context(), terminology.ExpandRequest{Resource: sent, Count: -1}); err == nil {
		t.Fatal("a circle was expanded")
	}
	if got := codes(t, s, terminology.ExpandRequest{ValueSet: "urn:outer", Count: -1}); len(strings.Fields(got)) < 2 {
		t.Errorf("of the loaded one: %s", got)
	}
}
