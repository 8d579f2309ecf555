package chart

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/profile"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Validation is what is done with resources that break profiles or invariants
// when they are written. Their structure is checked always.
type Validation struct {
	Mode          ValidationMode
	RefuseUnknown bool // a profile that is claimed and not loaded is an error
}

// ValidationMode is how writes are validated.
type ValidationMode uint8

const (
	ValidateOff     ValidationMode = iota // only what is asked by $validate
	ValidateWarn                          // findings are returned and counted; imports are not checked
	ValidateEntered                       // an error refuses what people and programs enter; imports are not checked
	ValidateEnforce                       // an error refuses the write, in imports too
)

// ValidationCounts are the writes validated since the start.
type ValidationCounts struct{ Checked, Warned, Refused uint64 }

// inspector validates against the library as it is.
type inspector struct {
	policy  Validation
	library *conformance
	lexicon *lexicon

	mu        sync.Mutex
	seen      *library
	validator *profile.Validator

	checked, warned, refused atomic.Uint64
}

// current returns the validator over the present library.
func (i *inspector) current(ctx context.Context) (*profile.Validator, error) {
	l, err := i.library.current(ctx)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.validator == nil:
		i.validator = profile.New(profile.Config{Definitions: l, Codes: codes{i.lexicon.over(l)}, RefuseUnknown: i.policy.RefuseUnknown, Now: i.library.clock.Now})
	case i.seen != l:
		i.validator = i.validator.Renew(l, codes{i.lexicon.over(l)})
	}
	i.seen = l
	return i.validator, nil
}

// inspect validates what a plan is about to write, as the policy says. It returns
// what is to be told of a write that goes on.
func (c *Chart) inspect(ctx context.Context, actor Actor, p plan, imported bool) ([]fault.Issue, error) {
	i := c.inspector
	// An import has nobody whom findings could be told, and what it leaves out is not in
	// the chart.
	imported = imported || actor.Kind == identity.KindSystem
	if p.change.Resource == nil || i.policy.Mode == ValidateOff || imported && i.policy.Mode != ValidateEnforce {
		return nil, nil
	}
	v, err := i.current(ctx)
	if err != nil {
		return nil, err
	}
	res := p.change.Resource
	if p.masked { // by a profile of his own its author would ask for the number, sign by sign
		if res, err = c.policy.Numbers().Obscure(res); err != nil {
			return nil, err
		}
	}
	result, err := v.Validate(ctx, profile.Request{Resource: res})
	if err != nil {
		return nil, err
	}
	i.checked.Add(1)
	if len(result.Issues) == 0 {
		return nil, nil
	}
	issues := result.Outcome()
	if p.shownBy != nil {
		issues = tellable(issues, c.policy.View(p.shownBy, p.change.Type))
	}
	if !result.OK() && i.policy.Mode >= ValidateEntered {
		i.refused.Add(1)
		return nil, &fault.Error{
			Kind: fault.Unprocessable, Op: "chart.inspect", Issues: issues,
			Public: "The resource breaks rules of FHIR or of a profile: see the issues.",
		}
	}
	i.warned.Add(1)
	return issues, nil
}

const unshown = "Elements that are not shown to your role do not conform. Ask somebody who sees all of the record."

// tellable returns the findings whose place is shown by a view. A graver one at
// another place is told of in a sentence that is the same for all.
func tellable(issues []fault.Issue, view *fhir.Mask) []fault.Issue {
	var told []fault.Issue
	worst, hidden := 0, 0
	for _, issue := range issues {
		weight := slices.Index(severities[:], issue.Severity)
		if showsPlace(view, issue.Expression) {
			told, worst = append(told, issue), max(worst, weight)
		} else {
			hidden = max(hidden, weight)
		}
	}
	if hidden > worst {
		told = append(told, fault.Issue{Severity: severities[hidden], Code: "invalid", Text: unshown})
	}
	return told
}

var severities = [...]string{"information", "warning", "error"}

