package profile

import (
	"context"
	"errors"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/path"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// maxSteps bounds the rules laid on elements in one validation, so that no
// definition can make one endless.
const maxSteps = 8 << 20

// walk is one validation under way.
type walk struct {
	ctx     context.Context
	v       *Validator
	resolve func(context.Context, string) (*fhir.Resource, error)
	budget  int
	spent   bool
	err     error // why it cannot go on
	result  *Result
	scope   *scope
	passed  map[pass]bool     // what was held to which profile, and whether it conforms
	noted   map[string]bool   // value sets and systems that were said not to be loaded
	units   []string          // of UCUM that were looked at
	targets map[string]target // of references, by their text
	bundles map[fhir.Node]*bundle
	quiet   int  // > 0: only whether there is an error counts
	mild    int  // > 0: errors are warnings
	failed  bool // there was one
}

// scope is the resource that rules speak of.
type scope struct {
	node  fhir.Node // %resource
	outer *scope    // the Bundle or container it stands in
	env   *path.Env // made when the first invariant asks
}

type pass struct {
	node    fhir.Node
	profile *Profile
}

func (w *walk) step() bool {
	w.budget--
	if w.budget&1023 == 0 && w.ctx.Err() != nil {
		w.stop(w.ctx.Err())
	}
	if w.budget > 0 && w.err == nil {
		return true
	}
	if !w.spent && w.err == nil {
		w.spent = true
		quiet := w.quiet
		w.quiet = 0
		w.report(issueError, "too-costly", w.scope.node, "", "Validation would take more work than one request may cause; it was not finished.")
		w.quiet = quiet
	}
	return false
}

const (
	issueError   = "error"
	issueWarning = "warning"
	issueNote    = "information"
)

func (w *walk) report(severity, code string, n fhir.Node, source, text string) {
	w.reportAt(severity, code, n, "", source, text)
}

// reportAt reports on a child of n that is not there.
func (w *walk) reportAt(severity, code string, n fhir.Node, child, source, text string) {
	if severity == issueError && w.mild > 0 {
		severity = issueWarning
	}
	w.failed = w.failed || severity == issueError
	if w.quiet > 0 {
		return
	}
	path := n.Path()
	if child != "" {
		path += "." + child
	}
	i := Issue{Severity: severity, Code: code, Path: path, Text: text, Source: source}
	for _, old := range w.result.Issues {
		if old == i {
			return
		}
	}
	if len(w.result.Issues) >= w.v.cfg.Issues {
		w.cut(i)
		return
	}
	w.result.Issues = append(w.result.Issues, i)
}

// cut keeps an error in the place of a lesser finding: what is left out must not
// turn an invalid resource into a valid one.
func (w *walk) cut(i Issue) {
	w.result.Cut = true
	if i.Severity != issueError {
		return
	}
	for k := len(w.result.Issues) - 1; k >= 0; k-- {
		if w.result.Issues[k].Severity != issueError {
			w.result.Issues[k] = i
			return
		}
	}
}

// try runs a check without reporting and tells whether it passed.
func (w *walk) try(check func()) bool {
	failed := w.failed
	w.failed = false
	w.quiet++
	check()
	w.quiet--
	ok := !w.failed
	w.failed = failed
	return ok
}

func (w *walk) typeOf(name string) *Profile {
	p, err := w.v.typeOf(w.ctx, name)
	if err != nil && w.err == nil {
		w.err = err
	}
	return p
}

// resource checks a resource, the outermost, contained or in a Bundle, against
// its type and the profiles it claims.
func (w *walk) resource(n fhir.Node, outer *scope, profiles []string) {
	before := w.scope
	w.scope = &scope{node: n, outer: outer}
	defer func() { w.scope = before }()
	if p := w.typeOf(n.TypeID().String()); p != nil && p.root != nil {
		w.base(n, p.root, place{})
	}
	w.rules(n)
	for claim := range n.Get("meta").All("profile") {
		w.claimed(n, claim)
	}
	for _, canonical := range profiles {
		w.asked(n, canonical)
	}
}

// place tells where an element is, for what has to be said of extensions.
type place struct {
	parent fhir.Node
	rules  *element // of the parent
	up     *place
}

// base checks an element and all below it against what FHIR itself says. e are
// the rules of its place; those of its type come with its type.
func (w *walk) base(n fhir.Node, e *element, at place) {
	if !w.step() {
		return
	}
	own := e
	if e != nil {
		w.constrained(n, e, "")
		if e.binding != nil && !checkedByParser(n, at.parent) {
			w.bound(n, e.binding, "")
		}
		if !e.hasChildren() {
			own = nil
		}
	}
	if n.TypeID().Kind() == r4.Datatype {
		if p := w.typeOf(n.Type()); p != nil && p.root != e {
			w.constrained(n, p.root, "")
			if own == nil {
				own = p.root
			}
		}
	}
	w.content(n)
	below := place{parent: n, rules: e, up: &at}
	for c := range n.Children() {
		if c.TypeID().Kind() == r4.Resourced {
			w.resource(c, w.scope, nil)
			continue
		}
		var rules *element
		if own != nil {
			rules = own.child(c.Name())
		}
		w.base(c, rules, below)
	}
	if n.TypeID() == r4.Extension {
		w.extension(n, at)
	}
}

// claimed holds a resource to a profile that it names itself.
func (w *walk) claimed(n, claim fhir.Node) {
	p, err := w.v.load(w.ctx, claim.Text(), 0)
	switch {
	case err != nil && !errors.Is(err, errDefinition):
		w.stop(err)
	case err != nil:
		w.report(w.unknownSeverity(), "not-supported", claim, "", "The profile is loaded, and "+reason(err)+"; the resource was not checked against it.")
	case p == nil:
		w.report(w.unknownSeverity(), "not-found", claim, "", "The profile is not loaded; the resource was not checked against it.")
	case !p.describes(n):
		w.report(issueError, "invalid", claim, "", "The profile is one of another type.")
	default:
		w.hold(n, p)
	}
}

// asked holds a resource to a profile that the caller names.
func (w *walk) asked(n fhir.Node, canonical string) {
	p, err := w.v.load(w.ctx, canonical, 0)
	switch {
	case err != nil && !errors.Is(err, errDefinition):
		w.stop(err)
	case err != nil:
		w.report(issueError, "not-supported", n, "", "The profile asked for is loaded, and "+reason(err)+".")
	case p == nil:
		w.report(issueError, "not-found", n, "", "The profile asked for is not loaded.")
	case !p.describes(n):
		w.report(issueError, "invalid", n, p.URL, "The profile asked for is one of another type.")
	default:
		w.hold(n, p)
	}
}

// describes reports whether a profile is one of the resource's type.
func (p *Profile) describes(n fhir.Node) bool { return isA(n, p.Type) }

func (w *walk) stop(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *walk) unknownSeverity() string {
	if w.v.cfg.RefuseUnknown {
		return issueError
	}
	return issueWarning
}

func reason(err error) string {
	return strings.TrimPrefix(err.Error(), errDefinition.Error()+": ")
}

// checkedByParser reports whether fhir.Parse has held a code to its value set.
func checkedByParser(n, parent fhir.Node) bool {
	return n.TypeID() == r4.Code && r4.Lookup(parent.TypeID(), n.Name()).Binding() != 0
}

// isTypeName reports whether FHIR has a type of that name.
func isTypeName(name string) bool { return r4.TypeByName(name) != 0 }
