package main

import (
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// choices are changes by those who may change something of that patient, and thereby ask
// about, or reach into, the charts of others: an id of one's own choosing, a condition that
// a hidden record meets, a record that is about two.
func (a *attack) choices() (all []attempt) {
	for _, c := range slices.Concat(a.apps, a.narrow) {
		if !c.Related || !slices.ContainsFunc(c.Who.Roles, func(r string) bool { return r == "doctor" || r == "nurse" || r == "pharmacist" }) {
			continue
		}
		own := a.patients[0]
		for _, p := range a.patients {
			for _, slot := range []string{"Condition", "Observation vital", "Procedure", "AllergyIntolerance", "MedicationRequest", "Immunization", "CarePlan"} {
				mine, hidden := own.record(slot), p.record(slot)
				if expect.MayChange(c.Who, a.target(c, hidden, ""), "u") != expect.Forbidden {
					continue
				}
				add := func(route string, q request, w want, twin bool) {
					one := attempt{Route: route, Trick: "change", As: c, Relation: c.relation(p), Type: mine.Type, Target: hidden, Req: q, Want: w}
					if twin {
						one.Twin = a.nothing(q, hidden)
					}
					all = append(all, one)
				}
				body := changed(mine, "")
				add("update of a hidden id for one's own patient", put(hidden.Type+"/"+hidden.ID, changed(mine, hidden.ID)), refused, true)
				add("update under an id of one's choosing", put(mine.Type+"/"+a.word("chosen", c.Name, hidden.ID), changed(mine, a.word("chosen", c.Name, hidden.ID))), refused, false)
				add("conditional create that a hidden record meets", post(mine.Type, fhirJSON, text(body)).with("If-None-Exist: identifier="+hidden.Identifier), silent, true)
				add("conditional update that a hidden record meets", put(mine.Type+"?identifier="+hidden.Identifier, body), silent, true)
			}
			visit := a.target(c, p.record("Appointment"), "")
			if !ofThePatient(p.Mark) { // what is made need not be marked
				visit.Marks = nil
			}
			if expect.MayChange(c.Who, visit, "c") == expect.Forbidden {
				start := a.now.Add(50 * time.Hour)
				both := object{
					"resourceType": "Appointment", "status": "booked", "start": start.Format(time.RFC3339), "end": start.Add(time.Hour).Format(time.RFC3339),
					"participant": []any{object{"actor": own.ref(), "status": "accepted"}, object{"actor": p.ref(), "status": "accepted"}},
				}
				all = append(all, attempt{Route: "create for two patients", Trick: "change", As: c, Relation: c.relation(p), Type: "Appointment", Target: p.Records[0], Req: post("Appointment", fhirJSON, text(both)), Want: refused})
			}
		}
	}
	return all
}
