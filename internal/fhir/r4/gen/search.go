package main

import (
	"fmt"
	"slices"
	"strings"
)

type param struct {
	base       string
	code, kind string
	targets    []string
	sources    []path
	components []component
}

type component struct {
	code    string
	sources []path
}

type searchModel struct {
	params     []param
	uncompiled []string // "Base code: reason", sorted
}

func buildSearch(d *definitions, m *model) *searchModel {
	s := &searchModel{}
	byURL := map[string]*searchParameter{}
	for i := range d.params {
		byURL[d.params[i].URL] = &d.params[i]
	}
	for i := range d.params {
		for _, base := range d.params[i].Base {
			if m.byName[base] == nil {
				continue
			}
			p, err := m.compileParam(&d.params[i], base, byURL)
			if err != nil {
				s.uncompiled = append(s.uncompiled, fmt.Sprintf("%s %s: %v", base, d.params[i].Code, err))
				if d.params[i].Expression != "" {
					continue // not served at all
				}
			}
			s.params = append(s.params, p)
		}
	}
	slices.SortFunc(s.params, func(a, b param) int {
		if c := strings.Compare(a.base, b.base); c != 0 {
			return c
		}
		return strings.Compare(a.code, b.code)
	})
	slices.Sort(s.uncompiled)
	return s
}

func (m *model) compileParam(sp *searchParameter, base string, byURL map[string]*searchParameter) (param, error) {
	p := param{base: base, code: sp.Code, kind: sp.Type, targets: m.targets(sp.Target)}
	if sp.Expression == "" {
		return p, fmt.Errorf("the definition has no expression")
	}
	var err error
	if p.sources, err = m.compileUnion(sp.Expression, base); err != nil {
		return p, err
	}
	for _, c := range sp.Component {
		def := byURL[c.Definition]
		if def == nil {
			return p, fmt.Errorf("component %s is not defined", c.Definition)
		}
		k := component{code: def.Code}
		for _, b := range p.sources {
			end, err := m.walk(base, b)
			if err != nil {
				return p, err
			}
			if k.sources, err = m.compileRelative(c.Expression, base, end); err != nil {
				return p, fmt.Errorf("component %s: %w", def.Code, err)
			}
		}
		p.components = append(p.components, k)
	}
	return p, nil
}

// targets keeps the resource types; the word Resource, or every type, is no
// restriction.
func (m *model) targets(names []string) []string {
	var out []string
	for _, n := range names {
		if t := m.byName[n]; t != nil && t.kind == kindResource {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	if len(out) > 140 || slices.Contains(names, "Resource") {
		return nil
	}
	return out
}

func (m *model) isType(name string) bool {
	t := m.byName[name]
	return t != nil && (t.kind == kindResource || t.kind == kindAbstract)
}

func (m *model) compileUnion(expr, base string) ([]path, error) {
	var out []path
	for _, b := range branches(expr) {
		p, err := compile(b, m.isType)
		if err != nil {
			return nil, err
		}
		if p.root == "" {
			p.root = base
		}
		if p.root != base {
			continue
		}
		if _, err := m.walk(base, p); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no branch for the type")
	}
	return out, nil
}

func (m *model) compileRelative(expr, base, start string) ([]path, error) {
	var out []path
	for _, b := range branches(expr) {
		p, err := compile(b, func(string) bool { return false })
		if err != nil {
			return nil, err
		}
		from := start
		if p.doc {
			from = base
		}
		for i := range p.steps {
			if p.steps[i].as == "DateTime" { // so written in the definition of code-value-date
				p.steps[i].as = "dateTime"
			}
		}
		if _, err := m.walk(from, p); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// walk checks that every step of p exists and returns the type it ends at, ""
// if it may be any of a choice.
func (m *model) walk(from string, p path) (string, error) {
	at := from
	for _, s := range p.steps {
		t := m.byName[at]
		if t == nil {
			return "", fmt.Errorf("step %s: the type before it is open", s.name)
		}
		v := t.find(s.name)
		if v == nil {
			return "", fmt.Errorf("%s has no element %s", at, s.name)
		}
		at = v.typ
		if s.as != "" {
			typed := t.find(s.name + strings.ToUpper(s.as[:1]) + s.as[1:])
			if v.typ != s.as && (typed == nil || typed.typ != s.as) {
				return "", fmt.Errorf("%s.%s is never a %s", t.name, s.name, s.as)
			}
			at = s.as
		}
		if s.where != "" && m.byName[at].find(s.where) == nil {
			return "", fmt.Errorf("%s has no element %s", at, s.where)
		}
	}
	return at, nil
}

func (t *typ) find(name string) *member {
	for i := range t.members {
		if t.members[i].name == name {
			return &t.members[i]
		}
	}
	return nil
}
