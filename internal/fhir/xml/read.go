package xml

import (
	"bytes"
	stdxml "encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// ToJSON converts one resource. There are no entities but XML's own five, no
// document type and no processing instruction; nothing outside src is read. The
// items of a list MUST stand together. The error is a fault of kind Invalid or
// TooLarge whose issue names the line, the column and the element.
func ToJSON(src []byte) ([]byte, error) {
	if len(src) > maxBundleBytes {
		return nil, fault.New(fault.TooLarge, "xml.ToJSON", "The resource is larger than this server takes.")
	}
	src = bytes.TrimPrefix(src, []byte("\uFEFF"))
	r := reader{src: src, dec: decoder(src), out: make([]byte, 0, len(src))}
	if err := r.document(); err != nil {
		line, column := r.dec.InputPos()
		return nil, refuse(err, r.path(), line, column)
	}
	return r.out, nil
}

// TypeOf returns the type of the resource that src is by its first tag, "" if it
// is none.
func TypeOf(src []byte) string {
	src = bytes.TrimPrefix(src, []byte("\uFEFF"))
	r := reader{src: src, dec: decoder(src)}
	if _, err := scan(src); err != nil {
		return ""
	}
	tok, err := r.next()
	start, ok := tok.(stdxml.StartElement)
	if err != nil || !ok || start.Name.Space != namespace {
		return ""
	}
	return r4.ResourceByName(start.Name.Local).String()
}

func decoder(src []byte) *stdxml.Decoder {
	dec := stdxml.NewDecoder(bytes.NewReader(src))
	dec.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errCharset }
	return dec
}

type reader struct {
	src  []byte
	dec  *stdxml.Decoder
	out  []byte
	tags int
	open []step // the elements that are being read, for the place of an error
}

// step is the i-th element of that name in its parent, or the resource itself.
type step struct {
	member r4.MemberID
	i      int
	root   r4.TypeID
}

func (r *reader) path() string {
	var b []byte
	for _, s := range r.open {
		if s.member == 0 {
			b = append(b, s.root.String()...)
			continue
		}
		b = append(append(b, '.'), s.member.Name()...)
		if s.member.IsList() {
			b = append(strconv.AppendInt(append(b, '['), int64(s.i), 10), ']')
		}
	}
	return string(b)
}

// next returns the next tag; text between tags must be blank.
func (r *reader) next() (stdxml.Token, error) {
	for {
		from := r.dec.InputOffset()
		tok, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case stdxml.CharData:
			if len(bytes.Trim(t, " \t\r\n")) > 0 {
				return nil, errText
			}
		case stdxml.ProcInst:
			if t.Target != "xml" || from > 0 {
				return nil, errDirective
			}
		case stdxml.Directive:
			return nil, errDirective
		case stdxml.StartElement:
			return t, r.normalise(t.Attr, from)
		case stdxml.EndElement:
			return tok, nil
		}
	}
}

func (r *reader) document() (err error) {
	if !utf8.Valid(r.src) {
		return errCharset
	}
	if r.tags, err = scan(r.src); err != nil {
		return err
	}
	tok, err := r.next()
	if err != nil {
		return err
	}
	start, ok := tok.(stdxml.StartElement)
	if !ok {
		return errForm
	}
	if start.Name.Local != "Bundle" && (len(r.src) > maxBytes || r.tags > maxTags) {
		return errLarge
	}
	r.open = append(r.open, step{root: r4.ResourceByName(start.Name.Local)})
	if err := r.resource(start); err != nil {
		return err
	}
	if _, err := r.next(); err != io.EOF {
		return errors.Join(err, errForm)
	}
	return nil
}

func (r *reader) resource(start stdxml.StartElement) error {
	typ := r4.ResourceByName(start.Name.Local)
	if typ == 0 || start.Name.Space != namespace {
		return errElement
	}
	if !onlyDeclarations(start.Attr) {
		return errAttribute
	}
	r.out = append(r.out, '{')
	r.name("resourceType")
	r.out = append(fhir.AppendQuoted(r.out, typ.String()), ',')
	err := r.content(typ)
	r.closeObject()
	return err
}

// name writes the name of a member; values are followed by a comma, which the
// end of the object takes away.
func (r *reader) name(s string) { r.out = append(fhir.AppendQuoted(r.out, s), ':') }

func (r *reader) closeObject() { r.out = append(bytes.TrimSuffix(r.out, []byte(",")), '}') }

