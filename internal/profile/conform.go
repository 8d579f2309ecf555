package profile

import (
	"slices"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// hold checks a node against a profile and reports what is wrong. It returns
// whether the node conforms. What was checked once is not checked again, so that
// profiles that speak of each other come to an end.
func (w *walk) hold(n fhir.Node, p *Profile) bool {
	key := pass{n, p}
	if ok, done := w.passed[key]; done && (ok || w.quiet > 0) {
		w.failed = w.failed || !ok
		return ok
	}
	if w.passed == nil {
		w.passed = map[pass]bool{}
	}
	w.passed[key] = true // until it is known: a circle holds if nothing else breaks it
	failed := w.failed
	w.failed = false
	w.element(n, p.root, p)
	ok := !w.failed
	w.failed = w.failed || failed
	w.passed[key] = ok
	return ok
}

// conforms is hold without a report.
func (w *walk) conforms(n fhir.Node, p *Profile) bool {
	return w.try(func() { w.hold(n, p) })
}

// element checks what a profile says of one node and below it.
func (w *walk) element(n fhir.Node, e *element, p *Profile) {
	if !w.step() {
		return
	}
	if !w.typed(n, e, p) {
		return
	}
	if e.fixed.Exists() && !equal(n, e.fixed) {
		w.report(issueError, "value", n, p.URL, "The value is not the one that the profile fixes.")
	}
	if e.pattern.Exists() && !matches(n, e.pattern) {
		w.report(issueError, "value", n, p.URL, "The value does not fit the pattern of the profile.")
	}
	w.ranged(n, e, p)
	if e.binding != nil {
		w.bound(n, e.binding, p.URL)
	}
	w.constrained(n, e, p.URL)
	if e.content != nil {
		w.children(n, e.content, p)
	} else if len(e.children) > 0 {
		w.children(n, e, p)
	}
}

// typed checks the type of a node, and what profiles its type names.
func (w *walk) typed(n fhir.Node, e *element, p *Profile) bool {
	if len(e.types) == 0 || e == p.root {
		return true
	}
	for i := range e.types {
		t := &e.types[i]
		if !isA(n, t.code) {
			continue
		}
		if len(t.profiles) > 0 {
			w.anyOf(n, t.profiles, p)
		}
		if len(t.targets) > 0 {
			w.reference(n, t, p)
		}
		return true
	}
	w.report(issueError, "structure", n, p.URL, "The profile does not allow a value of this type here.")
	return false
}

// isA reports whether a node is of a type, by name. "" are types of FHIRPath,
// which the parser has checked.
func isA(n fhir.Node, code string) bool {
	switch code {
	case "", n.Type():
		return true
	case "Resource":
		return n.TypeID().Kind() == r4.Resourced
	case "DomainResource":
		return r4.IsDomain(n.TypeID()) && n.TypeID().Kind() == r4.Resourced
	case "Element", "BackboneElement":
		return n.TypeID().Kind() != r4.Resourced
	case "Quantity":
		return slices.Contains([]string{"Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity"}, n.Type())
	}
	return false
}

// anyOf checks that a node conforms to one of the profiles.
func (w *walk) anyOf(n fhir.Node, profiles []string, by *Profile) {
	var known []*Profile
	for _, canonical := range profiles {
		p, err := w.v.load(w.ctx, canonical, 0)
		if err != nil || p == nil {
			w.note("profile "+canonical, n, by.URL, "not-found", "The profile wants the element to follow another one, which is not loaded or cannot be used; that was not checked.")
			return
		}
		known = append(known, p)
	}
	if len(known) == 1 {
		w.within(n, func() { w.hold(n, known[0]) })
		return
	}
	for _, p := range known {
		ok := false
		w.within(n, func() { ok = w.conforms(n, p) })
		if ok {
			return
		}
	}
	w.report(issueError, "invalid", n, by.URL, "The element follows none of the profiles that are allowed here.")
}

// within runs a check in the scope of n if that is a resource.
func (w *walk) within(n fhir.Node, check func()) {
	if n.TypeID().Kind() != r4.Resourced || w.scope.node == n {
		check()
		return
	}
	before := w.scope
	w.scope = &scope{node: n, outer: before}
	check()
	w.scope = before
}

// note says once what could not be checked.
func (w *walk) note(about string, n fhir.Node, source, code, text string) {
	if w.quiet > 0 || w.noted[about] {
		return
	}
	if w.noted == nil {
		w.noted = map[string]bool{}
	}
	w.noted[about] = true
	w.report(issueNote, code, n, source, text)
}

// children checks the children of a node against their rules.
func (w *walk) children(n fhir.Node, e *element, p *Profile) {
	var room [16]fhir.Node
	for _, c := range e.children {
		if c.min == 0 && c.max < 0 && c.slicing == nil && !c.ruled() {
			continue
		}
		if !w.step() {
			return
		}
		found := room[:0]
		for child := range n.All(c.name) {
			found = append(found, child)
		}
		w.count(n, c, len(found), p)
		for _, child := range found {
			w.element(child, c, p)
		}
		if len(c.slices) > 0 || c.slicing != nil && c.slicing.closed {
			w.sliced(n, c, found, p)
		}
	}
}

// ruled reports whether there is anything to check on a node that is there.
func (e *element) ruled() bool {
	return len(e.types) > 0 || e.fixed.Exists() || e.pattern.Exists() || e.least.Exists() || e.most.Exists() ||
		e.maxLength > 0 || e.binding != nil || len(e.constraints) > 0 || e.hasChildren() || len(e.slices) > 0
}

// count checks how often an element or slice appears.
func (w *walk) count(parent fhir.Node, e *element, n int, p *Profile) {
	what := "The element"
	if e.slice != "" {
		what = "The slice " + e.slice
	}
	if n < e.min {
		w.reportAt(issueError, "required", parent, e.name, p.URL, what+" must appear at least "+times(e.min)+".")
	}
	switch {
	case e.max >= 0 && n > e.max && e.max == 0:
		w.reportAt(issueError, "structure", parent, e.name, p.URL, what+" must not appear.")
	case e.max >= 0 && n > e.max:
		w.reportAt(issueError, "structure", parent, e.name, p.URL, what+" may appear at most "+times(e.max)+".")
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}
