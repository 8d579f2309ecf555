package path

import (
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// ErrNotSupported is in the chain of every error that tells of something the
// standard has and this evaluation does not: a hook that Env lacks, or a
// function of FHIR that needs more than the resource.
var ErrNotSupported = errors.New("not supported")

// ErrTooCostly is in the chain of the error that ends an evaluation at its
// bound.
var ErrTooCostly = errors.New("too costly")

var (
	errMany        = &reason{text: "several items where one is expected"}
	errNotElements = &reason{text: "a result that is no element"}
	errType        = &reason{text: "a value of a type that is not taken here"}
	errCalendar    = &reason{text: "a date beyond the calendar"}
	errEncoding    = &reason{text: "a text that is not in the encoding named"}
	errRegex       = &reason{text: "a regular expression that RE2 does not take"}
	errRange       = &reason{text: "a number out of range"}
	errDefined     = &reason{text: "a variable that is defined twice or has no name"}
	errModifier    = &reason{text: "a modifier extension that is not known"}
	errVariable    = &reason{text: "a variable that is not defined"}
	errNoNow       = &reason{"no time is given to this evaluation", ErrNotSupported}
)

// syntax returns the fault of an expression that cannot be read. Positions
// count bytes from 1.
func syntax(pos int, what string) error {
	return fault.New(fault.Invalid, "path.Compile", fmt.Sprintf("The FHIRPath expression has %s at position %d.", what, pos+1))
}

// reason is an error of this package: its text is safe to show.
type reason struct {
	text string
	is   error
}

func (r *reason) Error() string {
	if r.is != nil {
		return r.is.Error() + ": " + r.text
	}
	return r.text
}

func (r *reason) Unwrap() error { return r.is }

func notSupported(what string) error { return &reason{what, ErrNotSupported} }

// failed returns the fault of an evaluation. A fault that a hook gave stays as
// it is; of another error of a hook no text is shown.
func failed(pos int, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	out := &fault.Error{Kind: fault.Unprocessable, Op: "path.Eval", Err: err}
	var own *reason
	switch {
	case errors.Is(err, ErrNotSupported):
		out.Kind = fault.NotSupported
	case errors.Is(err, ErrTooCostly):
		out.Kind = fault.TooCostly
	case !errors.As(err, &own):
		out.Kind = fault.Internal
	}
	what := "it asks for something that failed"
	if errors.As(err, &own) || err == ErrTooCostly {
		what = err.Error()
	}
	out.Public = fmt.Sprintf("The FHIRPath expression fails at position %d: %s.", pos+1, what)
	return out
}
