package chart

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// rights is all that decides what an actor may see, records apart.
type rights struct {
	Policy                string
	Kind                  identity.Kind
	Roles, Wards          []string
	Practitioner, Patient string
	MFA                   identity.Assurance
	Program, Context      string   // that acts for the person, and the patient it was opened for
	Scopes                string   // as far as they confine
	Panels                []string // by name and by key of their patients
}

// Rights returns a digest of what decides on the actor's looking at records now:
// the rules, who he is, and the patients that his reach rests on, those of his
// wards and teams and those who bear marks. What was made for him under one
// digest MUST NOT be shown to him under another.
func (c *Chart) Rights(ctx context.Context, actor Actor) (string, error) {
	r := rights{
		Policy: c.policy.Version(), Kind: actor.Kind, Roles: slices.Sorted(slices.Values(c.policy.Working(actor))),
		Wards: slices.Sorted(slices.Values(actor.WardIDs)), Practitioner: actor.PractitionerID, Patient: actor.PatientID, MFA: actor.MFA,
		Program: actor.ClientID, Context: actor.PatientContext,
	}
	if actor.ClientID != "" || actor.Scopes.Confined() {
		r.Scopes = actor.Scopes.String()
	}
	relations, marks := c.restsOn(actor)
	for _, relation := range relations {
		panel, err := c.census.panel(ctx, actor, relation)
		if err != nil {
			return "", err
		}
		r.panel(string(relation), panel)
	}
	for _, mark := range marks {
		panel, err := c.census.marked(ctx, actor, mark)
		if err != nil {
			return "", err
		}
		r.panel(string(mark), panel)
	}
	told, err := c.census.saidTo(ctx, actor)
	if err != nil {
		return "", err
	}
	for _, rules := range [][]rule{told.withheld, told.granted, told.held} {
		for _, one := range rules {
			words, _ := json.Marshal(one) // of strings and flags: it cannot fail
			r.panel(string(words), one.patients)
		}
	}
	young, err := c.stand(actor).younger(ctx)
	if err != nil {
		return "", err
	}
	for _, group := range young {
		r.panel(strings.Join(slices.Concat(group.categories, group.told), " "), group.patients)
	}
	text, err := json.Marshal(r)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), fault.Wrap(fault.Internal, "chart.Rights", err)
}

func (r *rights) panel(name string, patients vault.PatientSet) {
	r.Panels = append(r.Panels, name)
	for _, key := range patients.Keys() {
		r.Panels = append(r.Panels, hex.EncodeToString(key[:]))
	}
}

// restsOn returns the relations and the marks of patients that some of what the
// actor may look at depends on.
func (c *Chart) restsOn(actor Actor) (relations []authz.Relation, marks []authz.Label) {
	for _, typ := range c.policy.Types() {
		for _, action := range []string{authz.Read, authz.Search} {
			reach, err := c.policy.Reach(actor, action, typ)
			if err != nil || reach.All() {
				continue // nothing is in reach, or everything
			}
			for _, term := range reach.Terms {
				relations = append(relations, term.Relations...)
				marks = append(marks, term.Without...)
			}
		}
	}
	slices.SortFunc(relations, cmp.Compare)
	slices.SortFunc(marks, cmp.Compare)
	marks = slices.DeleteFunc(slices.Compact(marks), func(l authz.Label) bool { return !l.OfPatient() })
	return slices.Compact(relations), marks
}
