// Package xml reads and writes FHIR R4 resources as XML
// (http://hl7.org/fhir/R4/xml.html), to and from their JSON. Which elements are
// lists, numbers or resources, and in which order they come, is told by the
// tables of package r4. What ToJSON gives is not yet checked: fhir.Parse does
// that.
package xml

import (
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/fault"
)

const (
	namespace      = "http://hl7.org/fhir"
	xhtmlNamespace = "http://www.w3.org/1999/xhtml"
	schemaInstance = "http://www.w3.org/2001/XMLSchema-instance"

	// Bounds of what is read; those of fhir.Limits, which ToJSON is the door to.
	maxBytes       = 16 << 20 // of one resource
	maxBundleBytes = 64 << 20
	maxTags        = 2 << 20 // each element has one or two
	maxBundleTags  = 8 << 20
	maxDepth       = 64
	maxDivDepth    = 100
	maxAttributes  = 64 // of one element; the decoder makes a few hundred bytes of each
)

var (
	errCharset   = errors.New("it is not in UTF-8")
	errForm      = errors.New("it is not well formed")
	errDirective = errors.New("document types, entities and processing instructions are not taken")
	errElement   = errors.New("an element is not of FHIR R4, or not allowed here")
	errAttribute = errors.New("an attribute is not allowed here")
	errText      = errors.New("there is text between elements")
	errEmpty     = errors.New("an element is empty")
	errTwice     = errors.New("an element that does not repeat comes twice")
	errNumber    = errors.New("a number or truth value is malformed")
	errLarge     = errors.New("it is too long, nested too deeply or has too many elements or attributes")

	// ErrCharacter is what FromJSON gives for a text that XML cannot carry.
	ErrCharacter = errors.New("xml: a text has a character that XML 1.0 does not have")
)

// reason keeps texts of the decoder, which quote the input, out of errors.
func reason(err error) error {
	for _, known := range []error{
		errCharset, errDirective, errElement, errAttribute, errText, errEmpty, errTwice, errNumber, errLarge,
	} {
		if errors.Is(err, known) {
			return known
		}
	}
	return errForm
}

// refuse names the place of what is wrong with the input, and nothing of it.
func refuse(err error, path string, line, column int) error {
	why := reason(err)
	kind, code := fault.Invalid, "structure"
	if why == errLarge {
		kind, code = fault.TooLarge, "too-costly"
	}
	text := fmt.Sprintf("The XML cannot be read as a FHIR resource: %s, at line %d, column %d.", why, line, column)
	return &fault.Error{Kind: kind, Op: "xml.ToJSON", Public: text, Err: why,
		Issues: []fault.Issue{{Code: code, Text: text, Expression: path}}}
}
