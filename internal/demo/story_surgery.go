package demo

import "time"

// postoperative is what the surgical stories share: pain that falls, blood
// count that drops and recovers, clots prevented.
func (c *chart) postoperative(start time.Time, hb float64, reason string) {
	c.settle("pain", 7, 2, 3)
	d := -c.s.los
	before := c.level(c.w.analytes["hb"], c.days(d-1))
	c.then("hb", point{d, before}, point{d + 1.2, before - hb}, point{d + 4, before - hb + 0.6})
	c.then("crp", point{d, 12}, point{d + 2, 142}, point{d + 5, 60})
	if c.p.years(c.now) < 16 {
		c.chartOrder(morphine, 2, every4h.asNeeded("severe pain"), start, time.Time{}, reason)
		c.chartOrder(acetamin, 500, every6h, start, time.Time{}, reason)
		return
	}
	c.chartOrder(oxycodone, 5, every4h.asNeeded("severe pain"), start, time.Time{}, reason)
	c.comfort(start, reason)
	c.clots(start.Add(8 * time.Hour))
}

// hipFracture is a fall at home, surgery the day after, and rehabilitation.
func hipFracture(c *chart) {
	htn := c.hypertensive(amlodipine, 5)
	c.background(3)
	c.admit(c.s.los, dxHip.concept(), false)
	hip := c.diagnose(condition{what: dxHip, onset: c.enc.start, reason: true, note: "Fell on the stairs at home."})
	c.diagnose(condition{what: dxOsteoporosis, onset: c.enc.start.Add(30 * time.Hour)})
	theatre := at(c.enc.start.In(c.w.zone), 1, 9, 40)
	c.postoperative(c.enc.start.Add(time.Hour), 2.6, hip)
	c.chartOrder(amlodipine, 5, onceDaily, c.enc.start.Add(6*time.Hour), time.Time{}, htn)
	c.chartOrder(cefazolin, 2000, oneDose, theatre.Add(-65*time.Minute), theatre, hip)
	if c.past(theatre.Add(2 * time.Hour)) {
		surgeon := c.join("j.castellano")
		c.operation(sct("52734007", "Total replacement of hip"), theatre, 95, hip, surgeon, "Stable fixation, no complication")
		c.document(docNote, "Operation report", theatre.Add(150*time.Minute), surgeon,
			"Operation: replacement of the hip for a displaced fracture of the neck of the femur.",
			"Blood loss 350 mL. Cefazolin given before the incision. Weight bearing as tolerated from the first day.")
	}
	c.stayOnWard(stayPlan{daily: []panel{cbc, bmp}, first: []panel{inr}, pain: true})
	c.administer()
	c.admissionNote("Admitted after a fall on the stairs; left leg shortened and turned outwards. No head injury, no loss of consciousness.",
		"Plan: surgery next morning, pain relief, hip pathway, screen for delirium twice a day.")
}

// appendicitis is a day of pain, surgery the same evening, home in two days.
func appendicitis(c *chart) {
	c.background(2)
	c.admit(c.s.los, dxAppendicitis.concept(), false)
	ap := c.diagnose(condition{what: dxAppendicitis, onset: c.enc.start.Add(-20 * time.Hour), reason: true})
	c.settle("temp", 38.1, 36.8, 1.5)
	c.settle("hr", 102, 76, 1.5)
	c.settle("wbc", 15.8, 8.4, 2)
	surgeon := c.join("k.nakamura")
	theatre := c.enc.start.Add(7 * time.Hour)
	c.postoperative(theatre.Add(2*time.Hour), 0.6, ap)
	dose := 2000.0
	if c.p.years(c.now) < 16 {
		dose = 1000
	}
	c.chartOrder(cefazolin, dose, oneDose, theatre.Add(-time.Hour), theatre, ap)
	if c.past(theatre.Add(2 * time.Hour)) {
		c.operation(sct("80146002", "Appendectomy"), theatre, 48, ap, surgeon, "Inflamed appendix removed by keyhole surgery, not perforated")
		c.document(docNote, "Operation report", theatre.Add(100*time.Minute), surgeon,
			"Operation: laparoscopic appendectomy. Inflamed appendix without perforation. Sent for histology.",
			"No drain. Diet as tolerated, home when walking and eating.")
	}
	c.stayOnWard(stayPlan{daily: []panel{cbc, crp}, first: []panel{bmp}, pain: true})
	c.administer()
	c.admissionNote("Admitted with pain that moved from the navel to the right lower abdomen, nausea and one episode of vomiting.",
		"Plan: laparoscopic appendectomy this evening.")
}

