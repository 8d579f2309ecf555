// Package xml reads FHIR R4 resources written as XML
// (http://hl7.org/fhir/R4/xml.html) and gives their JSON. Which elements are
// lists, numbers or resources is told by the tables of package r4. What it gives
// is not yet checked: fhir.Parse does that.
package xml

import (
	"bytes"
	stdxml "encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

const (
	namespace      = "http://hl7.org/fhir"
	xhtmlNamespace = "http://www.w3.org/1999/xhtml"

	maxBytes = 16 << 20
	maxDepth = 64
	maxNodes = 1 << 20
)

// ToJSON converts one resource. There are no entities but XML's own five, no
// document type and no processing instruction; nothing outside src is read. The
// error is a fault of kind Invalid or TooLarge that tells the line.
func ToJSON(src []byte) ([]byte, error) {
	if len(src) > maxBytes {
		return nil, fault.New(fault.TooLarge, "xml.ToJSON", "The resource is larger than this server takes.")
	}
	r := reader{src: src, dec: stdxml.NewDecoder(bytes.NewReader(src))}
	r.dec.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errCharset }
	root, err := r.document()
	if err != nil {
		line, _ := r.dec.InputPos()
		return nil, &fault.Error{Kind: fault.Invalid, Op: "xml.ToJSON", Err: reason(err),
			Public: fmt.Sprintf("The XML cannot be read as a FHIR resource: %s, at line %d.", reason(err), line)}
	}
	return root.appendObject(nil), nil
}

var (
	errCharset   = errors.New("it is not in UTF-8")
	errForm      = errors.New("it is not well formed")
	errDirective = errors.New("document types and processing instructions are not taken")
	errElement   = errors.New("an element is not of FHIR R4, or not allowed here")
	errAttribute = errors.New("an attribute is not allowed here")
	errText      = errors.New("there is text between elements")
	errEmpty     = errors.New("an element is empty")
	errNumber    = errors.New("a number or truth value is malformed")
	errTooDeep   = errors.New("it is nested too deeply or has too many elements")
)

// reason keeps texts of the decoder, which quote the input, out of errors.
func reason(err error) error {
	for _, known := range []error{errCharset, errDirective, errElement, errAttribute, errText, errEmpty, errNumber, errTooDeep} {
		if errors.Is(err, known) {
			return known
		}
	}
	return errForm
}

// node is one element of the resource.
type node struct {
	member   r4.MemberID // 0 of a resource at the root
	typ      r4.TypeID
	value    string
	hasValue bool
	attrs    []attr // id and url, which XML has as attributes
	children []*node
}

type attr struct{ name, value string }

type reader struct {
	src   []byte
	dec   *stdxml.Decoder
	depth int
	nodes int
}

// next returns the next tag; text between tags must be blank.
func (r *reader) next() (stdxml.Token, error) {
	for {
		tok, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case stdxml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return nil, errText
			}
		case stdxml.ProcInst:
			if t.Target != "xml" {
				return nil, errDirective
			}
		case stdxml.Directive:
			return nil, errDirective
		case stdxml.StartElement, stdxml.EndElement:
			return tok, nil
		}
	}
}

func (r *reader) document() (*node, error) {
	tok, err := r.next()
	if err != nil {
		return nil, err
	}
	start, ok := tok.(stdxml.StartElement)
	if !ok {
		return nil, errForm
	}
	n, err := r.resource(start, 0)
	if err != nil {
		return nil, err
	}
	if _, err := r.next(); err != io.EOF {
		return nil, errors.Join(err, errForm)
	}
	return n, nil
}

func (r *reader) resource(start stdxml.StartElement, m r4.MemberID) (*node, error) {
	n := &node{member: m, typ: r4.ResourceByName(start.Name.Local)}
	if n.typ == 0 || start.Name.Space != namespace {
		return nil, errElement
	}
	for _, a := range start.Attr {
		if !isDeclaration(a) {
			return nil, errAttribute
		}
	}
	return n, r.content(n)
}

