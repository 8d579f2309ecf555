package demo

import "time"

// dies sets the record's today to the day of death.
func dies(daysAgo int) func(*chart) {
	return func(c *chart) {
		c.now = at(c.now, -daysAgo, 4, 35)
		c.dead = true
	}
}

// lastIllness is heart failure to its end in a stay on the ward.
func lastIllness(c *chart) {
	heartFailure(c)
	c.pastStay(c.days(-3.1), c.now.Sub(c.days(-3.1)), WardMedicine, dxHeartFailure.concept(), died)
	c.moves("sbp", point{-4, 112}, point{-1, 88}, point{0, 62})
	c.moves("dbp", point{-4, 64}, point{-1, 50}, point{0, 38})
	c.moves("hr", point{-4, 96}, point{-1, 118}, point{-0.1, 52})
	c.moves("rr", point{-4, 22}, point{-1, 26}, point{-0.1, 9})
	c.moves("spo2", point{-4, 93}, point{-1, 87}, point{0, 78})
	c.then("crea", point{-3.1, 2.4}, point{0, 3.9})
	c.then("k", point{-3.1, 4.9}, point{0, 5.9})
	for h := 1; h < 74; h += 4 {
		c.vitals(c.enc.start.Add(time.Duration(h) * time.Hour))
	}
	c.lab(c.enc.start.Add(time.Hour), bmp, bnp, cbc)
	c.lab(c.enc.start.Add(26*time.Hour), bmp)
	c.lab(c.enc.start.Add(50*time.Hour), bmp)
	c.document(docDisch, "Summary of last illness", c.now.Add(-time.Minute), c.doctor,
		"Died of advanced heart failure. Comfort measures for the last two days in agreement with the family.",
		"Family present. No autopsy requested.")
}

// deceased closes the record: the date of death, medicines stopped, care team
// and plans ended.
func deceased(c *chart) {
	c.patient = c.patient.with("deceasedDateTime", instant(c.now))
	for i, e := range c.stages[0] {
		switch {
		case e.typ == "MedicationRequest" && e.body.get("status") == "active":
			c.stages[0][i].body = e.body.set("status", "stopped").set("statusReason", o("text", "Patient died"))
		case e.typ == "CareTeam":
			c.stages[0][i].body = e.body.set("status", "inactive")
		case e.typ == "CarePlan":
			c.stages[0][i].body = e.body.set("status", "completed")
		case e.typ == "Goal":
			c.stages[0][i].body = e.body.set("lifecycleStatus", "cancelled")
		}
	}
}

// proxy gives a parent access to the record of a minor: who it is, and the
// consent on which the access rests. The other parent has none.
func proxy(c *chart) {
	parent := func(id, given, sex string, role code) string {
		return c.put("RelatedPerson", id, o("active", true, "patient", c.subject(), "relationship", list(concept(role)),
			"name", list(o("text", given+" "+c.p.family, "family", c.p.family, "given", list(given))),
			"telecom", list(o("system", "phone", "value", phone(c.r), "use", "mobile"),
				o("system", "email", "value", "proxy"+itoa(c.n)+"@example.org", "use", "home")), "gender", sex))
	}
	mother := parent(c.id+"-proxy", "Helen", "female", v3("RoleCode", "MTH", "mother"))
	father := parent(c.id+"-father", "Victor", "male", v3("RoleCode", "FTH", "father"))
	c.consent(c.id+"-proxy-consent", "permit", mother, c.clinicHour(200))
	c.consent(c.id+"-father-consent", "deny", father, c.clinicHour(90))
}

// consent permits or denies somebody to see the record.
func (c *chart) consent(id, kind, whom string, when time.Time) {
	c.put("Consent", id, o("status", "active", "scope", bare(tho("consentscope", "patient-privacy", "Privacy Consent")),
		"category", list(concept(loinc("59284-0", "Consent Document"))), "patient", c.subject(), "dateTime", instant(when),
		"performer", list(ref("RelatedPerson", c.id+"-proxy")), "organization", list(orgRef(orgHospital)),
		"policyRule", bare(v3("ActCode", "OPTIN", "opt-in")),
		"provision", o("type", kind, "period", o("start", date(when)), "actor", list(o(
			"role", concept(v3("RoleCode", "PRN", "parent")), "reference", link(whom))),
			"action", list(bare(tho("consentaction", "access", "Access"))))))
}

// psychotherapyNote is kept apart from the rest of the record.
func psychotherapyNote(c *chart) {
	therapist := specialist("l.marchetti")
	c.within([]code{veryRestricted, labelPsyNote, labelPsyLaw}, func() {
		t := c.enc.start.Add(50 * time.Minute)
		pdf := writePDF(letter{title: "Psychotherapy note", patient: c.latinName(), mrn: mrn(c.n), born: c.p.birth, when: t,
			author: therapist.display(), paragraphs: []string{
				"Notes of the session, kept apart from the medical record (45 CFR 164.501).",
				"Synthetic text: the patient spoke about work, sleep and a quarrel with a brother."}})
		c.fileAs(c.id+"-psychotherapy-note", docNote, "Psychotherapy note", t, therapist, "application/pdf", pdf)
	})
}
