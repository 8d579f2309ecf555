package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// wish is a Consent that a patient of the attack has given.
type wish struct {
	name     string
	relation []string
	rule     func(p *patient) expect.Provision
	period   string // now, over, to come
	status   string // "": active
}

var near, far = []string{"ward", "team", "proxy"}, []string(nil)

const (
	relatedDoctor  = "Practitioner/staff-0"
	strangeDoctor  = "Practitioner/staff-1"
	relatedNurse   = "Practitioner/staff-2"
	strangeNurse   = "Practitioner/staff-3"
	deniedGroup    = "Group/denied" // relatedNurse
	permittedGroup = "Group/permitted"
)

// denials and permissions, one condition each, and such as lie in one another.
var denials = []wish{
	{"all", near, deny(expect.Provision{}), "", ""},
	{"doctor", near, deny(expect.Provision{Actors: []string{relatedDoctor}}), "", ""},
	{"group", near, deny(expect.Provision{Actors: []string{deniedGroup}}), "", ""},
	{"team", near, func(p *patient) expect.Provision {
		return expect.Provision{Deny: true, Actors: []string{"CareTeam/" + p.record("CareTeam").ID}}
	}, "", ""},
	{"proxy", near, func(p *patient) expect.Provision {
		return expect.Provision{Deny: true, Actors: []string{"RelatedPerson/" + proxyOf(p)}}
	}, "", ""},
	{"class", near, deny(expect.Provision{Actors: []string{relatedDoctor, relatedNurse}, Classes: []string{"Condition", "MedicationRequest", "DocumentReference"}}), "", ""},
	{"code", near, deny(expect.Provision{Codes: []string{"delicate"}}), "", ""},
	{"label", near, deny(expect.Provision{Labels: []string{"private"}}), "", ""},
	{"record", near, func(p *patient) expect.Provision {
		return expect.Provision{Deny: true, Records: []string{p.record("Condition private").ID, p.record("DocumentReference").ID, p.record("Claim private").ID}}
	}, "", ""},
	{"visit", near, func(p *patient) expect.Provision {
		return expect.Provision{Deny: true, Visits: []string{p.record("Encounter second").ID}}
	}, "", ""},
	{"paid in full", near, func(p *patient) expect.Provision {
		return expect.Provision{Deny: true, Purposes: []string{"HPAYMT"}, Visits: []string{p.record("Encounter second").ID}}
	}, "", ""},
	{"treatment", near, deny(expect.Provision{Purposes: []string{"TREAT"}}), "", ""},
	{"research", near, deny(expect.Provision{Purposes: []string{"HRESCH"}}), "", ""},
	{"period", near, deny(expect.Provision{Actors: []string{relatedDoctor}}), "now", ""},
	{"all but a class", near, deny(expect.Provision{Actors: []string{relatedDoctor, relatedNurse}, But: []expect.Provision{{Classes: []string{"AllergyIntolerance"}}}}), "", ""},
	{"all but the doctor", near, deny(expect.Provision{But: []expect.Provision{{Actors: []string{relatedDoctor}}}}), "", ""},
	{"all but a class but a code", near, deny(expect.Provision{Actors: []string{relatedDoctor}, But: []expect.Provision{{Classes: []string{"Observation"}, But: []expect.Provision{{Deny: true, Codes: []string{"delicate"}}}}}}), "", ""},
	{"but for", near, deny(expect.Provision{Actors: []string{relatedDoctor}, Classes: []string{"Observation"}, But: []expect.Provision{{Purposes: []string{"HRESCH"}}}}), "", ""},
}

var permissions = []wish{
	{"doctor", far, permit(expect.Provision{Actors: []string{strangeDoctor}}), "", ""},
	{"nurse", far, permit(expect.Provision{Actors: []string{strangeNurse}}), "", ""},
	{"group", far, permit(expect.Provision{Actors: []string{permittedGroup}}), "", ""},
	{"class", far, permit(expect.Provision{Actors: []string{strangeDoctor}, Classes: []string{"Patient", "Observation"}}), "", ""},
	{"record", far, func(p *patient) expect.Provision {
		return expect.Provision{Actors: []string{strangeDoctor}, Records: []string{p.record("Condition private").ID}}
	}, "", ""},
	{"visit", far, func(p *patient) expect.Provision {
		return expect.Provision{Actors: []string{strangeDoctor}, Visits: []string{p.record("Encounter second").ID}}
	}, "", ""},
	{"but a class", far, permit(expect.Provision{Actors: []string{strangeDoctor}, But: []expect.Provision{{Deny: true, Classes: []string{"Condition", "DocumentReference"}}}}), "", ""},
	{"for treatment", far, permit(expect.Provision{Actors: []string{strangeDoctor}, Purposes: []string{"TREAT"}}), "", ""},
	{"period", far, permit(expect.Provision{Actors: []string{strangeDoctor}}), "now", ""},
	{"nobody in particular", far, permit(expect.Provision{}), "", ""},
	{"marked", far, permit(expect.Provision{Actors: []string{strangeDoctor, strangeNurse}}), "", ""},
}

