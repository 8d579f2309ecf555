package search

import "github.com/wardkeep/wardkeep/internal/fhir/r4"

// ParamInfo is a search parameter as a CapabilityStatement tells of it.
type ParamInfo struct{ Code, Type string }

// Params lists the parameters that a type can be searched by, in order.
func Params(typ string) []ParamInfo {
	s := schemaOf(typ)
	if s == nil {
		return nil
	}
	list := make([]ParamInfo, 0, len(s.codes))
	for _, code := range s.codes {
		if p, ok := r4.FindParam(typ, code); ok {
			list = append(list, ParamInfo{Code: code, Type: p.Type().String()})
		}
	}
	return list
}
