// Package path evaluates FHIRPath over the elements of package fhir: FHIRPath
// 3.0 with the additions of FHIR R4 (http://hl7.org/fhir/R4/fhirpath.html). It
// does no I/O; what needs other resources or terminology goes through Env.
package path

import (
	"time"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// Expr is a compiled expression. It is immutable and safe for concurrent use.
type Expr struct {
	src  string
	root expr
}

// Compile reads an expression. The error is a fault of kind Invalid that tells
// the position and nothing of the text.
func Compile(src string) (*Expr, error) {
	root, err := parse(src)
	if err != nil {
		return nil, err
	}
	return &Expr{src: src, root: root}, nil
}

// String returns the source.
func (e *Expr) String() string { return e.src }

// Code is one code to be looked for in a value set. System is "" for elements
// of type code and for strings.
type Code struct{ System, Version, Code string }

// Env is what an evaluation may know beside its focus. The zero Env is valid:
// what it lacks is refused with ErrNotSupported, not left out.
type Env struct {
	Resource     fhir.Node // %resource; absent: the focus
	RootResource fhir.Node // %rootResource; absent: Resource

	// Vars are further variables by their names without %. Those of FHIR (sct,
	// loinc, ucum, us-zip, vs-…, ext-…) need not be given.
	Vars map[string]Collection

	// Now is the instant of now(), today() and timeOfDay(), in the zone in which
	// today is asked for. Zero: these functions are refused.
	Now time.Time

	// Resolve finds the resource a reference or canonical points to, nil if there
	// is none. Contained resources and entries of a Bundle are found without it.
	Resolve func(ref string) (*fhir.Resource, error)

	// MemberOf reports whether one of the codes is in the value set.
	MemberOf func(valueSet string, codes []Code) (bool, error)

	// Subsumes reports whether code a is, or is above, code b of the same system.
	Subsumes func(a, b Code) (bool, error)

	// ConformsTo reports whether an element conforms to a profile.
	ConformsTo func(profile string, n fhir.Node) (bool, error)

	// Trace is told the items that pass trace().
	Trace func(name string, items Collection)

	// AsFilters lets the operator and function "as" take several items and filter
	// them, as ofType() does. Invariants and search parameters that R4 itself
	// publishes are written for that.
	AsFilters bool

	// Steps bounds the work, about one for each item looked at or made; 0 is a
	// million. What goes beyond ends with ErrTooCostly.
	Steps int
}

const defaultSteps = 1_000_000

// Eval evaluates the expression on the focus: its items are $this and %context.
// Hooks that fail end it with their error. env may be nil.
func (e *Expr) Eval(env *Env, focus ...fhir.Node) (Collection, error) {
	c := newEvaluation(env)
	if len(focus) == 1 {
		c.this = c.nodes(focus[0])
		return c.run(e)
	}
	for _, n := range focus {
		if n.Exists() {
			c.this = append(c.this, Of(n))
		}
	}
	return c.run(e)
}

// EvalValues is Eval on values.
func (e *Expr) EvalValues(env *Env, focus Collection) (Collection, error) {
	c := newEvaluation(env)
	c.this = focus
	return c.run(e)
}

func newEvaluation(env *Env) *evaluation {
	if env == nil {
		env = &noEnv
	}
	c := &evaluation{env: env, steps: env.Steps}
	if c.steps <= 0 {
		c.steps = defaultSteps
	}
	c.chunk = c.inline[:0]
	return c
}

func (c *evaluation) run(e *Expr) (Collection, error) {
	c.context = c.this
	return e.root.eval(c, c.this)
}

var noEnv Env

// Bool evaluates a condition on one element, as invariants are: no result is
// unknown and counts as not met, a single item that is no Boolean as met.
func (e *Expr) Bool(env *Env, n fhir.Node) (bool, error) {
	c, err := e.Eval(env, n)
	if err != nil {
		return false, err
	}
	b, _, err := c.truth()
	if err != nil {
		return false, failed(0, err)
	}
	return b, nil
}

// Nodes evaluates an expression that selects elements. Calculated values are an
// error.
func (e *Expr) Nodes(env *Env, focus ...fhir.Node) ([]fhir.Node, error) {
	c, err := e.Eval(env, focus...)
	if err != nil {
		return nil, err
	}
	nodes := c.Nodes()
	if len(nodes) < len(c) {
		return nil, failed(0, errNotElements)
	}
	return nodes, nil
}
