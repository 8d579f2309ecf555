package fhir

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// The elements and attributes a narrative may have: those of constraint txt-1,
// and the few more that the reference validator takes (address, bdo, kbd, map,
// area; xmlns, xml:lang, ismap, nohref, usemap). Both lists are sorted.
var (
	xhtmlElements = [...]string{
		"a", "abbr", "acronym", "address", "area", "b", "bdo", "big", "blockquote", "br", "caption",
		"cite", "code", "col", "colgroup", "dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4",
		"h5", "h6", "hr", "i", "img", "kbd", "li", "map", "ol", "p", "pre", "q", "samp", "small", "span",
		"strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "ul", "var",
	}
	xhtmlAttributes = [...]string{
		"abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellhalign", "cellpadding",
		"cellspacing", "cellvalign", "char", "charoff", "charset", "cite", "class", "colspan", "compact",
		"coords", "dir", "frame", "headers", "height", "href", "hreflang", "hspace", "id", "ismap", "lang",
		"longdesc", "name", "nohref", "nowrap", "rel", "rev", "rowspan", "rules", "scope", "shape", "span",
		"src", "start", "style", "summary", "tabindex", "title", "type", "usemap", "valign", "value",
		"vspace", "width", "xml:lang", "xmlns",
	}
)

const (
	xhtmlDepth      = 100
	xhtmlAttributeN = 32
	xhtmlNamespace  = "http://www.w3.org/1999/xhtml"

	notWellFormed = "The narrative is not well-formed XHTML."
	notDiv        = "The narrative must be one div in the XHTML namespace."
	notAllowed    = "The narrative has an element or attribute that is not allowed; nothing active is."
	badLink       = "The narrative has a link or a style that may run or load something."
	noContent     = "The narrative has no content."
)

// xhtml checks one narrative. It takes less than XML does wherever a browser
// would read the same text differently: no CDATA, no processing instructions, no
// markup within comments. Whoever puts a narrative into a page must still close
// what XHTML lets be empty (<b/>).
type xhtml struct {
	s       []byte
	i       int
	open    []string
	content bool
	tmp     []byte
}

// checkXHTML says what is wrong with the text of a div, "" if nothing.
func checkXHTML(s []byte) string {
	x := xhtml{s: s}
	x.blank()
	for first := true; first || len(x.open) > 0; first = false {
		if first && !bytes.HasPrefix(x.s[x.i:], []byte("<div")) {
			return notDiv
		}
		if why := x.next(); why != "" {
			return why
		}
	}
	x.blank()
	switch {
	case x.i != len(s):
		return notWellFormed
	case !x.content:
		return noContent
	}
	return ""
}

func (x *xhtml) blank() {
	for x.i < len(x.s) && isSpace(x.s[x.i]) {
		x.i++
	}
}

// next reads a run of text, or one tag, comment or entity.
func (x *xhtml) next() string {
	from := x.i
	for x.i < len(x.s) && x.s[x.i] != '<' && x.s[x.i] != '&' {
		if x.s[x.i] == '>' && bytes.HasSuffix(x.s[from:x.i], []byte("]]")) {
			return notWellFormed
		}
		x.content = x.content || !isSpace(x.s[x.i])
		x.i++
	}
	switch {
	case x.i == len(x.s):
		return notWellFormed
	case x.s[x.i] == '&':
		x.content = true
		_, n := entity(x.s[x.i:])
		if n == 0 {
			return notWellFormed
		}
		x.i += n
		return ""
	case x.has("<!--"):
		return x.comment()
	case x.has("</"):
		return x.endTag()
	case x.i+1 < len(x.s) && (x.s[x.i+1] == '!' || x.s[x.i+1] == '?'):
		return notAllowed
	}
	x.i++
	return x.startTag()
}

// has skips lit if it stands here.
func (x *xhtml) has(lit string) bool {
	if len(x.s)-x.i < len(lit) || string(x.s[x.i:x.i+len(lit)]) != lit {
		return false
	}
	x.i += len(lit)
	return true
}

func (x *xhtml) comment() string {
	n := bytes.Index(x.s[x.i:], []byte("--"))
	if n < 0 || bytes.ContainsAny(x.s[x.i:x.i+n], "<>") {
		return notAllowed
	}
	x.i += n + 2
	if !x.has(">") {
		return notWellFormed
	}
	return ""
}

func (x *xhtml) name() string {
	from := x.i
	for x.i < len(x.s) && (x.s[x.i]|0x20-'a' <= 25 || x.s[x.i]-'0' <= 9 || x.s[x.i] == ':' || x.s[x.i] == '-') {
		x.i++
	}
	return string(x.s[from:x.i])
}

func (x *xhtml) endTag() string {
	name := x.name()
	x.blank()
	if len(x.open) == 0 || x.open[len(x.open)-1] != name || !x.has(">") {
		return notWellFormed
	}
	x.open = x.open[:len(x.open)-1]
	return ""
}

