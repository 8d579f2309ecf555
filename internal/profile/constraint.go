package profile

import (
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/path"
)

// constraint is one invariant (ElementDefinition.constraint).
type constraint struct {
	key, severity, human, expression string
	expr                             *path.Expr // nil if it cannot be read
}

// stepsPerConstraint bounds one evaluation: a document of some hundred pages
// takes less.
const stepsPerConstraint = 2 << 20

// unchecked are invariants of FHIR itself that are not evaluated: two that hold
// for whatever fhir.Parse has taken, and the two that R4 marks as best practice.
var unchecked = map[string]bool{"ele-1": true, "ext-1": true, "dom-6": true, "con-3": true}

const bestPracticeURL = core + "elementdefinition-bestpractice"

// constrain reads the invariants of an element. Those that FHIR itself calls best
// practice are left out: they are advice, and hold for few records in use.
func (c *compiler) constrain(e *element, d fhir.Node) error {
next:
	for k := range d.All("constraint") {
		key, expression := k.Get("key").Text(), k.Get("expression").Text()
		if expression == "" || unchecked[key] || isBestPractice(k) {
			continue
		}
		for _, have := range e.constraints {
			if have.key == key && have.expression == expression {
				continue next
			}
		}
		// One that cannot be read is kept without, and said not to be checked.
		expr, _ := path.Compile(expression)
		e.constraints = append(e.constraints, constraint{
			key: key, severity: k.Get("severity").Text(), human: k.Get("human").Text(), expression: expression, expr: expr,
		})
	}
	return nil
}

func isBestPractice(k fhir.Node) bool {
	for x := range k.All("extension") {
		if x.Get("url").Text() == bestPracticeURL && x.Get("value").Text() == "true" {
			return true
		}
	}
	return false
}

// inherited leaves out the invariants that the definitions of FHIR itself have at
// the same place or of the same type: every resource is checked against those
// anyway.
func (c *compiler) inherited() error {
	if !c.p.constraint {
		return nil
	}
	base, err := c.v.load(c.ctx, core+c.p.Type, c.depth+1)
	if err != nil || base == nil {
		return err
	}
	return c.strip(c.p.root, base.root, maxElements)
}

func (c *compiler) strip(e, base *element, depth int) error {
	known := [][]constraint{}
	if base != nil {
		known = append(known, base.constraints)
	}
	var own *element // where the children are, if the place does not say
	if len(e.types) == 1 && isTypeName(e.types[0].code) {
		p, err := c.v.load(c.ctx, core+e.types[0].code, c.depth+1)
		if err != nil {
			return err
		}
		if p != nil {
			own = p.root
			known = append(known, own.constraints)
		}
	}
	e.constraints = without(e.constraints, known)
	below := func(name string) *element {
		if base != nil && base.hasChildren() {
			return base.child(name)
		}
		if own != nil {
			return own.child(name)
		}
		return nil
	}
	for _, child := range e.children {
		if err := c.strip(child, below(child.name), depth-1); err != nil {
			return err
		}
	}
	for _, s := range e.slices {
		if err := c.strip(s, base, depth-1); err != nil {
			return err
		}
	}
	return nil
}

func without(list []constraint, known [][]constraint) []constraint {
	var kept []constraint
next:
	for _, k := range list {
		for _, some := range known {
			for _, have := range some {
				if have.key == k.key && have.expression == k.expression {
					continue next
				}
			}
		}
		kept = append(kept, k)
	}
	return kept
}

// constrained evaluates the invariants of an element.
func (w *walk) constrained(n fhir.Node, e *element, source string) {
	for i := range e.constraints {
		k := &e.constraints[i]
		if !w.step() {
			return
		}
		if k.expr == nil {
			w.note("constraint "+k.expression, n, origin(source, k.key), "not-supported", "The expression of an invariant cannot be read; it was not checked.")
			continue
		}
		ok, err := k.expr.Bool(w.env(), n)
		switch {
		case err != nil && errors.Is(err, errOutside):
			w.stop(err)
		case err != nil:
			w.note("constraint "+k.expression, n, origin(source, k.key), "not-supported", "An invariant could not be evaluated; it was not checked.")
		case !ok && !w.undetermined(k.expr, n):
			severity := issueWarning
			if k.severity == issueError {
				severity = issueError
			}
			w.report(severity, "invariant", n, origin(source, k.key), k.human)
		}
	}
}

// undetermined reports whether an expression that is not met has no result at
// all. R4's own are written for that to count as met: ref-1 says nothing of a
// reference by identifier alone.
func (w *walk) undetermined(expr *path.Expr, n fhir.Node) bool {
	result, err := expr.Eval(w.env(), n)
	return err == nil && len(result) == 0
}

// origin names a constraint as the profile it is from and its key.
func origin(source, key string) string {
	if source == "" {
		return key
	}
	return source + " " + key
}

// errOutside marks failures of what an expression asked the server for.
var errOutside = errors.New("the question could not be put")

// env is what expressions may know in the present scope.
func (w *walk) env() *path.Env {
	if w.scope.env == nil {
		root := w.scope.node
		if w.scope.outer != nil && root.Name() == "contained" {
			root = w.scope.outer.node
		}
		w.scope.env = &path.Env{
			Resource: w.scope.node, RootResource: root, AsFilters: true, Steps: stepsPerConstraint, Now: w.v.cfg.Now(),
			Resolve:    func(ref string) (*fhir.Resource, error) { return w.find(ref).node.Resource(), w.err },
			MemberOf:   w.memberOf,
			Subsumes:   w.subsumes,
			ConformsTo: w.conformsTo,
		}
	}
	return w.scope.env
}

func (w *walk) memberOf(valueSet string, codes []path.Code) (bool, error) {
	list := make([]Code, len(codes))
	for i, c := range codes {
		list[i] = Code{System: c.System, Version: c.Version, Code: c.Code}
	}
	switch w.anyIn(list, valueSet) {
	case Valid:
		return true, nil
	case Unknown:
		if w.err != nil {
			return false, fmt.Errorf("%w: %w", errOutside, w.err)
		}
		return false, path.ErrNotSupported
	}
	return false, nil
}

func (w *walk) subsumes(a, b path.Code) (bool, error) {
	v, err := w.v.cfg.Codes.Subsumes(w.ctx, Code{System: a.System, Version: a.Version, Code: a.Code}, Code{System: b.System, Version: b.Version, Code: b.Code})
	switch {
	case err != nil:
		return false, fmt.Errorf("%w: %w", errOutside, err)
	case v == Unknown:
		return false, path.ErrNotSupported
	}
	return v == Valid, nil
}

func (w *walk) conformsTo(canonical string, n fhir.Node) (bool, error) {
	p, err := w.v.load(w.ctx, canonical, 0)
	if err != nil || p == nil {
		return false, path.ErrNotSupported
	}
	return w.conforms(n, p), nil
}

// selects reports whether an expression, evaluated on the resource, finds n
// (context of an extension by fhirpath). One that cannot be told is let pass.
func (w *walk) selects(expression string, n fhir.Node) bool {
	expr, err := path.Compile(expression)
	if err != nil {
		return true
	}
	nodes, err := expr.Nodes(w.env(), w.scope.node)
	if err != nil {
		return true
	}
	for _, found := range nodes {
		if found == n {
			return true
		}
	}
	return false
}
