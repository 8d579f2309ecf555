package authz

import (
	"fmt"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// showing makes the Mask that shows a type's elements at some paths alone.
func showing(t r4.TypeID, paths []string) (*fhir.Mask, error) {
	m := &fhir.Mask{Only: map[string]*fhir.Mask{}}
	for _, path := range paths {
		if err := show(m, t, strings.Split(path, ".")); err != nil {
			return nil, err
		}
	}
	return m, demands(m, t)
}

func show(m *fhir.Mask, t r4.TypeID, path []string) error {
	member, err := memberOf(t, path[0])
	if err != nil {
		return err
	}
	if len(path) == 1 {
		m.Only[path[0]] = nil
		return nil
	}
	sub, named := m.Only[path[0]]
	if named && sub == nil {
		return fmt.Errorf("%w: an element is named whole and in part", errFields)
	}
	if !named {
		sub = &fhir.Mask{Only: map[string]*fhir.Mask{}}
		m.Only[path[0]] = sub
	}
	return show(sub, member.Type(), path[1:])
}

// demands refuses a Mask that leaves out what the standard demands: the rest would
// be no resource.
func demands(m *fhir.Mask, t r4.TypeID) error {
	for first, end := t.Members(); first < end; first++ {
		sub, shown := m.Only[first.Name()]
		if first.IsRequired() && !shown {
			return fmt.Errorf("%w: it leaves out %s, which the standard demands", errFields, first.Name())
		}
		if sub != nil && !first.IsChoiceBase() {
			if err := demands(sub, first.Type()); err != nil {
				return err
			}
		}
	}
	return nil
}

// hiding makes the Mask that shows all of a type but the elements at some paths.
// The narrative goes with them: it may tell the same in words.
func hiding(t r4.TypeID, paths []string) (*fhir.Mask, error) {
	m := &fhir.Mask{But: map[string]*fhir.Mask{}}
	for _, path := range append(paths, "text") {
		at, of := m, t
		steps := strings.Split(path, ".")
		for i, name := range steps {
			member, err := memberOf(of, name)
			if err != nil {
				return nil, err
			}
			if member.IsRequired() {
				return nil, fmt.Errorf("%w: it leaves out %s, which the standard demands", errFields, name)
			}
			if i == len(steps)-1 {
				at.But[name] = nil
				break
			}
			if at.But[name] == nil {
				at.But[name] = &fhir.Mask{But: map[string]*fhir.Mask{}}
			}
			at, of = at.But[name], member.Type()
		}
	}
	return m, nil
}

func memberOf(t r4.TypeID, name string) (r4.MemberID, error) {
	if m := r4.Lookup(t, name); m != 0 && m.Name() == name {
		return m, nil
	}
	return 0, fmt.Errorf("%w: the type has no such element", errFields)
}

func (p *Policy) addView(role string, t r4.TypeID, mask func(r4.TypeID, []string) (*fhir.Mask, error), paths []string) error {
	m, err := mask(t, paths)
	if err != nil {
		return err
	}
	if p.views[role] == nil {
		p.views[role] = map[string]*fhir.Mask{}
	}
	if p.views[role][t.String()] != nil {
		return fmt.Errorf("%w: a role has one line for a type", errFields)
	}
	p.views[role][t.String()] = m
	return nil
}
