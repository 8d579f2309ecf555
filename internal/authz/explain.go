package authz

import (
	"context"
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// Reason is one rule that decided, as its author wrote it.
type Reason struct {
	ID     string
	Effect string // permit | forbid
	Says   string
	File   string
	Line   int
}

// Explanation is a decision for a person to read. It names rules and words of
// the schema, never a record.
type Explanation struct {
	Allow   bool
	Reasons []Reason
	Errors  []string
	Version string
}

// Explain answers a request as Decide does, and says why.
func (p *Policy) Explain(ctx context.Context, r Request) Explanation {
	d := p.Decide(ctx, r)
	e := Explanation{Allow: d.Allow, Errors: d.Errors, Version: p.version}
	for _, id := range d.Policies {
		for _, one := range p.rules {
			if string(one.id) != id {
				continue
			}
			effect := "permit"
			if one.policy.Effect() == cedar.Forbid {
				effect = "forbid"
			}
			at := one.policy.Position()
			e.Reasons = append(e.Reasons, Reason{ID: id, Effect: effect, Says: one.says, File: at.Filename, Line: at.Line})
		}
		if strings.HasPrefix(id, fieldsFile+":") {
			e.Reasons = append(e.Reasons, Reason{
				ID: id, Effect: "forbid", File: fieldsFile,
				Says: "The role is confined to records with certain codes, and this is none of them.",
			})
		}
	}
	return e
}

// String returns the explanation as lines of text.
func (e Explanation) String() string {
	var b strings.Builder
	verdict := "denied"
	if e.Allow {
		verdict = "allowed"
	}
	fmt.Fprintf(&b, "%s by rules %s\n", verdict, e.Version)
	for _, r := range e.Reasons {
		fmt.Fprintf(&b, "  %s %s (%s:%d): %s\n", r.Effect, r.ID, r.File, r.Line, r.Says)
	}
	for _, text := range e.Errors {
		fmt.Fprintf(&b, "  could not be decided: %s\n", text)
	}
	if len(e.Reasons) == 0 && len(e.Errors) == 0 {
		b.WriteString("  no rule permits it\n")
	}
	return b.String()
}

// Permit is Decide for records that are about no patient, such as people and
// programs. It implements identity.Gate.
func (p *Policy) Permit(ctx context.Context, actor identity.Actor, action, typ string) error {
	if p.Decide(ctx, Request{Actor: actor, Action: action, Type: typ}).Allow {
		return nil
	}
	return fault.New(fault.Denied, "authz.Permit", "")
}
