package profile

import (
	"errors"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// extension checks an extension against its definition: its content, where it
// stands, and whether it may change the meaning of what bears it (FHIR R4 2.5).
// One that is not known is no error: "extensions … may be ignored"; one that may
// change a meaning is a warning, as a server that stores and does not process
// must keep it and say so.
func (w *walk) extension(n fhir.Node, at place) {
	url := n.Get("url").Text()
	if !strings.Contains(url, ":") { // part of a complex extension, told by that
		return
	}
	modifies := n.Name() == "modifierExtension"
	p, err := w.v.load(w.ctx, url, 0)
	switch {
	case err != nil && !errors.Is(err, errDefinition):
		w.stop(err)
	case p == nil && modifies:
		w.report(issueWarning, "extension", n, "", "The modifier extension is not known; whoever reads the resource must not ignore it.")
	case p == nil:
		w.note("extension "+url, n, "", "extension", "The extension is not known and was not checked.")
	case p.Type != "Extension":
		w.report(issueError, "extension", n, "", "The address is not that of an extension.")
	default:
		if strings.Contains(url, "|") {
			w.report(issueError, "extension", n, "", "The address of an extension must not have a version.")
		}
		if p.modifier != modifies {
			w.report(issueError, "extension", n, p.URL, modifierText(modifies))
		}
		if strings.HasPrefix(p.URL, core) && w.inDefinition() {
			w.mild++
			defer func() { w.mild-- }()
		}
		w.hold(n, p)
		if !w.inContext(p, at) {
			w.report(issueError, "extension", n, p.URL, "The extension is not allowed here.")
		}
	}
}

// inDefinition reports whether the resource at hand is a definition. Those in
// use, HL7's own among them, follow later releases of the extensions of
// definitions, which may stand in more places and have more codes than in R4
// 4.0.1: what is wrong with them by that release is told as a warning.
func (w *walk) inDefinition() bool {
	for s := w.scope; s != nil; s = s.outer {
		if s.node.Get("url").Exists() { // a canonical address; records have none
			return true
		}
	}
	return false
}

func modifierText(modifies bool) string {
	if modifies {
		return "The extension is not a modifier: it belongs in extension."
	}
	return "The extension is a modifier: it belongs in modifierExtension."
}

// inContext reports whether an extension may stand at a place (FHIR R4 2.5.0.3).
func (w *walk) inContext(p *Profile, at place) bool {
	if len(p.contexts) == 0 {
		return true
	}
	for _, c := range p.contexts {
		switch c.kind {
		case "element":
			if w.isElement(c.expression, at) {
				return true
			}
		case "extension":
			if at.parent.TypeID() == r4.Extension && at.parent.Get("url").Text() == c.expression {
				return true
			}
		default: // fhirpath
			if w.selects(c.expression, at.parent) {
				return true
			}
		}
	}
	return false
}

// isElement reports whether an element is meant by a path of a definition:
// Patient.name, HumanName.period, a type, or an ancestor of its type.
func (w *walk) isElement(expression string, at place) bool {
	expression = strings.TrimSuffix(expression[strings.LastIndexByte(expression, '#')+1:], "[x]")
	if expression == "Element" { // everywhere, resources too
		return true
	}
	if at.rules != nil && strings.TrimSuffix(at.rules.path, "[x]") == expression {
		return true
	}
	n := at.parent
	if withoutIndexes(w.pathInScope(n)) == expression {
		return true
	}
	// A choice may be told with its type: Observation.valueQuantity.
	if at.rules != nil && strings.HasSuffix(at.rules.path, "[x]") &&
		strings.EqualFold(strings.TrimSuffix(at.rules.path, "[x]")+n.Type(), expression) {
		return true
	}
	for name := n.Type(); name != ""; name = w.parentType(name) {
		if name == expression {
			return true
		}
	}
	if n.TypeID().String() == expression {
		return true
	}
	// Quantity.code of an Age, and what is told from a place in between.
	if up := at.up; up != nil && up.parent.Exists() && at.rules == nil {
		return up.parent.Type()+"."+n.Name() == expression
	}
	return false
}

// parentType is the type a type derives from, "" for the last.
func (w *walk) parentType(name string) string {
	p := w.typeOf(name)
	if p == nil {
		return ""
	}
	return strings.TrimPrefix(p.base, core)
}

// pathInScope is the path of a node from the resource it is part of.
func (w *walk) pathInScope(n fhir.Node) string {
	path, from := n.Path(), w.scope.node.Path()
	return w.scope.node.TypeID().String() + strings.TrimPrefix(path, from)
}

func withoutIndexes(path string) string {
	var b strings.Builder
	inside := false
	for _, c := range path {
		switch {
		case c == '[':
			inside = true
		case c == ']':
			inside = false
		case !inside:
			b.WriteRune(c)
		}
	}
	return b.String()
}
