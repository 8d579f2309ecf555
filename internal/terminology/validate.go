package terminology

import (
	"context"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// ValidateRequest asks whether codes belong somewhere (FHIR R4 $validate-code of
// CodeSystem and ValueSet). Without a value set the codes are held against their
// code systems.
type ValidateRequest struct {
	ValueSet string         // canonical address; or
	Resource *fhir.Resource // the ValueSet itself

	// Codings are the code, or all codes of a CodeableConcept; one that belongs
	// is enough. A coding without a system is of any system of the value set.
	Codings  []Coding
	Concrete bool           // abstract codes do not count
	System   *fhir.Resource // the CodeSystem itself, where there is no value set
	Language string         // of the display
}

// Validation is the answer.
type Validation struct {
	Verdict Verdict
	Message string // why not, "" if Valid; it repeats nothing of the request
	Display string // the right one, if the code is known
	// Inactive says that the code belongs, but is no longer to be used.
	Inactive bool
}

const (
	sayNotInSet     = "No code here is in the value set."
	sayNotInSystem  = "The code is not one of its code system."
	sayDisplay      = "The display is not one of the code's."
	sayAbstract     = "The code is abstract: it stands for others and is not to be used itself."
	sayNotLoaded    = "What it takes to check the code is not loaded here."
	sayNoSystem     = "Without its system a code cannot be checked."
	sayOtherVersion = "That version of the code system is not loaded here."
)

// ValidateCode tells whether codes belong. Verdict Unknown says that something
// it takes is not loaded; only a value set that is itself not loaded is an
// error, NotFound.
func (s *Service) ValidateCode(ctx context.Context, req ValidateRequest) (Validation, error) {
	var v *set
	if req.ValueSet != "" || req.Resource != nil {
		var err error
		if v, err = s.named(ctx, req.ValueSet, req.Resource); err != nil {
			return Validation{}, err
		}
	}
	out := Validation{Verdict: Invalid, Message: sayNotInSet}
	for _, c := range req.Codings {
		one, err := s.validate(ctx, v, c, req)
		if err != nil {
			return Validation{}, err
		}
		if one.Verdict == Valid {
			return one, nil
		}
		if len(req.Codings) == 1 || one.Verdict == Unknown {
			out = one
		}
	}
	return out, nil
}

func (s *Service) validate(ctx context.Context, v *set, c Coding, req ValidateRequest) (Validation, error) {
	if v == nil {
		return s.inSystem(ctx, c, req)
	}
	switch v.has(c) {
	case Unknown:
		return Validation{Verdict: Unknown, Message: why(v)}, nil
	case Invalid:
		return Validation{Verdict: Invalid, Message: sayNotInSet}, nil
	}
	m, err := s.describe(ctx, v, c)
	if err != nil {
		return Validation{}, err
	}
	return m.judge(c.Display, req), nil
}

// why tells what a value set lacks.
func why(v *set) string {
	if v.why != nil {
		return fault.Public(v.why)
	}
	return sayNotLoaded
}

// describe returns what is known of a code that belongs to a value set.
func (s *Service) describe(ctx context.Context, v *set, c Coding) (Member, error) {
	systems := v.systems
	if c.System != "" {
		systems = []string{c.System}
	}
	for _, system := range systems {
		if i, ok := v.codes[key{system, c.Code}]; ok {
			return v.list[i], nil
		}
	}
	for _, p := range v.include {
		for _, m := range p.listed {
			if m.Code == c.Code && slices.Contains(systems, m.System) {
				return m, nil
			}
		}
	}
	for _, system := range systems {
		y, err := s.system(ctx, system, "")
		if err != nil {
			return Member{}, err
		}
		if y == nil || y.grammar != nil {
			continue
		}
		if i, ok := y.find(c.Code); ok {
			return y.member(i), nil
		}
	}
	return Member{Coding: c}, nil
}

func (s *Service) inSystem(ctx context.Context, c Coding, req ValidateRequest) (Validation, error) {
	if c.System == "" {
		return Validation{Verdict: Unknown, Message: sayNoSystem}, nil
	}
	y, err := s.asked(ctx, c, req.System)
	if err != nil {
		return Validation{}, err
	}
	if y == nil {
		message := sayNotLoaded
		if c.Version != "" {
			message = sayOtherVersion
		}
		return Validation{Verdict: Unknown, Message: message}, nil
	}
	switch y.has(c.Code) {
	case Unknown:
		return Validation{Verdict: Unknown, Message: sayNotLoaded}, nil
	case Invalid:
		return Validation{Verdict: Invalid, Message: sayNotInSystem}, nil
	}
	i, ok := y.find(c.Code)
	if !ok {
		return Validation{Verdict: Valid}, nil
	}
	m := y.member(i)
	return m.judge(c.Display, req), nil
}

// asked returns the code system of a question, which may bring it along.
func (s *Service) asked(ctx context.Context, c Coding, given *fhir.Resource) (*system, error) {
	if given == nil {
		return s.system(ctx, c.System, c.Version)
	}
	if content := given.Root().Get("content").Text(); content == "not-present" || content == "supplement" {
		return nil, wrong("asked", "The code system that is given has no codes of its own.")
	}
	if y := compileSystem(given); y.url == c.System && (c.Version == "" || c.Version == y.version) {
		return y, nil
	}
	return nil, nil
}

// judge holds a code that belongs against the rest of a question.
func (m *Member) judge(display string, req ValidateRequest) Validation {
	out := Validation{Verdict: Valid, Display: m.in(req.Language), Inactive: m.Inactive}
	switch {
	case req.Concrete && m.Abstract:
		out.Verdict, out.Message = Invalid, sayAbstract
	case display != "" && m.Display != "" && !m.named(display, req.Language):
		out.Verdict, out.Message = Invalid, sayDisplay
	}
	return out
}

// named reports whether a display is one of the code's names, but for case and
// white space; in a language, if there are names in it.
func (m *Member) named(display, language string) bool {
	same := func(name string) bool {
		return strings.EqualFold(strings.Join(strings.Fields(name), " "), strings.Join(strings.Fields(display), " "))
	}
	if language != "" {
		spoken := false
		for d := range m.designations() {
			if speaks(d.Language, language) {
				if spoken = true; same(d.Value) {
					return true
				}
			}
		}
		if spoken {
			return false
		}
	}
	if same(m.Display) {
		return true
	}
	for _, n := range m.nodes {
		if same(n.Get("display").Text()) {
			return true
		}
	}
	for d := range m.designations() {
		if same(d.Value) {
			return true
		}
	}
	return false
}

// InValueSet tells whether a value set has a code. Of a value set that is not
// loaded, or is defective, it is Unknown.
func (s *Service) InValueSet(ctx context.Context, valueSet string, c Coding) (Verdict, error) {
	v, err := s.set(ctx, valueSet, nil)
	switch {
	case defective(err), fault.Is(err, fault.TooCostly), err == nil && v == nil:
		return Unknown, nil
	case err != nil:
		return Unknown, err
	}
	return v.has(c), nil
}

// InSystem tells whether a code system has a code. A version that is not loaded
// makes it Unknown.
func (s *Service) InSystem(ctx context.Context, c Coding) (Verdict, error) {
	y, err := s.system(ctx, c.System, c.Version)
	if y == nil || err != nil {
		return Unknown, err
	}
	return y.has(c.Code), nil
}

// IsAbove tells whether code a is, or is above, code b of the same system. What
// takes something that is not loaded, and codes that are not there, make it
// Unknown.
func (s *Service) IsAbove(ctx context.Context, a, b Coding) (Verdict, error) {
	how, err := s.Subsumes(ctx, a.System, a.Version, a.Code, b.Code)
	switch {
	case defective(err), fault.Is(err, fault.NotFound):
		return Unknown, nil
	case err != nil:
		return Unknown, err
	}
	return verdict(how == "equivalent" || how == "subsumes"), nil
}
