package authz

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// Numbers are those of which everybody sees the last characters alone.
func (p *Policy) Numbers() *fhir.Numbers { return p.numbers }

// maskedLine reads a line of what is masked: systems, types or elements.
func (p *Policy) maskedLine(kind, tail []string) error {
	n := p.numbers
	switch {
	case len(kind) == 1 && kind[0] == "system":
		return once(n.Systems, tail, strings.ToLower)
	case len(kind) == 1 && kind[0] == "type":
		return once(n.Types, tail, strings.Clone)
	case len(kind) != 2 || kind[0] != "element":
		return errFields
	}
	for _, name := range tail {
		m, err := memberOf(r4.ResourceByName(kind[1]), name)
		if err != nil {
			return err
		}
		if m.Type() != r4.String && m.Type() != r4.Identifier || n.Elements[m] != "" {
			return errFields
		}
		n.Elements[m] = kind[1]
	}
	return nil
}

func once(set map[string]bool, words []string, form func(string) string) error {
	for _, word := range words {
		if word = form(word); set[word] {
			return errFields
		}
		set[word] = true
	}
	return nil
}