// content converts the children of an element of type t up to its end tag.
func (r *reader) content(t r4.TypeID) error {
	if len(r.open) > maxDepth {
		return errLarge
	}
	if t.IsPrimitive() {
		t = r4.Element
	}
	var s siblings
	for {
		tok, err := r.next()
		if err != nil {
			return err
		}
		start, ok := tok.(stdxml.StartElement)
		if !ok {
			r.end(&s)
			return nil
		}
		m := r4.Lookup(t, start.Name.Local)
		if m == 0 || m.IsChoiceBase() || isAttribute(t, start.Name.Local) {
			return errElement
		}
		switch {
		case m != s.member:
			r.end(&s)
			r.begin(&s, m)
		case !m.IsList():
			return errTwice
		}
		r.open = append(r.open, step{member: m, i: s.n})
		if err := r.child(&s, start); err != nil {
			return err
		}
		r.open = r.open[:len(r.open)-1]
	}
}

// child converts one element.
func (r *reader) child(s *siblings, start stdxml.StartElement) error {
	s.n++
	t := s.member.Type()
	switch {
	case t == r4.XHTML:
		return r.xhtml(s, start)
	case start.Name.Space != namespace:
		return errElement
	case t.Kind() == r4.Abstract:
		s.valued = true
		err := r.wrapped(start)
		r.out = append(r.out, ',')
		return err
	case t.IsPrimitive():
		return r.primitive(s, start)
	}
	s.valued = true
	if err := r.object(t, start.Attr, nil); err != nil {
		return err
	}
	r.out = append(r.out, ',')
	return nil
}

// object writes what an element has but the value of a primitive, which it gives
// to value.
func (r *reader) object(t r4.TypeID, attrs []stdxml.Attr, value *string) error {
	r.out = append(r.out, '{')
	for i, a := range attrs {
		twice := slices.ContainsFunc(attrs[:i], func(b stdxml.Attr) bool { return a.Name == b.Name })
		switch {
		case isDeclaration(a) && !twice:
		case a.Name.Space != "" || twice:
			return errAttribute
		case a.Name.Local == "value" && value != nil:
			*value = a.Value
		case isAttribute(t, a.Name.Local):
			r.name(a.Name.Local)
			r.out = append(fhir.AppendQuoted(r.out, a.Value), ',')
		default:
			return errAttribute
		}
	}
	err := r.content(t)
	r.closeObject()
	return err
}

// primitive writes the value of an element, and keeps its id and extensions for
// the member that bears them.
func (r *reader) primitive(s *siblings, start stdxml.StartElement) error {
	t, value, from := s.member.Type(), "", len(r.out)
	if err := r.object(t, start.Attr, &value); err != nil {
		return err
	}
	valued := slices.ContainsFunc(start.Attr, func(a stdxml.Attr) bool { return a.Name.Space == "" && a.Name.Local == "value" })
	if parts := r.out[from:]; len(parts) > len("{}") {
		for ; s.parts < s.n-1; s.parts++ {
			s.beside = append(s.beside, "null,"...)
		}
		s.parts++
		s.beside = append(append(s.beside, parts...), ',')
	} else if !valued {
		return errEmpty
	}
	r.out = r.out[:from]
	switch {
	case !valued:
		r.out = append(r.out, "null"...)
	case t == r4.Boolean || t <= r4.Decimal:
		if !isNumber(t, value) {
			return errNumber
		}
		r.out = append(r.out, value...)
	default:
		r.out = fhir.AppendQuoted(r.out, value)
	}
	r.out = append(r.out, ',')
	s.valued = s.valued || valued
	return nil
}

// wrapped reads a resource within an element: contained, Bundle.entry.resource.
func (r *reader) wrapped(start stdxml.StartElement) error {
	if !onlyDeclarations(start.Attr) {
		return errAttribute
	}
	tok, err := r.next()
	if err != nil {
		return err
	}
	inner, ok := tok.(stdxml.StartElement)
	if !ok {
		return errElement
	}
	if err := r.resource(inner); err != nil {
		return err
	}
	if tok, err = r.next(); err != nil {
		return err
	}
	if _, ok := tok.(stdxml.EndElement); !ok {
		return errElement
	}
	return nil
}

var oneLineEnd = strings.NewReplacer("\r\n", "\n", "\r", "\n") // XML 1.0 §2.11

// xhtml takes a narrative as it is written, from < to >.
func (r *reader) xhtml(s *siblings, start stdxml.StartElement) error {
	if start.Name.Space != xhtmlNamespace {
		return errElement
	}
	from := bytes.LastIndexByte(r.src[:r.dec.InputOffset()], '<')
	for open := 1; open > 0; {
		tok, err := r.dec.Token()
		if err != nil {
			return err
		}
		switch tok.(type) {
		case stdxml.StartElement:
			if open++; open > maxDivDepth {
				return errLarge
			}
		case stdxml.EndElement:
			open--
		case stdxml.Directive, stdxml.ProcInst:
			return errDirective
		}
	}
	text := oneLineEnd.Replace(string(r.src[from:r.dec.InputOffset()]))
	if !strings.HasPrefix(text, "<div") {
		return errElement
	}
	s.valued = true
	r.out = append(fhir.AppendQuoted(r.out, text), ',')
	return nil
}
