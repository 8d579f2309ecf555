package search

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// walk follows e's steps through the type tables and notes the types it ends
// at. It returns false if a step does not exist.
func (b *schemaBuilder) walk(e *element) bool {
	e.types, e.implied, e.repeats, e.required = []r4.TypeID{b.root}, "", false, true
	for i, step := range e.steps {
		var next []r4.TypeID
		for _, t := range e.types {
			for _, m := range membersOf(t, step) {
				next = append(next, m.Type())
				if i == len(e.steps)-1 {
					e.implied = impliedBy(m)
				}
				e.repeats = e.repeats || m.IsList()
				e.required = e.required && m.IsRequired() && step.Where == "" && step.As == 0
			}
		}
		if len(next) == 0 {
			return false
		}
		if len(next) != 1 {
			e.implied = ""
		}
		e.types = next
	}
	return true
}

// membersOf returns the members of t a step may lead to: one, or those of a
// choice.
func membersOf(t r4.TypeID, step r4.Step) []r4.MemberID {
	m := r4.Lookup(t, step.Name)
	switch {
	case m == 0:
		return nil
	case !m.IsChoiceBase():
		if step.As != 0 && m.Type() != step.As {
			return nil
		}
		return []r4.MemberID{m}
	case step.As != 0:
		name := step.As.String()
		if m = r4.Lookup(t, step.Name+strings.ToUpper(name[:1])+name[1:]); m == 0 {
			return nil
		}
		return []r4.MemberID{m}
	}
	var all []r4.MemberID
	for at, end := t.Members(); at < end; at++ {
		if at.IsChoice() && at.Name() == step.Name {
			all = append(all, at)
		}
	}
	return all
}
