package fhir

import (
	"errors"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Outcome returns the JSON of the OperationOutcome that tells err to whoever
// asked. It shows a fault's public texts and issues; of any other error nothing
// but that something went wrong.
func Outcome(err error) []byte {
	var f *fault.Error
	out := []byte(`{"resourceType":"OperationOutcome","issue":[`)
	if errors.As(err, &f) && len(f.Issues) > 0 {
		for i, is := range f.Issues {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendIssue(out, is)
		}
		return append(out, ']', '}')
	}
	out = appendIssue(out, fault.Issue{Code: issueOf(fault.KindOf(err)), Text: fault.Public(err)})
	return append(out, ']', '}')
}

// OutcomeOf returns the JSON of an OperationOutcome with these issues, at least
// one: for warnings and notes that come with a success.
func OutcomeOf(issues ...fault.Issue) []byte {
	return Outcome(&fault.Error{Issues: issues})
}

func appendIssue(dst []byte, is fault.Issue) []byte {
	severity := is.Severity
	if severity == "" {
		severity = "error"
	}
	code := is.Code
	if code == "" {
		code = "processing"
	}
	dst = append(dst, `{"severity":`...)
	dst = appendQuoted(dst, severity)
	dst = append(dst, `,"code":`...)
	dst = appendQuoted(dst, code)
	if is.Text != "" {
		dst = append(dst, `,"diagnostics":`...)
		dst = appendQuoted(dst, is.Text)
	}
	if is.Expression != "" {
		dst = append(dst, `,"expression":[`...)
		dst = append(appendQuoted(dst, is.Expression), ']')
	}
	return append(dst, '}')
}

// issueOf pairs each kind of fault with a code of FHIR's issue-type.
func issueOf(k fault.Kind) string {
	switch k {
	case fault.Invalid:
		return "invalid"
	case fault.Unprocessable:
		return "processing"
	case fault.Unauthenticated:
		return "login"
	case fault.Denied:
		return "forbidden"
	case fault.NotFound:
		return "not-found"
	case fault.Gone:
		return "deleted"
	case fault.Conflict, fault.Precondition:
		return "conflict"
	case fault.TooLarge:
		return "too-long"
	case fault.MediaType, fault.NotAcceptable, fault.NotSupported, fault.NotAllowed:
		return "not-supported"
	case fault.TooCostly:
		return "too-costly"
	case fault.Throttled:
		return "throttled"
	case fault.Unavailable:
		return "transient"
	}
	return "exception"
}
