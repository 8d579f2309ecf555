package terminology

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"github.com/wardkeep/wardkeep/internal/ucum"
)

// grammar is a code system that is defined by rules instead of a list.
type grammar struct {
	system *system
	valid  func(code string) bool
	// part returns what a filter looks at, "" if the code has no such part; it
	// is nil if there are no filters.
	part map[string]func(code string) string
}

// media is type/subtype of RFC 6838 §4.2 with parameters (RFC 2045 §5.1).
var media = regexp.MustCompile("^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9*][A-Za-z0-9!#$&^_.+-]{0,126}" +
	"( *; *[!#$%&'*+.^_`|~0-9A-Za-z-]+=([!#$%&'*+.^_`|~0-9A-Za-z-]+|\"[^\"\\\\]*\"))*$")

var grammars = map[string]*grammar{
	ucum.System: grammatical(ucum.System, func(code string) bool {
		_, err := ucum.Parse(code)
		return err == nil
	}, map[string]func(string) string{"canonical": dimension}),
	"urn:ietf:bcp:13": grammatical("urn:ietf:bcp:13", media.MatchString, nil),
	"urn:ietf:bcp:47": grammatical("urn:ietf:bcp:47", func(code string) bool {
		_, err := language.Parse(code)
		return err == nil && !strings.Contains(code, "_")
	}, tagParts()),
}

func grammatical(url string, valid func(string) bool, part map[string]func(string) string) *grammar {
	g := &grammar{valid: valid, part: part}
	g.system = &system{url: url, complete: true, grammar: g}
	return g
}

// dimension is the property canonical of UCUM (FHIR R4 4.3.14): units are told
// apart by what they measure.
func dimension(code string) string {
	u, _ := ucum.Parse(code)
	return u.Dimension()
}

// compileFilter reads a filter on a grammar: a part of the code that is what the
// value says, or is there or not.
func (g *grammar) compileFilter(f *filter) (*filter, error) {
	part := g.part[f.property]
	switch {
	case part == nil || f.op != "=" && f.op != "exists":
		return nil, wrong("compileFilter", "A filter of the value set is not one that its code system has.")
	case f.property == "canonical":
		if f.value = part(f.value); f.value == "" {
			return nil, wrong("compileFilter", "A filter of the value set names a unit that UCUM does not have.")
		}
	}
	return f, nil
}

// takes tells whether a valid code passes.
func (g *grammar) takes(f *filter, code string) bool {
	part := g.part[f.property](code)
	if f.op == "exists" {
		return (part != "") == (f.value == "true")
	}
	return strings.EqualFold(part, f.value)
}

// tagParts are the filters of language tags (FHIR R4 4.3.14; RFC 5646 §2.1).
func tagParts() map[string]func(string) string {
	names := []string{"language", "ext-lang", "script", "region", "variant", "extension", "private-use"}
	out := map[string]func(string) string{}
	for _, name := range names {
		out[name] = func(code string) string { return tagPart(code, name) }
	}
	return out
}

// tagPart finds the first part of a kind in a language tag.
func tagPart(code, kind string) string {
	subtags := strings.Split(code, "-")
	for i, s := range subtags {
		is := kindOf(i, s, subtags[:i])
		if is == kind {
			return s
		}
		if is == "private-use" || is == "extension" && kind != "private-use" {
			break // what follows a singleton belongs to it
		}
		if is == "extension" {
			if at := slices.Index(subtags, "x"); at > 0 {
				return subtags[at]
			}
			break
		}
	}
	return ""
}

func kindOf(i int, s string, before []string) string {
	digit := s != "" && s[0] >= '0' && s[0] <= '9'
	switch {
	case strings.EqualFold(s, "x"):
		return "private-use"
	case i == 0:
		return "language"
	case len(s) == 1:
		return "extension"
	case len(s) == 3 && !digit && len(before[len(before)-1]) <= 3 && i <= 3 && len(before[0]) <= 3:
		return "ext-lang"
	case len(s) == 4 && !digit:
		return "script"
	case len(s) == 2 || len(s) == 3:
		return "region"
	}
	return "variant"
}