func (x *xhtml) startTag() string {
	at, ok := slices.BinarySearch(xhtmlElements[:], x.name())
	if !ok || len(x.open) >= xhtmlDepth {
		return notAllowed
	}
	name := xhtmlElements[at]
	var names [xhtmlAttributeN]string
	root := len(x.open) == 0
	for n := 0; ; n++ {
		from := x.i
		x.blank()
		if x.has("/>") || x.has(">") {
			if root && !slices.Contains(names[:n], "xmlns") {
				return notDiv
			}
			x.content = x.content || name == "img" && slices.Contains(names[:n], "src")
			if x.s[x.i-2] != '/' {
				x.open = append(x.open, name)
			}
			return ""
		}
		if from == x.i || n == xhtmlAttributeN {
			return notWellFormed
		}
		attr, why := x.attribute(name)
		if why != "" {
			return why
		}
		if slices.Contains(names[:n], attr) {
			return notWellFormed
		}
		names[n] = attr
	}
}

func (x *xhtml) attribute(element string) (name, why string) {
	at, ok := slices.BinarySearch(xhtmlAttributes[:], x.name())
	if !ok {
		return "", notAllowed
	}
	name = xhtmlAttributes[at]
	x.blank()
	if !x.has("=") {
		return "", notWellFormed
	}
	x.blank()
	if x.i == len(x.s) || x.s[x.i] != '"' && x.s[x.i] != '\'' {
		return "", notWellFormed
	}
	n := bytes.IndexByte(x.s[x.i+1:], x.s[x.i])
	if n < 0 {
		return "", notWellFormed
	}
	raw := x.s[x.i+1 : x.i+1+n]
	x.i += n + 2
	if x.tmp, ok = decodeEntities(x.tmp[:0], raw); !ok {
		return "", notWellFormed
	}
	switch name {
	case "xmlns":
		if string(x.tmp) != xhtmlNamespace {
			return "", notDiv
		}
	case "href", "cite", "longdesc", "usemap":
		if !safeLink(x.tmp, false) {
			return "", badLink
		}
	case "src":
		if !safeLink(x.tmp, element == "img") {
			return "", badLink
		}
	case "style":
		if !safeStyle(x.tmp) {
			return "", badLink
		}
	}
	return name, ""
}

// decodeEntities appends an attribute's value; it must hold no markup. What a
// named entity other than XML's five stands for does not matter here.
func decodeEntities(dst, raw []byte) ([]byte, bool) {
	for i := 0; i < len(raw); {
		switch raw[i] {
		case '<':
			return dst, false
		case '&':
			r, n := entity(raw[i:])
			if n == 0 {
				return dst, false
			}
			dst = utf8.AppendRune(dst, r)
			i += n
		default:
			dst = append(dst, raw[i])
			i++
		}
	}
	return dst, true
}

// entity reads the entity at the start of s. The names of HTML are taken, as
// the reference validator does.
func entity(s []byte) (r rune, n int) {
	n = bytes.IndexByte(s[:min(len(s), 34)], ';')
	if n < 3 {
		return 0, 0
	}
	name := s[1:n]
	if name[0] != '#' {
		for _, c := range name {
			if c|0x20-'a' > 25 && c-'0' > 9 {
				return 0, 0
			}
		}
		switch string(name) {
		case "amp":
			return '&', n + 1
		case "colon", "Tab", "NewLine", "sol", "bsol", "lpar": // a browser would read them
			return 0, 0
		}
		return 0xFFFD, n + 1
	}
	base := rune(10)
	if name = name[1:]; name[0] == 'x' {
		base, name = 16, name[1:]
	}
	for _, c := range name {
		d, ok := hex4([]byte{'0', '0', '0', c})
		if !ok || d >= base || r > utf8.MaxRune {
			return 0, 0
		}
		r = r*base + d
	}
	if len(name) == 0 || !utf8.ValidRune(r) || r < ' ' && r != '\t' && r != '\n' && r != '\r' {
		return 0, 0
	}
	return r, n + 1
}

// safeLink takes relative links and those of schemes that only show something.
func safeLink(s []byte, image bool) bool {
	s = bytes.TrimSpace(s)
	if bytes.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
		return false
	}
	end := bytes.IndexAny(s, ":/?#")
	if end < 0 || s[end] != ':' {
		return true
	}
	scheme := strings.ToLower(string(s[:end]))
	switch scheme {
	case "http", "https", "mailto", "tel", "ftp", "urn", "cid":
		return true
	case "data":
		rest := strings.ToLower(string(s[end+1 : min(len(s), end+32)]))
		return image && strings.HasPrefix(rest, "image/") && !strings.HasPrefix(rest, "image/svg")
	}
	return false
}

// safeStyle refuses what ever made a browser run or import something, and the
// escapes that would hide it.
func safeStyle(s []byte) bool {
	low := bytes.ToLower(s)
	for _, bad := range []string{"\\", "/*", "expression", "script:", "behavior", "binding", "@import", "data:text"} {
		if bytes.Contains(low, []byte(bad)) {
			return false
		}
	}
	return true
}
