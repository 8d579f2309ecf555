package fhir

import (
	"github.com/wardkeep/wardkeep/internal/fault"
)

// The codes of FHIR's issue-type that the parser gives.
const (
	issueStructure = "structure"
	issueRequired  = "required"
	issueValue     = "value"
	issueCode      = "code-invalid"
	issueInvalid   = "invalid"
	issueNotFound  = "not-found"
	issueTooLong   = "too-long"
	issueTooCostly = "too-costly"
)

// report notes a finding at item i. The text MUST be a constant: nothing of the
// input may reach it.
func (p *parser) report(i uint32, code, text string) {
	p.reportChild(i, "", code, text)
}

// reportChild notes a finding at a child of item i that has no item itself. The
// name MUST come from the tables, not from the input.
func (p *parser) reportChild(i uint32, child, code, text string) {
	if len(p.issues) >= p.lim.Issues {
		return
	}
	expr := ""
	if p.d.items[0].typ != 0 {
		expr = p.d.path(0, i)
	}
	if child != "" {
		expr += "." + child
	}
	p.issues = append(p.issues, fault.Issue{Severity: "error", Code: code, Text: text, Expression: expr})
}

// syntax notes that the text is not JSON and ends the parse.
func (p *parser) syntax(text string) bool {
	p.reportChild(p.open, "", issueInvalid, text)
	return false
}

// tooLarge notes that a limit is passed and ends the parse.
func (p *parser) tooLarge(code, text string) bool {
	p.large = true
	p.reportChild(p.open, "", code, text)
	return false
}

func (p *parser) fail() error {
	f := &fault.Error{Kind: fault.Invalid, Op: "fhir.Parse", Issues: p.issues,
		Public: "The resource breaks the structure of FHIR R4. The issues name each place."}
	if p.large {
		f.Kind, f.Public = fault.TooLarge, "The resource is larger than this server takes."
	}
	return f
}
