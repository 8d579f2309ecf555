package chart

import (
	"context"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
)

// tellingTypes are visits, bills, and what they name as their reason.
var tellingTypes = []string{
	"Encounter", "EpisodeOfCare", "Appointment", "Condition", "Procedure", "ServiceRequest",
	"Account", "ChargeItem", "Claim", "ClaimResponse", "ExplanationOfBenefit", "Invoice",
	"CoverageEligibilityRequest", "CoverageEligibilityResponse",
}

// tells returns those of a patient's visits, bills and their reasons that tell of one
// of the categories.
func (c *census) tells(ctx context.Context, codes map[authz.Coding]bool, patient record.Key, categories []string) ([]string, error) {
	p, err := c.recall("telling "+strings.Join(categories, " ")+" "+keysText([]record.Key{patient}), tellingTypes, func() (panel, error) {
		named, err := c.vault.Named(ctx, []record.Key{patient})
		if err != nil {
			return panel{}, err
		}
		g := gossip{}
		for _, typ := range tellingTypes {
			q, err := search.Parse(typ, nil, search.Options{Compartment: named[patient]})
			if err != nil {
				return panel{}, err
			}
			records, err := c.vault.AllWithBodies(ctx, q)
			if err != nil {
				return panel{}, err
			}
			for _, rec := range records {
				res, err := fhir.Parse(rec.Body)
				if err != nil {
					return panel{}, fault.Wrap(fault.Internal, "chart.tells", err)
				}
				g[typ+"/"+rec.ID] = saidBy(res, codes)
			}
		}
		return panel{refs: g.told()}, nil
	})
	return p.refs, err
}

// codesOf returns the labels and codes of categories.
func (c *Chart) codesOf(categories []string) (map[authz.Coding]bool, error) {
	codes := map[authz.Coding]bool{}
	for _, category := range categories {
		of := c.policy.Category(category)
		if of == nil {
			return nil, errCategory
		}
		for _, one := range slices.Concat(of.Labels, of.Codes) {
			codes[one] = true
		}
	}
	return codes, nil
}

// gossip is who tells what, and names whom.
type gossip map[string]saying

type saying struct {
	tells bool
	names []string
}

func saidBy(res *fhir.Resource, codes map[authz.Coding]bool) (s saying) {
	var walk func(fhir.Node)
	walk = func(node fhir.Node) {
		switch node.TypeID() {
		case r4.Coding:
			s.tells = s.tells || codes[authz.Coding{System: node.Get("system").Text(), Code: node.Get("code").Text()}]
		case r4.Reference:
			s.names = append(s.names, local(node))
		}
		for child := range node.Children() {
			walk(child)
		}
	}
	walk(res.Root())
	return s
}

// told returns what tells, and what names it. An account is for all visits: that it is
// named by one tells of the account, and of no other visit; so does an appointment that
// became one.
func (g gossip) told() (refs []string) {
	tells := map[string]bool{}
	var mark func(ref string)
	mark = func(ref string) {
		if _, known := g[ref]; !known || tells[ref] {
			return
		}
		tells[ref] = true
		refs = append(refs, ref)
		if strings.HasPrefix(ref, "Encounter/") {
			for _, named := range g[ref].names {
				if strings.HasPrefix(named, "Account/") || strings.HasPrefix(named, "Appointment/") {
					mark(named)
				}
			}
		}
		if strings.HasPrefix(ref, "Account/") {
			return
		}
		for other, s := range g {
			if slices.Contains(s.names, ref) {
				mark(other)
			}
		}
	}
	for ref, s := range g {
		if s.tells {
			mark(ref)
		}
	}
	slices.Sort(refs)
	return refs
}
