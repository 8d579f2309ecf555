package demo

import "time"

// criticalPotassium is a result of the last hour that nobody has acknowledged.
func criticalPotassium(c *chart) {
	collected, issued := c.now.Add(-95*time.Minute), c.now.Add(-40*time.Minute)
	c.potassium("k-critical", 6.8, collected, issued)
}

// potassium reports one value outside the usual runs, under ids of its own.
func (c *chart) potassium(name string, v float64, collected, issued time.Time) {
	order := c.orderLab(collected, kLevel)
	specimen := c.collect(collected, kLevel)
	a := c.w.analytes["k"]
	obs := c.put("Observation", c.id+"-"+name, c.labResult(reading{a, v}, collected, issued, result{order: order, specimen: specimen}))
	c.put("DiagnosticReport", c.id+"-"+name+"-report", o("basedOn", list(link(order)), "status", "final",
		"category", list(concept(kLevel.section)), "code", textConcept(kLevel.name, a.code), "subject", c.subject(),
		"encounter", c.enc.ref(), "effectiveDateTime", instant(collected), "issued", instant(issued),
		"performer", list(orgRef(orgLab)), "resultsInterpreter", list(specialist("lab").ref()),
		"specimen", list(link(specimen)), "result", list(link(obs))))
}

// correctedPotassium was issued as 6.4 and corrected to 4.1 two hours later.
func correctedPotassium(c *chart) {
	collected := c.now.Add(-9 * time.Hour)
	issued, corrected := collected.Add(50*time.Minute), collected.Add(170*time.Minute)
	c.potassium("k-corrected", 6.4, collected, issued)
	a := c.w.analytes["k"]
	c.revise("Observation", c.id+"-k-corrected", func(before obj) obj {
		return before.set("status", "corrected").set("issued", instant(corrected)).
			set("valueQuantity", a.quantity(4.1)).set("interpretation", c.flag(a, 4.1, collected)).
			with("note", list(o("authorReference", specialist("lab").ref(), "time", instant(corrected),
				"text", "Corrected from 6.4 mmol/L: the first specimen was hemolyzed. Repeated on a fresh specimen. Nurse informed by telephone.")))
	})
	c.revise("DiagnosticReport", c.id+"-k-corrected-report", func(before obj) obj {
		return before.set("status", "corrected").set("issued", instant(corrected))
	})
}

// bothUnits adds creatinine of a laboratory abroad, in µmol/L, between the
// values of this hospital in mg/dL.
func bothUnits(c *chart) {
	a := c.w.analytes["creasi"]
	c.enc = encounter{}
	for i, ago := range []float64{1700, 1500, 1180, 870, 640, 450, 275, 130} {
		t := c.clinicHour(ago)
		v := c.level(c.w.analytes["crea"], t) * 88.4 * (1 + 0.03*c.r.NormFloat64())
		id := c.id + "-crea-umol-" + two(i+1)
		c.put("Observation", id, o("status", "final", "category", list(bare(catLab)),
			"code", textConcept("Creatinine", a.code), "subject", c.subject(), "effectiveDateTime", instant(t),
			"issued", instant(t.Add(5*time.Hour)), "performer", list(orgRef(orgAbroad)),
			"valueQuantity", a.quantity(v), "interpretation", c.flag(a, v, t), "referenceRange", c.referenceRange(a, t)))
	}
}

// expecting says plainly that the patient is pregnant, and until when.
func expecting(c *chart) {
	social := list(bare(tho("observation-category", "social-history", "Social History")))
	c.put("Observation", c.id+"-pregnancy", o("status", "final", "category", social,
		"code", concept(loinc("82810-3", "Pregnancy status")), "subject", c.subject(), "encounter", c.enc.ref(),
		"effectiveDateTime", instant(c.enc.start), "performer", list(c.doctor.ref()),
		"valueCodeableConcept", concept(dxPregnancy.snomed)))
	due := c.days(7 * (40 - 34.2))
	c.put("Observation", c.id+"-due", o("status", "final", "category", social,
		"code", concept(loinc("11778-8", "Delivery date Estimated")), "subject", c.subject(), "encounter", c.enc.ref(),
		"effectiveDateTime", instant(c.enc.start), "performer", list(c.doctor.ref()), "valueDateTime", date(due)))
}
