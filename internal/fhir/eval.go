package fhir

import (
	"bytes"
	"iter"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Eval yields the elements that path finds from n: the resource for the path of
// a parameter, the composite's element for that of a component.
func Eval(n Node, path r4.Path) iter.Seq[Node] {
	return func(yield func(Node) bool) { eval(n, path, 0, yield) }
}

func eval(n Node, path r4.Path, at int, yield func(Node) bool) bool {
	if at == path.Steps() {
		return !n.Exists() || yield(n)
	}
	step := path.Step(at)
	index := 0
	for c := range n.All(step.Name) {
		if step.As != 0 && c.TypeID() != step.As {
			continue
		}
		if step.Where != "" && !c.Get(step.Where).is(step.Equals) {
			continue
		}
		if index++; step.Index >= 0 && index != step.Index+1 {
			continue
		}
		if !eval(c, path, at+1, yield) {
			return false
		}
	}
	return true
}

// EvalSource yields the elements a search parameter's source finds from n, with
// its condition resolve() is X applied.
//
// Nothing is looked up to decide that condition. The type of a reference is, in
// this order: the type of the contained resource for #id; the word before the id
// in its literal text (Patient/1, https://example.org/fhir/Patient/1/_history/2,
// Patient?identifier=…); Reference.type, if that is the name of a resource. A
// reference whose type is not told by any of these (urn:uuid:… and no type) is
// of none. So a reference is indexed the same before and after its target exists.
func EvalSource(n Node, s r4.Source) iter.Seq[Node] {
	if s.Only() == 0 {
		return Eval(n, s.Path())
	}
	return func(yield func(Node) bool) {
		eval(n, s.Path(), 0, func(c Node) bool {
			return c.TargetType() != s.Only() || yield(c)
		})
	}
}

// TargetType returns the type of the resource that a Reference points to, 0 if
// its text does not tell. EvalSource says how it is decided.
func (n Node) TargetType() r4.TypeID {
	if n.TypeID() != r4.Reference {
		return 0
	}
	l := ParseLiteral(n.Get("reference").Text())
	switch {
	case l.Local && l.ID == "":
		return n.d.items[n.root].typ
	case l.Local:
		for c := range (Node{n.d, n.root, n.root}).All("contained") {
			if c.Get("id").is(l.ID) {
				return c.TypeID()
			}
		}
		return 0
	case l.Type != "":
		return r4.ResourceByName(l.Type)
	}
	return r4.ResourceByName(n.Get("type").Text())
}

// is reports whether the value of a string primitive is text, without copying.
func (n Node) is(text string) bool {
	raw := n.Raw()
	if len(raw) < 2 || raw[0] != '"' {
		return false
	}
	if bytes.IndexByte(raw, '\\') >= 0 {
		return n.Text() == text
	}
	return string(raw[1:len(raw)-1]) == text
}

// References yields every Reference element of the resource, those of contained
// resources and of extensions too.
func (r *Resource) References() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for i := r.root + 1; i < r.d.items[r.root].next; i++ {
			if r.d.items[i].typ == r4.Reference && !yield(Node{r.d, i, r.root}) {
				return
			}
		}
	}
}
