package demo

import "time"

// diabetes is type 2 diabetes found at a check-up, brought under control by
// metformin, drifting, then helped by a second drug; with hypertension and
// lipids. With a ward, a foot infection leads to the current stay.
func diabetes(c *chart) {
	c.diabetesTrends()
	c.p.kg = max(c.p.kg, 30*c.p.cm*c.p.cm/10_000)
	c.moves("weight", point{-1900, c.p.kg + 6}, point{-900, c.p.kg + 1}, point{0, c.p.kg})
	c.visit(c.clinicHour(1830), checkUp, o("text", "Annual check-up, thirst"))
	c.vitals(c.enc.start.Add(5 * time.Minute))
	c.weigh(c.enc.start.Add(8*time.Minute), true)
	c.lab(c.enc.start.Add(20*time.Minute), bmp, a1c, lipids, liver)
	dm := c.diagnose(condition{what: dxDiabetes2, onset: c.enc.start})
	htn := c.diagnose(condition{what: dxHypertension, onset: c.days(-2600)})
	lip := c.diagnose(condition{what: dxLipids, onset: c.enc.start})
	c.diagnose(condition{what: dxObesity, onset: c.days(-3000)})
	c.prescribe(metformin, 500, twiceDaily, c.enc.start, c.days(-1640), dm)
	c.prescribe(metformin1000, 1000, twiceDaily, c.days(-1640), time.Time{}, dm)
	c.prescribe(lisinopril, 10, onceDaily, c.days(-1740), time.Time{}, htn)
	c.prescribe(atorvastatin, 40, atBedtime, c.days(-1740), time.Time{}, lip)
	for i, ago := range []float64{1735, 1640, 1460, 1280, 1000, 730, 610, 480, 365, 180, 14} {
		if ago < c.s.los+7 {
			continue
		}
		c.followUpVisit(ago, dxDiabetes2, a1c, bmp)
		if i%3 == 2 {
			c.lab(c.enc.start.Add(18*time.Minute), lipids, uacr)
		}
	}
	c.prescribe(sitagliptin, 100, onceDaily, c.days(-610), time.Time{}, dm)
	c.footCheck(dm)
	c.carePlan("Diabetes self-management", dm, "HbA1c below 7.0 %", "Home glucose log, foot care every evening, dietitian every 6 months")
	if c.s.los == 0 {
		c.upcoming("Diabetes clinic", 34)
		c.claim()
		return
	}
	c.footInfection(dm, htn)
}

// diabetesTrends: A1c falls with metformin, drifts up, falls with a second drug.
func (c *chart) diabetesTrends() {
	worst := 8.4 + 1.6*c.r.Float64()
	c.moves("a1c", point{-2200, worst - 0.6}, point{-1830, worst}, point{-1640, 7.6}, point{-1280, 6.8}, point{-730, 7.6},
		point{-610, 8.1}, point{-365, 7.1}, point{0, 6.8})
	c.moves("glu", point{-1830, 232}, point{-1640, 168}, point{-1280, 132}, point{-610, 185}, point{-365, 141}, point{0, 134})
	c.moves("sbp", point{-1830, 152}, point{-1500, 136}, point{0, 131})
	c.moves("dbp", point{-1830, 94}, point{-1500, 84}, point{0, 79})
	c.moves("chol", point{-1830, 248}, point{-1500, 178}, point{0, 165})
	c.moves("trig", point{-1830, 260}, point{-1300, 168}, point{0, 152})
	c.moves("uacr", point{-1830, 18}, point{0, 46})
}

// footCheck is the yearly examination.
func (c *chart) footCheck(dm string) {
	c.visit(c.clinicHour(365), checkUp, dxDiabetes2.concept())
	c.procedure(sct("401191002", "Diabetic foot examination"), c.enc.start.Add(10*time.Minute), dm, c.nurse)
}

// footInfection is the current stay: cellulitis that settles on antibiotics,
// with glucose measured at the bedside before meals and insulin to correct it.
func (c *chart) footInfection(dm, htn string) {
	c.admit(c.s.los, dxCellulitis.concept(), false)
	foot := c.diagnose(condition{what: dxCellulitis, onset: c.enc.start.AddDate(0, 0, -3), reason: true})
	c.settle("temp", 38.7, 36.8, 2.5)
	c.settle("hr", 106, 80, 2.5)
	c.settle("wbc", 16.8, 8.9, 4)
	c.settle("crp", 148, 28, 5)
	c.settle("glu", 298, 158, 2)
	c.settle("pocglu", 290, 152, 2)
	c.settle("pain", 6, 2, 3)
	start := c.enc.start.Add(4 * time.Hour)
	c.chartOrder(ceftriaxone, 1000, every24h, start, time.Time{}, foot)
	c.chartOrder(glargine, 18, atBedtime, start, time.Time{}, dm)
	c.chartOrder(lispro, 6, threeDaily, start, time.Time{}, dm)
	c.chartOrder(lisinopril, 10, onceDaily, start, time.Time{}, htn)
	c.chartOrder(heparin, 5000, every8h, start, time.Time{}, "")
	c.chartOrder(acetamin, 1000, every6h.asNeeded("pain or fever"), start, time.Time{}, foot)
	c.stayOnWard(stayPlan{daily: []panel{bmp, cbc}, first: []panel{crp, a1c}, pain: true})
	c.bedsideGlucose()
	c.administer()
	c.admissionNote("Admitted with cellulitis of the foot in type 2 diabetes; fever and spreading redness for three days.",
		"Plan: intravenous ceftriaxone, wound care, basal and mealtime insulin, metformin held during the stay.")
}

// bedsideGlucose is a finger stick before meals and at night.
func (c *chart) bedsideGlucose() {
	a := c.w.analytes["pocglu"]
	y, m, d := c.enc.start.In(c.w.zone).Date()
	for day := 0; ; day++ {
		for _, h := range []int{7, 11, 17, 21} {
			t := time.Date(y, m, d+day, h, 30, 0, 0, c.w.zone).Add(time.Duration(c.r.IntN(20)) * time.Minute)
			if t.After(c.now.Add(-30 * time.Minute)) {
				return
			}
			if t.After(c.enc.start.Add(time.Hour)) {
				c.bedside(a, t)
			}
		}
	}
}

// bedside is a test that a nurse runs beside the bed.
func (c *chart) bedside(a analyte, t time.Time) string {
	v := c.measure(a, t)
	return c.put("Observation", c.nextID("lab"), o("status", "final", "category", list(bare(catLab)),
		"code", concept(a.code), "subject", c.subject(), "encounter", c.enc.ref(),
		"effectiveDateTime", instant(t), "issued", instant(t.Add(time.Minute)), "performer", list(c.nurse.ref()),
		"valueQuantity", a.quantity(v), "interpretation", c.flag(a, v, t), "referenceRange", c.referenceRange(a, t),
		"method", o("text", "Point of care meter")))
}
