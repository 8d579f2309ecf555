package main

import (
	"net/url"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// concerned are those whom guards bear on, or who are meant by them.
func (a *attack) concerned() []*caller {
	return slices.Concat(a.apps, a.narrow, a.clients, a.selves, a.purposed)
}

// bears says whether it is the guard that hides a record: without it the caller would see
// it, or it opens nothing to who has no other way.
func (a *attack) bears(c *caller, r *record) bool {
	t := a.target(c, r, "")
	if expect.May(c.Who, t) != expect.Forbidden {
		return false
	}
	bare := t
	bare.Consents, bare.Holds, bare.Confidential, bare.Own = nil, nil, false, false
	if expect.May(c.Who, bare) != expect.Forbidden {
		return true
	}
	p := a.byID[r.Patient]
	if p.parent && c.Related && slices.Contains(c.Who.Roles, "proxy") {
		return true
	}
	return len(p.Relation) == 0 && c.Who.Kind == "app" && (strings.HasPrefix(c.Role, "doctor") || strings.HasPrefix(c.Role, "nurse")) && !c.Related
}

// onGuarded tries every road to records of guarded patients as one caller: some of each
// relation that must be hidden, some that must be seen.
func (a *attack) onGuarded(c *caller, patients []*patient) (all []attempt) {
	type named map[string][]*record
	hidden, open := named{}, named{}
	for _, r := range recordsOf(patients) {
		switch {
		case a.bears(c, r):
			hidden[a.relationOf(c, r)] = append(hidden[a.relationOf(c, r)], r)
		case a.may(c, r, "") == expect.Allowed:
			open[a.relationOf(c, r)] = append(open[a.relationOf(c, r)], r)
		}
	}
	for _, rd := range slices.Concat(looks, changeRoads) {
		if rd.letter == "c" || rd.letter == "u+" {
			continue // to see is not to write; numbers have a stage of their own
		}
		for _, relation := range sorted(hidden) {
			left := a.each
			for _, i := range a.rng.Perm(len(hidden[relation])) {
				r := hidden[relation][i]
				if left == 0 || !rd.leads(r) {
					continue
				}
				if t, ok := a.forbidden(c, rd, r, relation); ok {
					t.Trick = a.byID[r.Patient].kind
					all, left = append(all, t), left-1
				}
			}
		}
		for _, relation := range sorted(open) {
			list := slices.DeleteFunc(slices.Clone(open[relation]), func(r *record) bool { return !rd.leads(r) || a.expects(c, rd, r) != expect.Allowed })
			a.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			for _, t := range a.legitimate(c, rd, list[:min(len(list), 2)]) {
				t.Relation = relation
				all = append(all, t)
			}
		}
	}
	return all
}

// leads reports whether the road leads to records of the type.
func (rd road) leads(r *record) bool {
	return rd.types == nil && (r.Type != "Consent" || rd.letter == "") || slices.Contains(rd.types, r.Type) || r.Type == "Consent" && slices.Contains(rd.types, "Condition") && slices.Contains(rd.types, "Patient")
}

// wishes are all roads for all who are concerned, and the tricks of HTTP on a record of
// each relation.
func (a *attack) wishes() []attempt {
	all := a.guardedPages() // before sessions lock
	for _, c := range a.concerned() {
		all = append(all, a.onGuarded(c, a.guarded)...)
		if c.Who.Purpose != "" {
			continue
		}
		hidden := map[string][]*record{}
		for _, r := range a.guardedRecords() {
			if a.bears(c, r) && r.Type != "Consent" && !asksPurpose(a.byID[r.Patient].consents) {
				hidden[a.relationOf(c, r)] = append(hidden[a.relationOf(c, r)], r)
			}
		}
		for _, relation := range sorted(hidden) {
			r := hidden[relation][a.rng.IntN(len(hidden[relation]))]
			for _, t := range a.tricksOn(r, a.patients[0].ID) {
				if strings.Contains(t.route, "async") {
					continue // each is a job, of which one may have four; others ask so
				}
				all = append(all, attempt{Route: t.route, Trick: t.trick, As: c, Relation: relation, Type: r.Type, Target: r, Req: t.req, Want: t.want})
			}
		}
	}
	if a.sample {
		return thinner(a.rng, all)
	}
	return all
}

func asksPurpose(all []expect.Provision) bool {
	return slices.ContainsFunc(all, func(p expect.Provision) bool { return len(p.Purposes) > 0 || asksPurpose(p.But) })
}

// guardedPages are the pages of guarded patients' charts.
func (a *attack) guardedPages() (all []attempt) {
	for _, c := range slices.Concat(a.pages, a.selfPages) {
		for _, p := range a.guarded {
			all = append(all, a.chartOf(c, p)...)
		}
		for _, path := range []string{"/", "/ward", "/account", "/apps"} { // and what they tell of, such as notices
			all = append(all, attempt{Route: "page " + path, Trick: "pages", As: c, Relation: "none", Type: "page", Req: request{Method: "GET", Target: path}, Want: silent})
		}
	}
	return all
}

// overlooks reports whether the overview has something for the caller: else the chart
// opens at the first section that has.
func (a *attack) overlooks(c *caller, p *patient) bool {
	return slices.ContainsFunc(p.Records, func(r *record) bool {
		return slices.Contains([]string{"Condition", "MedicationRequest", "Observation"}, r.Type) && a.may(c, r, "") == expect.Allowed
	})
}

// chartOf are the pages of one chart: none if the patient is hidden, else all, without
// what is hidden.
func (a *attack) chartOf(c *caller, p *patient) (all []attempt) {
	first := p.Records[0]
	add := func(r *record, route string, q request, w want, show ...string) {
		all = append(all, attempt{Route: route, Trick: p.kind, As: c, Relation: a.relationOf(c, r), Type: "page", Target: r, Req: q, Want: w, Show: show})
	}
	page := func(path string) request { return request{Method: "GET", Target: "/chart/" + p.ID + path} }
	may := a.may(c, first, "")
	if may == expect.Forbidden && !a.bears(c, first) {
		return nil
	}
	for _, s := range append(slices.Clone(chartPages), "/access", "/access.csv", "/details") {
		switch {
		case may == expect.Forbidden:
			add(first, "chart"+s, page(s), refused)
		case may == expect.Allowed && (s == "/details" || s == "" && a.overlooks(c, p)) && a.may(c, first, "name") == expect.Allowed:
			add(first, "chart"+s, page(s), shown, p.Family)
		default:
			add(first, "chart"+s, page(s), silent)
			add(first, "chart"+s+", live", page(s).with("Wk-Live: 1"), silent)
		}
	}
	if may == expect.Forbidden {
		for _, q := range []string{p.MRN, p.Family, p.ID} {
			add(first, "find", formTo("/find", url.Values{"q": {q}}), silent)
		}
	}
	for _, r := range p.Records {
		if r.Type == "DocumentReference" && a.may(c, r, "") == expect.Forbidden {
			add(r, "document", page("/documents/"+r.ID), refused)
			add(r, "file", page("/documents/"+r.ID+"/file"), refused)
		}
	}
	return all
}
