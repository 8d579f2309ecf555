package main

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// papers are Consents and holds that somebody would write who may not: for himself,
// against his own denial, without what makes a hold one.
func (a *attack) papers() (all []attempt) {
	p, q := a.guardedAs("consent-deny doctor"), a.guardedAs("consent-permit doctor")
	add := func(c *caller, route string, p *patient, req request) {
		w := map[bool]want{true: blocked, false: refused}[strings.HasSuffix(route, "in a batch")]
		all = append(all, attempt{Route: route, Trick: "consents written", As: c, Relation: p.Why, Type: "Consent", Target: p.Records[0], Req: req, Want: w})
	}
	fresh := func(p *patient, rule expect.Provision, change func(object)) object {
		body := maps.Clone(p.record("Consent").body)
		delete(body, "id")
		delete(body, "identifier")
		body["provision"] = a.provision(rule)
		if change != nil {
			change(body)
		}
		return body
	}
	for _, c := range slices.Concat(a.apps, a.narrow, a.selves) {
		for _, name := range c.Who.Names {
			if !strings.HasPrefix(name, "Practitioner/") && !strings.HasPrefix(name, "Group/") {
				continue
			}
			mine := expect.Provision{Actors: []string{name}}
			add(c, "create: a permission for oneself", q, post("Consent", fhirJSON, text(fresh(q, mine, nil))))
			add(c, "create: an exception for oneself", q, post("Consent", fhirJSON, text(fresh(q, expect.Provision{Deny: true, But: []expect.Provision{mine}}, nil))))
			add(c, "create: a permission for oneself, in a batch", q, post("", fhirJSON, bundleOf("batch", "POST", "Consent", object{"resource": fresh(q, mine, nil)})))
			add(c, "create: a permission for oneself, in a transaction", q, post("", fhirJSON, bundleOf("transaction", "POST", "Consent", object{"resource": fresh(q, mine, nil)})))
			add(c, "create: a permission for oneself, under an id", q, put("Consent/"+a.word("paper", c.Name, name), fresh(q, mine, func(b object) { b["id"] = a.word("paper", c.Name, name) })))
		}
		if a.may(c, p.record("Consent"), "") == expect.Forbidden {
			at := "Consent/" + p.record("Consent").ID
			taken := maps.Clone(p.record("Consent").body)
			taken["status"] = "inactive"
			add(c, "taking one's denial back", p, put(at, taken))
			add(c, "taking one's denial back, by a patch", p, patch(at, "application/json-patch+json", `[{"op":"replace","path":"/status","value":"inactive"}]`))
			add(c, "taking one's denial back, by a merge", p, patch(at, "application/merge-patch+json", `{"status":"entered-in-error"}`))
			add(c, "taking one's denial back, by deleting it", p, request{Method: "DELETE", Target: "/fhir/" + at})
			add(c, "taking one's denial back, by its condition", p, patch("Consent?identifier="+p.record("Consent").Identifier, "application/merge-patch+json", `{"status":"inactive"}`))
		}
		if p := a.guardedAs("held"); !slices.Contains(c.Who.Roles, "doctor") {
			at, body := "Consent/"+p.record("Consent held for harm").ID, maps.Clone(p.record("Consent held for harm").body)
			body["status"] = "inactive"
			add(c, "ending a decision on harm", p, put(at, body))
			add(c, "ending a decision on harm, by a patch", p, patch(at, "application/merge-patch+json", `{"status":"inactive"}`))
			add(c, "ending a decision on harm, by deleting it", p, request{Method: "DELETE", Target: "/fhir/" + at})
			add(c, "ending a decision on harm, by another category", p, patch(at, "application/json-patch+json", `[{"op":"remove","path":"/category/0"}]`))
		}
		all = append(all, a.heldBy(c)...)
	}
	return all
}

// heldBy are holds that may not be: by who may not decide, in another's name, without a
// reason or an end, of the whole chart. A doctor of the patient's may hold, but not so.
func (a *attack) heldBy(c *caller) (all []attempt) {
	p := a.guardedAs("consent-idle deny, over")
	r := p.record("Condition")
	good := expect.Provision{Deny: true, Records: []string{r.ID}}
	add := func(name string, rule expect.Provision, change func(b object)) {
		body := maps.Clone(p.record("Consent").body)
		delete(body, "id")
		delete(body, "identifier")
		body["category"], body["status"] = []any{one("urn:wardkeep:hold", "harm")}, "active"
		body["performer"] = []any{object{"reference": "Practitioner/" + c.person.Practitioner}}
		body["provision"] = a.provision(rule)
		body["provision"].(object)["period"] = object{"start": a.now.Add(-time.Hour).Format(time.RFC3339), "end": a.now.Add(5 * 24 * time.Hour).Format(time.RFC3339)}
		if change != nil {
			change(body)
		}
		all = append(all, attempt{Route: "hold: " + name, Trick: "consents written", As: c, Relation: p.Why, Type: "Consent", Target: p.Records[0], Req: post("Consent", fhirJSON, text(body)), Want: refused})
	}
	if !slices.Contains(c.Who.Roles, "doctor") || !c.Related || len(c.Who.Scopes) > 0 && !strings.Contains(strings.Join(c.Who.Scopes, " "), "c") {
		add("by who may not decide", good, nil)
	}
	add("without a reason", good, func(b object) { delete(b, "policyRule") })
	add("with an empty reason", good, func(b object) { b["policyRule"] = object{"text": " "} })
	add("without an end", good, func(b object) { delete(b["provision"].(object)["period"].(object), "end") })
	add("for a year", good, func(b object) {
		b["provision"].(object)["period"].(object)["end"] = a.now.AddDate(1, 0, 0).Format(time.RFC3339)
	})
	add("by nobody", good, func(b object) { delete(b, "performer") })
	add("in another's name", good, func(b object) { b["performer"] = []any{object{"reference": "Practitioner/nobody"}} })
	add("for another ground", good, func(b object) { b["category"] = []any{one("urn:wardkeep:hold", "convenience")} })
	add("of the whole chart", expect.Provision{Deny: true}, nil)
	add("of a kind of record", expect.Provision{Deny: true, Classes: []string{"Observation"}}, nil)
	add("from staff", expect.Provision{Deny: true, Actors: []string{relatedNurse}, Records: []string{r.ID}}, nil)
	if !slices.Contains(c.Who.Roles, "doctor") && !slices.Contains(c.Who.Roles, "registration") {
		add("in the patient's name", good, func(b object) {
			b["category"], b["performer"] = []any{one("urn:wardkeep:hold", "patient-request")}, []any{object{"reference": "Patient/" + p.ID}}
		})
	}
	return all
}
