package main

import (
	"encoding/base64"
	"slices"
	"time"
)

// slot is one record that every patient has.
type slot struct {
	typ, name, category string
	build               func(w *world, p *patient, r *record) object
}

var slots = []slot{
	{"Patient", "Patient", "", buildPatient},
	{"Encounter", "Encounter", "", buildEncounter},
	{"CareTeam", "CareTeam", "", buildCareTeam},
	{"Appointment", "Appointment", "", buildAppointment},
	{"ServiceRequest", "ServiceRequest", "", buildReferral},
	{"ServiceRequest", "ServiceRequest lab", "laboratory", buildLabOrder},
	{"Condition", "Condition", "", coded(object{"clinicalStatus": one("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")}, "recordedDate")},
	{"Observation", "Observation INR", "laboratory-formulary", observation("laboratory", "6301-6")},
	{"Observation", "Observation other", "laboratory-other", observation("laboratory", "13457-7")},
	{"Observation", "Observation vital", "vital-signs", observation("vital-signs", "8478-0")},
	{"Observation", "Observation social", "social-history", observation("social-history", "72166-2")},
	{"AllergyIntolerance", "AllergyIntolerance", "", coded(object{"clinicalStatus": one("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active")}, "recordedDate")},
	{"MedicationRequest", "MedicationRequest", "", buildPrescription},
	{"Immunization", "Immunization", "", buildImmunization},
	{"Procedure", "Procedure", "", coded(object{"status": "completed"}, "performedDateTime")},
	{"DiagnosticReport", "DiagnosticReport", "laboratory", buildReport},
	{"Binary", "Binary", "", buildBinary},
	{"DocumentReference", "DocumentReference", "", buildDocument},
	{"Composition", "Composition", "", buildComposition},
	{"Coverage", "Coverage", "", buildCoverage},
	{"Claim", "Claim", "", buildClaim},
	{"CarePlan", "CarePlan", "", buildCarePlan},
	{"Specimen", "Specimen", "", buildSpecimen},
	{"RelatedPerson", "RelatedPerson", "", buildRelative},
	{"List", "List", "", buildList},
}

func one(system, code string) object {
	return object{"coding": []any{object{"system": system, "code": code}}}
}

func (p *patient) ref() object { return object{"reference": "Patient/" + p.ID} }

// concept is a code with canaries as code, display and text. One canary is the code
// that searches ask for.
func (w *world) concept(r *record, element string) object {
	r.Code = w.hatch(r, element)
	return object{
		"coding": []any{object{"system": "urn:wardkeep:codes", "code": r.Code, "display": w.hatch(r, element+".display")}},
		"text":   w.hatch(r, element+".text"),
	}
}

func (w *world) note(r *record) []any { return []any{object{"text": w.hatch(r, "note")}} }

func (w *world) attachment(r *record, element string) object {
	text := base64.StdEncoding.EncodeToString([]byte("x" + w.hatch(r, element) + " and more"))
	return object{"contentType": "text/plain", "data": text, "title": w.hatch(r, element+".title")}
}

func buildPatient(w *world, p *patient, r *record) object {
	w.words[p.MRN], w.words[p.Family] = canary{p.MRN, r, "identifier"}, canary{p.Family, r, "name"}
	r.Elements["identifier"], r.Elements["name"] = []string{p.MRN}, []string{p.Family}
	birth, _ := time.Parse(time.DateOnly, p.Birth)
	for _, text := range []string{p.Birth, birth.Format("02-Jan-2006")} {
		w.dates[text] = canary{text, r, "birthDate"}
	}
	return object{
		"active": true, "gender": "female", "birthDate": p.Birth,
		"identifier": []any{object{"type": one("http://terminology.hl7.org/CodeSystem/v2-0203", "MR"), "system": "urn:wardkeep:mrn", "value": p.MRN},
			object{"type": one("http://terminology.hl7.org/CodeSystem/v2-0203", "SS"), "system": "http://hl7.org/fhir/sid/us-ssn", "value": w.hatch(r, "ssn")}},
		"name":    []any{object{"family": p.Family, "given": []any{w.hatch(r, "name")}}},
		"telecom": []any{object{"system": "phone", "value": w.hatch(r, "telecom")}},
		"address": []any{object{"line": []any{w.hatch(r, "address")}, "city": w.hatch(r, "address"), "postalCode": w.hatch(r, "address")}},
		"contact": []any{object{"name": object{"family": w.hatch(r, "contact")}}},
	}
}

