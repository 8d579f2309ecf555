package chart

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// Profiles are the profiles on resources that are loaded: the same value for as
// long as nothing among them changes.
type Profiles struct{ of map[string][]string }

// Profiles returns what a CapabilityStatement declares as supported.
func (c *Chart) Profiles(ctx context.Context) (*Profiles, error) {
	l, err := c.library.current(ctx)
	if err != nil {
		return nil, err
	}
	return l.profiles, nil
}

// Of returns the canonical addresses of the profiles on a type, in order.
func (p *Profiles) Of(typ string) []string {
	if p == nil {
		return nil
	}
	list := slices.Clone(p.of[typ])
	slices.Sort(list)
	return slices.Compact(list)
}

func (p *Profiles) add(b book) {
	if b.narrows == "" {
		return
	}
	if p.of == nil {
		p.of = map[string][]string{}
	}
	p.of[b.narrows] = append(p.of[b.narrows], b.url)
}

// narrows returns the resource type that a StructureDefinition is a profile on,
// "" if it is none or not in use.
func narrows(root fhir.Node) string {
	status := root.Get("status").Text()
	if root.Type() != "StructureDefinition" || root.Get("kind").Text() != "resource" ||
		root.Get("derivation").Text() != "constraint" || status == "retired" {
		return ""
	}
	return root.Get("type").Text()
}
