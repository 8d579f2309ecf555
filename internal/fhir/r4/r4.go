// Package r4 is FHIR R4 4.0.1 as tables: types and their members, required code
// lists, search parameters with the elements they read, and compartments. The
// tables are static data made by gen; nothing is built when the program starts.
package r4

import (
	"github.com/wardkeep/wardkeep/internal/fhir/r4/namehash"
)

//go:generate go run ./gen -definitions ${R4_DEFINITIONS}

// TypeID is a type: a primitive, a datatype, a resource or a part of one. It is
// stable within a build only and MUST NOT be stored.
type TypeID uint16

// Kind says what a type is.
type Kind uint8

const (
	Primitive Kind = iota + 1
	Datatype
	Backbone // part of a resource or datatype, named by its path: Observation.component
	Resourced
	Abstract // Resource, DomainResource
)

// MemberID is one JSON member of one type, or the base name of a choice.
// Zero is no member.
type MemberID uint16

type typeInfo struct {
	name     uint16
	first    uint16 // of its members
	count    uint16
	slots    uint16
	seed     uint32
	required uint64 // set of ordinals
	kind     Kind
	width    uint8
	element  bool
}

type memberInfo struct {
	name    uint16
	typ     TypeID
	base    MemberID
	binding uint16
	targets uint16
	ordinal uint8
	flags   uint8
}

const (
	flagList = 1 << iota
	flagRequired
	flagSummary
	flagModifier
	flagChoice
)

// TypeByName finds a type that is not part of another one, 0 if there is none.
func TypeByName[T string | []byte](name T) TypeID {
	lo, hi := 0, len(byName)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch at := names[types[byName[mid]].name]; {
		case at == string(name):
			return byName[mid]
		case at < string(name):
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return 0
}

// ResourceByName finds a concrete resource type, 0 if there is none.
func ResourceByName[T string | []byte](name T) TypeID {
	if t := TypeByName(name); types[t].kind == Resourced {
		return t
	}
	return 0
}

// Resources yields every concrete resource type in the order of names.
func Resources(yield func(TypeID) bool) {
	for _, t := range byName {
		if types[t].kind == Resourced && !yield(t) {
			return
		}
	}
}

// String returns the type's name as FHIR has it: Quantity, code, Observation,
// Observation.component.
func (t TypeID) String() string { return names[types[t].name] }

// FHIRType returns the name a value of t has in FHIRPath: BackboneElement or
// Element for a part.
func (t TypeID) FHIRType() string {
	if types[t].kind != Backbone {
		return names[types[t].name]
	}
	if types[t].element {
		return "Element"
	}
	return "BackboneElement"
}

// Kind returns what t is.
func (t TypeID) Kind() Kind { return types[t].kind }

// IsPrimitive reports whether values of t are JSON strings, numbers or booleans.
func (t TypeID) IsPrimitive() bool { return t != 0 && t <= XHTML }

// Required is the set of ordinals of members that must be there.
func (t TypeID) Required() uint64 { return types[t].required }

// Members returns the first member of t and the one after its last.
func (t TypeID) Members() (first, end MemberID) {
	info := &types[t]
	return MemberID(info.first), MemberID(info.first + info.count)
}

// Lookup finds a member of t by its JSON name, or the base of a choice by its
// element name; 0 if there is none.
func Lookup[T string | []byte](t TypeID, name T) MemberID {
	info := &types[t]
	slot := namehash.Slot(namehash.Sum(name), info.seed, info.width)
	rel := slots[uint32(info.slots)+slot]
	if rel == 0 {
		return 0
	}
	m := MemberID(info.first) + MemberID(rel) - 1
	if names[members[m].name] != string(name) {
		return 0
	}
	return m
}

// JSONName returns the member's name in JSON: valueQuantity.
func (m MemberID) JSONName() string { return names[members[m].name] }

// Name returns the element's name: value for valueQuantity.
func (m MemberID) Name() string {
	if base := members[m].base; base != 0 {
		m = base
	}
	return names[members[m].name]
}

// Type returns the member's type; 0 for the base of a choice.
func (m MemberID) Type() TypeID { return members[m].typ }

// Ordinal numbers the elements of a type from 0 to 63. All members of a choice
// share one.
func (m MemberID) Ordinal() uint8 { return members[m].ordinal }

// IsList reports whether the member is a JSON array.
func (m MemberID) IsList() bool { return members[m].flags&flagList != 0 }

// IsRequired reports whether the element must be there.
func (m MemberID) IsRequired() bool { return members[m].flags&flagRequired != 0 }

// InSummary reports whether the element belongs to _summary=true.
func (m MemberID) InSummary() bool { return members[m].flags&flagSummary != 0 }

// IsModifier reports whether the element may change the meaning of others.
func (m MemberID) IsModifier() bool { return members[m].flags&flagModifier != 0 }

// IsChoiceBase reports whether m is the base of a choice, which is no JSON member.
func (m MemberID) IsChoiceBase() bool { return members[m].flags&flagChoice != 0 }

// IsChoice reports whether m is one of the members of a choice.
func (m MemberID) IsChoice() bool { return members[m].base != 0 }

// Targets returns the resource types a reference may point to, nil if any.
func (m MemberID) Targets() []TypeID { return targetSets[members[m].targets] }
