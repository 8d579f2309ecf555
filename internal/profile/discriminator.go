package profile

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// A discriminator's path is a restricted FHIRPath (FHIR R4 5.1.0.12.2): elements,
// extension(url), resolve(), ofType(type) and $this. It is followed through the
// resource and through the rules at the same time.

// pathStep is one step: an element, or a function with its argument.
type pathStep struct{ name, arg string }

// pathSteps reads a discriminator's path; false if it is of another form.
func pathSteps(path string) ([]pathStep, bool) {
	var steps []pathStep
	for path != "" {
		end := strings.IndexAny(path, ".(")
		step := pathStep{name: path}
		switch {
		case end < 0:
			path = ""
		case path[end] == '.':
			step.name, path = path[:end], path[end+1:]
		default:
			shut := strings.IndexByte(path, ')')
			if shut < end {
				return nil, false
			}
			step = pathStep{path[:end] + "()", strings.Trim(path[end+1:shut], `'" `)}
			path = strings.TrimPrefix(path[shut+1:], ".")
		}
		switch {
		case step.name == "":
			return nil, false
		case step.name == "$this":
			continue
		case strings.HasSuffix(step.name, "()") && step.name != "extension()" && step.name != "resolve()" && step.name != "ofType()":
			return nil, false
		}
		steps = append(steps, step)
	}
	return steps, true
}

// site is what a path has come to: nodes of the resource, and the rules for them.
type site struct {
	nodes []fhir.Node
	rules []*element
}

// follow goes the steps; false: rules or nodes on the way are not loaded.
func (w *walk) follow(at site, steps []pathStep) (site, bool) {
	for _, s := range steps {
		if !w.step() {
			return site{}, false
		}
		var ok bool
		switch s.name {
		case "resolve()":
			at, ok = w.followReference(at)
		case "ofType()":
			at, ok = at.only(s.arg), true
		case "extension()":
			at, ok = w.followExtension(at, s.arg)
		default:
			at, ok = w.followChild(at, strings.TrimSuffix(s.name, "[x]"))
		}
		if !ok {
			return site{}, false
		}
	}
	return at, true
}

func (w *walk) followChild(at site, name string) (site, bool) {
	var next site
	for _, n := range at.nodes {
		for c := range n.All(name) {
			next.nodes = append(next.nodes, c)
		}
	}
	for _, e := range at.rules {
		if c := w.ruleOf(e, name); c != nil {
			next.rules = append(next.rules, withSlices(c)...)
		}
	}
	return next, len(next.rules) > 0
}

// withSlices are the rules of an element and those of its slices: a slice within
// may say what tells the slice without.
func withSlices(e *element) []*element {
	if e.tellsValue(maxValueDepth) || len(e.slices) == 0 {
		return []*element{e}
	}
	list := []*element{}
	for _, s := range e.slices {
		if s.min > 0 || len(e.slices) == 1 {
			list = append(list, s)
		}
	}
	return append(list, e)
}

// ruleOf finds the rules for a child, in the profile or in the type's definition.
func (w *walk) ruleOf(e *element, name string) *element {
	if e.hasChildren() {
		return e.child(name)
	}
	for _, t := range e.types {
		for _, canonical := range append(t.profiles[:len(t.profiles):len(t.profiles)], core+t.code) {
			p, err := w.v.load(w.ctx, canonical, 0)
			if err == nil && p != nil {
				if c := p.root.child(name); c != nil {
					return c
				}
			}
		}
	}
	return nil
}

func (at site) only(typ string) site {
	next := site{rules: at.rules}
	for _, n := range at.nodes {
		if isA(n, typ) {
			next.nodes = append(next.nodes, n)
		}
	}
	return next
}

// followExtension keeps the extensions with an address, and the rules for them.
func (w *walk) followExtension(at site, url string) (site, bool) {
	var next site
	for _, n := range at.nodes {
		for x := range n.All("extension") {
			if x.Get("url").Text() == url {
				next.nodes = append(next.nodes, x)
			}
		}
	}
	for _, e := range at.rules {
		whole := w.ruleOf(e, "extension")
		if whole == nil {
			continue
		}
		for _, s := range whole.slices {
			if s.isExtension(url) {
				next.rules = append(next.rules, s)
			}
		}
	}
	if len(next.rules) == 0 {
		if p, err := w.v.load(w.ctx, url, 0); err == nil && p != nil {
			next.rules = append(next.rules, p.root)
		}
	}
	return next, len(next.rules) > 0
}

// isExtension reports whether a slice is that of the extension with an address.
func (e *element) isExtension(url string) bool {
	for _, t := range e.types {
		for _, p := range t.profiles {
			if address, _, _ := strings.Cut(p, "|"); address == url {
				return true
			}
		}
	}
	c := e.byName["url"]
	return c != nil && c.fixed.Text() == url
}

// followReference goes to the resources that references point to, and to the
// profiles that the rules want of them. A target that cannot be had is unknown,
// unless its type tells that it is none of those wanted.
func (w *walk) followReference(at site) (site, bool) {
	var next site
	for _, e := range at.rules {
		for _, t := range e.types {
			for _, canonical := range t.targets {
				p, err := w.v.load(w.ctx, canonical, 0)
				if err != nil || p == nil {
					return site{}, false
				}
				next.rules = append(next.rules, &element{path: p.Type, name: p.Type, max: 1, profile: p, children: p.root.children, byName: p.root.byName})
			}
		}
	}
	for _, n := range at.nodes {
		if n.TypeID() != r4.Reference {
			continue
		}
		target := w.target(n)
		if !target.node.Exists() {
			if typ := n.TargetType(); typ != 0 && !next.mayBe(typ.String()) {
				continue
			}
			return site{}, false
		}
		next.nodes = append(next.nodes, target.node)
	}
	return next, len(next.rules) > 0
}

func (at site) mayBe(typ string) bool {
	for _, e := range at.rules {
		if e.path == typ || e.path == "Resource" || e.path == "DomainResource" {
			return true
		}
	}
	return false
}
