package terminology

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// set is a compiled ValueSet.
type set struct {
	url, version     string
	include, exclude []*part
	systems          []string // that its codes may be of
	used             []string // versions of code systems it was made of: url|version
	active           bool     // without codes that are inactive (compose.inactive)
	res              *fhir.Resource

	// codes and list are all members, codes nil if they cannot be listed; why
	// then tells.
	codes map[key]int32
	list  []Member
	why   error
}

type key struct{ system, code string }

// Member is one code of a value set.
type Member struct {
	Coding
	Abstract, Inactive bool
	nodes              []fhir.Node // where its designations stand

	// of and at are its place in its code system, if that is loaded; within is what
	// it stands in, innermost first, in a stored expansion.
	of     *system
	at     int32
	within []key
}

// stack is the value sets that are being compiled, outermost first.
type stack []string

// set returns a value set, nil if it is not loaded.
func (s *Service) set(ctx context.Context, address string, above stack) (*set, error) {
	url, version := split(address)
	if slices.Contains(above, url) {
		return nil, wrong("set", "The value set imports itself.")
	}
	if len(above) >= maxImport {
		return nil, fault.New(fault.TooCostly, "terminology.set", "Value sets import each other too deeply.")
	}
	return recall(s, canonical{"ValueSet", url, version}, len(above) == 0, func() (*set, error) {
		r, err := s.cfg.Source.Canonical(ctx, "ValueSet", url, version)
		if err != nil {
			return nil, err
		}
		if r == nil && version == "" {
			return s.implied(ctx, url)
		}
		if r == nil {
			return nil, nil
		}
		return s.compileSet(ctx, r, append(slices.Clip(above), url))
	})
}

func (s *Service) compileSet(ctx context.Context, r *fhir.Resource, above stack) (*set, error) {
	root := r.Root()
	out := &set{url: root.Get("url").Text(), version: root.Get("version").Text(), res: r}
	compose := root.Get("compose")
	if !compose.Exists() {
		return out, out.stored(root.Get("expansion"))
	}
	supplements, err := s.supplements(ctx, root)
	if err != nil {
		return nil, err
	}
	if count(compose, "include")+count(compose, "exclude") > maxParts {
		return nil, tooCostly()
	}
	for n := range compose.All("include") {
		p, err := s.compilePart(ctx, n, supplements, above)
		if err != nil {
			return nil, err
		}
		out.include = append(out.include, p)
		out.draws(p)
	}
	for n := range compose.All("exclude") {
		p, err := s.compilePart(ctx, n, supplements, above)
		if err != nil {
			return nil, err
		}
		out.exclude = append(out.exclude, p)
		if p.missing != nil {
			out.why = p.missing
		}
	}
	out.active = compose.Get("inactive").Text() == "false"
	return out, out.enumerate()
}

// draws notes what a set takes from a part.
func (v *set) draws(p *part) {
	add := func(list *[]string, items ...string) {
		for _, item := range items {
			if !slices.Contains(*list, item) {
				*list = append(*list, item)
			}
		}
	}
	if p.url != "" {
		add(&v.systems, p.url)
		if p.system != nil && p.system.version != "" {
			add(&v.used, p.url+"|"+p.system.version)
		}
	}
	for _, i := range p.imports {
		if i != nil && p.url == "" {
			add(&v.systems, i.systems...)
		}
		if i != nil {
			add(&v.used, i.used...)
		}
	}
	if p.missing != nil && v.why == nil {
		v.why = p.missing
	}
}

// enumerate lists the members if every part of the set can be listed.
func (v *set) enumerate() error {
	if v.why != nil {
		return nil
	}
	work := 0
	for _, p := range v.include {
		work += p.cost()
	}
	if work > maxWork {
		return tooCostly()
	}
	v.codes = map[key]int32{}
	take := func(m Member) error {
		k := key{m.System, m.Code}
		if _, have := v.codes[k]; have || m.Inactive && v.active {
			return nil
		}
		if len(v.list) >= maxCodes {
			return tooCostly()
		}
		v.codes[k] = int32(len(v.list))
		v.list = append(v.list, m)
		return nil
	}
	for _, p := range v.include {
		if err := p.each(take); err != nil {
			v.codes, v.list, v.why = nil, nil, err
			return nil
		}
	}
	if len(v.list)*len(v.exclude) > maxWork {
		return tooCostly()
	}
	if len(v.exclude) > 0 {
		v.list = slices.DeleteFunc(v.list, func(m Member) bool {
			return slices.ContainsFunc(v.exclude, func(p *part) bool { return p.has(m.Coding) == Valid })
		})
		clear(v.codes)
		for i, m := range v.list {
			v.codes[key{m.System, m.Code}] = int32(i)
		}
	}
	return nil
}