// gallbladder is acute cholecystitis treated by antibiotics and surgery.
func gallbladder(c *chart) {
	c.background(3)
	c.admit(c.s.los, dxGallstones.concept(), false)
	gb := c.diagnose(condition{what: dxGallstones, onset: c.enc.start.AddDate(0, 0, -1), reason: true})
	c.settle("temp", 38.6, 36.9, 2)
	c.settle("wbc", 16.4, 9.0, 3)
	c.settle("alt", 118, 46, 3)
	c.settle("ast", 96, 34, 3)
	c.settle("alp", 188, 120, 3)
	c.settle("bili", 2.1, 0.9, 2.5)
	surgeon := c.join("k.nakamura")
	theatre := at(c.enc.start.In(c.w.zone), 1, 13, 10)
	c.postoperative(c.enc.start.Add(3*time.Hour), 0.8, gb)
	c.chartOrder(ceftriaxone, 2000, every24h, c.enc.start.Add(2*time.Hour), time.Time{}, gb)
	if c.past(theatre.Add(2 * time.Hour)) {
		c.operation(sct("45595009", "Laparoscopic cholecystectomy"), theatre, 70, gb, surgeon, "Gallbladder removed, no complication")
	}
	c.stayOnWard(stayPlan{daily: []panel{cbc, liver}, first: []panel{bmp, crp}, pain: true})
	c.administer()
	c.admissionNote("Admitted with a day of pain under the right ribs after a fatty meal, fever and vomiting. Murphy's sign positive.",
		"Plan: antibiotics, nothing by mouth, laparoscopic cholecystectomy tomorrow.")
}

// kneeReplacement is planned.
func kneeReplacement(c *chart) {
	htn := c.hypertensive(losartan, 50)
	c.background(4)
	oa := c.diagnose(condition{what: dxKneeOA, onset: c.days(-1500)})
	c.prescribe(ibuprofen, 600, threeDaily.asNeeded("pain"), c.days(-1000), c.days(-30), oa)
	c.admit(c.s.los, dxKneeOA.concept(), true)
	surgeon := c.join("j.castellano")
	theatre := c.enc.start.Add(3 * time.Hour)
	c.postoperative(theatre.Add(3*time.Hour), 2.1, oa)
	c.chartOrder(cefazolin, 2000, oneDose, theatre.Add(-65*time.Minute), theatre, oa)
	c.chartOrder(losartan, 50, onceDaily, theatre.Add(20*time.Hour), time.Time{}, htn)
	if c.past(theatre.Add(2 * time.Hour)) {
		c.operation(sct("609588000", "Total knee replacement"), theatre, 105, oa, surgeon, "No complication")
	}
	c.stayOnWard(stayPlan{daily: []panel{cbc}, first: []panel{bmp, inr}, pain: true})
	c.administer()
	c.admissionNote("Admitted for planned total knee replacement after years of pain and failed conservative treatment.",
		"Plan: surgery today, physiotherapy from the first day, clot prevention for 14 days.")
	c.carePlan("Rehabilitation after knee replacement", oa, "Knee bends to 90 degrees before discharge", "Physiotherapy twice a day", "Ice for 20 minutes after exercise")
}

// forearmFracture is an injury treated in the emergency department.
func forearmFracture(c *chart) {
	c.background(2)
	c.visit(c.days(-46), emergency, dxForearm.concept())
	fx := c.diagnose(condition{what: dxForearm, onset: c.enc.start, reason: true, note: "Fell from a bicycle."})
	c.vitals(c.enc.start.Add(10 * time.Minute))
	c.procedure(sct("274474001", "Bone immobilization"), c.enc.start.Add(90*time.Minute), fx, c.doctor)
	c.prescribe(ibuprofen, 600, threeDaily.asNeeded("pain"), c.enc.end, c.enc.end.AddDate(0, 0, 10), fx)
	c.visit(c.clinicHour(18), followUp, dxForearm.concept())
	c.vitals(c.enc.start.Add(5 * time.Minute))
	c.upcoming("Fracture clinic", 9)
	c.claim()
}
