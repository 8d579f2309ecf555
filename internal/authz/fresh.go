package authz

import "github.com/wardkeep/wardkeep/internal/identity"

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
