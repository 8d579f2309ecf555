package chart

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/profile"
	"github.com/wardkeep/wardkeep/internal/terminology"
)

// lexicon is the terminology service over the library as it is.
type lexicon struct {
	library *conformance
	clock   clock.Clock

	mu      sync.Mutex
	seen    *library
	service *terminology.Service
}

// current returns the service over the present library.
func (x *lexicon) current(ctx context.Context) (*terminology.Service, error) {
	l, err := x.library.current(ctx)
	if err != nil {
		return nil, err
	}
	return x.over(l), nil
}

func (x *lexicon) over(l *library) *terminology.Service {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.seen != l {
		x.seen = l
		x.service = terminology.New(terminology.Config{Source: terminology.Sources(terminology.Definitions(), l), Clock: x.clock})
	}
	return x.service
}

// Members, Below and Above implement search.Terms.
func (x *lexicon) Members(ctx context.Context, valueSet string, add func(system, code string)) error {
	s, err := x.current(ctx)
	if err != nil {
		return err
	}
	return s.Members(ctx, valueSet, add)
}

func (x *lexicon) Below(ctx context.Context, system, code string) ([]string, error) {
	s, err := x.current(ctx)
	if err != nil {
		return nil, err
	}
	return s.Below(ctx, system, code)
}

func (x *lexicon) Above(ctx context.Context, system, code string) ([]string, error) {
	s, err := x.current(ctx)
	if err != nil {
		return nil, err
	}
	return s.Above(ctx, system, code)
}

// codes answers what profiles ask, from one state of the library.
type codes struct{ *terminology.Service }

var verdicts = map[terminology.Verdict]profile.Verdict{
	terminology.Unknown: profile.Unknown, terminology.Valid: profile.Valid, terminology.Invalid: profile.Invalid,
}

func (c codes) InValueSet(ctx context.Context, valueSet string, code profile.Code) (profile.Verdict, error) {
	v, err := c.Service.InValueSet(ctx, valueSet, terminology.Coding(code))
	return verdicts[v], err
}

func (c codes) InSystem(ctx context.Context, code profile.Code) (profile.Verdict, error) {
	v, err := c.Service.InSystem(ctx, terminology.Coding(code))
	return verdicts[v], err
}

func (c codes) Subsumes(ctx context.Context, a, b profile.Code) (profile.Verdict, error) {
	v, err := c.Service.IsAbove(ctx, terminology.Coding(a), terminology.Coding(b))
	return verdicts[v], err
}

// Canonical implements terminology.Source with what is stored.
func (l *library) Canonical(ctx context.Context, typ, url, version string) (*fhir.Resource, error) {
	text, err := l.Find(ctx, typ, url, version)
	if err != nil || text == nil {
		return nil, err
	}
	res, err := fhir.Parse(text)
	return res, fault.Wrap(fault.Internal, "chart.Canonical", err)
}

// CodeSystemOf finds the code system that says which value set is all of it.
func (l *library) CodeSystemOf(ctx context.Context, valueSet string) (*fhir.Resource, error) {
	for _, url := range l.addresses("CodeSystem") {
		if l.byURL["CodeSystem "+url][0].whole == valueSet {
			return l.Canonical(ctx, "CodeSystem", url, "")
		}
	}
	return nil, nil
}

// ConceptMaps returns the latest versions of all concept maps stored.
func (l *library) ConceptMaps(ctx context.Context) ([]*fhir.Resource, error) {
	var out []*fhir.Resource
	for _, url := range l.addresses("ConceptMap") {
		m, err := l.Canonical(ctx, "ConceptMap", url, "")
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// addresses lists the canonical addresses of a type.
func (l *library) addresses(typ string) []string {
	var out []string
	for key := range l.byURL {
		if url, ok := strings.CutPrefix(key, typ+" "); ok {
			out = append(out, url)
		}
	}
	slices.Sort(out)
	return out
}
