package identity

import (
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// name is a distinguished name: for each of its parts, in the order of the
// certificate, the attributes in one spelling. Names are compared by what they
// mean, never by their text: types are object identifiers, values characters
// whatever string type they were encoded in, and those of a part are a set.
type name [][]string

func (n name) equal(other name) bool {
	return len(n) > 0 && slices.EqualFunc(n, other, func(a, b []string) bool { return slices.Equal(a, b) })
}

// nameTypes are the attribute types with short names in RFC 4514 §3, and those
// that are common beside them. Every other one is written as numbers.
var nameTypes = map[string]string{
	"CN": "2.5.4.3", "L": "2.5.4.7", "ST": "2.5.4.8", "O": "2.5.4.10", "OU": "2.5.4.11", "C": "2.5.4.6", "STREET": "2.5.4.9",
	"DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1",
	"SERIALNUMBER": "2.5.4.5", "EMAILADDRESS": "1.2.840.113549.1.9.1",
}

var errName = errors.New("not a name of RFC 4514")

// nameOf reads the subject of a certificate.
func nameOf(raw []byte) (name, error) {
	type attribute struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	type partSET []attribute
	var parts []partSET
	if rest, err := asn1.Unmarshal(raw, &parts); err != nil || len(rest) > 0 {
		return nil, errName
	}
	var n name
	for _, part := range parts {
		var attributes []string
		for _, a := range part {
			attributes = append(attributes, a.Type.String()+"="+spelling(a.Value))
		}
		slices.Sort(attributes)
		n = append(n, attributes)
	}
	return n, nil
}

// spelling is the one that a value has here: its characters behind a quote, or
// its bytes behind a number sign if it is no string that is understood.
func spelling(v asn1.RawValue) string {
	understood := []int{asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagNumericString}
	if v.Class == asn1.ClassUniversal && slices.Contains(understood, v.Tag) && utf8.Valid(v.Bytes) {
		return "'" + string(v.Bytes)
	}
	return "#" + hex.EncodeToString(v.FullBytes)
}

// parseName reads RFC 4514, strictly: what a certificate has last stands first.
func parseName(text string) (name, error) {
	var n name
	part := []string{}
	for {
		attribute, next, rest, err := parseAttribute(text)
		if err != nil {
			return nil, err
		}
		part, text = append(part, attribute), rest
		if next == '+' {
			continue
		}
		slices.Sort(part)
		if len(slices.Compact(slices.Clone(part))) != len(part) {
			return nil, errName
		}
		n, part = append(n, part), []string{}
		if next == 0 {
			slices.Reverse(n)
			return n, nil
		}
	}
}

// parseAttribute reads TYPE=VALUE, and says what stands behind it: a comma, a
// plus, or 0 for the end.
func parseAttribute(text string) (attribute string, next byte, rest string, err error) {
	typ, text, found := strings.Cut(text, "=")
	if !found {
		return "", 0, "", errName
	}
	id, known := nameTypes[strings.ToUpper(typ)]
	if !known {
		if id = typ; !numbers(typ) {
			return "", 0, "", errName
		}
	}
	var value string
	if strings.HasPrefix(text, "#") {
		value, next, rest, err = parseBytes(text[1:])
	} else {
		value, next, rest, err = parseValue(text)
	}
	return id + "=" + value, next, rest, err
}

// numbers reports whether text is an object identifier in dotted decimals.
func numbers(text string) bool {
	parts := strings.Split(text, ".")
	return len(parts) > 1 && !slices.ContainsFunc(parts, func(p string) bool {
		return p == "" || p != "0" && p[0] == '0' || strings.Trim(p, "0123456789") != ""
	})
}

func parseBytes(text string) (value string, next byte, rest string, err error) {
	end := strings.IndexAny(text, ",+")
	if end < 0 {
		end = len(text)
	} else {
		next, rest = text[end], text[end+1:]
	}
	raw, err := hex.DecodeString(text[:end])
	var v asn1.RawValue
	if err != nil {
		return "", 0, "", errName
	}
	if after, err := asn1.Unmarshal(raw, &v); err != nil || len(after) > 0 {
		return "", 0, "", errName
	}
	return spelling(v), next, rest, nil
}

// parseValue reads a string, in which specials are escaped by themselves or by two
// hexadecimal digits.
func parseValue(text string) (value string, next byte, rest string, err error) {
	var out []byte
	spaces := 0 // at the end, not escaped
	i := 0
	for ; i < len(text) && next == 0; i++ {
		c := text[i]
		switch {
		case c == ',' || c == '+':
			next = c
			continue
		case c == '\\':
			escaped, used := unescaped(text[i+1:])
			if used == 0 {
				return "", 0, "", errName
			}
			out, spaces = append(out, escaped), 0
			i += used
			continue
		case c == ' ' && len(out) == 0, strings.IndexByte("\";<>\x00", c) >= 0:
			return "", 0, "", errName
		case c == ' ':
			spaces++
		default:
			spaces = 0
		}
		out = append(out, c)
	}
	if len(out) == 0 || spaces > 0 || !utf8.Valid(out) || slices.Contains(out, 0) {
		return "", 0, "", errName
	}
	return "'" + string(out), next, text[i:], nil
}

// unescaped returns the byte that an escape stands for, and how long it was.
func unescaped(text string) (c byte, used int) {
	if text == "" {
		return 0, 0
	}
	if strings.IndexByte(" \"#+,;<=>\\", text[0]) >= 0 {
		return text[0], 1
	}
	if len(text) < 2 {
		return 0, 0
	}
	raw, err := hex.DecodeString(text[:2])
	if err != nil {
		return 0, 0
	}
	return raw[0], 2
}
