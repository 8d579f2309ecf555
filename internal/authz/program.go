package authz

import (
	"slices"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// Needs returns the SMART interaction that an action is. An action that is none
// can be granted to no program.
func Needs(action string) (identity.Access, bool) {
	need, ok := scopeOf[action]
	return need, ok
}

// covered reports whether a program that acts for a person may do so by its
// scopes. If it may, the person's roles decide, as if he asked himself.
func covered(actor identity.Actor, action, typ string) bool {
	if actor.Kind != identity.KindPerson || actor.ClientID == "" {
		return true
	}
	need, ok := scopeOf[action]
	return ok && actor.Scopes.Access(typ)&need == need
}

// notOfPatients are the families of what has no patient in it.
var notOfPatients = []string{"infrastructure", "vocabulary", "calendar"}

// OfPatients reports whether records of a type are about patients. Of a type
// that nobody knows, they may be.
func (p *Policy) OfPatients(typ string) bool {
	groups := p.types[typ]
	return len(groups) == 0 || !slices.Contains(notOfPatients, groups[0])
}
