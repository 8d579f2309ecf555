package xml

import (
	"encoding/json"
	stdxml "encoding/xml"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// isAttribute reports what XML has as an attribute: the id of an element that is
// no resource, and the address of an extension.
func isAttribute(t r4.TypeID, name string) bool {
	return name == "id" && t.Kind() != r4.Resourced || name == "url" && t == r4.Extension
}

func isDeclaration(a stdxml.Attr) bool {
	return a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" ||
		a.Name.Space == schemaInstance && a.Name.Local == "schemaLocation"
}

func onlyDeclarations(attrs []stdxml.Attr) bool {
	return !slices.ContainsFunc(attrs, func(a stdxml.Attr) bool { return !isDeclaration(a) })
}

// isNumber reports whether a number or truth value can stand in JSON as it is.
func isNumber(t r4.TypeID, s string) bool {
	if t == r4.Boolean {
		return s == "true" || s == "false"
	}
	return s != "" && (s[0] == '-' || s[0]-'0' <= 9) && s[len(s)-1]-'0' <= 9 && json.Valid([]byte(s))
}

// normalise makes spaces of line ends and tabs in attributes, where they are not
// written as references (XML 1.0 §3.3.3). The decoder does not, and no longer
// knows which is which; so the tag, which begins at from, is read once more.
func (r *reader) normalise(attrs []stdxml.Attr, from int64) error {
	if !slices.ContainsFunc(attrs, func(a stdxml.Attr) bool { return strings.ContainsAny(a.Value, "\t\n\r") }) {
		return nil
	}
	tag := lineEnds.Replace(string(r.src[from:r.dec.InputOffset()]))
	tok, err := stdxml.NewDecoder(strings.NewReader(tag)).RawToken()
	start, ok := tok.(stdxml.StartElement)
	if err != nil || !ok || len(start.Attr) != len(attrs) {
		return errForm
	}
	for i := range attrs {
		attrs[i].Value = start.Attr[i].Value
	}
	return nil
}

var lineEnds = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ", "\t", " ")
