package terminology

import (
	"context"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// LookupRequest asks what a code means (FHIR R4 CodeSystem/$lookup).
type LookupRequest struct {
	Coding     Coding
	Language   string
	Properties []string // those asked for; nil: all that are defined
}

// Lookup is the answer.
type Lookup struct {
	Name, Version, Display string
	Designations           []Designation
	Properties             []Property
}

// Property is one value of a property of a code.
type Property struct {
	Code  string
	Text  string    // the value, if Value is absent
	IsRef bool      // Text is a code
	Value fhir.Node // value[x] of the property
}

// Lookup tells about a code. A code system that is not loaded is NotFound, and
// so is a code that it does not have; a code that may be in the part of it that
// is not loaded is NotSupported.
func (s *Service) Lookup(ctx context.Context, req LookupRequest) (Lookup, error) {
	y, err := s.loaded(ctx, req.Coding.System, req.Coding.Version)
	if err != nil {
		return Lookup{}, err
	}
	if y.grammar != nil {
		if !y.grammar.valid(req.Coding.Code) {
			return Lookup{}, notFound("Lookup", sayNotInSystem)
		}
		return Lookup{Name: y.url, Display: req.Coding.Code}, nil
	}
	i, err := y.place(req.Coding.Code)
	if err != nil {
		return Lookup{}, err
	}
	m, c := y.member(i), &y.concepts[i]
	root := y.res.Root()
	out := Lookup{Name: root.Get("title").Text(), Version: y.version, Display: m.in(req.Language)}
	if out.Name == "" {
		out.Name = root.Get("name").Text()
	}
	wants := func(code string) bool { return req.Properties == nil || slices.Contains(req.Properties, code) }
	for d := range m.designations() {
		if wants("designation") || slices.ContainsFunc(req.Properties, func(p string) bool {
			language, ok := strings.CutPrefix(p, "lang.")
			return ok && speaks(d.Language, language)
		}) {
			out.Designations = append(out.Designations, d)
		}
	}
	if d := c.nodes[0].Get("definition").Text(); d != "" && wants("definition") {
		out.Properties = append(out.Properties, Property{Code: "definition", Text: d})
	}
	for i, code := range [...]string{"parent", "child"} {
		for _, at := range [...][]int32{c.parents, c.children}[i] {
			if wants(code) {
				out.Properties = append(out.Properties, Property{Code: code, Text: y.concepts[at].code, IsRef: true})
			}
		}
	}
	for _, n := range c.nodes {
		for p := range n.All("property") {
			code := p.Get("code").Text()
			if role := y.properties[code]; wants(code) && role != "parent" && role != "child" {
				out.Properties = append(out.Properties, Property{Code: code, Value: p.Get("value")})
			}
		}
	}
	return out, nil
}

// loaded returns a code system, or the fault that says that it is not loaded.
func (s *Service) loaded(ctx context.Context, url, version string) (*system, error) {
	y, err := s.system(ctx, url, version)
	if err == nil && y == nil {
		err = notFound("loaded", "The code system, or that version of it, is not loaded here.")
	}
	return y, err
}

// place finds a code, or tells why it cannot.
func (y *system) place(code string) (int32, error) {
	if y.grammar != nil {
		return 0, notLoaded("place", "A hierarchy of codes", y.url)
	}
	i, ok := y.find(code)
	switch {
	case ok:
		return i, nil
	case !y.complete:
		return 0, notLoaded("place", "All of a code system", y.url)
	}
	return 0, notFound("place", sayNotInSystem)
}

// Subsumes tells how code a stands to b in a code system: equivalent, subsumes,
// subsumed-by or not-subsumed (FHIR R4 CodeSystem/$subsumes).
func (s *Service) Subsumes(ctx context.Context, url, version, a, b string) (string, error) {
	y, err := s.loaded(ctx, url, version)
	if err != nil {
		return "", err
	}
	i, err := y.place(a)
	if err != nil {
		return "", err
	}
	j, err := y.place(b)
	if err != nil {
		return "", err
	}
	switch {
	case i == j:
		return "equivalent", nil
	case !y.isA:
		return "", wrong("Subsumes", "The hierarchy of the code system does not mean is-a.")
	case slices.Contains(y.closure(j, up), i):
		return "subsumes", nil
	case slices.Contains(y.closure(i, up), j):
		return "subsumed-by", nil
	}
	return "not-subsumed", nil
}

// Below returns a code and all codes that it subsumes; none if the code system
// does not have the code. A code system that is not loaded is NotFound.
func (s *Service) Below(ctx context.Context, system, code string) ([]string, error) {
	return s.related(ctx, system, code, down)
}

// Above returns a code and all codes that subsume it, as Below.
func (s *Service) Above(ctx context.Context, system, code string) ([]string, error) {
	return s.related(ctx, system, code, up)
}

func (s *Service) related(ctx context.Context, url, code string, next func(*concept) []int32) ([]string, error) {
	y, err := s.loaded(ctx, url, "")
	if err != nil {
		return nil, err
	}
	if !y.isA && y.grammar == nil {
		return nil, wrong("related", "The hierarchy of the code system does not mean is-a.")
	}
	i, err := y.place(code)
	if err != nil {
		if y.complete && y.grammar == nil {
			return nil, nil
		}
		return nil, err
	}
	return y.codes(y.closure(i, next)), nil
}
