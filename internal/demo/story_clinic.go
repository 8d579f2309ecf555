package demo

import "time"

// hypertension is the commonest chart of all.
func hypertension(c *chart) {
	c.hypertensive(lisinopril, 10)
	c.background(5)
	for _, ago := range []float64{1700, 1100, 560, 200, 35} {
		c.followUpVisit(ago, dxHypertension, bmp)
	}
	c.upcoming("Blood pressure check", 60)
	c.claim()
}

// thyroid is hypothyroidism found by fatigue, corrected by levothyroxine.
func thyroid(c *chart) {
	c.moves("tsh", point{-1600, 3.9}, point{-1210, 14.8}, point{-1150, 8.1}, point{-1060, 3.2}, point{0, 2.1})
	c.moves("ft4", point{-1210, 0.62}, point{-1060, 1.2})
	c.moves("chol", point{-1210, 246}, point{-900, 196})
	c.background(4)
	c.visit(c.clinicHour(1210), problem, o("text", "Fatigue, weight gain, cold intolerance"))
	c.vitals(c.enc.start.Add(5 * time.Minute))
	c.weigh(c.enc.start.Add(8*time.Minute), true)
	c.lab(c.enc.start.Add(20*time.Minute), tsh, single("ft4", "Free T4", secChem, serum), cbc, lipids)
	th := c.diagnose(condition{what: dxHypothyroid, onset: c.enc.start})
	c.prescribe(levothyroxine, 75, onceDaily, c.days(-1205), time.Time{}, th)
	for _, ago := range []float64{1150, 1060, 800, 430, 70} {
		c.followUpVisit(ago, dxHypothyroid, tsh)
	}
	c.upcoming("Thyroid check", 110)
	c.claim()
}

// depression is treated with sertraline and talking.
func depression(c *chart) {
	c.background(4)
	dep := c.diagnose(condition{what: dxDepression, onset: c.days(-620)})
	c.diagnose(condition{what: dxAnxiety, onset: c.days(-900)})
	c.prescribe(sertraline, 50, onceDaily, c.days(-615), time.Time{}, dep)
	phq := loinc("44261-6", "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]")
	c.join("l.marchetti")
	for i, ago := range []float64{618, 585, 530, 440, 330, 200, 90, 30} {
		c.visit(c.clinicHour(ago), followUp, dxDepression.concept())
		c.vitals(c.enc.start.Add(5 * time.Minute))
		c.score(phq, []int{19, 17, 13, 10, 8, 9, 6, 5}[i], c.enc.start.Add(12*time.Minute))
	}
	c.carePlan("Depression treatment", dep, "PHQ-9 below 5 for 8 weeks", "Cognitive therapy every 2 weeks", "Sertraline every morning")
	c.upcoming("Talking therapy", 13)
}

// opioidTreatment is opioid use disorder in a treatment programme. All that it
// writes bears the labels of 42 CFR Part 2.
func opioidTreatment(c *chart) {
	c.background(3)
	c.within([]code{restricted, labelSUD, labelETH, labelPart2}, func() {
		c.join("l.marchetti")
		oud := c.diagnose(condition{what: dxOpioid, onset: c.days(-1400)})
		c.prescribe(bupNaloxone, 16, onceDaily, c.days(-420), time.Time{}, oud)
		for _, ago := range []float64{425, 410, 380, 340, 290, 230, 170, 110, 60, 20} {
			c.visit(c.clinicHour(ago), followUp, dxOpioid.concept())
			c.vitals(c.enc.start.Add(5 * time.Minute))
			c.drugScreen(c.enc.start.Add(15*time.Minute), ago > 400)
		}
		c.carePlan("Recovery programme", oud, "No opioid use for 12 months", "Counselling every week", "Buprenorphine and naloxone every morning")
		c.document(docNote, "Substance use treatment note", c.enc.start.Add(40*time.Minute), specialist("l.marchetti"),
			"In treatment for opioid use disorder for 13 months, stable on buprenorphine and naloxone.",
			"Records of this programme are protected by 42 CFR Part 2 and may not be disclosed further without consent.")
	})
}

// drugScreen is a urine screen for opiates.
func (c *chart) drugScreen(t time.Time, positive bool) {
	value, flag := sct("260385009", "Negative"), v3("ObservationInterpretation", "N", "Normal")
	if positive {
		value, flag = sct("10828004", "Positive"), v3("ObservationInterpretation", "A", "Abnormal")
	}
	c.put("Observation", c.nextID("lab"), o("status", "final", "category", list(bare(catLab)),
		"code", concept(loinc("3879-4", "Opiates [Presence] in Urine")), "subject", c.subject(), "encounter", c.enc.ref(),
		"effectiveDateTime", instant(t), "issued", instant(t.Add(40*time.Minute)),
		"performer", list(orgRef(orgLab)), "valueCodeableConcept", concept(value), "interpretation", list(bare(flag))))
}

// breastCancer is five years after treatment, under yearly review.
func breastCancer(c *chart) {
	c.background(5)
	ca := c.diagnose(condition{what: dxBreastCancer, onset: c.days(-1900), note: "Treated by lumpectomy and radiotherapy; no recurrence."})
	c.pastStay(c.days(-1860), 30*time.Hour, WardSurgery, dxBreastCancer.concept(), wentHome)
	c.operation(sct("392021009", "Lumpectomy of breast"), c.enc.start.Add(4*time.Hour), 80, ca, specialist("k.nakamura"), "Clear margins")
	c.vitals(c.enc.start.Add(8 * time.Hour))
	for _, ago := range []float64{1500, 1130, 770, 400, 40} {
		c.followUpVisit(ago, dxBreastCancer, cbc, liver)
		c.procedure(sct("71651007", "Mammography"), c.enc.start.Add(12*time.Minute), ca, c.doctor)
	}
	c.upcoming("Yearly mammography", 90)
	c.claim()
}

// wellChild grows and is vaccinated.
func wellChild(c *chart) {
	c.childVisits()
	c.minorIllness(dxOtitis, problem, 210)
	c.upcoming("Well-child visit", 45)
	c.claim()
}

// childVisits are the well-child visits from birth until now; weight, length
// and head follow the growth chart.
func (c *chart) childVisits() {
	for _, a := range []float64{0.04, 0.17, 0.33, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6} {
		t := c.p.birth.Add(time.Duration(a * 365.25 * 24 * float64(time.Hour)))
		if t.After(c.now.AddDate(0, 0, -12)) {
			break
		}
		c.visit(c.clinicHour(c.now.Sub(t).Hours()/24), checkUp, o("text", "Well-child visit"))
		c.vitals(c.enc.start.Add(5 * time.Minute))
		c.weigh(c.enc.start.Add(8*time.Minute), true)
		if a <= 2 {
			head := interpolate(a, []float64{0, 0.25, 0.5, 1, 2}, []float64{34.5, 40.5, 43, 46, 48.2})
			c.observe(c.w.analytes["head"], head, c.enc.start.Add(9*time.Minute))
		}
	}
}
