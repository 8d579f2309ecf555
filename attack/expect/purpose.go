package expect

import "slices"

// jobs are what each role may state that it works for; what belongs to a group counts as
// the group.
var jobs = map[string][]string{
	"doctor": {"TREAT", "PATRQT", "FAMRQT", "HOPERAT", "PUBHLTH", "HRESCH"}, "nurse": {"TREAT", "PATRQT", "FAMRQT", "HOPERAT", "PUBHLTH"},
	"charge": {"TREAT", "HOPERAT"}, "pharmacist": {"TREAT", "HOPERAT", "PUBHLTH"}, "lab": {"TREAT", "HOPERAT", "PUBHLTH"}, "billing": {"HPAYMT"},
	"registration": {"HOPERAT", "HPAYMT", "TREAT", "PATRQT", "FAMRQT"}, "admin": {"HOPERAT"}, "privacy": {"HOPERAT", "PATRQT", "PUBHLTH"}, "auditor": {"HOPERAT"},
	"patient": {"PATRQT"}, "proxy": {"FAMRQT"},
}

// working are the roles that are left to who states a purpose: those that work for it. To
// state what one is here for in the first place takes nothing away.
func (c Caller) working() []string {
	first := 0 // the rank of what he is here for in the first place
	for _, role := range c.Roles {
		first = max(first, slices.Index(ranks, works[role]))
	}
	if c.Purpose == "" || len(c.Roles) > 0 && c.Purpose == ranks[first] {
		return c.Roles
	}
	return slices.DeleteFunc(slices.Clone(c.Roles), func(role string) bool { return !slices.Contains(jobs[role], c.Purpose) })
}

// ranks are what people are here for, the last of those that one has first.
var ranks = []string{"FAMRQT", "PATRQT", "HOPERAT", "HPAYMT", "TREAT"}

// WorksFor says who may not say on pages that she works for a purpose.
func WorksFor(c Caller, purpose string) Answer {
	if slices.ContainsFunc(c.Roles, func(role string) bool { return slices.Contains(jobs[role], purpose) }) {
		return Allowed
	}
	return Forbidden
}
