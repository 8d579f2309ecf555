package clinical

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// semanticTags are the endings of SNOMED CT fully specified names: they tell
// terminologists, not clinicians, what kind of thing is meant.
var semanticTags = []string{
	"disorder", "finding", "situation", "procedure", "regime/therapy", "product", "medicinal product",
	"clinical drug", "substance", "qualifier value", "morphologic abnormality", "observable entity", "event",
	"person", "organism", "body structure", "record artifact", "physical object", "context-dependent category",
}

// Concept renders a CodeableConcept: its text, else the display the user chose,
// else the first display, else its bare code.
func Concept(n fhir.Node) string {
	if s := text(n.Get("text")); s != "" {
		return untagged(s)
	}
	var first, code string
	for c := range n.All("coding") {
		display := text(c.Get("display"))
		if display != "" && (first == "" || c.Get("userSelected").Text() == "true") {
			first = display
		}
		if code == "" {
			code = text(c.Get("code"))
		}
	}
	switch {
	case first != "":
		return untagged(first)
	case code != "":
		return "Code " + code + " (no name given)"
	}
	return NotRecorded
}

func untagged(s string) string {
	if !strings.HasSuffix(s, ")") {
		return s
	}
	for _, tag := range semanticTags {
		if cut, ok := strings.CutSuffix(s, " ("+tag+")"); ok {
			return cut
		}
	}
	return s
}

// codeOf returns the code of a concept in a system whose URI ends in suffix,
// or the first code if suffix is empty.
func codeOf(n fhir.Node, suffix string) string {
	for c := range n.All("coding") {
		if strings.HasSuffix(c.Get("system").Text(), suffix) {
			return c.Get("code").Text()
		}
	}
	return ""
}

// Party renders a reference to a person, place or organisation by its display.
func Party(ref fhir.Node) string {
	if d := text(ref.Get("display")); d != "" {
		return d
	}
	if !ref.Exists() {
		return NotRecorded
	}
	kind, _, _ := strings.Cut(ref.Get("reference").Text(), "/")
	if k := ref.Get("type").Text(); k != "" {
		kind = k
	}
	if who, ok := parties[kind]; ok {
		return who
	}
	return "Name not given"
}

// parties are said of a reference that names nobody.
var parties = map[string]string{
	"Patient": "The patient", "RelatedPerson": "A relative", "Practitioner": "A practitioner, name not given",
	"PractitionerRole": "A practitioner, name not given", "Organization": "An organization, name not given", "Device": "A device",
}

// words looks a code up in a table of words; a code that is not in it is shown
// as it came rather than hidden.
func words(table map[string]string, code string) string {
	if w, ok := table[code]; ok {
		return w
	}
	if code == "" {
		return "Status not recorded"
	}
	return "Status " + Plain(code)
}