// showsPlace reports whether a view shows all that is at a place, written as
// fhir.Node.Path does. A finding about the resource as a whole may rest on any of
// it; a resource within it is shown by a view of its own, or not at all.
func showsPlace(view *fhir.Mask, place string) bool {
	names := strings.Split(place, ".")[1:]
	for i, name := range names {
		names[i], _, _ = strings.Cut(name, "[")
	}
	if len(names) == 0 || slices.Contains(names, "contained") || slices.Contains(names, "resource") {
		return false
	}
	return slices.Contains([]string{"id", "meta", "implicitRules"}, names[0]) || view.Shows(names...)
}

// ValidationCounts returns how many writes were validated, and with what result.
func (c *Chart) ValidationCounts() ValidationCounts {
	i := c.inspector
	return ValidationCounts{Checked: i.checked.Load(), Warned: i.warned.Load(), Refused: i.refused.Load()}
}

// ValidateRequest is one $validate (FHIR R4, Resource-validate).
type ValidateRequest struct {
	Type     string
	ID       string         // of the record it is about; "" at type level
	Resource *fhir.Resource // nil: the record as it is stored
	Mode     string         // "", create, update, delete or profile
	Profiles []string       // to hold it to, beside those it claims
	Broken   []fault.Issue  // what the parser found, if there is no resource because of it
}

// Validate tells whether a resource is valid, and with a mode whether the actor
// could carry out that change. It stores nothing.
func (c *Chart) Validate(ctx context.Context, actor Actor, vr ValidateRequest) ([]fault.Issue, error) {
	req := c.begin(actor, "validate", vr.Type)
	if vr.ID != "" {
		req.event.Query = vr.Type + "/" + vr.ID
	}
	issues, err := c.validate(ctx, req, vr)
	if err := req.finish(ctx, err); err != nil {
		return nil, err
	}
	return issues, nil
}

func (c *Chart) validate(ctx context.Context, req *request, vr ValidateRequest) ([]fault.Issue, error) {
	if vr.Broken != nil {
		return vr.Broken, c.mayValidate(req.actor, vr.Type)
	}
	res, err := c.underValidation(ctx, req, vr)
	if err != nil {
		return nil, err
	}
	if res == nil { // a deletion that may be carried out
		return []fault.Issue{{Severity: "information", Code: "informational", Text: "The record could be deleted."}}, nil
	}
	v, err := c.inspector.current(ctx)
	if err != nil {
		return nil, err
	}
	result, err := v.Validate(ctx, profile.Request{Resource: res, Profiles: vr.Profiles})
	if err != nil {
		return nil, err
	}
	return result.Outcome(), nil
}

// underValidation returns the resource to look at, and checks that the actor may
// have it looked at, and may do what the mode says.
func (c *Chart) underValidation(ctx context.Context, req *request, vr ValidateRequest) (*fhir.Resource, error) {
	actor := req.actor
	switch {
	case vr.Mode == "delete":
		_, err := c.planDelete(ctx, actor, vr.Type, vr.ID, Condition{})
		return nil, err
	case vr.Mode == "update":
		_, err := c.planUpdate(ctx, actor, vr.Resource, vr.ID, Condition{MustExist: true})
		return vr.Resource, err
	case vr.Mode == "create":
		_, err := c.planCreate(ctx, actor, vr.Resource, NewID())
		return vr.Resource, err
	case vr.Resource != nil && vr.ID == "":
		return vr.Resource, c.mayValidate(actor, vr.Type)
	}
	stored, err := c.read(ctx, actor, authz.Read, vault.Ref{TypeID: typeIDOf(vr.Type, vr.ID)})
	if err != nil {
		return nil, err
	}
	if vr.Resource != nil { // whether the record is there is all that is told of it
		return vr.Resource, nil
	}
	req.discloses(stored)
	return stored.Resource, nil
}

// mayValidate: whoever may read records of a type, or make one, may ask whether
// one he has is valid.
func (c *Chart) mayValidate(actor Actor, typ string) error {
	_, err := c.reach(actor, authz.Read, typ)
	if err != nil {
		_, err = c.reach(actor, authz.Create, typ)
	}
	return err
}
