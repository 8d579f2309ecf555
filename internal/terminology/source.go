package terminology

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/defs"
)

// implicit is a Source that also finds the CodeSystem all of whose codes are the
// value set with an address (CodeSystem.valueSet).
type implicit interface {
	CodeSystemOf(ctx context.Context, valueSet string) (*fhir.Resource, error)
}

// mapped is a Source that can list its ConceptMaps, so that one can be found by
// what it maps.
type mapped interface {
	ConceptMaps(ctx context.Context) ([]*fhir.Resource, error)
}

// Definitions is the Source of what R4 itself defines.
func Definitions() Source { return builtIn{} }

type builtIn struct{}

func (builtIn) Canonical(_ context.Context, typ, url, version string) (*fhir.Resource, error) {
	text, ok := defs.Find(typ, url, version)
	if !ok {
		return nil, nil
	}
	return fhir.Parse(text)
}

func (b builtIn) CodeSystemOf(ctx context.Context, valueSet string) (*fhir.Resource, error) {
	url, ok := systemsOf()[valueSet]
	if !ok {
		return nil, nil
	}
	return b.Canonical(ctx, "CodeSystem", url, "")
}

func (builtIn) ConceptMaps(context.Context) ([]*fhir.Resource, error) {
	var out []*fhir.Resource
	for _, text := range defs.All("ConceptMap") {
		r, err := fhir.Parse(text)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// systemsOf maps the implicit value sets of R4 to their code systems.
var systemsOf = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for e, text := range defs.All("CodeSystem") {
		var cs struct{ ValueSet string }
		if json.Unmarshal(text, &cs) == nil && cs.ValueSet != "" {
			out[cs.ValueSet] = e.URL
		}
	}
	return out
})

// Sources asks each source in turn; the first that has a definition counts.
func Sources(list ...Source) Source { return chain(list) }

type chain []Source

func (c chain) Canonical(ctx context.Context, typ, url, version string) (*fhir.Resource, error) {
	for _, s := range c {
		if r, err := s.Canonical(ctx, typ, url, version); r != nil || err != nil {
			return r, err
		}
	}
	return nil, nil
}

func (c chain) CodeSystemOf(ctx context.Context, valueSet string) (*fhir.Resource, error) {
	for _, s := range c {
		if i, ok := s.(implicit); ok {
			if r, err := i.CodeSystemOf(ctx, valueSet); r != nil || err != nil {
				return r, err
			}
		}
	}
	return nil, nil
}

func (c chain) ConceptMaps(ctx context.Context) ([]*fhir.Resource, error) {
	var out []*fhir.Resource
	for _, s := range c {
		m, ok := s.(mapped)
		if !ok {
			continue
		}
		list, err := m.ConceptMaps(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}