// buildEncounter: in progress on ward A is what gives a ward; the others lie on ward B.
func buildEncounter(w *world, p *patient, r *record) object {
	location, status := "ward-b", "in-progress"
	period := object{"start": w.now.Add(-72 * time.Hour).Format(time.RFC3339)}
	if slices.Contains(p.Relation, "ward") || p.Why == "discharged" {
		location = "ward-a"
	}
	if p.Why == "discharged" {
		status, period["end"] = "finished", w.now.Add(-24*time.Hour).Format(time.RFC3339)
	}
	e := object{
		"status": status, "class": object{"system": actCode, "code": "IMP"}, "type": []any{w.concept(r, "type")}, "subject": p.ref(), "period": period,
		"location":   []any{object{"location": object{"reference": "Location/" + location}, "status": map[bool]string{true: "active", false: "completed"}[status == "in-progress"]}},
		"reasonCode": []any{object{"text": w.hatch(r, "reasonCode")}},
	}
	if p.Why == "encounter" {
		e["participant"] = w.named("individual")
	}
	return e
}

// named are all who are related, as members of a list.
func (w *world) named(as string) (all []any) {
	for _, s := range w.staff {
		all = append(all, object{as: object{"reference": "Practitioner/" + s}})
	}
	return all
}

func buildCareTeam(w *world, p *patient, r *record) object {
	t := object{"status": "active", "name": w.hatch(r, "name"), "subject": p.ref()}
	if slices.Contains(p.Relation, "team") || p.Why == "former team" {
		t["participant"] = w.named("member")
	}
	if p.Why == "former team" {
		t["status"] = "inactive"
		t["period"] = object{"end": w.now.Add(-72 * time.Hour).Format(time.RFC3339)}
	}
	return t
}

func buildAppointment(w *world, p *patient, r *record) object {
	start, who := w.now.Add(24*time.Hour), []any{}
	switch p.Why {
	case "far appointment":
		start = w.now.Add(40 * 24 * time.Hour)
	case "far appointment past":
		start = w.now.Add(-40 * 24 * time.Hour)
	}
	if p.Why == "appointment" || p.Why == "far appointment" || p.Why == "far appointment past" {
		for _, s := range w.staff {
			who = append(who, object{"actor": object{"reference": "Practitioner/" + s}, "status": "accepted"})
		}
	}
	return object{
		"status": "booked", "start": start.Format(time.RFC3339), "end": start.Add(time.Hour).Format(time.RFC3339), "description": w.hatch(r, "description"),
		"participant": append(who, object{"actor": p.ref(), "status": "accepted"}), "comment": w.hatch(r, "note"),
	}
}

func buildReferral(w *world, p *patient, r *record) object {
	s := object{
		"status": "active", "intent": "order", "code": w.concept(r, "code"), "subject": p.ref(), "note": w.note(r),
		"category": []any{one("http://snomed.info/sct", "3457005")}, "authoredOn": w.now.Add(-48 * time.Hour).Format(time.RFC3339),
	}
	if p.Why == "referral" {
		var all []any
		for _, n := range w.staff {
			all = append(all, object{"reference": "Practitioner/" + n})
		}
		s["performer"] = all
	}
	return s
}

func buildLabOrder(w *world, p *patient, r *record) object {
	return object{
		"status": "active", "intent": "order", "code": w.concept(r, "code"), "subject": p.ref(), "note": w.note(r),
		"category": []any{one("http://snomed.info/sct", "108252007")}, "authoredOn": w.now.Add(-48 * time.Hour).Format(time.RFC3339),
	}
}

// coded is a record with a code, a note and a date.
func coded(more object, date string) func(*world, *patient, *record) object {
	return func(w *world, p *patient, r *record) object {
		about := "subject"
		if r.Type == "AllergyIntolerance" {
			about = "patient"
		}
		b := object{"code": w.concept(r, "code"), about: p.ref(), "note": w.note(r), date: w.now.Add(-48 * time.Hour).Format(time.RFC3339)}
		if about == "subject" {
			b["encounter"] = object{"reference": "Encounter/" + r.encounter}
		}
		for k, v := range more {
			b[k] = v
		}
		return b
	}
}

func observation(category, loinc string) func(*world, *patient, *record) object {
	return func(w *world, p *patient, r *record) object {
		code := w.concept(r, "code")
		code["coding"] = append(code["coding"].([]any), object{"system": "http://loinc.org", "code": loinc})
		return object{
			"status": "final", "code": code, "subject": p.ref(), "encounter": object{"reference": "Encounter/" + r.encounter},
			"category":          []any{one("http://terminology.hl7.org/CodeSystem/observation-category", category)},
			"effectiveDateTime": w.now.Add(-48 * time.Hour).Format(time.RFC3339), "valueString": w.hatch(r, "value"), "note": w.note(r),
		}
	}
}

