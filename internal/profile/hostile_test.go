package profile_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/profile"
)

// derived is a profile without a snapshot that derives from another one.
func derived(name, from, elements string) string {
	return strings.Replace(made(name, "Patient", elements), base+"Patient", "http://example.org/"+from, 1)
}

// TestHostileDefinitions: whoever may store a definition cannot make validation
// hang, run out of memory, or let pass what it could not check.
func TestHostileDefinitions(t *testing.T) {
	noop := rule("Patient.active", `"min":0`)
	long := make([]string, 0, 40)
	for i := range 40 {
		long = append(long, derived(fmt.Sprintf("d%d", i), fmt.Sprintf("d%d", i+1), noop))
	}
	var deep strings.Builder
	deep.WriteString("Patient.contact")
	for range 60 {
		deep.WriteString(".extension")
	}
	var many []string
	for i := range 3000 {
		many = append(many, rule(fmt.Sprintf("Patient.identifier:s%d", i), `"min":0`), rule(fmt.Sprintf("Patient.identifier:s%d.system", i), `"fixedUri":"urn:x`+fmt.Sprint(i)+`"`))
	}
	var doubling []string
	path := "Patient.extension"
	for i := range 20 {
		doubling = append(doubling, rule(fmt.Sprintf("%s:a%d", path, i), `"min":0`))
		path += fmt.Sprintf(":a%d.extension", i)
	}
	itself := strings.Replace(made("itself", "Patient", rule("Patient.extension:x", `"min":0,"type":[{"code":"Extension","profile":["http://example.org/itself"]}]`)), `"type":"Patient"`, `"type":"Patient"`, 1)
	for name, c := range map[string]struct {
		defs []string
		ask  string
	}{
		"a circle":           {[]string{derived("a", "b", noop), derived("b", "a", noop)}, "a"},
		"from itself":        {[]string{derived("a", "a", noop)}, "a"},
		"a long way":         {long, "d0"},
		"deep":               {[]string{made("a", "Patient", rule(deep.String(), `"min":1`))}, "a"},
		"three thousand":     {[]string{made("a", "Patient", all(sliced("Patient.identifier", "", "closed", by("value", "system")), strings.Join(many, ",")))}, "a"},
		"slices in slices":   {[]string{made("a", "Patient", strings.Join(doubling, ","))}, "a"},
		"speaks of itself":   {[]string{itself}, "itself"},
		"bad discriminators": {[]string{made("a", "Patient", all(sliced("Patient.identifier", "", "closed", all(by("value", "where(x)"), by("profile", "..."), by("value", "a.b.c.d"))), rule("Patient.identifier:a", `"min":1`)))}, "a"},
		"endless invariant":  {[]string{made("a", "Patient", rule("Patient.name", `"constraint":[{"key":"x","severity":"error","human":"h","expression":"repeat(%context | $this).descendants().repeat(%resource).count() > 0"}]`))}, "a"},
		"no such element":    {[]string{made("a", "Patient", rule("Patient.nothing", `"min":1`))}, "a"},
		"two types":          {[]string{made("a", "Patient", rule("Patient.deceased[x].extension.url", `"min":1`))}, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			s := definitions(t, c.defs...)
			v := profile.New(profile.Config{Definitions: s, Codes: codes(s)})
			var list []string
			for i := range 200 {
				list = append(list, fmt.Sprintf("urn:x%d", i))
			}
			res := parse(t, strings.Replace(identifiers(list...), "{", `{"name":[{"family":"x"}],"extension":[{"url":"http://example.org/x","valueString":"x"}],`, 1))
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			start := time.Now()
			r, err := v.Validate(ctx, profile.Request{Resource: res, Profiles: []string{"http://example.org/" + c.ask}})
			check(t, err)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			t.Log(len(r.Issues), time.Since(start), strings.Join(found(r, "error"), "; "))
		})
	}
}

// TestUselessDefinitionsAreTold: a profile that cannot be used never passes.
func TestUselessDefinitionsAreTold(t *testing.T) {
	s := definitions(t, derived("a", "a", rule("Patient.active", `"min":0`)), made("b", "Patient", rule("Patient.nothing", `"min":1`)))
	v := profile.New(profile.Config{Definitions: s, Codes: codes(s)})
	for _, name := range []string{"a", "b"} {
		if r := validate(t, v, parse(t, `{"resourceType":"Patient","active":true}`), "http://example.org/"+name); r.OK() {
			t.Errorf("%s: %s", name, show(r))
		}
	}
}

func FuzzDefinition(f *testing.F) {
	for _, elements := range []string{
		all(sliced("Patient.identifier", "", "closed", by("value", "system")), systemSlices),
		rule("Patient.contact.name.family", `"min":1`), rule("Patient.name", `"contentReference":"#Patient"`),
	} {
		f.Add([]byte(made("p", "Patient", elements)))
	}
	res, err := fhir.Parse([]byte(`{"resourceType":"Patient","identifier":[{"system":"urn:a"},{"value":"x"}],"name":[{"family":"x"}],"contact":[{"name":{"text":"y"}}]}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := fhir.Parse(body); err != nil {
			return
		}
		s := shelf{"StructureDefinition http://example.org/p": body}
		v := profile.New(profile.Config{Definitions: s, Codes: codes(s)})
		_, err := v.Validate(context.Background(), profile.Request{Resource: res, Profiles: []string{"http://example.org/p"}})
		check(t, err)
	})
}
