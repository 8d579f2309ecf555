package profile

import (
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// bound checks a code, Coding, CodeableConcept, Quantity, string or uri against
// the value set it is bound to (FHIR R4 4.1.5). What is not loaded is said and
// never held against the resource.
func (w *walk) bound(n fhir.Node, b *binding, source string) {
	switch b.strength {
	case "required":
		w.member(n, b.valueSet, source, issueError)
	case "extensible":
		w.member(n, b.valueSet, source, issueWarning)
	}
	if b.most != "" && b.strength != "required" {
		w.member(n, b.most, source, issueError)
	}
}

func (w *walk) member(n fhir.Node, valueSet, source, severity string) {
	if valueSet == "" || isMediaType(n, valueSet) {
		return
	}
	codes := codesOf(n)
	if codes == nil {
		// A text alone, or nothing: only a required binding forbids it.
		if severity == issueError && n.TypeID() != r4.Quantity && !onlyExtended(n) {
			w.report(severity, "code-invalid", n, source, "A code from the value set is required.")
		}
		return
	}
	verdict := Invalid
	for _, c := range codes {
		v, err := w.v.cfg.Codes.InValueSet(w.ctx, valueSet, c)
		if err != nil {
			w.stop(err)
			return
		}
		if v == Valid {
			return
		}
		if v == Unknown {
			verdict = Unknown
		}
	}
	switch {
	case verdict == Unknown:
		w.note("value set "+valueSet, n, source, "not-supported", "The value set, or a code system it draws on, is not loaded; codes were not checked against it.")
	case severity == issueError:
		w.report(severity, "code-invalid", n, source, "No code here is in the value set, from which one is required.")
	default:
		w.report(severity, "code-invalid", n, source, "No code here is in the value set. It is extensible: another code is right only if none of its codes fits.")
	}
}

// isMediaType reports whether a code bound to media types is one. Their
// parameters are let pass as they are: signatures in use name a form of
// canonicalization there that RFC 2045 would have in quotes. Formats of a
// CapabilityStatement may be told by their short names (FHIR R4 3.1.0.1.11).
func isMediaType(n fhir.Node, valueSet string) bool {
	if address, _, _ := strings.Cut(valueSet, "|"); address != "http://hl7.org/fhir/ValueSet/mimetypes" {
		return false
	}
	text, _, _ := strings.Cut(n.Text(), ";")
	if (n.Name() == "format" || n.Name() == "patchFormat") && slices.Contains([]string{"xml", "json", "ttl"}, text) {
		return true
	}
	typ, sub, ok := strings.Cut(strings.TrimSpace(text), "/")
	return ok && typ != "" && sub != "" && !strings.ContainsAny(typ+sub, " ()<>@,:\\\"/[]?=")
}

// onlyExtended reports whether an element says by an extension alone why it has
// no value.
func onlyExtended(n fhir.Node) bool {
	for c := range n.Children() {
		if c.Name() != "extension" && c.Name() != "id" {
			return false
		}
	}
	return n.Get("extension").Exists()
}

// codesOf returns the codes of an element, nil if it has none.
func codesOf(n fhir.Node) []Code {
	switch n.TypeID() {
	case r4.Coding:
		return codingOf(nil, n)
	case r4.CodeableConcept:
		var codes []Code
		for c := range n.All("coding") {
			codes = codingOf(codes, c)
		}
		return codes
	}
	if n.IsPrimitive() {
		if text := n.Text(); text != "" {
			return []Code{{Code: text}}
		}
		return nil
	}
	if code := n.Get("code").Text(); code != "" { // Quantity and its kin
		return []Code{{System: n.Get("system").Text(), Code: code}}
	}
	return nil
}

func codingOf(codes []Code, n fhir.Node) []Code {
	code := n.Get("code").Text()
	if code == "" {
		return codes
	}
	return append(codes, Code{
		System: n.Get("system").Text(), Version: n.Get("version").Text(),
		Code: code, Display: n.Get("display").Text(),
	})
}

// content checks what a datatype says of itself in words rather than invariants.
func (w *walk) content(n fhir.Node) {
	switch n.TypeID() {
	case r4.Coding:
		for _, c := range codingOf(nil, n) {
			w.inSystem(n, c)
		}
	case r4.Quantity:
		if n.Get("system").Text() != ucumSystem {
			return
		}
		unit := n.Get("code").Text()
		if unit == "" || slices.Contains(w.units, unit) {
			return
		}
		w.units = append(w.units, unit)
		w.inSystem(n, Code{System: ucumSystem, Code: unit})
	case r4.TypeByName("Signature"):
		w.otherSignature(n)
	}
}

const ucumSystem = "http://unitsofmeasure.org"

// inSystem checks that a code is one of its system: Coding.code "SHALL be an
// exact match to a code in the code system" (FHIR R4 2.24.0.6). HL7's terminology
// goes on growing beside FHIR.
func (w *walk) inSystem(n fhir.Node, c Code) {
	if c.System == "" {
		return
	}
	if c.System == snomedCT && badConcept(c.Code) {
		w.report(issueError, "code-invalid", n.Get("code"), "", "The code has the form neither of a SNOMED CT concept's identifier nor of an expression.")
		return
	}
	v, err := w.v.cfg.Codes.InSystem(w.ctx, c)
	if err != nil {
		w.stop(err)
	} else if v == Invalid && strings.HasPrefix(c.System, "http://terminology.hl7.org/") {
		w.report(issueWarning, "code-invalid", n.Get("code"), "", "The code is not one of its code system as R4 has it; a later release may have it.")
	} else if v == Invalid {
		w.report(issueError, "code-invalid", n.Get("code"), "", "The code is not one of its code system.")
	}
}
