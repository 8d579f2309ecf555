package demo

// The four states of an allergy list, and the entry that no computer can check.

// severeAllergies are known, three of them, one that has nearly killed.
func severeAllergies(c *chart) {
	when := c.clinicHour(900)
	c.allergic(allergy{substance: penicillin, category: "medication", criticality: "high", reaction: anaphylaxis, severity: "severe", recorded: when})
	c.allergic(allergy{substance: peanut, category: "food", criticality: "high", reaction: angioedema, severity: "severe", recorded: when})
	c.allergic(allergy{substance: aspirinSub, category: "medication", criticality: "high", reaction: wheeze, severity: "moderate", recorded: c.clinicHour(400)})
	c.allergic(allergy{substance: beeVenom, category: "environment", criticality: "low", reaction: urticaria, severity: "mild", status: "resolved", recorded: when})
}

// assertedNone is what somebody asked and wrote down.
func assertedNone(c *chart) { c.noAllergies(c.clinicHour(12)) }

// notRecorded is silence.
func notRecorded(*chart) {}

// enteredInError is silence again: the one entry was a mistake.
func enteredInError(c *chart) {
	when := c.clinicHour(20)
	id := c.allergic(allergy{substance: penicillin, category: "medication", criticality: "high", reaction: anaphylaxis, severity: "severe", recorded: when})
	c.revise("AllergyIntolerance", id, func(before obj) obj {
		wrong := bare(tho("allergyintolerance-verification", "entered-in-error", "Entered in Error"))
		return before.set("clinicalStatus", nil).set("verificationStatus", wrong).
			with("note", list(o("authorReference", c.nurse.ref(), "time", instant(when.AddDate(0, 0, 1)), "text", "Entered in the wrong patient's record.")))
	})
}

// freeText is an entry without a code.
func freeText(c *chart) {
	c.allergic(allergy{text: "Some pink antibiotic as a child, swelled up (mother's account)", recorded: c.clinicHour(500)})
}