func isDeclaration(a stdxml.Attr) bool {
	return a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" ||
		a.Name.Space == "http://www.w3.org/2001/XMLSchema-instance" && a.Name.Local == "schemaLocation"
}

// content reads the children of n up to its end tag.
func (r *reader) content(n *node) error {
	r.depth++
	defer func() { r.depth-- }()
	if r.nodes++; r.depth > maxDepth || r.nodes > maxNodes {
		return errTooDeep
	}
	for {
		tok, err := r.next()
		if err != nil {
			return err
		}
		start, ok := tok.(stdxml.StartElement)
		if !ok {
			return nil
		}
		child, err := r.child(n, start)
		if err != nil {
			return err
		}
		n.children = append(n.children, child)
	}
}

func (r *reader) child(parent *node, start stdxml.StartElement) (*node, error) {
	t := parent.typ
	if t.IsPrimitive() {
		t = r4.Element
	}
	m := r4.Lookup(t, start.Name.Local)
	if m == 0 || m.IsChoiceBase() || isAttribute(parent, start.Name.Local) {
		return nil, errElement
	}
	switch {
	case m.Type() == r4.XHTML:
		return r.xhtml(m, start)
	case start.Name.Space != namespace:
		return nil, errElement
	case m.Type().Kind() == r4.Abstract:
		return r.wrapped(m, start)
	}
	n := &node{member: m, typ: m.Type()}
	for _, a := range start.Attr {
		switch {
		case a.Name.Space == "" && a.Name.Local == "value" && n.typ.IsPrimitive():
			n.value, n.hasValue = a.Value, true
		case a.Name.Space == "" && isAttribute(n, a.Name.Local):
			n.attrs = append(n.attrs, attr{a.Name.Local, a.Value})
		case !isDeclaration(a):
			return nil, errAttribute
		}
	}
	if n.hasValue && !n.valueIsJSON() {
		return nil, errNumber
	}
	if err := r.content(n); err != nil {
		return nil, err
	}
	if n.typ.IsPrimitive() && !n.hasValue && !n.hasParts() {
		return nil, errEmpty
	}
	return n, nil
}

// isAttribute reports what XML has as an attribute: the id of an element that
// is no resource, and the address of an extension.
func isAttribute(n *node, name string) bool {
	return name == "id" && n.typ.Kind() != r4.Resourced || name == "url" && n.typ == r4.Extension
}

// wrapped reads a resource within an element: contained, Bundle.entry.resource.
func (r *reader) wrapped(m r4.MemberID, start stdxml.StartElement) (*node, error) {
	for _, a := range start.Attr {
		if !isDeclaration(a) {
			return nil, errAttribute
		}
	}
	tok, err := r.next()
	if err != nil {
		return nil, err
	}
	inner, ok := tok.(stdxml.StartElement)
	if !ok {
		return nil, errElement
	}
	n, err := r.resource(inner, m)
	if err != nil {
		return nil, err
	}
	if tok, err = r.next(); err != nil {
		return nil, err
	}
	if _, ok := tok.(stdxml.EndElement); !ok {
		return nil, errElement
	}
	return n, nil
}

// xhtml takes a narrative as it is written, from < to >.
func (r *reader) xhtml(m r4.MemberID, start stdxml.StartElement) (*node, error) {
	if start.Name.Space != xhtmlNamespace {
		return nil, errElement
	}
	from := bytes.LastIndexByte(r.src[:r.dec.InputOffset()], '<')
	for open := 1; open > 0; {
		tok, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		switch tok.(type) {
		case stdxml.StartElement:
			if open++; open > maxDepth {
				return nil, errTooDeep
			}
		case stdxml.EndElement:
			open--
		case stdxml.Directive, stdxml.ProcInst:
			return nil, errDirective
		}
	}
	text := string(r.src[from:r.dec.InputOffset()])
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n") // XML 1.0 §2.11
	if !strings.HasPrefix(text, "<div") {
		return nil, errElement
	}
	return &node{member: m, typ: r4.XHTML, value: text, hasValue: true}, nil
}
