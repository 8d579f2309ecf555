package r4

import "strings"

// ParamType is the type of a search parameter.
type ParamType uint8

const (
	Number ParamType = iota + 1
	DateParam
	StringParam
	Token
	ReferenceParam
	Composite
	QuantityParam
	URIParam
	Special
)

var paramTypes = [...]string{"", "number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"}

// String returns the type's code in FHIR: token, string, reference, …
func (t ParamType) String() string { return paramTypes[t] }

// Param is one search parameter of one resource type. The zero Param is none.
type Param struct {
	code, targets uint16
	first, end    uint16 // sources
	comp, compEnd uint16
	kind          ParamType
}

// Exists reports whether p is a parameter.
func (p Param) Exists() bool { return p.code != 0 }

// Code returns the parameter's name in a query: birthdate, _id.
func (p Param) Code() string { return names[p.code] }

// Type returns the parameter's type.
func (p Param) Type() ParamType { return p.kind }

// Targets returns the types a reference parameter may point to, nil if any.
func (p Param) Targets() []TypeID { return targetSets[p.targets] }

// Sources returns the elements the parameter reads; for a composite, the
// elements its components start from. None: the parameter is not a matter of
// elements (_text, _content, _query). It MUST NOT be changed.
func (p Param) Sources() []Source { return sources[p.first:p.end] }

// Components returns the parts of a composite, nil of any other parameter.
func (p Param) Components() []Component { return components[p.comp:p.compEnd] }

// Source is one element a parameter reads.
type Source struct {
	path    Path
	only    TypeID
	present bool
}

// Path returns the element. Parameters that read the same element share it:
// Observation.combo-code reads the paths of code and of component-code.
func (s Source) Path() Path { return s.path }

// Only restricts a reference to one target type: the condition
// where(resolve() is Patient). 0: any. It is not part of the Path, so patient
// and subject share theirs.
func (s Source) Only() TypeID { return s.only }

// Present reports that the value is a boolean: the element exists and is not
// false. Only Patient.deceased is so.
func (s Source) Present() bool { return s.present }

// Component is one part of a composite parameter.
type Component struct {
	code       uint16
	first, end uint16
}

// Code returns the code of the parameter that defines the part.
func (c Component) Code() string { return names[c.code] }

// Sources returns the part's elements, relative to the composite's (or to the
// resource, see Path.FromResource).
func (c Component) Sources() []Source { return sources[c.first:c.end] }

// Path is the compiled path of an element. Its number is stable within a build
// only; its text is stable.
type Path uint16

type pathInfo struct {
	text       string
	root       TypeID
	first, end uint16
	doc        bool
}

type stepInfo struct {
	name, as, where, equals uint16
	index                   int8
}

// String returns the path as FHIRPath, with its root: Observation.component.code,
// Patient.telecom.where(system='phone'), Resource.meta.tag. Within a composite it
// starts at the composite's element: value.ofType(Quantity), $this.
func (p Path) String() string { return paths[p].text }

// Root returns the resource type the path starts from (Resource for those of
// every resource), 0 within a composite.
func (p Path) Root() TypeID { return paths[p].root }

// FromResource reports that a component's path starts at the resource all the
// same.
func (p Path) FromResource() bool { return paths[p].doc }

// Steps returns how many steps the path has.
func (p Path) Steps() int { return int(paths[p].end - paths[p].first) }

// Step returns the i-th step.
func (p Path) Step(i int) Step {
	s := &steps[int(paths[p].first)+i]
	return Step{
		Name: names[s.name], As: TypeID(s.as),
		Where: names[s.where], Equals: names[s.equals], Index: int(s.index),
	}
}

// Step is one step of a path: a child element, and what is kept of it.
type Step struct {
	Name   string
	As     TypeID // only values of this type, 0: any
	Where  string // only those whose child Where is the text Equals; "": all
	Equals string
	Index  int // only this one, counted from 0; -1: all
}

// FindParam finds a parameter of a resource type by its code, among those of
// every resource too.
func FindParam(resource, code string) (Param, bool) {
	t := ResourceByName(resource)
	if t == 0 {
		return Param{}, false
	}
	for _, at := range [...]TypeID{t, Resource, DomainResource} {
		if p, ok := findIn(at, code); ok && (at != DomainResource || IsDomain(t)) {
			return p, true
		}
	}
	return Param{}, false
}

// IsDomain reports whether a resource is a DomainResource: all are but Bundle,
// Binary and Parameters.
func IsDomain(t TypeID) bool {
	return types[t].kind == Resourced && t != Bundle && t != Binary && t != Parameters
}

func findIn(t TypeID, code string) (Param, bool) {
	run := params[paramRange[t][0]:paramRange[t][1]]
	lo, hi := 0, len(run)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch c := strings.Compare(names[run[mid].code], code); {
		case c == 0:
			return run[mid], true
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return Param{}, false
}

// Params yields the parameters of a resource type: its own in the order of
// their codes, then those of every resource.
func Params(resource string) func(yield func(Param) bool) {
	t := ResourceByName(resource)
	return func(yield func(Param) bool) {
		if t == 0 {
			return
		}
		for _, at := range [...]TypeID{t, Resource, DomainResource} {
			if at == DomainResource && !IsDomain(t) {
				continue
			}
			for _, p := range params[paramRange[at][0]:paramRange[at][1]] {
				if !yield(p) {
					return
				}
			}
		}
	}
}

type membership struct {
	compartment, resource TypeID
	first, end            uint16
}

// CompartmentElements returns the references by which a resource of type
// resource belongs to a compartment ("Patient", "Encounter", "Practitioner",
// "RelatedPerson", "Device"), nil if it never does. A resource is in its own
// compartment too; that is not listed. It MUST NOT be changed.
func CompartmentElements(compartment, resource string) []Source {
	c, r := ResourceByName(compartment), ResourceByName(resource)
	if c == 0 || r == 0 {
		return nil
	}
	for i := range memberships {
		if m := &memberships[i]; m.compartment == c && m.resource == r {
			return sources[m.first:m.end]
		}
	}
	return nil
}
