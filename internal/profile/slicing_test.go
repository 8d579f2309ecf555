package profile_test

import (
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/profile"
)

const base = "http://hl7.org/fhir/StructureDefinition/"

// made is a profile by its differential.
func made(name, typ, elements string) string {
	return `{"resourceType":"StructureDefinition","id":"` + name + `","url":"http://example.org/` + name + `","name":"` + name + `","status":"active",` +
		`"kind":"resource","abstract":false,"type":"` + typ + `","baseDefinition":"` + base + typ + `","derivation":"constraint",` +
		`"differential":{"element":[{"id":"` + typ + `","path":"` + typ + `"},` + elements + `]}}`
}

func sliced(path, rest, rules, discriminators string) string {
	return `{"id":"` + path + `","path":"` + path + `","slicing":{` + rest + `"rules":"` + rules + `","discriminator":[` + discriminators + `]}}`
}

func by(kind, path string) string { return `{"type":"` + kind + `","path":"` + path + `"}` }

// rule is one element of a differential: its id, and what it says.
func rule(id, says string) string {
	steps := strings.Split(id, ".")
	slice := ""
	for i, s := range steps {
		steps[i], slice, _ = strings.Cut(s, ":")
	}
	text := `{"id":"` + id + `","path":"` + strings.Join(steps, ".") + `"`
	if slice != "" {
		text += `,"sliceName":"` + slice + `"`
	}
	return text + "," + says + "}"
}

func all(parts ...string) string { return strings.Join(parts, ",") }

func identifiers(systems ...string) string {
	var list []string
	for _, s := range systems {
		list = append(list, `{"system":"`+s+`","value":"1"}`)
	}
	return `{"resourceType":"Patient","identifier":[` + strings.Join(list, ",") + `]}`
}

func observation(rest string) string {
	return `{"resourceType":"Observation","status":"final","code":{"text":"x"}` + rest + `}`
}

var systemSlices = all(
	rule("Patient.identifier:a", `"min":1,"max":"1"`), rule("Patient.identifier:a.system", `"min":1,"fixedUri":"urn:a"`),
	rule("Patient.identifier:b", `"min":0,"max":"1"`), rule("Patient.identifier:b.system", `"min":1,"fixedUri":"urn:b"`))

