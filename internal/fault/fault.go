// Package fault names the ways in which a request can fail.
//
// A fault carries two texts. Public is shown to whoever asked and MUST hold no
// value that came from a record, a request body or a query: places, names of
// parameters and remedies only. Err is for the log and obeys the same rule,
// because logs are read by people who may not read charts.
package fault

import (
	"errors"
	"fmt"
)

// Kind is the reason for a failure, as the caller should understand it.
// Package web maps each Kind to one HTTP status.
type Kind uint8

const (
	Internal        Kind = iota // our defect; the caller can do nothing
	Invalid                     // malformed or forbidden input
	Unprocessable               // well formed, but breaks a rule of the standard or of the site
	Unauthenticated             // nobody we know
	Denied                      // known, and may not
	NotFound                    // unknown, or indistinguishable from unknown
	Gone                        // deleted
	Conflict                    // two writers met
	Precondition                // If-Match, If-None-Exist: the world is not as assumed
	TooLarge                    // body, depth or count over its limit
	MediaType                   // a format that is not spoken here
	NotAcceptable               // an answer format that is not spoken here
	NotSupported                // a known feature that is not served
	NotAllowed                  // a method this address does not take
	TooCostly                   // would take more work than one request may cause
	Throttled                   // too often
	Unavailable                 // store, keys or audit cannot be used now
)

// Issue is one finding, ready to become an OperationOutcome.issue.
type Issue struct {
	Severity   string // error | warning | information; "" means error
	Code       string // issue-type code of FHIR: structure, value, required, …
	Text       string // safe to show
	Expression string // FHIRPath of the element, "" if none
}

// Error is a failure with a kind and a text that may be shown.
type Error struct {
	Kind   Kind
	Op     string  // the operation that failed, e.g. "vault.Commit"
	Public string  // safe to show; "" means the kind's own sentence
	Issues []Issue // details for an OperationOutcome, may be nil
	Err    error   // the cause, for the log
}

// New returns a fault with a public text.
func New(kind Kind, op, public string) *Error {
	return &Error{Kind: kind, Op: op, Public: public}
}

// Wrap gives err a kind. It returns nil when err is nil.
func Wrap(kind Kind, op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Op: op, Err: err}
}

// Error returns the text for logs.
func (e *Error) Error() string {
	switch {
	case e.Err != nil && e.Public != "":
		return fmt.Sprintf("%s: %s: %v", e.Op, e.Public, e.Err)
	case e.Err != nil:
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	case e.Public != "":
		return fmt.Sprintf("%s: %s", e.Op, e.Public)
	}
	return fmt.Sprintf("%s: %s", e.Op, e.Kind)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the outermost fault in err's chain, Internal if
// there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is a fault of that kind. A nil err is of no kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Public returns what may be shown of err: its public text, or its kind's
// sentence. Nothing of an error that is not a fault is ever shown.
func Public(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return Internal.Sentence()
	}
	if e.Public != "" {
		return e.Public
	}
	return e.Kind.Sentence()
}
