package path

import (
	"slices"

	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// typeName is a resolved type specifier. A name that both models have (Quantity)
// stands for both; one of neither side (System.Patient) matches nothing.
type typeName struct {
	fhir   r4.TypeID
	system Kind
	any    bool // System.Any
}

// resolveType finds the type of a specifier: [model, name] or [name].
func resolveType(parts []string) (typeName, bool) {
	name := parts[len(parts)-1]
	var t typeName
	if len(parts) > 2 {
		return t, false
	}
	f, s := r4.TypeByName(name), Kind(max(slices.Index(kindNames[:], name), 0))
	if name == "" || s == TypeInfo {
		s = 0
	}
	if f == 0 && s == 0 && name != "Any" {
		return t, false
	}
	if len(parts) == 1 {
		return typeName{fhir: f, system: s, any: name == "Any"}, true
	}
	switch parts[0] {
	case "FHIR":
		t.fhir = f
	case "System":
		t.system, t.any = s, name == "Any"
	default:
		return t, false
	}
	return t, true
}

// has reports whether v is of the type or of one below it.
func (t typeName) has(v Value) bool {
	if v.kind == Element {
		return t.fhir != 0 && isSubtype(v.node.TypeID(), t.fhir)
	}
	return t.any || t.system == v.kind
}

// isSubtype reports whether t is base or derived from it.
func isSubtype(t, base r4.TypeID) bool {
	for t != 0 {
		if t == base {
			return true
		}
		t = parentType(t)
	}
	return false
}

// parentType returns the type that t is derived from in FHIR R4, 0 of the roots
// Element and Resource.
func parentType(t r4.TypeID) r4.TypeID {
	switch t {
	case r4.Code, r4.ID, r4.Markdown:
		return r4.String
	case r4.URL, r4.Canonical, r4.OID, r4.UUID:
		return r4.URI
	case r4.PositiveInt, r4.UnsignedInt:
		return r4.Integer
	case r4.Element, r4.Resource, 0:
		return 0
	case r4.DomainResource:
		return r4.Resource
	}
	switch t.Kind() {
	case r4.Resourced:
		if r4.IsDomain(t) {
			return r4.DomainResource
		}
		return r4.Resource
	case r4.Backbone:
		if t.FHIRType() == "Element" {
			return r4.Element
		}
		return r4.BackboneElement
	}
	switch t.String() {
	case "Age", "Count", "Distance", "Duration", "MoneyQuantity", "SimpleQuantity":
		return r4.Quantity
	case "Timing", "Dosage", "ElementDefinition", "Population", "ProdCharacteristic", "ProductShelfLife",
		"MarketingStatus", "SubstanceAmount":
		return r4.BackboneElement
	}
	return r4.Element
}

// typeInfo is what type() tells of a value.
type typeInfo struct{ namespace, name, base string }

func typeOf(v Value) typeInfo {
	if v.kind != Element {
		return typeInfo{"System", kindNames[v.kind], "System.Any"}
	}
	t := v.node.TypeID()
	info := typeInfo{"FHIR", t.FHIRType(), "System.Any"}
	if p := parentType(t); p != 0 {
		info.base = "FHIR." + p.FHIRType()
	}
	return info
}

func (i typeInfo) member(name string) (string, bool) {
	switch name {
	case "namespace":
		return i.namespace, true
	case "name":
		return i.name, true
	case "baseType":
		return i.base, true
	}
	return "", false
}

// Type returns the type with its model: FHIR.code, System.Boolean.
func (v Value) Type() string {
	t := typeOf(v)
	return t.namespace + "." + t.name
}