func TestSlicing(t *testing.T) {
	inOrder := func(rest, rules string) string {
		return made("p", "Patient", all(sliced("Patient.identifier", rest, rules, by("value", "system")), systemSlices))
	}
	open, closed, atEnd, ordered := inOrder("", "open"), inOrder("", "closed"), inOrder("", "openAtEnd"), inOrder(`"ordered":true,`, "open")
	typed := made("p", "Observation", all(
		sliced("Observation.value[x]", "", "closed", by("type", "$this")),
		`{"id":"Observation.value[x]:valueQuantity","path":"Observation.value[x]","sliceName":"valueQuantity","type":[{"code":"Quantity"}]}`,
		`{"id":"Observation.value[x]:valueQuantity.unit","path":"Observation.value[x].unit","min":1}`))
	pattern := made("p", "Observation", all(
		sliced("Observation.component", "", "open", by("pattern", "code")),
		rule("Observation.component:x", `"min":1,"max":"1"`),
		rule("Observation.component:x.code", `"min":1,"patternCodeableConcept":{"coding":[{"system":"urn:s","code":"x"}]}`),
		rule("Observation.component:x.value[x]", `"min":1`)))
	present := made("p", "Patient", all(
		sliced("Patient.name", "", "open", by("exists", "period")),
		rule("Patient.name:old", `"min":1`), rule("Patient.name:old.period", `"min":1`),
		rule("Patient.name:now", `"max":"1"`), rule("Patient.name:now.period", `"max":"0"`)))
	byTarget := made("p", "Observation", all(
		sliced("Observation.performer", "", "open", by("type", "resolve()")),
		`{"id":"Observation.performer:who","path":"Observation.performer","sliceName":"who","min":1,"type":[{"code":"Reference","targetProfile":["`+base+`Practitioner"]}]}`))
	byExtension := made("p", "Patient", all(
		sliced("Patient.name", "", "open", by("value", "extension('http://example.org/kind').value")),
		rule("Patient.name:kind", `"min":1`),
		`{"id":"Patient.name:kind.extension","path":"Patient.name.extension","slicing":{"discriminator":[{"type":"value","path":"url"}],"rules":"open"}}`,
		`{"id":"Patient.name:kind.extension:kind","path":"Patient.name.extension","sliceName":"kind","min":1,"max":"1"}`,
		`{"id":"Patient.name:kind.extension:kind.url","path":"Patient.name.extension.url","fixedUri":"http://example.org/kind"}`,
		`{"id":"Patient.name:kind.extension:kind.value[x]","path":"Patient.name.extension.value[x]","min":1,"fixedCode":"k"}`))
	again := made("p", "Patient", all(sliced("Patient.identifier", "", "open", by("value", "system")),
		rule("Patient.identifier:a", `"min":1,"max":"*"`), rule("Patient.identifier:a.system", `"min":1,"fixedUri":"urn:a"`),
		`{"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a","slicing":{"discriminator":[{"type":"value","path":"use"}],"rules":"open"}}`,
		rule("Patient.identifier:a/old", `"max":"1"`), rule("Patient.identifier:a/old.use", `"min":1,"fixedCode":"old"`)))
	byDefault := made("p", "Patient", all(sliced("Patient.identifier", "", "closed", by("value", "system")),
		rule("Patient.identifier:a", `"min":0,"max":"1"`), rule("Patient.identifier:a.system", `"min":1,"fixedUri":"urn:a"`),
		rule("Patient.identifier:@default", `"max":"1"`), rule("Patient.identifier:@default.period", `"min":1`)))
	old := `{"resourceType":"Patient","identifier":[{"system":"urn:a","use":"old"},{"system":"urn:a","use":"old"}]}`
	kind := func(code string) string {
		return `{"resourceType":"Patient","name":[{"extension":[{"url":"http://example.org/kind","valueCode":"` + code + `"}],"family":"x"}]}`
	}
	performer := func(ref string) string { return observation(`,"performer":[{"reference":"` + ref + `"}]`) }
	component := func(code string) string {
		return observation(`,"component":[{"code":{"coding":[{"system":"urn:t","code":"1"},{"system":"urn:s","code":"` + code + `"}]},"valueString":"v"}]`)
	}
	for name, c := range map[string]struct{ profile, resource, want string }{
		"open":                  {open, identifiers("urn:x", "urn:a"), ""},
		"open, none":            {open, identifiers("urn:x"), "Patient.identifier required"},
		"open, too many":        {open, identifiers("urn:a", "urn:a"), "Patient.identifier structure"},
		"closed":                {closed, identifiers("urn:a", "urn:b"), ""},
		"closed, another":       {closed, identifiers("urn:a", "urn:x"), "Patient.identifier[1] structure"},
		"at the end":            {atEnd, identifiers("urn:a", "urn:x"), ""},
		"not at the end":        {atEnd, identifiers("urn:x", "urn:a"), "Patient.identifier[1] structure"},
		"in order":              {ordered, identifiers("urn:a", "urn:b"), ""},
		"out of order":          {ordered, identifiers("urn:b", "urn:a"), "Patient.identifier[1] structure"},
		"by type":               {typed, observation(`,"valueQuantity":{"value":1,"unit":"x"}`), ""},
		"by type, within":       {typed, observation(`,"valueQuantity":{"value":1}`), "Observation.value.unit required"},
		"by type, another":      {typed, observation(`,"valueString":"x"`), "Observation.value structure"},
		"by pattern":            {pattern, component("x"), ""},
		"by pattern, none":      {pattern, component("y"), "Observation.component required"},
		"by presence":           {present, `{"resourceType":"Patient","name":[{"period":{"end":"2020"}},{"family":"x"}]}`, ""},
		"by presence, none":     {present, `{"resourceType":"Patient","name":[{"family":"x"}]}`, "Patient.name required"},
		"by presence, two":      {present, `{"resourceType":"Patient","name":[{"period":{"end":"2020"}},{"family":"x"},{"family":"y"}]}`, "Patient.name structure"},
		"by target":             {byTarget, performer("Practitioner/1"), ""},
		"by another target":     {byTarget, performer("Organization/1"), "Observation.performer required"},
		"by extension":          {byExtension, kind("k"), ""},
		"by extension, another": {byExtension, kind("l"), "Patient.name required"},
		"slices of slices":      {again, old, "Patient.identifier structure"},
		"by default":            {byDefault, identifiers("urn:a"), ""},
		"by default, checked":   {byDefault, identifiers("urn:x"), "Patient.identifier[0].period required"},
	} {
		t.Run(name, func(t *testing.T) {
			s := definitions(t, c.profile)
			r := validate(t, profile.New(profile.Config{Definitions: s, Codes: codes(s)}), parse(t, c.resource), "http://example.org/p")
			got := strings.Join(found(r, "error"), ", ")
			if c.want == "" && got != "" || c.want != "" && got != c.want+" http://example.org/p" {
				t.Errorf("errors %q, want %q%s", got, c.want, show(r))
			}
		})
	}
}