// idle are Consents that say nothing: not yet, not any more, not agreed to. Who was meant
// sees as if there were none.
var idle = []wish{
	{"deny, over", near, deny(expect.Provision{}), "over", ""}, {"deny, to come", near, deny(expect.Provision{}), "to come", ""}, {"deny, proposed", near, deny(expect.Provision{}), "", "proposed"},
	{"permit, over", far, permit(expect.Provision{Actors: []string{strangeDoctor, strangeNurse}}), "over", ""}, {"permit, to come", far, permit(expect.Provision{Actors: []string{strangeDoctor, strangeNurse}}), "to come", ""},
	{"permit, proposed", far, permit(expect.Provision{Actors: []string{strangeDoctor, strangeNurse}}), "", "proposed"}, {"permit, rejected", far, permit(expect.Provision{Actors: []string{strangeDoctor}}), "", "rejected"},
	{"permit, inactive", far, permit(expect.Provision{Actors: []string{strangeDoctor}}), "", "inactive"}, {"permit, entered in error", far, permit(expect.Provision{Actors: []string{strangeDoctor}}), "", "entered-in-error"},
}

func deny(p expect.Provision) func(*patient) expect.Provision {
	p.Deny = true
	return func(*patient) expect.Provision { return p }
}

func permit(p expect.Provision) func(*patient) expect.Provision {
	return func(*patient) expect.Provision { return p }
}

// changing are Consents that are taken back, or given, while the attack runs: each way
// to do so is tried on one patient.
var (
	endings  = []string{"inactive", "entered-in-error", "deleted", "period ended", "actor out", "rejected"}
	changing = func() (all []wish) {
		for _, how := range endings {
			all = append(all, wish{"deny, " + how, near, deny(expect.Provision{Actors: []string{relatedDoctor}}), "", ""}, wish{"permit, " + how, far, permit(expect.Provision{Actors: []string{strangeDoctor}}), "", ""})
		}
		return all
	}()
)

// guardAll admits all who are guarded.
func (w *world) guardAll() {
	for _, of := range []struct {
		kind string
		list []wish
	}{{"consent-deny", denials}, {"consent-permit", permissions}, {"consent-idle", idle}, {"consent-revoked", changing}} {
		for _, x := range of.list {
			secrets := map[string]secret{"Condition private": {attackLabels, "private", true}, "MedicationRequest private": {attackLabels, "private", true},
				"Procedure": {attackCodes, "delicate", false}, "Observation private": {attackCodes, "delicate", false}}
			if x.name == "marked" {
				secrets = map[string]secret{"Condition private": {actCode, "PSYTHPN", true}, "Observation private": {actCode, "HIV", true}, "MedicationRequest private": {actCode, "ETH", true}}
			}
			w.consent(w.keep(of.kind, x.name, x.relation, 0, secrets), x)
		}
	}
	for _, how := range []string{"page link", "job", "search", "Subscription"} {
		w.keep("consent-new", "deny, "+how, near, 0, nil)
	}
	for _, how := range endings[:4] {
		w.keep("proxy-revoked", how, []string{"proxy"}, 0, nil)
	}
	w.holdAll()
	w.minorsAll()
	w.keep("own", "own record of a doctor", near, 0, nil)
	w.keep("own", "own record of a nurse who is a patient", near, 0, nil)
}

// consent files what the patient has agreed to, and notes what follows.
func (w *world) consent(p *patient, x wish) *record {
	rule := x.rule(p)
	r := w.form(p, "Consent")
	r.body["provision"] = w.provision(rule)
	r.body["status"] = firstOf(x.status, "active")
	day := 24 * time.Hour
	if between, ok := map[string][2]time.Duration{"now": {-2 * day, 2 * day}, "over": {-9 * day, -2 * day}, "to come": {2 * day, 9 * day}}[x.period]; ok {
		r.body["provision"].(object)["period"] = object{"start": w.now.Add(between[0]).Format(time.RFC3339), "end": w.now.Add(between[1]).Format(time.RFC3339)}
	}
	if x.status == "" && x.period != "over" && x.period != "to come" {
		p.consents = append(p.consents, rule)
	}
	return r
}

