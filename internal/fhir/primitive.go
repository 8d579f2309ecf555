package fhir

import (
	"bytes"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Bounds on numbers. R4 asks for at least 18 digits and sets no upper bound; one
// is needed because others compute with exact values: 1e999999999 is eleven
// bytes here and a gigabyte there.
const (
	maxDigits   = 64
	maxExponent = 308
)

// maxString is R4's bound on a string, in bytes here.
const maxString = 1 << 20

// primitive reads the value of a primitive element and checks its format.
func (p *parser) primitive(i uint32, m r4.MemberID, t r4.TypeID) bool {
	switch c := p.peek(); {
	case t == r4.Boolean:
		if p.word("true") || p.word("false") {
			return true
		}
		p.report(i, issueStructure, "The value must be true or false, without quotes.")
		return p.skip()
	case t <= r4.Decimal:
		if c != '-' && c-'0' > 9 {
			p.report(i, issueStructure, "The value must be a JSON number.")
			return p.skip()
		}
		raw, ok := p.number()
		if ok && !validNumber(t, raw) {
			p.report(i, issueValue, numberText(t))
		}
		return ok
	case c == '[':
		p.report(i, issueStructure, "The element does not repeat: it must not be an array.")
		return p.skip()
	case c != '"':
		p.report(i, issueStructure, "The value must be a JSON string.")
		return p.skip()
	}
	raw, escaped, ok := p.text()
	if !ok {
		return false
	}
	if escaped {
		p.tmp = unescape(p.tmp[:0], raw)
		raw = p.tmp
	}
	p.checkText(i, m, t, raw)
	return true
}

func (p *parser) checkText(i uint32, m r4.MemberID, t r4.TypeID, text []byte) {
	if why := badText(t, text); why != "" {
		p.report(i, issueValue, why)
		return
	}
	switch t {
	case r4.Code:
		if b := m.Binding(); b != 0 && !r4.Has(b, text) {
			p.report(i, issueCode, "The code is not in the value set that is required here.")
		}
	case r4.URI, r4.URL, r4.Canonical:
		if text[0] == '#' {
			p.mention(string(text[1:]), i, 0)
		}
	case r4.XHTML:
		if why := checkXHTML(text); why != "" {
			p.report(i, issueInvalid, why)
		}
	}
}

// badText says what is wrong with a text of type t, "" if nothing.
func badText(t r4.TypeID, s []byte) string {
	if len(s) == 0 {
		return "The value must not be empty."
	}
	if len(s) > maxString && t != r4.Base64Binary && t != r4.XHTML {
		return "The text is longer than 1 MiB."
	}
	switch t {
	case r4.Code:
		if !isCode(s) {
			return "A code must not start or end with white space, nor have two in a row."
		}
	case r4.ID:
		if !isID(s) {
			return "An id is 1 to 64 letters, digits, hyphens and dots."
		}
	case r4.URI, r4.URL, r4.Canonical:
		if slices.ContainsFunc(s, isSpace) {
			return "A URI must not have white space."
		}
	case r4.OID:
		if !isOID(s) {
			return "An OID looks like urn:oid:1.2.3."
		}
	case r4.UUID:
		if !isUUID(s) {
			return "A UUID looks like urn:uuid:c757873d-ec9a-4326-a141-556f43239520, in lower case."
		}
	case r4.Base64Binary:
		if !isBase64(s) {
			return "The value is not base64."
		}
	case r4.Date, r4.DateTime, r4.Instant, r4.Time:
		return badTime(t, s)
	}
	return ""
}

func isSpace(c byte) bool { return c == ' ' || c-'\t' < 5 }

// isCode: [^\s]+(\s[^\s]+)*
func isCode(s []byte) bool {
	blank := true
	for _, c := range s {
		if !isSpace(c) {
			blank = false
		} else if blank {
			return false
		} else {
			blank = true
		}
	}
	return !blank
}

// isID: [A-Za-z0-9\-\.]{1,64}
func isID[T string | []byte](s T) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20)-'a' > 25 && c-'0' > 9 && c != '-' && c != '.' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 64
}

// isOID: urn:oid:[0-2](\.(0|[1-9][0-9]*))+
func isOID(s []byte) bool {
	s, ok := bytes.CutPrefix(s, []byte("urn:oid:"))
	if !ok || len(s) < 3 || s[0]-'0' > 2 || s[1] != '.' {
		return false
	}
	first := byte('.')
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.':
			if i+1 == len(s) || s[i+1] == '.' {
				return false
			}
			first = s[i+1]
		case c-'0' > 9:
			return false
		case first == '0' && s[i-1] != '.':
			return false
		}
	}
	return true
}

// isUUID: urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
func isUUID(s []byte) bool {
	s, ok := bytes.CutPrefix(s, []byte("urn:uuid:"))
	if !ok || len(s) != 36 {
		return false
	}
	for i, c := range s {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if c-'0' > 9 && c-'a' > 5 {
			return false
		}
	}
	return true
}

// isBase64 takes groups of four with white space between, padded at the end.
func isBase64(s []byte) bool {
	n, pad := 0, 0
	for _, c := range s {
		switch {
		case isSpace(c):
			continue
		case c == '=':
			pad++
		case pad > 0:
			return false
		case (c|0x20)-'a' > 25 && c-'0' > 9 && c != '+' && c != '/':
			return false
		}
		n++
	}
	return n > 0 && n%4 == 0 && pad <= 2
}

func numberText(t r4.TypeID) string {
	switch t {
	case r4.PositiveInt:
		return "The value must be a whole number from 1 to 2147483647."
	case r4.UnsignedInt:
		return "The value must be a whole number from 0 to 2147483647."
	case r4.Integer:
		return "The value must be a whole number of 32 bits."
	}
	return "The number has more than 64 digits or an exponent beyond 308."
}

// validNumber checks a JSON number against the ranges of t.
func validNumber(t r4.TypeID, s []byte) bool {
	if t == r4.Decimal {
		return validDecimal(s)
	}
	minus := s[0] == '-'
	if minus {
		s = s[1:]
	}
	if len(s) > 10 {
		return false
	}
	var v int64
	for _, c := range s {
		if c-'0' > 9 {
			return false
		}
		v = v*10 + int64(c-'0')
	}
	switch {
	case t == r4.PositiveInt:
		return !minus && v > 0 && v <= 1<<31-1
	case t == r4.UnsignedInt:
		return !minus && v <= 1<<31-1
	case minus:
		return v <= 1<<31
	}
	return v <= 1<<31-1
}

func validDecimal(s []byte) bool {
	mantissa := s
	if at := slices.IndexFunc(s, func(c byte) bool { return c|0x20 == 'e' }); at >= 0 {
		mantissa = s[:at]
		exp := bytes.TrimLeft(s[at+1:], "+-0")
		if len(exp) > 3 {
			return false
		}
		v := 0
		for _, c := range exp {
			v = v*10 + int(c-'0')
		}
		if v > maxExponent {
			return false
		}
	}
	return len(mantissa) <= maxDigits+2
}
