package terminology

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// TranslateRequest asks what codes are called elsewhere (FHIR R4
// ConceptMap/$translate).
type TranslateRequest struct {
	ConceptMap string         // canonical address; or
	Resource   *fhir.Resource // the ConceptMap itself; or neither: every map that fits

	Source, Target string // value sets that a map is from and to, "" any
	TargetSystem   string // "" any
	Reverse        bool   // from the map's target to its source

	Codings      []Coding
	Dependencies []Dependency
}

// Dependency is another element of the context, which a mapping may depend on.
type Dependency struct {
	Element string
	Codings []Coding
}

// Translation is the answer. Matches may say that a code has no counterpart.
type Translation struct {
	Matches []Match
}

// Found reports whether there is a counterpart.
func (t *Translation) Found() bool {
	for _, m := range t.Matches {
		if m.Equivalence != "unmatched" && m.Equivalence != "disjoint" {
			return true
		}
	}
	return false
}

// Match is one line of a map.
type Match struct {
	Coding
	Equivalence string
	Source      string // canonical address of the map
	Comment     string
	Products    []Product
}

// Product is another element that comes with a translation.
type Product struct {
	Element string
	Coding
}

// reversed is what an equivalence is seen from the target.
var reversed = map[string]string{
	"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes",
}

// Translate looks codes up in concept maps. A map that is not loaded is
// NotFound, and so is a code system that no map is of, where none is named.
// Unmapped codes follow ConceptMap.group.unmapped. A mapping that depends on
// elements counts only where the request has them.
func (s *Service) Translate(ctx context.Context, req TranslateRequest) (Translation, error) {
	maps, err := s.maps(ctx, req)
	if err != nil {
		return Translation{}, err
	}
	if req.ConceptMap == "" && req.Resource == nil && !covered(maps, req) {
		return Translation{}, notFound("Translate", "No concept map that is loaded here is of the code system, between what is asked for.")
	}
	var out Translation
	for _, c := range req.Codings {
		for _, m := range maps {
			found, err := s.through(ctx, m, c, req, 0)
			if err != nil {
				return Translation{}, err
			}
			out.Matches = append(out.Matches, found...)
		}
	}
	return out, nil
}

func (s *Service) conceptMap(ctx context.Context, address string) (*fhir.Resource, error) {
	url, version := split(address)
	return recall(s, canonical{"ConceptMap", url, version}, true, func() (*fhir.Resource, error) {
		return s.cfg.Source.Canonical(ctx, "ConceptMap", url, version)
	})
}

func (s *Service) maps(ctx context.Context, req TranslateRequest) ([]*fhir.Resource, error) {
	if req.Resource != nil {
		return []*fhir.Resource{req.Resource}, between(req.Resource, req)
	}
	if req.ConceptMap != "" {
		m, err := s.conceptMap(ctx, req.ConceptMap)
		if err == nil && m == nil {
			err = notFound("maps", "The concept map is not loaded here.")
		}
		if err == nil {
			err = between(m, req)
		}
		return []*fhir.Resource{m}, err
	}
	source, ok := s.cfg.Source.(mapped)
	if !ok {
		return nil, notFound("maps", "Name the concept map by url.")
	}
	all, err := recall(s, canonical{"ConceptMap", "", ""}, true, func() ([]*fhir.Resource, error) { return source.ConceptMaps(ctx) })
	if err != nil {
		return nil, err
	}
	var out []*fhir.Resource
	for _, m := range all {
		if between(m, req) == nil {
			out = append(out, m)
		}
	}
	return out, nil
}

// between refuses a map that is not between the value sets of a request.
func between(m *fhir.Resource, req TranslateRequest) error {
	from, to := req.Source, req.Target
	if req.Reverse {
		from, to = to, from
	}
	if fits(m.Root().Get("source").Text(), from) && fits(m.Root().Get("target").Text(), to) {
		return nil
	}
	return notFound("between", "The concept map is not from and to those value sets. They are named by their canonical addresses.")
}

