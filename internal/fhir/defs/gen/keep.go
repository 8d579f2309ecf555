package main

import "strings"

// members says which members of an object are kept. A nil value keeps all that
// is below; a name that ends in * stands for every name that begins so.
type members map[string]members

func (m members) with(more members) members {
	out := members{}
	for _, from := range []members{m, more} {
		for name, below := range from {
			out[name] = below
		}
	}
	return out
}

func (m members) find(name string) (members, bool) {
	if below, ok := m[name]; ok {
		return below, true
	}
	for pattern := range m {
		if stem, ok := strings.CutSuffix(pattern, "*"); ok && strings.HasPrefix(name, stem) {
			return nil, true
		}
	}
	return nil, false
}

func (m members) of(o object) object {
	out := object{}
	for name, value := range o {
		below, ok := m.find(name)
		if !ok {
			continue
		}
		if below != nil {
			value = below.value(value)
		}
		out[name] = value
	}
	return out
}

func (m members) value(v any) any {
	switch v := v.(type) {
	case object:
		return m.of(v)
	case []any:
		for i := range v {
			v[i] = m.value(v[i])
		}
	}
	return v
}

// head is what every canonical resource has, and must have to be one.
var head = members{
	"resourceType": nil, "id": nil, "url": nil, "version": nil, "name": nil, "title": nil, "status": nil, "experimental": nil,
}

var keep = map[string]members{
	"StructureDefinition": head.with(members{
		"fhirVersion": nil, "kind": nil, "abstract": nil, "context": nil, "contextInvariant": nil, "type": nil,
		"baseDefinition": nil, "derivation": nil, "snapshot": {"element": element},
	}),
	"CodeSystem": head.with(members{
		"identifier": nil, "caseSensitive": nil, "valueSet": nil, "hierarchyMeaning": nil, "compositional": nil, "versionNeeded": nil,
		"content": nil, "supplements": nil, "count": nil, "filter": nil, "property": nil, "concept": nested("concept", concept),
	}),
	"ValueSet": head.with(members{
		"identifier": nil, "immutable": nil,
		"compose": {"lockedDate": nil, "inactive": nil, "include": include, "exclude": include},
		"expansion": {
			"identifier": nil, "timestamp": nil, "total": nil, "offset": nil, "parameter": nil,
			"contains": nested("contains", members{
				"system": nil, "abstract": nil, "inactive": nil, "version": nil, "code": nil, "display": nil, "designation": nil,
			}),
		},
	}),
	"ConceptMap": head.with(members{"source*": nil, "target*": nil, "group": nil}),
	"SearchParameter": head.with(members{
		"description": nil, "derivedFrom": nil, "code": nil, "base": nil, "type": nil, "expression": nil, "target": nil,
		"multipleOr": nil, "multipleAnd": nil, "comparator": nil, "modifier": nil, "chain": nil,
		"component": {"definition": nil, "expression": nil},
	}),
	"CompartmentDefinition": head.with(members{"code": nil, "search": nil, "resource": {"code": nil, "param": nil}}),
}

var (
	concept = members{"code": nil, "display": nil, "definition": nil, "designation": nil, "property": nil}
	include = members{
		"system": nil, "version": nil, "concept": {"code": nil, "display": nil, "designation": nil}, "filter": nil, "valueSet": nil,
	}
	// element is what validation reads of an ElementDefinition. The extensions of
	// a type name the FHIR type of what is a FHIRPath string; those of a binding,
	// its outermost value set.
	element = members{
		"id": nil, "path": nil, "sliceName": nil, "sliceIsConstraining": nil,
		"slicing": {"discriminator": nil, "ordered": nil, "rules": nil},
		"min":     nil, "max": nil, "base": nil, "contentReference": nil,
		"type":   {"code": nil, "profile": nil, "targetProfile": nil, "aggregation": nil, "versioning": nil, "extension": nil},
		"fixed*": nil, "pattern*": nil, "minValue*": nil, "maxValue*": nil, "maxLength": nil,
		"constraint": {"key": nil, "severity": nil, "human": nil, "expression": nil},
		"binding":    {"strength": nil, "valueSet": nil, "extension": nil},
		"isModifier": nil, "isSummary": nil, "mustSupport": nil,
	}
)

// nested keeps m at every depth of a list of name within name.
func nested(name string, m members) members {
	m[name] = m
	return m
}