// form is a Consent of the patient without what it says.
func (w *world) form(p *patient, slot string) *record {
	r := &record{Type: "Consent", Patient: p.ID, Slot: slot, Elements: map[string][]string{}}
	r.ID, r.Identifier = w.hatch(r, "id"), w.hatch(r, "identifier")
	r.body = object{
		"resourceType": "Consent", "id": r.ID, "status": "active", "patient": p.ref(), "dateTime": w.now.Add(-time.Hour).Format(time.RFC3339),
		"identifier": []any{object{"system": "urn:wardkeep:attack", "value": r.Identifier}},
		"scope":      one("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"), "category": []any{one("http://loinc.org", "59284-0")},
		"policyRule": object{"text": w.hatch(r, "policyRule")},
		"text":       object{"status": "generated", "div": `<div xmlns="http://www.w3.org/1999/xhtml">` + w.hatch(r, "text") + `</div>`},
	}
	p.Records, w.late = append(p.Records, r), append(w.late, r.body)
	return r
}

// provision writes a rule as FHIR does.
func (w *world) provision(p expect.Provision) object {
	b := object{"type": map[bool]string{true: "deny", false: "permit"}[p.Deny]}
	add := func(name string, list []string, make func(string) object) {
		var all []any
		for _, s := range list {
			all = append(all, make(s))
		}
		if len(all) > 0 {
			before, _ := b[name].([]any)
			b[name] = append(before, all...)
		}
	}
	add("actor", p.Actors, func(s string) object {
		return object{"role": one("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"), "reference": object{"reference": s}}
	})
	add("purpose", p.Purposes, func(s string) object {
		return object{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": s}
	})
	add("class", p.Classes, func(s string) object { return object{"system": "http://hl7.org/fhir/resource-types", "code": s} })
	add("code", p.Codes, func(s string) object { return one(attackCodes, s) })
	add("securityLabel", p.Labels, func(s string) object { return object{"system": attackLabels, "code": s} })
	data := func(meaning string) func(string) object {
		return func(id string) object {
			return object{"meaning": meaning, "reference": object{"reference": w.words[id].Record.Type + "/" + id}}
		}
	}
	add("data", p.Records, data("instance"))
	add("data", p.Visits, data("related"))
	for _, but := range p.But {
		list, _ := b["provision"].([]any)
		b["provision"] = append(list, w.provision(but))
	}
	return b
}

// namesOf are references by which Consents speak of a person.
func namesOf(w *world, p *person, related bool) []string {
	self := "Practitioner/" + p.Practitioner
	names := []string{self}
	switch self {
	case relatedNurse:
		names = append(names, deniedGroup)
	case strangeDoctor, strangeNurse:
		names = append(names, permittedGroup)
	}
	for _, g := range w.guarded {
		if related && slices.Contains(g.Relation, "team") {
			names = append(names, "CareTeam/"+g.record("CareTeam").ID)
		}
		if related && slices.Contains(p.Roles, "proxy") {
			names = append(names, "RelatedPerson/"+proxyOf(g))
		}
	}
	return names
}

// wish files what patients ask for, now that all who are named are there.
func (c *cast) wish(ctx context.Context, w *world, s *server) error {
	var guarded []string
	for _, p := range w.guarded {
		if p.kind != "consent-deny" || strings.HasSuffix(p.Why, "paid in full") || strings.HasSuffix(p.Why, "record") { // a group that names who is withheld is withheld itself
			guarded = append(guarded, "Patient/"+p.ID)
		}
	}
	all := group("guarded", guarded...)
	all["type"] = "person"
	lines := []object{group("denied", relatedNurse), group("permitted", strangeDoctor, strangeNurse), all}
	for _, one := range c.clients {
		lines = append(lines, object{"resourceType": "Device", "id": "of-" + one.client.ID, "status": "active", "identifier": []any{object{"system": "urn:wardkeep:client", "value": one.client.ID}}})
	}
	var ndjson []string
	for _, b := range append(lines, w.late...) {
		ndjson = append(ndjson, text(b))
	}
	file := filepath.Join(filepath.Dir(s.dir), "wishes.ndjson")
	if err := os.WriteFile(file, []byte(strings.Join(ndjson, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	if _, err := s.run(ctx, "import", "--dir", s.dir, file); err != nil {
		return err
	}
	for _, of := range []struct {
		list    []*caller
		purpose string
	}{{c.apps[:3], "HPAYMT"}, {c.apps[:3], "HRESCH"}, {c.apps[10:11], "TREAT"}, {c.clients[:1], "TREAT"}, {c.clients[:1], "HPAYMT"}, {c.clients[:1], "HRESCH"}} {
		for _, one := range of.list {
			other := *one
			other.Name, other.Role, other.Who.Purpose = one.Name+" for "+of.purpose, one.Role+" for "+of.purpose, of.purpose
			c.purposed = append(c.purposed, &other)
		}
	}
	return nil
}

func group(id string, members ...string) object {
	var all []any
	for _, m := range members {
		all = append(all, object{"entity": object{"reference": m}})
	}
	return object{"resourceType": "Group", "id": id, "type": "practitioner", "actual": true, "member": all}
}
