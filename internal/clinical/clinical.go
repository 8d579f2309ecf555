// Package clinical is the one formatter of names, dates, ages, doses, results,
// medication lines, allergies, ranges and flags. Pages print what it returns
// and format nothing themselves, so that a value looks the same wherever a
// clinician meets it and whatever language the browser speaks.
//
// Two rules hold throughout: nothing shown is ever blank (an absent value says
// "Not recorded", one that could not be known says "Unknown"), and no value is
// converted to another unit.
package clinical

import (
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// What stands where a value would.
const (
	NotRecorded = "Not recorded"
	NotShown    = "Not shown to your role"
	Unknown     = "Unknown"
)

// Formatter renders for one facility. It is safe for concurrent use.
type Formatter struct {
	zone *time.Location
}

// New returns a formatter whose clock times are those of the facility's IANA
// zone. A missing zone is refused rather than replaced by the machine's: a
// server's zone is nobody's bedside time.
func New(zone *time.Location) (*Formatter, error) {
	if zone == nil {
		return nil, errors.New("clinical.New: no facility time zone")
	}
	return &Formatter{zone: zone}, nil
}

// Zone returns the facility's zone.
func (f *Formatter) Zone() *time.Location { return f.zone }

// Plain removes what could change how a line reads without being seen: control
// characters and bidirectional overrides. Runs of white space become one space.
func Plain(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.IsControl(r), r == unicode.ReplacementChar,
			r == '\u200e', r == '\u200f', r == '\ufeff',
			r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// text returns a primitive's text made plain.
func text(n fhir.Node) string { return Plain(n.Text()) }

// orElse returns s, or what stands for its absence.
func orElse(s, absent string) string {
	if s == "" {
		return absent
	}
	return s
}

// kindOf returns the type of a choice with its first letter in lower case, so
// that complex and primitive types compare alike.
func kindOf(n fhir.Node) string {
	t := n.Type()
	if t == "" {
		return ""
	}
	return strings.ToLower(t[:1]) + t[1:]
}

// join puts the parts that are not empty behind one another.
func join(sep string, parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, sep)
}

// sentence gives a word an upper-case first letter.
func sentence(s string) string {
	for i, r := range s {
		return string(unicode.ToUpper(r)) + s[i+len(string(r)):]
	}
	return s
}
