package search

import (
	"slices"
)

// Without returns the catalog of somebody from whom parts of records are hidden:
// it has no parameter that reads any of them, so that he can no more find, sort,
// chain or include by it than by one that does not exist. hidden is asked about
// the elements that parameters read, by their path in a type, and with no path
// about all of a record.
func (c *Catalog) Without(hidden func(typ string, path ...string) bool) *Catalog {
	next := &Catalog{schemas: make(map[string]*schema, len(c.schemas)), added: c.added, units: c.units, numbers: c.numbers}
	for typ, s := range c.schemas {
		if hidden(typ) {
			s = s.without(func(path []string) bool { return hidden(typ, path...) })
		}
		next.schemas[typ] = s
	}
	return next
}

func (s *schema) without(hidden func(path []string) bool) *schema {
	next := *s
	next.params, next.codes, next.compartments = map[string]*param{}, nil, map[string][]source{}
	reads := func(src source) bool { return src.added != nil || hidden(src.path()) }
	for code, p := range s.params {
		if !p.reads(reads) {
			next.params[code] = p
		}
	}
	for _, code := range s.codes {
		if next.params[code] != nil {
			next.codes = append(next.codes, code)
		}
	}
	for name, sources := range s.compartments {
		// Whose record it is shows by its being found at all.
		if name == "Patient" || !slices.ContainsFunc(sources, reads) {
			next.compartments[name] = sources
		}
	}
	return &next
}

// reads reports whether a parameter reads a source for which hidden holds; one of
// all that a record says reads everything.
func (p *param) reads(hidden func(source) bool) bool {
	if p.special != "" {
		return false
	}
	all := slices.Concat(p.sources, p.labels, p.typed, p.identified)
	for _, part := range p.components {
		all = append(all, part.sources...)
	}
	return len(all) == 0 || slices.ContainsFunc(all, hidden)
}

// path is where an element is in its resource.
func (e *element) path() []string {
	var path []string
	for _, step := range e.steps {
		path = append(path, step.Name)
	}
	if e.leaf != "" {
		path = append(path, e.leaf)
	}
	return path
}