func TestElements(t *testing.T) {
	for name, c := range map[string]struct{ says, resource, want string }{
		"fixed":         {rule("Patient.gender", `"fixedCode":"male"`), `{"resourceType":"Patient","gender":"female"}`, "Patient.gender value"},
		"pattern":       {rule("Patient.maritalStatus", `"patternCodeableConcept":{"coding":[{"code":"M"}]}`), `{"resourceType":"Patient","maritalStatus":{"coding":[{"code":"S"},{"code":"T"}]}}`, "Patient.maritalStatus value"},
		"pattern met":   {rule("Patient.maritalStatus", `"patternCodeableConcept":{"coding":[{"code":"M"}]}`), `{"resourceType":"Patient","maritalStatus":{"coding":[{"code":"S"},{"code":"M","display":"x"}]}}`, ""},
		"fixed exactly": {rule("Patient.maritalStatus", `"fixedCodeableConcept":{"coding":[{"code":"M"}]}`), `{"resourceType":"Patient","maritalStatus":{"coding":[{"code":"M","display":"x"}]}}`, "Patient.maritalStatus value"},
		"length":        {rule("Patient.language", `"maxLength":2`), `{"resourceType":"Patient","language":"de-CH"}`, "Patient.language too-long"},
		"least date":    {rule("Patient.birthDate", `"minValueDate":"1900-01-01"`), `{"resourceType":"Patient","birthDate":"1899"}`, "Patient.birthDate value"},
		"most date":     {rule("Patient.birthDate", `"maxValueDate":"2000-01-01"`), `{"resourceType":"Patient","birthDate":"2000-01-01"}`, ""},
		"most number":   {rule("Patient.multipleBirth[x]", `"maxValueInteger":5`), `{"resourceType":"Patient","multipleBirthInteger":6}`, "Patient.multipleBirth value"},
		"deep":          {rule("Patient.contact.name.family", `"min":1`), `{"resourceType":"Patient","contact":[{"name":{"text":"x"}}]}`, "Patient.contact[0].name.family required"},
		"forbidden":     {rule("Patient.photo", `"max":"0"`), `{"resourceType":"Patient","photo":[{"title":"x"}]}`, "Patient.photo structure"},
		"type":          {rule("Patient.deceased[x]", `"type":[{"code":"boolean"}]`), `{"resourceType":"Patient","deceasedDateTime":"2020"}`, "Patient.deceased structure"},
		"target":        {rule("Patient.generalPractitioner", `"type":[{"code":"Reference","targetProfile":["`+base+`Organization"]}]`), `{"resourceType":"Patient","generalPractitioner":[{"reference":"Practitioner/1"}]}`, "Patient.generalPractitioner[0] structure"},
		"bound":         {rule("Patient.maritalStatus", `"binding":{"strength":"required","valueSet":"http://hl7.org/fhir/ValueSet/administrative-gender"}`), `{"resourceType":"Patient","maritalStatus":{"coding":[{"system":"http://hl7.org/fhir/administrative-gender","code":"zzz"}]}}`, "Patient.maritalStatus code-invalid"},
		"bound, text":   {rule("Patient.maritalStatus", `"binding":{"strength":"required","valueSet":"http://hl7.org/fhir/ValueSet/administrative-gender"}`), `{"resourceType":"Patient","maritalStatus":{"text":"x"}}`, "Patient.maritalStatus code-invalid"},
		"not loaded":    {rule("Patient.maritalStatus", `"binding":{"strength":"required","valueSet":"http://example.org/vs"}`), `{"resourceType":"Patient","maritalStatus":{"coding":[{"code":"x"}]}}`, ""},
		"constraint":    {rule("Patient.name", `"constraint":[{"key":"n-1","severity":"error","human":"h","expression":"family.exists()"}]`), `{"resourceType":"Patient","name":[{"text":"x"}]}`, "Patient.name[0] invariant"},
	} {
		t.Run(name, func(t *testing.T) {
			s := definitions(t, made("p", "Patient", c.says))
			r := validate(t, profile.New(profile.Config{Definitions: s, Codes: codes(s)}), parse(t, c.resource), "http://example.org/p")
			got := []string{}
			for _, f := range found(r, "error") {
				if strings.Contains(f, "http://example.org/p") {
					got = append(got, strings.Join(strings.Fields(f)[:2], " "))
				}
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("errors %q, want %q%s", got, c.want, show(r))
			}
		})
	}
}

