// Package profile checks resources against StructureDefinitions (FHIR R4 5.1,
// 5.3): the definition of their type with its invariants, the profiles they claim
// or are held to, and the extensions they bear. fhir.Parse has checked their
// structure before. It does no I/O of its own.
package profile

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// Definitions finds StructureDefinitions.
type Definitions interface {
	// StructureDefinition returns the definition with a canonical address, of
	// any version if version is "", nil if there is none.
	StructureDefinition(ctx context.Context, url, version string) (*fhir.Resource, error)
}

// Verdict is the answer to a question about a code.
type Verdict uint8

const (
	Unknown Verdict = iota // what it takes to tell is not loaded
	Valid
	Invalid
)

// Code is a code as it stands in a resource. System "" is that of the element.
type Code struct{ System, Version, Code, Display string }

// Codes answers questions about codes.
type Codes interface {
	// InValueSet tells whether a value set (canonical address, perhaps with
	// |version) has a code.
	InValueSet(ctx context.Context, valueSet string, c Code) (Verdict, error)
	// InSystem tells whether a code system has a code.
	InSystem(ctx context.Context, c Code) (Verdict, error)
	// Subsumes tells whether code a is, or is above, code b of the same system.
	Subsumes(ctx context.Context, a, b Code) (Verdict, error)
}

// Config says what a Validator stands on.
type Config struct {
	Definitions Definitions
	Codes       Codes
	// Issues bounds the findings of one validation; 0: 100.
	Issues int
	// RefuseUnknown makes a profile that is not loaded an error, not a warning.
	RefuseUnknown bool
	// Now is the time of invariants that ask for it; nil: they are not checked.
	Now func() time.Time
}

// Validator checks resources. It compiles definitions when they are first needed
// and keeps them; it MUST be replaced by its Renew when definitions change. It is
// safe for concurrent use.
type Validator struct {
	cfg  Config
	core *sync.Map // of definitions of FHIR itself, which never change
	site *sync.Map
}

// loaded is one compiled definition, or why there is none.
type loaded struct {
	profile *Profile
	err     error
}

// New returns a Validator.
func New(cfg Config) *Validator {
	if cfg.Issues <= 0 {
		cfg.Issues = 100
	}
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return time.Time{} }
	}
	return &Validator{cfg: cfg, core: &sync.Map{}, site: &sync.Map{}}
}

// Renew returns a Validator over other definitions and codes, which keeps what
// was compiled of FHIR itself.
func (v *Validator) Renew(d Definitions, c Codes) *Validator {
	next := *v
	next.cfg.Definitions, next.cfg.Codes, next.site = d, c, &sync.Map{}
	return &next
}

// load returns the compiled definition with a canonical address, nil if it is
// not known. An error of errDefinition says that it is known and of no use.
func (v *Validator) load(ctx context.Context, canonical string, depth int) (*Profile, error) {
	cache := v.site
	if name, ok := strings.CutPrefix(canonical, core); ok && isTypeName(name) {
		cache = v.core
	}
	if found, ok := cache.Load(canonical); ok {
		l := found.(loaded)
		return l.profile, l.err
	}
	url, version, _ := strings.Cut(canonical, "|")
	sd, err := v.cfg.Definitions.StructureDefinition(ctx, url, version)
	if err != nil {
		return nil, err
	}
	var l loaded
	if sd != nil {
		l.profile, l.err = v.compile(ctx, sd, depth)
		if l.err != nil && !errors.Is(l.err, errDefinition) {
			return nil, l.err
		}
	}
	// What is not there is not kept: resources may claim any number of profiles.
	// Nor is what failed on behalf of another, whose depth is no fault of its own.
	if l.profile != nil && l.err == nil || l.err != nil && depth == 0 {
		cache.Store(canonical, l)
	}
	return l.profile, l.err
}

// typeOf returns the definition of a type of FHIR itself.
func (v *Validator) typeOf(ctx context.Context, name string) (*Profile, error) {
	return v.load(ctx, core+name, 0)
}

// Issue is one finding. No text repeats anything of the resource.
type Issue struct {
	Severity string // error, warning, information
	Code     string // of FHIR's issue-type
	Path     string // FHIRPath of the element
	Text     string
	Source   string // profile, or profile and key of a constraint; "" for FHIR itself
}

// Result is what a validation found, in the order of the resource.
type Result struct {
	Issues []Issue
	Cut    bool // there was more than Config.Issues
}

// OK reports whether the resource is valid: nothing that was found is an error.
func (r *Result) OK() bool {
	for _, i := range r.Issues {
		if i.Severity == "error" {
			return false
		}
	}
	return true
}

// Outcome returns the findings as an OperationOutcome has them, at least one.
func (r *Result) Outcome() []fault.Issue {
	if len(r.Issues) == 0 {
		return []fault.Issue{{Severity: "information", Code: "informational", Text: "The resource is valid."}}
	}
	out := make([]fault.Issue, len(r.Issues))
	for n, i := range r.Issues {
		text := i.Text
		if i.Source != "" {
			text += " [" + i.Source + "]"
		}
		out[n] = fault.Issue{Severity: i.Severity, Code: i.Code, Text: text, Expression: i.Path}
	}
	if r.Cut {
		out = append(out, fault.Issue{Severity: "warning", Code: "incomplete", Text: "There are more findings than are shown."})
	}
	return out
}

// Request is one validation.
type Request struct {
	Resource *fhir.Resource
	Profiles []string // to hold it to, beside those it claims
	// Resolve finds what a reference points to outside of the resource, nil if it
	// cannot be had. It may be nil.
	Resolve func(ctx context.Context, reference string) (*fhir.Resource, error)
}

// Validate checks one resource. An error is a failure to check, not a finding.
func (v *Validator) Validate(ctx context.Context, req Request) (*Result, error) {
	w := &walk{ctx: ctx, v: v, resolve: req.Resolve, budget: maxSteps, result: &Result{}}
	root := req.Resource.Root()
	w.resource(root, nil, req.Profiles)
	w.markup(root)
	if w.err != nil {
		return nil, fault.Wrap(fault.KindOf(w.err), "profile.Validate", w.err)
	}
	return w.result, nil
}
