package authz_test

import (
	"testing"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// A program that acts for a person needs both: his roles and its scopes.
func TestProgramsOfPeople(t *testing.T) {
	p := load(t)
	scopes, err := identity.ParseScopes("patient/Condition.rs user/Patient.r user/user.cruds")
	if err == nil {
		t.Fatal("a scope reaches people")
	}
	if scopes, err = identity.ParseScopes("patient/Condition.rs user/Patient.r user/Claim.cruds"); err != nil {
		t.Fatal(err)
	}
	by := func(role string) identity.Actor {
		a := staff(role)
		a.ClientID, a.Scopes = "app", scopes
		return a
	}
	team := []authz.Relation{authz.RelationTeam}
	for _, c := range []struct {
		actor       identity.Actor
		action, typ string
		want        bool
	}{
		{by("doctor"), authz.Read, "Condition", true},
		{by("doctor"), authz.Search, "Condition", true},
		{by("doctor"), authz.Read, "Patient", true},
		{by("doctor"), authz.Search, "Patient", false},   // no scope
		{by("doctor"), authz.Create, "Condition", false}, // no scope
		{by("doctor"), authz.Read, "Observation", false}, // no scope
		{by("doctor"), authz.Create, "Claim", false},     // no role
		{by("admin"), authz.Create, identity.TypeUser, false},
		{by("admin"), authz.ResetMFA, identity.TypeUser, false},
		{by("admin"), authz.Operate, "system", false},
	} {
		q := authz.Request{Actor: c.actor, Action: c.action, Type: c.typ, Relations: team, Bears: func(*authz.Rows) bool { return true }}
		if d := p.Decide(ctx, q); d.Allow != c.want {
			t.Errorf("%s %s as %v: %v", c.action, c.typ, c.actor.Roles, d)
		}
		if reach, err := p.Reach(c.actor, c.action, c.typ); err != nil || reach.None() == c.want {
			t.Errorf("%s %s as %v: reach %v %v", c.action, c.typ, c.actor.Roles, reach, err)
		}
		c.actor.ClientID = "" // the person herself
		if own := p.Decide(ctx, authz.Request{Actor: c.actor, Action: c.action, Type: c.typ, Relations: team}); c.want && !own.Allow {
			t.Errorf("%s %s: the program may what the person may not", c.action, c.typ)
		}
	}
}

func TestOfPatients(t *testing.T) {
	p := load(t)
	for typ, want := range map[string]bool{"Practitioner": false, "ValueSet": false, "Slot": false, "Patient": true, "Binary": true, "Task": true, "Nonsense": true} {
		if p.OfPatients(typ) != want {
			t.Errorf("%s: %v", typ, !want)
		}
	}
}