func count(n fhir.Node, name string) int {
	c := 0
	for range n.All(name) {
		c++
	}
	return c
}

func tooCostly() error {
	return fault.New(fault.TooCostly, "terminology.compileSet", "The value set would take too much work: it has too many codes, or too many parts.")
}

// stored takes the members from an expansion, which counts only where nothing
// says how the set is composed.
func (v *set) stored(expansion fhir.Node) error {
	if !expansion.Exists() {
		v.why = wrong("stored", "The value set says neither how it is composed nor what it holds.")
		return nil
	}
	v.codes = map[key]int32{}
	var walk func(fhir.Node, []key)
	walk = func(parent fhir.Node, within []key) {
		for n := range parent.All("contains") {
			m := Member{
				Coding: Coding{
					System: n.Get("system").Text(), Version: n.Get("version").Text(),
					Code: n.Get("code").Text(), Display: n.Get("display").Text(),
				},
				Abstract: n.Get("abstract").Text() == "true", Inactive: n.Get("inactive").Text() == "true",
				nodes: []fhir.Node{n}, within: within,
			}
			k := key{m.System, m.Code}
			if _, have := v.codes[k]; !have && m.Code != "" {
				v.codes[k] = int32(len(v.list))
				v.list = append(v.list, m)
				if !slices.Contains(v.systems, m.System) {
					v.systems = append(v.systems, m.System)
				}
			}
			inner := within
			if m.Code != "" {
				inner = append([]key{k}, within...)
			}
			walk(n, inner)
		}
	}
	walk(expansion, nil)
	if whole := expansion.Get("total").Text(); expansion.Get("offset").Exists() || whole != "" && whole != text(len(v.list)) {
		v.codes, v.list = nil, nil
		v.why = wrong("stored", "The value set holds only part of an expansion.")
	}
	return nil
}

// has tells whether the set has a code; without a system, whether it has it of
// any system.
func (v *set) has(c Coding) Verdict {
	if c.System == "" {
		out := Invalid
		for _, system := range v.systems {
			c.System = system
			switch v.has(c) {
			case Valid:
				return Valid
			case Unknown:
				out = Unknown
			}
		}
		if len(v.systems) == 0 && v.codes == nil {
			return Unknown
		}
		return out
	}
	if v.codes != nil {
		if _, ok := v.codes[key{c.System, c.Code}]; ok {
			return Valid
		}
		if !v.folds(c.System) {
			return Invalid
		}
	}
	return v.reckon(c)
}

// folds reports whether the set draws on a system whose codes are the same in
// upper and lower case.
func (v *set) folds(system string) bool {
	return slices.ContainsFunc(v.include, func(p *part) bool {
		return p.system != nil && p.system.folds && p.url == system ||
			slices.ContainsFunc(p.imports, func(i *set) bool { return i != nil && i.folds(system) })
	})
}

// reckon decides by the parts, so that what is loaded can be told although
// something else is not.
func (v *set) reckon(c Coding) Verdict {
	out := Invalid
	if v.include == nil {
		out = Unknown
	}
	for _, p := range v.include {
		if h := p.has(c); h == Valid && !(v.active && p.retires(c.Code)) {
			out = Valid
			break
		} else if h == Unknown {
			out = Unknown
		}
	}
	if out == Invalid {
		return out
	}
	for _, p := range v.exclude {
		switch p.has(c) {
		case Valid:
			return Invalid
		case Unknown:
			out = Unknown
		}
	}
	return out
}

// supplements returns the supplements that a value set asks for, by the code
// system they supplement.
func (s *Service) supplements(ctx context.Context, root fhir.Node) (map[string]*fhir.Resource, error) {
	out := map[string]*fhir.Resource{}
	for x := range root.All("extension") {
		if x.Get("url").Text() != "http://hl7.org/fhir/StructureDefinition/valueset-supplement" {
			continue
		}
		url, version := split(x.Get("value").Text())
		r, err := s.cfg.Source.Canonical(ctx, "CodeSystem", url, version)
		if err != nil {
			return nil, err
		}
		if r == nil {
			return nil, notLoaded("supplements", "A supplement of the value set", x.Get("value").Text())
		}
		of, _ := split(r.Root().Get("supplements").Text())
		out[of] = r
	}
	return out, nil
}
