package authz

import (
	"time"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// freshFor is how long a proof of identity opens what asks for a fresh one.
const freshFor = 5 * time.Minute

// fresh reports whether a person has proven who he is, by two factors, a moment
// ago. It is the only place that says what a fresh proof is.
func fresh(a identity.Actor, now time.Time) bool {
	return a.Kind == identity.KindPerson && a.MFA == identity.AssuranceMulti && now.Sub(a.AuthTime).Abs() <= freshFor
}

// StepUp reports whether the actor could do something with records of the type if
// he proved anew who he is, and cannot now.
func (p *Policy) StepUp(actor identity.Actor, action, typ string) bool {
	if r, err := p.Reach(actor, action, typ); err != nil || !r.None() || actor.Kind != identity.KindPerson {
		return false
	}
	actor.AuthTime = p.clock.Now()
	r, err := p.Reach(actor, action, typ)
	return err == nil && !r.None()
}
