package chart

import (
	"context"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
)

var (
	// errJoins: who is in the team is decided by others.
	errJoins = fault.New(fault.Denied, "chart.joins",
		"This would put you into the care team of a patient in whose care you do not take part. Ask a member of the team, or registration, to do it.")
	// errAdmits: who lies on a ward, and what a ward is, too.
	errAdmits = fault.New(fault.Denied, "chart.joins",
		"This would bring a patient or a place to a ward of yours. Ask somebody who does not work there, such as registration, to do it.")
)

// joins refuses a state by which its author would come into a relation to a patient:
// what one may see by it, one must not be able to give to oneself. old is the
// version before, nil if there is none. It concerns those whose rights depend on
// the relation.
func (c *Chart) joins(ctx context.Context, actor Actor, old, next *fhir.Resource) error {
	if actor.Kind != identity.KindPerson {
		return nil
	}
	if next.Type() == "RelatedPerson" && bearsAccount(next, actor.ID) {
		return errJoins
	}
	if err := c.joinsTeam(ctx, actor, next); err != nil {
		return err
	}
	return c.admits(ctx, actor, old, next)
}

// joinsTeam refuses a record that names its author as taking part in the care of a
// patient in whose team she is not.
func (c *Chart) joinsTeam(ctx context.Context, actor Actor, res *fhir.Resource) error {
	at := slices.IndexFunc(teamWays[:], func(w teamWay) bool { return w.typ == res.Type() })
	if at < 0 || actor.PractitionerID == "" {
		return nil
	}
	way, member := &teamWays[at], "Practitioner/"+actor.PractitionerID
	if !way.parts(res, member) || !c.dependsOn(actor, authz.RelationTeam) {
		return nil
	}
	whose := way.whose
	if whose == nil {
		whose = subjectOf
	}
	keys, err := c.vault.Keys(ctx, whose(res))
	if err != nil {
		return err
	}
	team, err := c.census.team(ctx, member)
	if err == nil && len(keys) > 0 && !team.HasAll(keys) {
		err = errJoins
	}
	return err
}

// dependsOn reports whether some of what the actor may look at depends on a
// relation. What a fresh proof of identity opens does not count: it lasts minutes,
// a relation lasts.
func (c *Chart) dependsOn(actor Actor, relation authz.Relation) bool {
	actor.AuthTime = time.Time{}
	relations, _ := c.restsOn(actor)
	return slices.Contains(relations, relation)
}

// admits refuses a stay that begins, or begins again, on a ward of its author, and a
// place that comes under one. A stay of the same patient that is there now may go
// on, and move between beds. A place that is not there yet counts as any other: a
// stay may be at it already.
func (c *Chart) admits(ctx context.Context, actor Actor, old, next *fhir.Resource) error {
	admission := next.Type() == "Encounter" && among(next.Root().Get("status").Text(), presentStatus)
	moved := next.Type() == "Location" && partOf(next) != "" && partOf(next) != partOf(old)
	if !admission && !moved || len(actor.WardIDs) == 0 || slices.Contains(actor.WardIDs, identity.EveryWard) || !c.dependsOn(actor, authz.RelationWard) {
		return nil
	}
	places, err := c.census.places(ctx, actor.WardIDs)
	if err != nil {
		return err
	}
	there := c.census.thereNow(places)
	switch {
	case moved && slices.Contains(places, partOf(next)):
		return errAdmits
	case admission && there(next) && !goesOn(old, next, there):
		return errAdmits
	}
	return nil
}

// goesOn reports whether a stay that is there is that of the same patient before.
func goesOn(old, next *fhir.Resource, there func(*fhir.Resource) bool) bool {
	return old != nil && among(old.Root().Get("status").Text(), presentStatus) && there(old) &&
		local(old.Root().Get("subject")) == local(next.Root().Get("subject"))
}

// partOf returns the place that a Location, which may be nil, is part of.
func partOf(location *fhir.Resource) string {
	if location == nil {
		return ""
	}
	return local(location.Root().Get("partOf"))
}

func bearsAccount(res *fhir.Resource, account string) bool {
	for id := range res.Root().All("identifier") {
		if id.Get("system").Text() == AccountSystem && id.Get("value").Text() == account {
			return true
		}
	}
	return false
}
