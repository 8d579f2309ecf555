package main

import (
	"fmt"
	"slices"
	"strings"
)

// membership is how one resource type belongs to a compartment.
type membership struct {
	compartment, resource string
	sources               []path
}

func buildCompartments(d *definitions, s *searchModel) ([]membership, error) {
	var out []membership
	for _, c := range d.compartments {
		for _, r := range c.Resource {
			m := membership{compartment: c.Code, resource: r.Code}
			for _, code := range r.Param {
				if code == "{def}" { // the compartment's own resource
					continue
				}
				p := s.find(r.Code, code)
				if p == nil || p.kind != "reference" {
					return nil, fmt.Errorf("compartment %s: %s has no reference parameter %s", c.Code, r.Code, code)
				}
				for _, src := range p.sources {
					if src.only != "" && src.only != c.Code {
						continue
					}
					src.only = c.Code
					if !slices.ContainsFunc(m.sources, func(o path) bool { return o.String() == src.String() }) {
						m.sources = append(m.sources, src)
					}
				}
			}
			if len(m.sources) > 0 {
				out = append(out, m)
			}
		}
	}
	slices.SortFunc(out, func(a, b membership) int {
		if c := strings.Compare(a.compartment, b.compartment); c != 0 {
			return c
		}
		return strings.Compare(a.resource, b.resource)
	})
	return out, nil
}

func (s *searchModel) find(base, code string) *param {
	for i := range s.params {
		if s.params[i].base == base && s.params[i].code == code {
			return &s.params[i]
		}
	}
	return nil
}
