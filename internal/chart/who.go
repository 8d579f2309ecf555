package chart

import (
	"context"
	"slices"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
)

// ProgramSystem is the system of the identifier of a Device that stands for the
// program of that client id.
const ProgramSystem = "urn:wardkeep:client"

// whoTypes are what it rests on by which references somebody is meant.
var whoTypes = []string{"CareTeam", "Device", "Group", "PractitionerRole", "RelatedPerson"}

// who returns the references by which an actor is meant, such as in a Consent: his
// own, and those of the roles, organisations, teams and groups he belongs to now.
func (c *census) who(ctx context.Context, actor Actor) (panel, error) {
	name := "who " + string(actor.Kind) + " " + actor.ID + " " + actor.ClientID + " " + actor.PractitionerID + " " + actor.PatientID
	return c.recall(name, whoTypes, func() (panel, error) {
		var refs []string
		if actor.PatientID != "" {
			refs = append(refs, "Patient/"+actor.PatientID)
		}
		for _, way := range waysToMean(actor) {
			some, err := c.meant(ctx, way)
			if err != nil {
				return panel{}, err
			}
			refs = append(refs, some...)
		}
		if actor.PractitionerID != "" {
			refs = append(refs, "Practitioner/"+actor.PractitionerID)
		}
		slices.Sort(refs)
		return panel{refs: slices.Compact(refs)}, nil
	})
}

// meaning is a search for records that stand for an actor.
type meaning struct {
	typ   string
	param search.Param
	now   func(c *census, res *fhir.Resource) bool
}

func waysToMean(actor Actor) (ways []meaning) {
	if actor.PractitionerID != "" {
		self := "Practitioner/" + actor.PractitionerID
		ways = append(ways,
			meaning{"PractitionerRole", search.Param{Key: "practitioner", Value: self}, (*census).active},
			meaning{"CareTeam", search.Param{Key: "participant", Value: self}, func(c *census, res *fhir.Resource) bool { return c.inCareTeam(res, self) }},
			meaning{"Group", search.Param{Key: "member", Value: self}, func(c *census, res *fhir.Resource) bool { return c.inGroup(res, self) }},
		)
	}
	if actor.Kind == identity.KindPerson {
		ways = append(ways, meaning{"RelatedPerson", search.Param{Key: "identifier", Value: AccountSystem + "|" + search.Escape(actor.ID)}, (*census).active})
	}
	if program := programOf(actor); program != "" {
		ways = append(ways, meaning{"Device", search.Param{Key: "identifier", Value: ProgramSystem + "|" + search.Escape(program)},
			func(*census, *fhir.Resource) bool { return true }})
	}
	return ways
}

// meant returns the records of one way that stand for the actor now, and the
// organisations that he works for by them.
func (c *census) meant(ctx context.Context, way meaning) (refs []string, err error) {
	q, err := search.Parse(way.typ, []search.Param{way.param}, search.Options{Now: c.clock.Now()})
	if err != nil {
		return nil, err
	}
	records, err := c.vault.AllWithBodies(ctx, q)
	for _, rec := range records {
		res, err := fhir.Parse(rec.Body)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "chart.meant", err)
		}
		if !way.now(c, res) {
			continue
		}
		refs = append(refs, way.typ+"/"+rec.ID)
		if organization := local(res.Root().Get("organization")); organization != "" && way.typ == "PractitionerRole" {
			refs = append(refs, organization)
		}
	}
	return refs, err
}

// active reports whether a record that has both is active, and its period now.
func (c *census) active(res *fhir.Resource) bool {
	root := res.Root()
	return root.Get("active").Text() != "false" && c.begun(root.Get("period")) && !c.over(root.Get("period"))
}

func (c *census) inGroup(res *fhir.Resource, member string) bool {
	if res.Root().Get("active").Text() == "false" {
		return false
	}
	for m := range res.Root().All("member") {
		if local(m.Get("entity")) == member && m.Get("inactive").Text() != "true" && !c.over(m.Get("period")) {
			return true
		}
	}
	return false
}

// programOf returns the client id of the program that asks, for a person or not.
func programOf(actor Actor) string {
	if actor.Kind == identity.KindClient {
		return actor.ID
	}
	return actor.ClientID
}
