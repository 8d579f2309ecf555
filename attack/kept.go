package main

import (
	"time"

	"github.com/wardkeep/wardkeep/attack/expect"
)

const (
	sct   = "http://snomed.info/sct"
	icd10 = "http://hl7.org/fhir/sid/icd-10-cm"
)

// holdAll admits the patient of whom something is held, and files each hold: in order,
// over, and such as lack what makes one.
func (w *world) holdAll() {
	p := w.keep("held", "held", near, 0, nil)
	day := 24 * time.Hour
	for _, h := range []struct {
		slot, ground, as string
		against          []string
		change           func(object)
		keeps            bool
	}{
		{"Condition private", "harm", "held for harm", nil, nil, true},
		{"Observation private", "patient-request", "held by request", nil, nil, true},
		{"DocumentReference private", "patient-request", "held from the proxy", []string{"RelatedPerson/" + proxyOf(p)}, nil, true},
		{"Encounter second", "harm", "held visit", nil, nil, true},
		{"MedicationRequest private", "harm", "hold over", nil, func(b object) {
			b["provision"].(object)["period"] = object{"start": w.now.Add(-9 * day).Format(time.RFC3339), "end": w.now.Add(-day).Format(time.RFC3339)}
		}, false},
		{"Procedure", "harm", "hold without a reason", nil, func(b object) { delete(b, "policyRule") }, false},
		{"Immunization", "harm", "hold without an end", nil, func(b object) { delete(b["provision"].(object), "period") }, false},
		{"Observation INR", "harm", "hold by nobody", nil, func(b object) { delete(b, "performer") }, false},
		{"Observation vital", "convenience", "hold without a ground", nil, nil, false},
		{"Observation other", "harm", "hold ended", nil, func(b object) { b["status"] = "inactive" }, false},
	} {
		r := p.record(h.slot)
		r.as = h.as
		kept := expect.Provision{Deny: true, Actors: h.against, Records: []string{r.ID}}
		if r.Type == "Encounter" {
			kept.Records, kept.Visits = nil, []string{r.ID}
			for _, other := range p.Records {
				if other.visit == r.ID {
					other.as = h.as
				}
			}
		}
		c := w.form(p, "Consent "+h.as)
		w.hold(c, p, h.ground, kept)
		if h.change != nil {
			h.change(c.body)
		}
		if c.body["policyRule"] == nil {
			delete(c.Elements, "policyRule")
		}
		if !h.keeps {
			c.as = "a Consent that holds nothing"
			continue
		}
		c.as = "the hold"
		if p.holds = append(p.holds, kept); h.ground == "harm" {
			p.holds = append(p.holds, expect.Provision{Deny: true, Records: []string{c.ID}})
		}
	}
}

// hold makes a Consent one that holds.
func (w *world) hold(c *record, p *patient, ground string, kept expect.Provision) {
	c.body["category"] = []any{one("urn:wardkeep:hold", ground)}
	c.body["performer"] = []any{object{"reference": map[bool]string{true: "Patient/" + p.ID, false: relatedDoctor}[ground == "patient-request"]}}
	c.body["provision"] = w.provision(kept)
	c.body["provision"].(object)["period"] = object{"start": w.now.Add(-time.Hour).Format(time.RFC3339), "end": w.now.Add(20 * 24 * time.Hour).Format(time.RFC3339)}
}

// minorsAll admits minors, and somebody who was one when her mother was entered as who
// acts for her.
func (w *world) minorsAll() {
	secrets := map[string]secret{
		"Encounter second":          {icd10, "Z30.011", false},
		"Condition private":         {sct, "77386006", false},
		"Observation private":       {actCode, "STD", true},
		"MedicationRequest private": {actCode, "PSY", true},
		"Claim private":             {icd10, "Z30.011", false},
		"DocumentReference private": {actCode, "SDV", true},
		"Appointment private":       {icd10, "Z30.011", false},
	}
	for _, m := range []struct {
		why string
		age int
	}{{"minor of 15", 15}, {"minor of 9", 9}, {"of age", 19}} {
		p := w.keep("minor", m.why, near, m.age, secrets)
		for _, r := range p.Records {
			x, secret := secrets[r.Slot]
			of := m.age == 15 || x.code == "SDV"
			r.confidential = secret && of || m.age == 15 && r.visit != ""
			r.doubtful = r.Category == "social-history"
			if secret && !of {
				r.as = m.why + ", not of an age to keep it"
			}
		}
	}
	grown := w.guardedAs("of age")
	grown.Relation = []string{"ward", "team"}
	grown.parent = true
}
