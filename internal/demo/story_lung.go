package demo

import "time"

// pneumonia is community acquired: fever, white cells and CRP settle over four
// days of ceftriaxone and azithromycin.
func pneumonia(c *chart) {
	c.background(3)
	c.admit(c.s.los, dxPneumonia.concept(), false)
	pn := c.diagnose(condition{what: dxPneumonia, onset: c.enc.start.AddDate(0, 0, -3), reason: true})
	c.settle("temp", 39.2, 36.9, 3)
	c.settle("hr", 114, 80, 3)
	c.settle("rr", 27, 17, 3)
	c.settle("spo2", 89.5, 96, 3)
	c.settle("sbp", 104, 124, 2)
	c.settle("wbc", 18.6, 9.1, 4)
	c.settle("crp", 212, 48, 4)
	c.settle("pct", 4.8, 0.5, 3)
	c.settle("lact", 2.6, 1.1, 1)
	start := c.enc.start.Add(90 * time.Minute)
	c.chartOrder(ceftriaxone, 1000, every24h, start, time.Time{}, pn)
	c.chartOrder(azithromycin, 500, onceDaily, start, time.Time{}, pn)
	c.clots(start.Add(3 * time.Hour))
	c.comfort(start, pn)
	c.stayOnWard(stayPlan{daily: []panel{cbc, crp}, first: []panel{bmp, pct, lactate, liver}})
	c.bloodCulture(c.enc.start.Add(50*time.Minute), "No growth")
	c.administer()
	c.chestFilm(c.enc.start.Add(50*time.Minute), chest{consolidation: true}, "Dense opacity of the right lower zone with air bronchogram. No effusion. Pneumonia.")
	c.admissionNote("Admitted with three days of fever, cough with rusty sputum and breathlessness. Crackles over the right base.",
		"Plan: ceftriaxone and azithromycin, oxygen to keep saturation above 92 %, repeat C-reactive protein daily.")
	c.progressNote(2, "Fever settling, eating again, oxygen reduced to 1 L a minute.", "Plan: change to tablets when afebrile for a day.")
}

// obstructive is COPD with an exacerbation treated with prednisone.
func obstructive(c *chart) {
	c.p.smoker = exSmoker
	c.moves("spo2", point{-2000, 95}, point{-10, 92.5}, point{0, 92.5})
	c.background(3)
	copd := c.diagnose(condition{what: dxCOPD, onset: c.days(-2300), note: "40 pack-years, stopped in 2019."})
	c.prescribe(albuterolMDI, 2, every4h.asNeeded("breathlessness"), c.days(-2290), time.Time{}, copd)
	for i, ago := range []float64{1400, 900, 420, 90} {
		c.followUpVisit(ago, dxCOPD)
		c.spirometry(c.enc.start.Add(15*time.Minute), 1.62-0.09*float64(i), 2.86-0.06*float64(i))
	}
	if c.s.los == 0 {
		c.upcoming("Lung clinic", 40)
		return
	}
	c.admit(c.s.los, dxCOPDExac.concept(), false)
	ex := c.diagnose(condition{what: dxCOPDExac, onset: c.enc.start.AddDate(0, 0, -2), reason: true})
	c.settle("rr", 29, 19, 3)
	c.settle("spo2", 85.5, 92, 2)
	c.settle("hr", 112, 86, 2.5)
	c.settle("co2", 33, 29, 3)
	c.settle("wbc", 13.4, 11.6, 3)
	c.settle("glu", 168, 146, 3)
	start := c.enc.start.Add(time.Hour)
	c.chartOrder(albuterol, 2.5, every4h, start, time.Time{}, ex)
	c.chartOrder(prednisone, 40, onceDaily, start, time.Time{}, ex)
	c.chartOrder(azithromycin, 500, onceDaily, start, start.AddDate(0, 0, 3), ex)
	c.clots(start)
	c.stayOnWard(stayPlan{daily: []panel{bmp}, first: []panel{cbc, crp, bnp}})
	c.administer()
	c.chestFilm(c.enc.start.Add(time.Hour), chest{hyperinflated: true}, "Hyperinflated lungs, flat diaphragms. No consolidation, no effusion.")
	c.admissionNote("Admitted with two days of increasing breathlessness and green sputum; known COPD.",
		"Plan: nebulised albuterol, prednisone for 5 days, azithromycin, oxygen to a target of 88 to 92 %.")
}