// covered reports whether a map is of a system that is asked about.
func covered(maps []*fhir.Resource, req TranslateRequest) bool {
	for _, m := range maps {
		for g := range m.Root().All("group") {
			from, to := g.Get("source").Text(), g.Get("target").Text()
			if req.Reverse {
				from, to = to, from
			}
			if req.TargetSystem != "" && to != req.TargetSystem {
				continue
			}
			if slices.ContainsFunc(req.Codings, func(c Coding) bool { return c.System == from }) {
				return true
			}
		}
	}
	return false
}

// met reports whether a request has the elements that a target depends on, with
// their values.
func met(target fhir.Node, given []Dependency) bool {
	for d := range target.All("dependsOn") {
		system, value := d.Get("system").Text(), d.Get("value").Text()
		if !slices.ContainsFunc(given, func(g Dependency) bool {
			return g.Element == d.Get("property").Text() && slices.ContainsFunc(g.Codings, func(c Coding) bool {
				return c.Code == value && (system == "" || c.System == system)
			})
		}) {
			return false
		}
	}
	return true
}

func fits(have, want string) bool {
	url, _ := split(have)
	return want == "" || have == want || url == want
}

// through looks a code up in one map.
func (s *Service) through(ctx context.Context, m *fhir.Resource, c Coding, req TranslateRequest, depth int) ([]Match, error) {
	if depth > maxImport {
		return nil, wrong("through", "The concept map refers to itself for what it does not map.")
	}
	url := m.Root().Get("url").Text()
	var out []Match
	for g := range m.Root().All("group") {
		from, to := g.Get("source").Text(), g.Get("target").Text()
		if req.Reverse {
			from, to = to, from
		}
		if from != c.System || req.TargetSystem != "" && to != req.TargetSystem {
			continue
		}
		found, depends := inGroup(g, c, req)
		if len(found) == 0 && !depends && !req.Reverse {
			var err error
			if found, err = s.unmapped(ctx, g, c, req, depth); err != nil {
				return nil, err
			}
		}
		for _, match := range found {
			if match.System == "" {
				match.System = to
			}
			if match.Source == "" {
				match.Source = url
			}
			out = append(out, match)
		}
	}
	return out, nil
}

// inGroup returns the mappings of a code, and whether there are others that depend
// on what the request does not have.
func inGroup(g fhir.Node, c Coding, req TranslateRequest) (out []Match, depends bool) {
	reverse := req.Reverse
	for e := range g.All("element") {
		if !reverse && e.Get("code").Text() != c.Code {
			continue
		}
		for t := range e.All("target") {
			if !reverse && !met(t, req.Dependencies) {
				depends = true
				continue
			}
			to := t
			equivalence := t.Get("equivalence").Text()
			if reverse {
				if t.Get("code").Text() != c.Code {
					continue
				}
				to = e
				if turned := reversed[equivalence]; turned != "" {
					equivalence = turned
				}
			}
			match := Match{Equivalence: equivalence, Comment: t.Get("comment").Text()}
			match.Code, match.Display = to.Get("code").Text(), to.Get("display").Text()
			for p := range t.All("product") {
				match.Products = append(match.Products, Product{p.Get("property").Text(), Coding{
					System: p.Get("system").Text(), Code: p.Get("value").Text(), Display: p.Get("display").Text(),
				}})
			}
			out = append(out, match)
		}
	}
	return out, depends
}

// unmapped answers for a code that a group does not have (FHIR R4 4.10.5).
func (s *Service) unmapped(ctx context.Context, g fhir.Node, c Coding, req TranslateRequest, depth int) ([]Match, error) {
	u := g.Get("unmapped")
	switch u.Get("mode").Text() {
	case "provided":
		return []Match{{Equivalence: "equal", Coding: Coding{Code: c.Code, Display: c.Display}}}, nil
	case "fixed":
		return []Match{{Equivalence: "relatedto", Coding: Coding{Code: u.Get("code").Text(), Display: u.Get("display").Text()}}}, nil
	case "other-map":
		other, err := s.conceptMap(ctx, u.Get("url").Text())
		if err != nil {
			return nil, err
		}
		if other == nil {
			return nil, notLoaded("unmapped", "A concept map", u.Get("url").Text())
		}
		return s.through(ctx, other, c, req, depth+1)
	}
	return nil, nil
}
