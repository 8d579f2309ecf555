package terminology

import (
	"regexp"

	"golang.org/x/text/language"

	"github.com/wardkeep/wardkeep/internal/ucum"
)

// grammar is a code system that is defined by rules instead of a list.
type grammar struct {
	system *system
	valid  func(code string) bool
}

// media is type/subtype of RFC 6838 §4.2 with parameters (RFC 2045 §5.1).
var media = regexp.MustCompile("^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9*][A-Za-z0-9!#$&^_.+-]{0,126}" +
	"( *; *[!#$%&'*+.^_`|~0-9A-Za-z-]+=([!#$%&'*+.^_`|~0-9A-Za-z-]+|\"[^\"\\\\]*\"))*$")

var grammars = rules(map[string]func(string) bool{
	ucum.System: func(code string) bool {
		_, err := ucum.Parse(code)
		return err == nil
	},
	"urn:ietf:bcp:13": media.MatchString,
	"urn:ietf:bcp:47": func(code string) bool {
		_, err := language.Parse(code)
		return err == nil
	},
})

func rules(valid map[string]func(string) bool) map[string]*grammar {
	out := map[string]*grammar{}
	for url, f := range valid {
		g := &grammar{valid: f}
		g.system = &system{url: url, complete: true, grammar: g}
		out[url] = g
	}
	return out
}