func buildPrescription(w *world, p *patient, r *record) object {
	return object{
		"status": "active", "intent": "order", "medicationCodeableConcept": w.concept(r, "medication"), "subject": p.ref(), "note": w.note(r),
		"encounter":  object{"reference": "Encounter/" + r.encounter},
		"authoredOn": w.now.Add(-48 * time.Hour).Format(time.RFC3339), "dosageInstruction": []any{object{"text": w.hatch(r, "dosage")}},
	}
}

func buildImmunization(w *world, p *patient, r *record) object {
	return object{
		"status": "completed", "vaccineCode": w.concept(r, "code"), "patient": p.ref(), "occurrenceDateTime": r.Date,
		"lotNumber": w.hatch(r, "lotNumber"), "note": w.note(r),
	}
}

func buildReport(w *world, p *patient, r *record) object {
	return object{
		"status": "final", "code": w.concept(r, "code"), "subject": p.ref(), "effectiveDateTime": w.now.Add(-48 * time.Hour).Format(time.RFC3339),
		"category":   []any{one("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB")},
		"conclusion": w.hatch(r, "conclusion"), "presentedForm": []any{w.attachment(r, "presentedForm")},
		"result": []any{object{"reference": "Observation/" + p.record("Observation INR").ID}},
	}
}

func buildBinary(w *world, p *patient, r *record) object {
	return object{
		"contentType": "text/plain", "securityContext": p.ref(),
		"data": base64.StdEncoding.EncodeToString([]byte(w.hatch(r, "data") + " is in the file")),
	}
}

func buildDocument(w *world, p *patient, r *record) object {
	file := w.attachment(r, "content")
	return object{
		"status": "current", "type": w.concept(r, "type"), "subject": p.ref(), "description": w.hatch(r, "description"),
		"content": []any{object{"attachment": file}, object{"attachment": object{"contentType": "text/plain", "url": "Binary/" + p.record("Binary").ID}}},
	}
}

func buildComposition(w *world, p *patient, r *record) object {
	r.Identifier = w.hatch(r, "identifier")
	return object{
		"status": "final", "type": w.concept(r, "type"), "subject": p.ref(), "date": r.Date, "title": w.hatch(r, "title"),
		"identifier": object{"system": "urn:wardkeep:attack", "value": r.Identifier},
		"author":     []any{object{"reference": "Practitioner/nobody"}},
		"section": []any{object{
			"title": w.hatch(r, "section"), "entry": []any{object{"reference": "Condition/" + p.record("Condition").ID}},
			"text": object{"status": "generated", "div": `<div xmlns="http://www.w3.org/1999/xhtml">` + w.hatch(r, "section.text") + `</div>`},
		}},
	}
}

func buildCoverage(w *world, p *patient, r *record) object {
	return object{"status": "active", "beneficiary": p.ref(), "payor": []any{object{"display": w.hatch(r, "payor")}}, "subscriberId": w.hatch(r, "subscriberId"), "type": w.concept(r, "type")}
}

func buildClaim(w *world, p *patient, r *record) object {
	return object{
		"status": "active", "type": one("http://terminology.hl7.org/CodeSystem/claim-type", "professional"), "use": "claim", "patient": p.ref(), "created": r.Date,
		"provider": object{"reference": "Practitioner/nobody"}, "priority": one("http://terminology.hl7.org/CodeSystem/processpriority", "normal"),
		"insurance": []any{object{"sequence": 1, "focal": true, "coverage": object{"reference": "Coverage/" + p.record("Coverage").ID}}},
		"item":      []any{object{"sequence": 1, "productOrService": w.concept(r, "item")}},
	}
}

func buildCarePlan(w *world, p *patient, r *record) object {
	return object{
		"status": "active", "intent": "plan", "subject": p.ref(), "title": w.hatch(r, "title"), "description": w.hatch(r, "description"), "note": w.note(r),
		"category": []any{w.concept(r, "category")},
	}
}

func buildSpecimen(w *world, p *patient, r *record) object {
	return object{"status": "available", "type": w.concept(r, "type"), "subject": p.ref(), "note": w.note(r), "receivedTime": r.Date}
}

func buildRelative(w *world, p *patient, r *record) object {
	return object{"active": true, "patient": p.ref(), "name": []any{object{"family": w.hatch(r, "name")}}, "telecom": []any{object{"system": "phone", "value": w.hatch(r, "telecom")}}}
}

func buildList(w *world, p *patient, r *record) object {
	var all []any
	for _, o := range p.Records {
		all = append(all, object{"item": object{"reference": o.Type + "/" + o.ID}})
	}
	return object{"status": "current", "mode": "snapshot", "title": w.hatch(r, "title"), "code": w.concept(r, "code"), "subject": p.ref(), "note": w.note(r), "entry": all}
}
