package main

import (
	"slices"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// untouched reads, as somebody who may, what everybody has tried to change: it must be as
// it was filed.
func (a *attack) untouched() (all []attempt) {
	still := a.records()
	for _, p := range a.guarded {
		if p.kind != "consent-revoked" && p.kind != "consent-new" && p.kind != "proxy-revoked" && p.Why != "consent-idle deny, proposed" { // which were changed in order
			still = append(still, p.Records...)
		}
	}
	for _, r := range still {
		for _, c := range []*caller{a.clients[len(a.clients)-1], a.apps[0], a.apps[2], a.apps[1]} {
			if a.may(c, r, "") != expect.Allowed {
				continue
			}
			q := get("%s/%s", r.Type, r.ID).with("Accept: "+fhirJSON, "If-None-Match: W/\"2\"")
			all = append(all, attempt{Route: "read", Trick: "untouched", As: c, Relation: c.relation(a.byID[r.Patient]), Type: r.Type, Target: r, Req: q, Want: shown, Show: a.shows(c, r), Holds: `"versionId":"1"`})
			break
		}
	}
	return all
}

// work is what people do all day, in order: it must go on being possible.
func (a *attack) work() (all []attempt) {
	for _, c := range slices.Concat(a.apps, a.clients) {
		for _, p := range a.patients {
			for _, slot := range []string{"Condition", "Observation vital", "MedicationRequest"} {
				if c.Role != "doctor" && c.Role != "client system/*.cruds" && (c.Role != "nurse" || slot != "Observation vital") {
					continue
				}
				r := p.record(slot)
				if p.Mark.Mark != "" || a.may(c, r, "") != expect.Allowed {
					continue
				}
				all = append(all, attempt{Route: "create", Trick: "legitimate", As: c, Relation: c.relation(p), Type: r.Type, Target: r, Req: post(r.Type, fhirJSON, text(changed(r, ""))), Want: shown})
			}
		}
	}
	return all
}
