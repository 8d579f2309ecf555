package demo

import "time"

// thrombosis is a deep vein thrombosis: enoxaparin by weight, then apixaban.
func thrombosis(c *chart) {
	c.admit(c.s.los, dxDVT.concept(), false)
	dvt := c.diagnose(condition{what: dxDVT, onset: c.enc.start.AddDate(0, 0, -2), reason: true, note: "Left leg, after a long flight."})
	c.settle("pain", 5, 1, 3)
	start := c.enc.start.Add(90 * time.Minute)
	c.chartOrder(enoxaparin80, 80, every12h, start, time.Time{}, dvt)
	c.comfort(start, dvt)
	c.stayOnWard(stayPlan{daily: []panel{cbc}, first: []panel{bmp, inr}, pain: true})
	c.administer()
	c.admissionNote("Admitted with a swollen, painful left leg. Ultrasound: thrombosis of the femoral vein.",
		"Plan: enoxaparin 1 mg per kg every 12 hours, change to apixaban before discharge.")
}

// bleeding is blood loss from the gut while on warfarin: haemoglobin falls,
// INR is reversed, warfarin is put on hold.
func bleeding(c *chart) {
	fibrillationHistory(c)
	c.admit(c.s.los, dxGIBleed.concept(), false)
	d := -c.s.los
	gi := c.diagnose(condition{what: dxGIBleed, onset: c.enc.start, reason: true})
	c.then("inr", point{d, 4.6}, point{d + 0.6, 1.7}, point{d + 2, 1.3})
	c.then("hb", point{d, 7.6}, point{d + 0.7, 9.2}, point{d + 3, 9.8})
	c.then("bun", point{d, 48}, point{d + 2.5, 18})
	c.settle("hr", 118, 84, 1.5)
	c.settle("sbp", 92, 126, 1)
	start := c.enc.start.Add(time.Hour)
	c.chartOrder(pantoprazole, 40, twiceDaily, start, time.Time{}, gi)
	c.chartOrder(metoprolol, 25, twiceDaily, start.Add(30*time.Hour), time.Time{}, "")
	c.stayOnWard(stayPlan{daily: []panel{cbc, bmp, inr}})
	c.lab(c.enc.start.Add(4*time.Hour), cbc, inr)
	c.lab(c.enc.start.Add(9*time.Hour), cbc)
	c.procedure(sct("180207008", "Intravenous blood transfusion of packed cells"), c.enc.start.Add(3*time.Hour), gi, c.nurse)
	c.procedure(sct("76009000", "Esophagogastroduodenoscopy"), c.enc.start.Add(16*time.Hour), gi, specialist("k.nakamura"))
	c.join("k.nakamura")
	c.administer()
	c.admissionNote("Admitted with black stools for two days and dizziness. INR 4.6 on warfarin.",
		"Plan: two units of packed cells, reverse INR, pantoprazole, endoscopy next morning. Warfarin suspended; decide on restart after endoscopy.")
}

// fibrillationHistory is long-standing atrial fibrillation on warfarin.
func fibrillationHistory(c *chart) {
	c.background(3)
	af := c.diagnose(condition{what: dxAFib, onset: c.days(-1900)})
	c.moves("inr", point{-1900, 2.3}, point{-700, 2.6}, point{-20, 2.5})
	for _, ago := range []float64{300, 240, 180, 120, 75, 40, 20} {
		c.visit(c.clinicHour(ago), followUp, textConcept("Anticoagulation clinic", dxAFib.snomed, dxAFib.icd10))
		c.lab(c.enc.start.Add(8*time.Minute), inr)
	}
	c.prescribe(metoprolol, 25, twiceDaily, c.days(-1890), time.Time{}, af)
}

// ketoacidosis is type 1 diabetes with a stay in the past: an insulin infusion
// with hourly steps that ran through the night on which the clocks went back.
func ketoacidosis(c *chart) {
	c.background(2)
	dm := c.diagnose(condition{what: dxDiabetes1, onset: c.days(-3100)})
	c.prescribe(glargine, 22, atBedtime, c.days(-3000), time.Time{}, dm)
	c.prescribe(lispro, 8, threeDaily, c.days(-3000), time.Time{}, dm)
	c.moves("a1c", point{-2000, 8.9}, point{-400, 9.6}, point{0, 8.2})
	c.moves("glu", point{-2000, 190})
	for _, ago := range []float64{900, 700, 520, 340, 160} {
		c.followUpVisit(ago, dxDiabetes1, a1c, bmp)
	}
	c.clockChangeNight(dm)
	c.upcoming("Diabetes clinic", 16)
}
