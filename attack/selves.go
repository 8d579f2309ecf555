package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// selves are people with a record of their own here, by the kind of the patient they are.
var selves = []struct {
	roles string
	ward  string
	kind  string
}{
	{"doctor", "ward-a", "own record of a doctor"}, {"nurse,patient", "ward-a", "own record of a nurse who is a patient"},
	{"patient", "", "held"}, {"patient", "", "minor of 15"}, {"patient", "", "consent-deny all"},
}

// enterSelf makes a caller of somebody with a record of her own.
func (c *cast) enterSelf(ctx context.Context, w *world, s *server, i int, roles []string, ward string, p *patient) error {
	var wards []string
	if ward != "" {
		wards = []string{ward}
	}
	who, err := s.hire(ctx, fmt.Sprintf("self%d", i), practitionerOf(len(parts)+i), roles, wards, p.ID)
	if err == nil {
		err = who.signIn(ctx)
	}
	if err != nil {
		return err
	}
	g, err := c.all.let(ctx, who, "openid user/*.cruds", "")
	if err != nil {
		return err
	}
	role := strings.Join(roles, "+") + " with a record"
	names := append(namesOf(w, who, ward != ""), "Patient/"+p.ID)
	app := &caller{Name: who.User + " by an app", Role: role, Who: expect.Caller{Kind: "app", Roles: roles, Scopes: []string{"openid", "user/*.cruds"}, Names: names}, Related: ward != "", Ward: ward, person: who, grant: g, own: p.ID}
	page := *app
	page.Name, page.Who.Kind, page.session, page.grant = who.User+" on pages", "person", true, nil
	c.selves, c.selfPages = append(c.selves, app), append(c.selfPages, &page)
	return nil
}
