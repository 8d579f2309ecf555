package search

import (
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// ParseSystem reads a search for the types that _type names, or without it for
// all types; of a compartment, for those that may lie in it. Every parameter has
// to be one of each type (FHIR R4 3.1.1.1.1).
func ParseSystem(params []Param, opt Options) (*Query, error) {
	var types []string
	var rest, named []Param
	for _, kv := range params {
		if kv.Key != "_type" {
			rest = append(rest, kv)
			continue
		}
		named = append(named, kv)
		for _, typ := range strings.Split(kv.Value, ",") {
			if opt.schema(typ) == nil {
				return nil, invalid("value", "_type names resource types of FHIR R4, separated by commas.")
			}
			if !slices.Contains(types, typ) {
				types = append(types, typ)
			}
		}
	}
	if len(named) > 1 {
		return nil, invalid("invalid", "_type may be given once.")
	}
	if named == nil {
		for t := range r4.Resources {
			if s := opt.schema(t.String()); opt.Compartment == (TypeID{}) || s.within(opt.Compartment.Type) {
				types = append(types, s.typ)
			}
		}
	}
	if len(types) == 0 {
		return nil, invalid("not-supported", "There is no such compartment.")
	}
	opt.Contained = false // of which type they are is said by the address
	q, err := parse(types, rest, opt)
	if err != nil {
		return nil, err
	}
	if q.named = named != nil; q.named {
		q.Used = append(slices.Clone(named), q.Used...)
	}
	return q, nil
}

// within reports whether resources of the type may lie in a compartment.
func (s *schema) within(compartment string) bool {
	return s.typ == compartment && slices.Contains(compartmentTypes[:], compartment) || s.compartments[compartment] != nil
}