// asthma is an exacerbation in a patient with years of spirometry: FEV1 falls
// at the visit before and recovers with an inhaled steroid.
func asthma(c *chart) {
	c.background(2)
	since := min(2200, c.now.Sub(c.p.birth).Hours()/24-900)
	as := c.diagnose(condition{what: dxAsthma, onset: c.days(-since)})
	c.prescribe(albuterolMDI, 2, every4h.asNeeded("wheeze"), c.days(10-since), time.Time{}, as)
	c.prescribe(fluticasone, 2, twiceDaily, c.days(-700), time.Time{}, as)
	child, f := c.p.years(c.now) < 14, 1.0
	for _, v := range []struct{ ago, fev1, fvc float64 }{{1500, 3.05, 4.0}, {1000, 2.72, 3.9}, {705, 2.38, 3.8}, {520, 2.95, 4.0}, {200, 3.12, 4.05}, {40, 2.84, 3.95}} {
		c.followUpVisit(v.ago, dxAsthma)
		if c.p.age(c.enc.start) < 5 {
			continue // too young to blow
		}
		if child {
			_, cm := c.size(c.enc.start)
			f = cm * cm * cm / (172 * 172 * 172)
		}
		c.spirometry(c.enc.start.Add(15*time.Minute), v.fev1*f, v.fvc*f)
	}
	c.carePlan("Asthma action plan", as, "No night-time waking, peak flow above 80 % of best", "Preventer inhaler twice every day", "Peak flow diary")
	if c.s.los == 0 {
		c.upcoming("Asthma clinic", 26)
		return
	}
	c.admit(c.s.los, dxAsthmaExac.concept(), false)
	ex := c.diagnose(condition{what: dxAsthmaExac, onset: c.enc.start.Add(-18 * time.Hour), reason: true})
	c.settle("rr", 30, 17, 1.6)
	c.settle("spo2", 90, 97, 1.2)
	c.settle("hr", 128, 88, 1.6)
	c.settle("k", 3.4, 3.9, 1.5)
	start := c.enc.start.Add(20 * time.Minute)
	dose, steroid := 5.0, 40.0
	if child {
		dose, steroid = 2.5, 20
	}
	c.chartOrder(albuterol, dose, every4h, start, time.Time{}, ex)
	c.chartOrder(prednisone, steroid, onceDaily, start, time.Time{}, ex)
	c.chartOrder(fluticasone, 2, twiceDaily, start.Add(3*time.Hour), time.Time{}, as)
	plan := stayPlan{daily: []panel{bmp}, first: []panel{cbc}}
	if child {
		plan = stayPlan{first: []panel{cbc}}
	}
	c.stayOnWard(plan)
	for h := 1; ; h += 8 {
		t := c.enc.start.Add(time.Duration(h) * time.Hour)
		if t.After(c.now.Add(-2 * time.Hour)) {
			break
		}
		c.peakFlow(t, min(210+4.2*float64(h), 430)*f)
	}
	c.administer()
	c.admissionNote("Admitted with a day of wheeze and breathlessness after a cold; could not finish sentences on arrival.",
		"Plan: nebulised albuterol, prednisone for 5 days, peak flow three times daily, check inhaler technique before discharge.")
}

// spirometry reports forced expiration.
func (c *chart) spirometry(t time.Time, fev1, fvc float64) {
	litre := analyte{unit: "L", ucum: "L", digits: 2}
	percent := analyte{unit: "%", ucum: "%"}
	fev1 *= 1 + 0.02*(c.r.Float64()-0.5)
	var results arr
	for _, m := range []struct {
		k code
		a analyte
		v float64
	}{
		{loinc("20150-9", "FEV1"), litre, fev1},
		{loinc("19868-9", "Forced vital capacity [Volume] Respiratory system by Spirometry"), litre, fvc},
		{loinc("19926-5", "FEV1/FVC"), percent, 100 * fev1 / fvc},
	} {
		results = append(results, link(c.put("Observation", c.nextID("obs"), o("status", "final",
			"category", list(bare(tho("observation-category", "procedure", "Procedure"))), "code", concept(m.k),
			"subject", c.subject(), "encounter", c.enc.ref(), "effectiveDateTime", instant(t),
			"issued", instant(t.Add(20*time.Minute)), "performer", list(c.doctor.ref()), "valueQuantity", m.a.quantity(m.v)))))
	}
	c.put("DiagnosticReport", c.nextID("rep"), o("status", "final",
		"category", list(concept(v2("0074", "PF", "Pulmonary Function"))),
		"code", textConcept("Spirometry", sct("127783003", "Spirometry")), "subject", c.subject(), "encounter", c.enc.ref(),
		"effectiveDateTime", instant(t), "issued", instant(t.Add(20*time.Minute)), "performer", list(c.doctor.ref()), "result", results))
}

func (c *chart) peakFlow(t time.Time, v float64) {
	a := analyte{code: loinc("19935-6", "Maximum expiratory gas flow Respiratory system airway by Peak flow meter"), unit: "L/minute", ucum: "L/min"}
	v *= 1 + 0.05*(c.r.Float64()-0.5)
	c.put("Observation", c.nextID("obs"), o("status", "final", "category", list(bare(catVital)),
		"code", concept(a.code), "subject", c.subject(), "encounter", c.enc.ref(), "effectiveDateTime", instant(t),
		"issued", instant(t.Add(time.Minute)), "performer", list(c.nurse.ref()), "valueQuantity", a.quantity(v)))
}

// bronchiolitis is an infant in winter.
func bronchiolitis(c *chart) {
	c.childVisits()
	c.admit(c.s.los, dxBronchiolit.concept(), false)
	c.diagnose(condition{what: dxBronchiolit, onset: c.enc.start.AddDate(0, 0, -3), reason: true})
	c.settle("hr", 168, 132, 2.5)
	c.settle("rr", 64, 36, 2.5)
	c.settle("spo2", 89, 96, 2.5)
	c.settle("temp", 38.3, 36.9, 2)
	c.stayOnWard(stayPlan{first: []panel{cbc}, weights: 1})
	c.administer()
	c.admissionNote("Infant admitted with three days of runny nose, now breathing fast and feeding less than half of usual.",
		"Plan: oxygen by nasal cannula to keep saturation above 92 %, small frequent feeds, weigh daily, no antibiotics.")
}
