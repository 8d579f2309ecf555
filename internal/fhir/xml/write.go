package xml

import (
	"bytes"
	"html"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// own are the bounds of what this server itself answers with: a Bundle may hold
// more than one that is taken, and its resources lie deeper than by themselves.
var own = fhir.Limits{
	Bytes: 1<<31 - 1, BundleBytes: 1<<31 - 1, Depth: 96,
	Nodes: 1<<31 - 1, BundleNodes: 1<<31 - 1, Contained: 1<<31 - 1, Entries: 1<<31 - 1,
}

// FromJSON converts one resource, or part of one, that fhir.Parse took before or
// that the server made. Elements come in the order of their definitions. indent
// sets them in lines of their own. The error is ErrCharacter, or a fault if src is
// no resource.
func FromJSON(src []byte, indent bool) ([]byte, error) {
	res, err := own.Draft(src)
	if err != nil {
		return nil, err
	}
	w := writer{out: make([]byte, 0, len(src)+len(src)/4), indent: indent}
	w.out = append(w.out, `<?xml version="1.0" encoding="UTF-8"?>`...)
	w.resource(res.Root(), ` xmlns="`+namespace+`"`)
	if w.broken {
		return nil, ErrCharacter
	}
	return w.out, nil
}

type writer struct {
	out    []byte
	indent bool
	depth  int
	kids   []fhir.Node // children of the elements that are open, in their order
	tmp    []byte
	broken bool // a character cannot be written
}

func (w *writer) line() {
	if w.indent {
		w.out = append(w.out, '\n')
		for range w.depth {
			w.out = append(w.out, ' ', ' ')
		}
	}
}

func (w *writer) resource(n fhir.Node, attributes string) {
	w.line()
	name := n.TypeID().String()
	w.out = append(append(append(w.out, '<'), name...), attributes...)
	w.content(n, name)
}

// content writes the children that are elements, and the end of the tag or the
// end tag.
func (w *writer) content(n fhir.Node, name string) {
	first := len(w.kids)
	for c := range n.Children() {
		if !isAttribute(n.TypeID(), c.Member().JSONName()) {
			w.kids = append(w.kids, c)
		}
	}
	end := len(w.kids)
	if first == end {
		w.out = append(w.out, '/', '>')
		return
	}
	order := func(a, b fhir.Node) int { return int(a.Member().Ordinal()) - int(b.Member().Ordinal()) }
	slices.SortStableFunc(w.kids[first:end], order)
	w.out = append(w.out, '>')
	w.depth++
	for i := first; i < end; i++ {
		w.element(w.kids[i])
	}
	w.depth--
	w.kids = w.kids[:first]
	w.line()
	w.endTag(name)
}

func (w *writer) endTag(name string) {
	w.out = append(append(append(w.out, '<', '/'), name...), '>')
}

func (w *writer) element(n fhir.Node) {
	name, t := n.Member().JSONName(), n.TypeID()
	w.line()
	if t == r4.XHTML {
		w.div(n)
		return
	}
	w.out = append(append(w.out, '<'), name...)
	if t.Kind() == r4.Resourced {
		w.out = append(w.out, '>')
		w.depth++
		w.resource(n, "")
		w.depth--
		w.line()
		w.endTag(name)
		return
	}
	for c := range n.Children() {
		if isAttribute(t, c.Member().JSONName()) {
			w.attribute(c.Member().JSONName(), c)
		}
	}
	if len(n.Raw()) > 0 && t.IsPrimitive() {
		w.attribute("value", n)
	}
	w.content(n, name)
}

func (w *writer) attribute(name string, n fhir.Node) {
	w.out = append(append(append(w.out, ' '), name...), '=', '"')
	w.tmp = n.AppendText(w.tmp[:0])
	from := 0
	for i := 0; i < len(w.tmp); {
		c, size := rune(w.tmp[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRune(w.tmp[i:])
		}
		w.allow(c)
		if escape := escapes[min(c, utf8.RuneSelf)]; escape != "" {
			w.out = append(append(w.out, w.tmp[from:i]...), escape...)
			from = i + 1
		}
		i += size
	}
	w.out = append(append(w.out, w.tmp[from:]...), '"')
}

// escapes are for what would end an attribute or, as white space, be changed by
// whoever reads it (XML 1.0 §3.3.3).
var escapes = [utf8.RuneSelf + 1]string{
	'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&quot;", '\t': "&#9;", '\n': "&#10;", '\r': "&#13;",
}

// allow notes a character that XML does not have (XML 1.0 §2.2).
func (w *writer) allow(c rune) {
	if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF || !utf8.ValidRune(c) {
		w.broken = true
	}
}

// div writes a narrative as it is. The names that HTML has for characters are
// none of XML's, and become numbers.
func (w *writer) div(n fhir.Node) {
	w.tmp = n.AppendText(w.tmp[:0])
	text := bytes.TrimSpace(w.tmp)
	for _, c := range string(text) {
		w.allow(c)
	}
	for {
		at := bytes.IndexByte(text, '&')
		end := -1
		if at >= 0 {
			end = bytes.IndexByte(text[at:], ';')
		}
		if end < 0 {
			w.out = append(w.out, text...)
			return
		}
		w.out = w.entity(append(w.out, text[:at]...), string(text[at:at+end+1]))
		text = text[at+end+1:]
	}
}

func (w *writer) entity(dst []byte, entity string) []byte {
	switch entity {
	case "&amp;", "&lt;", "&gt;", "&quot;", "&apos;":
		return append(dst, entity...)
	}
	if entity[1] == '#' {
		digits, base := entity[2:len(entity)-1], 10
		if digits != "" && digits[0] == 'x' {
			digits, base = digits[1:], 16
		}
		c, err := strconv.ParseInt(digits, base, 32)
		w.allow(rune(c))
		w.broken = w.broken || err != nil
		return append(dst, entity...)
	}
	text := html.UnescapeString(entity)
	if text == entity { // HTML has no such name: a browser shows it as it is
		return append(append(dst, "&amp;"...), entity[1:]...)
	}
	for _, c := range text {
		dst = append(strconv.AppendInt(append(dst, '&', '#'), int64(c), 10), ';')
	}
	return dst
}
