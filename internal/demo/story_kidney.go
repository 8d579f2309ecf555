package demo

import "time"

// chronicKidney is kidney disease that creeps from stage 3 to 4 over six years
// with hypertension, and an acute worsening that led to the stay.
func chronicKidney(c *chart) {
	c.kidneyTrends()
	htn := c.diagnose(condition{what: dxHypertension, onset: c.days(-4300)})
	c.visit(c.clinicHour(2190), checkUp, dxHypertension.concept())
	c.prescribe(amlodipine, 5, onceDaily, c.enc.start, time.Time{}, htn)
	c.vitals(c.enc.start.Add(5 * time.Minute))
	c.weigh(c.enc.start.Add(8*time.Minute), true)
	c.lab(c.enc.start.Add(25*time.Minute), bmp, uacr)
	ckd := c.diagnose(condition{what: dxCKD3, onset: c.enc.start, resolved: c.days(-360), note: "Likely hypertensive nephrosclerosis. Avoid nephrotoxic drugs."})
	c.prescribe(lisinopril, 10, onceDaily, c.enc.start, c.days(-900), ckd)
	for _, ago := range []float64{1900, 1400, 1000, 740, 540} {
		c.followUpVisit(ago, dxCKD3, bmp, cbc, uacr)
	}
	ckd4 := ""
	for _, ago := range []float64{360, 190, 75} {
		c.followUpVisit(ago, dxCKD4, bmp, cbc, uacr)
		if ckd4 == "" {
			ckd4 = c.diagnose(condition{what: dxCKD4, onset: c.enc.start})
		}
	}
	c.prescribe(lisinopril20, 20, onceDaily, c.days(-899), time.Time{}, ckd4)
	if c.s.los == 0 {
		c.upcoming("Kidney clinic", 21)
		return
	}
	c.join("m.haddad")
	c.admit(c.s.los, dxAKI.concept(), false)
	aki := c.diagnose(condition{what: dxAKI, onset: c.enc.start, reason: true, note: "After a week of vomiting; volume depleted on arrival."})
	c.settle("crea", 4.3, 2.9, 5)
	c.settle("bun", 78, 46, 5)
	c.settle("k", 5.7, 4.8, 2)
	c.settle("co2", 17, 22, 3)
	c.settle("sbp", 102, 134, 2)
	c.settle("hr", 104, 78, 1.5)
	c.chartOrder(heparin, 5000, every8h, c.enc.start.Add(4*time.Hour), time.Time{}, aki)
	c.chartOrder(amlodipine, 5, onceDaily, c.enc.start.Add(5*time.Hour), time.Time{}, htn)
	c.chartOrder(pantoprazole, 40, onceDaily, c.enc.start.Add(5*time.Hour), time.Time{}, "")
	c.chartOrder(acetamin, 500, every6h.asNeeded("pain or fever"), c.enc.start.Add(3*time.Hour), time.Time{}, "")
	c.stayOnWard(stayPlan{daily: []panel{bmp}, first: []panel{cbc, crp}, weights: 1})
	c.administer()
	c.admissionNote("Admitted with acute kidney injury on chronic kidney disease stage 4 after a week of vomiting.",
		"Plan: intravenous fluids, stop lisinopril while creatinine is above baseline, daily basic metabolic panel, strict fluid balance.")
}

// kidneyTrends: creatinine creeps, haemoglobin falls, albumin leaks.
func (c *chart) kidneyTrends() {
	f := 1.0
	if c.p.sex == "female" {
		f = 0.82
	}
	c.moves("crea", point{-2400, 1.55 * f}, point{-1400, 1.8 * f}, point{-700, 2.25 * f}, point{-75, 2.75 * f}, point{0, 2.8 * f})
	c.moves("bun", point{-2400, 24}, point{-700, 34}, point{0, 44})
	c.moves("k", point{-2400, 4.4}, point{-700, 4.8}, point{0, 5.0})
	c.moves("co2", point{-2400, 25}, point{0, 21})
	c.moves("hb", point{-2400, 12.9}, point{0, 10.4})
	c.moves("uacr", point{-2400, 85}, point{-900, 240}, point{0, 420})
	c.moves("sbp", point{-2400, 156}, point{-1900, 142}, point{0, 138})
	c.moves("dbp", point{-2400, 92}, point{-1900, 84}, point{0, 80})
}

// followUpVisit is an ambulatory visit with vital signs, weight and blood tests.
func (c *chart) followUpVisit(daysAgo float64, d diagnosis, panels ...panel) {
	c.visit(c.clinicHour(daysAgo), followUp, d.concept())
	c.vitals(c.enc.start.Add(5 * time.Minute))
	c.weigh(c.enc.start.Add(8*time.Minute), false)
	c.lab(c.enc.start.Add(18*time.Minute), panels...)
}