// TestBundleSlices: entries are told apart by the profile of what they hold, and
// references are followed within the Bundle.
func TestBundleSlices(t *testing.T) {
	named := made("named", "Patient", rule("Patient.name", `"min":1`))
	bundle := made("p", "Bundle", all(
		sliced("Bundle.entry", "", "closed", by("profile", "resource")),
		rule("Bundle.entry:who", `"min":1,"max":"1"`),
		`{"id":"Bundle.entry:who.resource","path":"Bundle.entry.resource","min":1,"type":[{"code":"Patient","profile":["http://example.org/named"]}]}`))
	about := made("about", "Observation", `{"id":"Observation.subject","path":"Observation.subject","min":1,"type":[{"code":"Reference","targetProfile":["http://example.org/named"]}]}`)
	with := func(patient, rest string) string {
		return `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:6f1d4a5e-2f5c-4f0a-9a63-0b6f5b1f7a11","resource":{"resourceType":"Patient"` + patient + `}}` + rest + `]}`
	}
	result := `,{"fullUrl":"urn:uuid:6f1d4a5e-2f5c-4f0a-9a63-0b6f5b1f7a12","resource":{"resourceType":"Observation","meta":{"profile":["http://example.org/about"]},"status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:6f1d4a5e-2f5c-4f0a-9a63-0b6f5b1f7a11"}}}`
	for name, c := range map[string]struct {
		resource string
		profiles []string
		want     string
	}{
		"of the profile":        {with(`,"name":[{"family":"x"}]`, ""), []string{"http://example.org/p"}, ""},
		"not of the profile":    {with(`,"active":true`, ""), []string{"http://example.org/p"}, "Bundle.entry[0] structure http://example.org/p; Bundle.entry required http://example.org/p"},
		"target of the profile": {with(`,"name":[{"family":"x"}]`, result), nil, ""},
		"target of none":        {with(`,"active":true`, result), nil, "Bundle.entry[1].resource.subject structure http://example.org/about"},
	} {
		s := definitions(t, named, bundle, about)
		r := validate(t, profile.New(profile.Config{Definitions: s, Codes: codes(s)}), parse(t, c.resource), c.profiles...)
		if got := strings.Join(found(r, "error"), "; "); got != c.want {
			t.Errorf("%s: errors %q, want %q%s", name, got, c.want, show(r))
		}
	}
}
