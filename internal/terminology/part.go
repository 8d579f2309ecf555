package terminology

import (
	"context"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// part is one include or exclude of a value set: codes of a system, and of all
// the value sets it imports.
type part struct {
	url, version string
	system       *system // nil if there is none, or it is not loaded
	listed       []Member
	codes        map[string]bool // of listed
	filters      []*filter
	imports      []*set // nil items: not loaded
	missing      error  // why the part cannot be listed
}

func (s *Service) compilePart(ctx context.Context, n fhir.Node, more map[string]*fhir.Resource, above stack) (*part, error) {
	p := &part{version: n.Get("version").Text()}
	system, version := split(n.Get("system").Text())
	if p.url = system; p.version == "" {
		p.version = version // HL7's own tables write it so
	}
	for v := range n.All("valueSet") {
		imported, err := s.set(ctx, v.Text(), above)
		if err != nil {
			return nil, err
		}
		p.imports = append(p.imports, imported)
		switch {
		case imported == nil:
			p.missing = notLoaded("compilePart", "A value set", v.Text())
		case imported.why != nil:
			p.missing = imported.why
		}
	}
	if p.url == "" {
		return p, nil
	}
	if err := s.load(ctx, p, more); err != nil {
		return nil, err
	}
	p.codes = map[string]bool{}
	for c := range n.All("concept") {
		p.list(c)
	}
	if p.listed != nil {
		return p, nil
	}
	switch y := p.system; {
	case y == nil:
		p.missing = notLoaded("compilePart", "A code system", bare(p.url, p.version))
	case y.grammar != nil:
		p.missing = wrong("compilePart", "The value set has all codes of a grammar; they cannot be listed.")
	case !y.complete:
		p.missing = notLoaded("compilePart", "All of a code system", bare(p.url, p.version))
	}
	for f := range n.All("filter") {
		if p.system == nil {
			break
		}
		made, err := p.system.compileFilter(f)
		if err != nil {
			return nil, err
		}
		p.filters = append(p.filters, made)
	}
	return p, nil
}

func (s *Service) load(ctx context.Context, p *part, more map[string]*fhir.Resource) error {
	y, err := s.system(ctx, p.url, p.version)
	if err != nil {
		return err
	}
	if r := more[p.url]; r != nil && y != nil {
		y = y.supplement(r)
	}
	p.system = y
	return nil
}

// list adds a code that the part names.
func (p *part) list(n fhir.Node) {
	m := Member{Coding: Coding{System: p.url, Code: n.Get("code").Text(), Display: n.Get("display").Text()}, nodes: []fhir.Node{n}}
	code := m.Code
	if y := p.system; y != nil {
		m.Version, code = y.version, y.fold(code)
		if i, ok := y.find(m.Code); ok {
			m.describe(y, i)
		}
	}
	if !p.codes[code] {
		p.codes[code] = true
		p.listed = append(p.listed, m)
	}
}

// describe adds what a code system says of a member.
func (m *Member) describe(y *system, at int32) {
	c := &y.concepts[at]
	m.of, m.at = y, at
	if m.Display == "" {
		m.Display = c.display
	}
	m.Abstract, m.Inactive = c.abstract, c.inactive
	m.nodes = append(m.nodes, c.nodes...)
}

// has tells whether the part has a code of a system.
func (p *part) has(c Coding) Verdict {
	out := Valid
	if p.url != "" {
		if c.System != p.url {
			return Invalid
		}
		if out = p.own(c.Code); out == Invalid {
			return out
		}
	}
	for _, i := range p.imports {
		if i == nil {
			out = Unknown
			continue
		}
		switch i.has(c) {
		case Invalid:
			return Invalid
		case Unknown:
			out = Unknown
		}
	}
	return out
}

func (p *part) own(code string) Verdict {
	y := p.system
	if p.listed != nil {
		if y != nil {
			code = y.fold(code)
		}
		return verdict(p.codes[code])
	}
	if y == nil {
		return Unknown
	}
	if y.grammar != nil {
		return verdict(y.grammar.valid(code) && p.takes(code))
	}
	i, ok := y.find(code)
	if !ok {
		return y.has(code)
	}
	return verdict(p.passes(i))
}

// retires reports whether the part's system has a code as inactive.
func (p *part) retires(code string) bool {
	if p.system == nil || p.system.grammar != nil {
		return false
	}
	i, ok := p.system.find(code)
	return ok && p.system.concepts[i].inactive
}

func (p *part) passes(i int32) bool {
	for _, f := range p.filters {
		if !f.passes(p.system, i) {
			return false
		}
	}
	return true
}

func (p *part) takes(code string) bool {
	for _, f := range p.filters {
		if !p.system.grammar.takes(f, code) {
			return false
		}
	}
	return true
}

// cost is how much work it is to list the part.
func (p *part) cost() int {
	n := len(p.listed)
	switch {
	case p.listed == nil && p.system != nil:
		n = len(p.system.concepts)
	case p.url == "" && len(p.imports) > 0 && p.imports[0] != nil:
		n = len(p.imports[0].list)
	}
	return n * (1 + len(p.filters) + len(p.imports))
}

// each calls take with every member, in the order of the definitions.
func (p *part) each(take func(Member) error) error {
	if p.missing != nil {
		return p.missing
	}
	within := func(m Member, imports []*set) error {
		for _, i := range imports {
			if i.has(m.Coding) != Valid {
				return nil
			}
		}
		return take(m)
	}
	switch {
	case p.listed != nil:
		for _, m := range p.listed {
			if err := within(m, p.imports); err != nil {
				return err
			}
		}
	case p.system != nil:
		for i := range p.system.concepts {
			if !p.passes(int32(i)) {
				continue
			}
			if err := within(p.system.member(int32(i)), p.imports); err != nil {
				return err
			}
		}
	case len(p.imports) > 0:
		for _, m := range p.imports[0].list {
			if err := within(m, p.imports[1:]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (y *system) member(i int32) Member {
	m := Member{Coding: Coding{System: y.url, Version: y.version, Code: y.concepts[i].code}}
	m.describe(y, i)
	return m
}

// implied returns a value set that is not defined but follows from a code system
// (FHIR R4 4.9.9), nil if its code system is not loaded.
func (s *Service) implied(ctx context.Context, url string) (*set, error) {
	of, op, value := url, "", ""
	switch rest, found := strings.CutPrefix(url, "http://snomed.info/sct"); {
	case url == "http://loinc.org/vs":
		of = "http://loinc.org"
	case found:
		edition, query, ok := strings.Cut(rest, "?fhir_vs")
		if !ok {
			return nil, nil
		}
		of = "http://snomed.info/sct"
		if edition != "" {
			of += "|" + "http://snomed.info/sct" + edition
		}
		if value, ok = strings.CutPrefix(query, "=isa/"); ok {
			op = "is-a"
		} else if query != "" {
			return nil, notLoaded("implied", "This kind of implicit value set")
		}
	default:
		i, ok := s.cfg.Source.(implicit)
		if !ok {
			return nil, nil
		}
		r, err := i.CodeSystemOf(ctx, url)
		if r == nil || err != nil {
			return nil, err
		}
		of = r.Root().Get("url").Text()
	}
	y, err := s.system(ctx, of, "")
	if y == nil || err != nil {
		return nil, err
	}
	p := &part{url: y.url, system: y}
	if op != "" {
		f := &filter{property: "concept", op: op, value: value}
		if err := y.walk(f); err != nil {
			return nil, err
		}
		p.filters = []*filter{f}
	}
	if !y.complete {
		p.missing = notLoaded("implied", "All of a code system", y.url)
	}
	out := &set{url: url, version: y.version, include: []*part{p}}
	out.draws(p)
	return out, out.enumerate()
}

func bare(url, version string) string {
	if version == "" {
		return url
	}
	return url + "|" + version
}

func text(n int) string { return strconv.Itoa(n) }
