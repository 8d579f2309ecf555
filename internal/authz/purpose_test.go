package authz_test

import (
	"slices"
	"testing"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/identity"
)

func stating(purpose string, roles ...string) identity.Actor {
	a := staff(roles...)
	a.Purpose = purpose
	return a
}

// TestWorking: what follows from the roles takes nothing away, another purpose leaves the
// roles that work for it.
func TestWorking(t *testing.T) {
	p := loaded(t)
	client := program("system/*.rs")
	client.Purpose = "TREAT"
	for _, c := range []struct {
		actor identity.Actor
		want  []string
	}{
		{staff("nurse", "billing"), []string{"nurse", "billing"}},
		{stating("TREAT", "nurse", "billing"), []string{"nurse", "billing"}},
		{stating("COC", "nurse", "billing"), []string{"nurse"}},
		{stating("HPAYMT", "nurse", "billing"), []string{"billing"}},
		{stating("COVAUTH", "nurse", "billing"), []string{"billing"}},
		{stating("HPAYMT", "nurse"), nil},
		{stating("TREAT", "billing"), nil},
		{stating("HMARKT", "doctor", "nurse", "registration", "admin"), nil},
		{stating("curiosity", "doctor"), nil},
		{stating("BTG", "doctor"), []string{"doctor"}},
		{stating("PATRQT", "patient"), []string{"patient"}},
		{stating("HOPERAT", "doctor", "privacy"), []string{"doctor", "privacy"}},
		{stating("HLEGAL", "auditor", "billing"), []string{"auditor"}},
		{client, nil},
	} {
		if got := p.Working(c.actor); !slices.Equal(got, c.want) {
			t.Errorf("%v for %q: %v, want %v", c.actor.Roles, c.actor.Purpose, got, c.want)
		}
	}
}

// TestEachRoleWorksForSomething: each has a line, which begins with what follows from it,
// and all that pages offer is a purpose.
func TestEachRoleWorksForSomething(t *testing.T) {
	p := loaded(t)
	for _, role := range identity.Roles() {
		list := p.Purposes([]string{role})
		if len(list) == 0 || list[0] != identity.PurposeOf([]string{role}) {
			t.Errorf("%s works for %v", role, list)
		}
		for _, code := range list {
			if len(p.Working(stating(code, role))) == 0 {
				t.Errorf("%s is offered %s, and refused", role, code)
			}
		}
	}
	if got := p.Purposes([]string{"privacy", "doctor"}); got[0] != "TREAT" || !slices.Contains(got, "HLEGAL") {
		t.Errorf("of two roles: %v", got)
	}
	if authz.Serves("HPAYMT", []string{"TREAT"}) || !authz.Serves("ETREAT", []string{"TREAT"}) || authz.Serves("TREAT", []string{"ETREAT"}) || authz.Serves("", []string{"TREAT"}) {
		t.Error("groups are not those of v3-PurposeOfUse")
	}
}
