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
	errMany        = errors.New("several items where one is expected")
	errNotElements = errors.New("a result that is no element")
	errType        = errors.New("a value of a type that is not taken here")
	errCalendar    = errors.New("a date beyond the calendar")
	errEncoding    = errors.New("a text that is not in the encoding named")
	errRegex       = errors.New("a regular expression that RE2 does not take")
	errRange       = errors.New("a number out of range")
	errDefined     = errors.New("a variable that is defined twice or has no name")
	errModifier    = errors.New("a modifier extension that is not known")
	errVariable    = errors.New("a variable that is not defined")
	errNoNow       = fmt.Errorf("%w: no time is given to this evaluation", ErrNotSupported)
)

// syntax returns the fault of an expression that cannot be read. Positions
// count bytes from 1.
func syntax(pos int, what string) error {
	return fault.New(fault.Invalid, "path.Compile", fmt.Sprintf("The FHIRPath expression has %s at position %d.", what, pos+1))
}

// failed returns the fault of an evaluation; err MUST NOT hold a value.
func failed(pos int, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return err
	}
	kind := fault.Unprocessable
	switch {
	case errors.Is(err, ErrNotSupported):
		kind = fault.NotSupported
	case errors.Is(err, ErrTooCostly):
		kind = fault.TooCostly
	}
	return &fault.Error{Kind: kind, Op: "path.Eval", Err: err,
		Public: fmt.Sprintf("The FHIRPath expression fails at position %d: %s.", pos+1, err)}
}

func notSupported(what string) error { return fmt.Errorf("%w: %s", ErrNotSupported, what) }
