package main

import (
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/attack/expect"
)

// minors is what the hospital has set: the age of each category.
const minors = `minors:
  adult_age: 18
  confidential:
    - {category: reproductive, from_age: 13}
    - {category: infection, from_age: 13}
    - {category: mental, from_age: 14}
    - {category: violence, from_age: 0}
`

// guard is what a patient asks for, or what the law keeps for her.
type guard struct {
	kind     string // consent-deny, consent-permit, held, minor-confidential, self
	consents []expect.Provision
	holds    []expect.Provision
	relative object // who acts for her
	parent   bool   // who acted for her while she was a minor is still on record
	secrets  map[string]secret
}

// guarding is what Consents speak of, and what a minor keeps to herself.
type guarding struct {
	as            string // name of the relation in cells, if it is not the patient's
	visit         string
	codes, labels []string
	confidential  bool
	doubtful      bool
}

// secret is what a record of a slot is coded or labelled with.
type secret struct {
	system, code string
	label        bool
}

const attackLabels = "urn:wardkeep:attack:labels"

// apartSlots are slots that guarded patients have besides: a second visit, and records of no
// visit that are spoken of apart.
var apartSlots = []slot{
	{"Encounter", "Encounter second", "", buildEncounter},
	{"Condition", "Condition second", "", coded(object{"clinicalStatus": one("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")}, "recordedDate")},
	{"Observation", "Observation second", "vital-signs", observation("vital-signs", "8478-0")},
	{"Procedure", "Procedure second", "", coded(object{"status": "completed"}, "performedDateTime")},
	{"Claim", "Claim second", "", ofVisit(buildClaim)},
	{"DocumentReference", "DocumentReference second", "", documentOfVisit},
	{"MedicationRequest", "MedicationRequest second", "", buildPrescription},
	{"AllergyIntolerance", "AllergyIntolerance second", "", atVisit(coded(object{"clinicalStatus": one("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active")}, "recordedDate"))},
	{"Immunization", "Immunization second", "", atVisit(buildImmunization)},
	{"Condition", "Condition private", "", apart(coded(object{"clinicalStatus": one("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")}, "recordedDate"))},
	{"Observation", "Observation private", "laboratory-other", apart(observation("laboratory", "13457-7"))},
	{"MedicationRequest", "MedicationRequest private", "", apart(buildPrescription)},
	{"Claim", "Claim private", "", buildClaim},
	{"DocumentReference", "DocumentReference private", "", buildDocument},
	{"Appointment", "Appointment private", "", buildAppointment},
}

func apart(build func(*world, *patient, *record) object) func(*world, *patient, *record) object {
	return func(w *world, p *patient, r *record) object {
		b := build(w, p, r)
		delete(b, "encounter")
		return b
	}
}

func ofVisit(build func(*world, *patient, *record) object) func(*world, *patient, *record) object {
	return func(w *world, p *patient, r *record) object {
		b := build(w, p, r)
		b["item"].([]any)[0].(object)["encounter"] = []any{object{"reference": "Encounter/" + r.encounter}}
		return b
	}
}

func atVisit(build func(*world, *patient, *record) object) func(*world, *patient, *record) object {
	return func(w *world, p *patient, r *record) object {
		b := build(w, p, r)
		b["encounter"] = object{"reference": "Encounter/" + r.encounter}
		return b
	}
}

func documentOfVisit(w *world, p *patient, r *record) object {
	b := buildDocument(w, p, r)
	b["context"] = object{"encounter": []any{object{"reference": "Encounter/" + r.encounter}}}
	return b
}

// label adds what the patient's guard says of the slot, and notes what Consents read.
func (p *patient) label(s slot, r *record) {
	if p.kind == "" {
		return
	}
	if strings.HasSuffix(s.name, " second") {
		r.visit = r.encounter
		if s.typ == "Encounter" {
			r.visit = r.ID
		}
	}
	x, ok := p.secrets[s.name]
	if !ok {
		return
	}
	coding := object{"system": x.system, "code": x.code}
	switch {
	case x.label:
		r.body["meta"] = object{"security": []any{coding}}
		r.labels = []string{x.code}
		if i := slices.IndexFunc(mandates, func(m mandate) bool { return m.System == x.system && m.Code == x.code }); i > 0 {
			r.Marks = []string{mandates[i].Mark}
		} else if x.system == actCode {
			r.Marks = []string{"sensitive"}
		}
	case s.typ == "Claim":
		r.body["diagnosis"] = []any{object{"sequence": 1, "diagnosisCodeableConcept": object{"coding": []any{coding}}}}
	case s.typ == "Encounter":
		r.body["reasonCode"].([]any)[0].(object)["coding"] = []any{coding}
	case s.typ == "Appointment":
		r.body["reasonCode"] = []any{object{"coding": []any{coding}}}
	default:
		code := r.body["code"].(object)
		code["coding"] = append(code["coding"].([]any), coding)
		r.codes = []string{x.code}
	}
}

// guardedAs is a guarded patient by her kind.
func (w *world) guardedAs(why string) *patient {
	return w.guarded[slices.IndexFunc(w.guarded, func(p *patient) bool { return p.Why == why })]
}

func (w *world) consents() (n int) {
	for _, r := range w.guardedRecords() {
		n += boolInt(r.Type == "Consent")
	}
	return n
}

// keep admits a guarded patient with all her records.
func (w *world) keep(kind, why string, relation []string, age int, secrets map[string]secret) *patient {
	p := &patient{Why: kind + strings.TrimSuffix(" "+why, " "), Relation: relation, guard: guard{kind: kind, secrets: secrets}}
	if kind == "" || kind == "held" || kind == "minor" || kind == "own" {
		p.Why = firstOf(why, kind)
	}
	if age > 0 {
		p.Birth = w.now.AddDate(-age, -5, 0).Format(time.DateOnly)
	}
	w.register(p)
	w.guarded = append(w.guarded, p)
	for _, s := range slices.Concat(slots, apartSlots) {
		w.file(p, s)
	}
	return p
}

// guardedTarget adds to a target what guards say of it.
func guardedTarget(t expect.Target, c *caller, p *patient, r *record) expect.Target {
	t.ID, t.Codes, t.Labels, t.Visit = r.ID, r.codes, r.labels, r.visit
	t.Consents, t.Holds, t.Confidential, t.Doubtful = p.consents, p.holds, r.confidential, r.doubtful
	t.Own = c.own == p.ID
	return t
}

// relationOf names the relation to a record in cells.
func (w *world) relationOf(c *caller, r *record) string {
	return firstOf(r.as, c.relation(w.byID[r.Patient]))
}

const attackCodes = "urn:wardkeep:attack:codes"

// proxyOf is the id of who acts for a guarded patient.
func proxyOf(p *patient) string { return "acts-for-" + p.ID[len(mark):] }

// relative is who acts for a patient: the account says so.
func relative(id string, p *patient, account string) object {
	r := object{
		"resourceType": "RelatedPerson", "id": id, "active": true, "patient": p.ref(),
		"identifier": []any{object{"system": "urn:wardkeep:account", "value": account}},
	}
	if p.kind == "minor" {
		r["relationship"] = []any{one("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "MTH")}
		r["period"] = object{"start": p.Birth}
	}
	return r
}
