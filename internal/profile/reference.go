package profile

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// target is what a reference points to, and the scope it is in. The zero target
// stands for what cannot be had here.
type target struct {
	node  fhir.Node
	scope *scope
}

// reference checks the target of a Reference against the profiles allowed: by
// type always, by conformance where the target is at hand.
func (w *walk) reference(n fhir.Node, t *typeRule, p *Profile) {
	if n.TypeID() != r4.Reference { // a canonical: what it points to is not opened
		return
	}
	found := w.target(n)
	typ := n.TargetType()
	if found.node.Exists() {
		typ = found.node.TypeID()
	}
	if typ == 0 {
		return
	}
	var fitting []*Profile
	for _, canonical := range t.targets {
		wanted, err := w.v.load(w.ctx, canonical, 0)
		if err != nil || wanted == nil {
			return // not loaded: it may be the one that fits
		}
		if wanted.Type == typ.String() || wanted.Type == "Resource" || wanted.Type == "DomainResource" {
			fitting = append(fitting, wanted)
		}
	}
	if len(fitting) == 0 {
		w.report(issueError, "structure", n, p.URL, "The reference is to a type that the profile does not allow here.")
		return
	}
	if !found.node.Exists() {
		return
	}
	for _, wanted := range fitting {
		if !wanted.constraint || w.targetConforms(found, wanted) {
			return
		}
	}
	w.report(issueError, "structure", n, p.URL, "What the reference points to follows none of the profiles allowed here.")
}

func (w *walk) targetConforms(t target, p *Profile) bool {
	before := w.scope
	w.scope = t.scope
	defer func() { w.scope = before }()
	return w.conforms(t.node, p)
}

// target finds what a Reference points to: a contained resource, an entry of the
// Bundle, or what the caller can get.
func (w *walk) target(n fhir.Node) target {
	return w.find(n.Get("reference").Text())
}

func (w *walk) find(text string) target {
	if text == "" {
		return target{}
	}
	if id, local := strings.CutPrefix(text, "#"); local {
		return w.contained(id)
	}
	for s := w.scope; s != nil; s = s.outer {
		if s.node.TypeID() == r4.Bundle {
			if t := w.entry(s, text); t.node.Exists() {
				return t
			}
		}
	}
	return w.fetched(text)
}

// contained finds a contained resource; # alone is the container.
func (w *walk) contained(id string) target {
	s := w.scope
	if s.outer != nil && s.node.Name() == "contained" {
		s = s.outer
	}
	if id == "" {
		return target{s.node, s}
	}
	for c := range s.node.All("contained") {
		if c.Get("id").Text() == id {
			return target{c, &scope{node: c, outer: s}}
		}
	}
	return target{}
}

// fetched asks the caller, once for each text.
func (w *walk) fetched(text string) target {
	if w.resolve == nil || w.err != nil {
		return target{}
	}
	if t, known := w.targets[text]; known {
		return t
	}
	res, err := w.resolve(w.ctx, text)
	if err != nil {
		w.stop(err)
		return target{}
	}
	var t target
	if res != nil {
		t.node = res.Root()
		t.scope = &scope{node: t.node}
	}
	if w.targets == nil {
		w.targets = map[string]target{}
	}
	w.targets[text] = t
	return t
}
