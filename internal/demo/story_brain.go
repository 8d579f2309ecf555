package demo

import "time"

var glasgow = loinc("9269-2", "Glasgow coma score total")

// stroke is an ischemic stroke with loss of speech.
func stroke(c *chart) {
	htn := c.hypertensive(amlodipine, 5)
	c.background(3)
	c.admit(c.s.los, dxStroke.concept(), false)
	st := c.diagnose(condition{what: dxStroke, onset: c.enc.start.Add(-2 * time.Hour), reason: true, note: "Left middle cerebral artery. Aphasia, weakness of the right arm."})
	c.settle("sbp", 186, 148, 3)
	c.settle("dbp", 102, 86, 3)
	start := c.enc.start.Add(25 * time.Hour)
	c.chartOrder(aspirin, 81, onceDaily, start, time.Time{}, st)
	c.chartOrder(atorvastatin, 40, atBedtime, start, time.Time{}, st)
	c.chartOrder(amlodipine, 5, onceDaily, start.Add(24*time.Hour), time.Time{}, htn)
	c.clots(start)
	c.stayOnWard(stayPlan{daily: []panel{bmp}, first: []panel{cbc, inr, lipids, a1c, trop}})
	for h := 1; h < int(c.s.los*24)-2; h += 8 {
		c.score(glasgow, min(11+h/20, 14), c.enc.start.Add(time.Duration(h)*time.Hour))
	}
	c.administer()
	c.electrocardiogram(c.enc.start.Add(25*time.Minute), rhythm{bpm: 84}, "Sinus rhythm, 84 a minute. No atrial fibrillation in this trace.")
	c.admissionNote("Found at breakfast unable to speak, with a weak right arm. Last seen well the evening before.",
		"The patient cannot give a history. No family reached yet. Plan: stroke unit pathway, swallow test before any food or tablet.")
}

// confusion is delirium with a urinary infection in a patient with dementia.
func confusion(c *chart) {
	c.background(3)
	dem := c.diagnose(condition{what: dxDementia, onset: c.days(-1500)})
	c.admit(c.s.los, dxDelirium.concept(), false)
	c.diagnose(condition{what: dxDelirium, onset: c.enc.start.AddDate(0, 0, -1), reason: true})
	uti := c.diagnose(condition{what: dxUTI, onset: c.enc.start, reason: true})
	c.settle("temp", 38.2, 36.7, 2)
	c.settle("wbc", 14.1, 8.1, 3)
	c.settle("crp", 86, 22, 4)
	c.settle("na", 131, 137, 3)
	start := c.enc.start.Add(2 * time.Hour)
	c.chartOrder(ceftriaxone, 1000, every24h, start, time.Time{}, uti)
	c.chartOrder(acetamin, 500, every8h, start, time.Time{}, "")
	c.clots(start)
	c.stayOnWard(stayPlan{daily: []panel{bmp, cbc}, first: []panel{crp}})
	for h := 1; h < int(c.s.los*24)-2; h += 12 {
		c.score(glasgow, min(13+h/36, 15), c.enc.start.Add(time.Duration(h)*time.Hour))
	}
	c.administer()
	c.admissionNote("Brought in from home: restless, sleeping by day and seeing people who are not there. Known Alzheimer's disease.",
		"Plan: treat urinary infection, calm room, glasses and hearing aid, lowest dose of haloperidol at night only.")
	c.carePlan("Delirium care", dem, "Oriented to place by the third day", "Familiar faces, daylight, no bed moves", "Drink offered every hour")
}

// urosepsis is a kidney infection in the very old.
func urosepsis(c *chart) {
	c.hypertensive(hctz, 25)
	c.background(3)
	c.admit(c.s.los, dxPyelo.concept(), false)
	py := c.diagnose(condition{what: dxPyelo, onset: c.enc.start.AddDate(0, 0, -1), reason: true})
	c.settle("temp", 38.9, 36.8, 2.5)
	c.settle("hr", 108, 78, 2.5)
	c.settle("sbp", 96, 128, 2)
	c.settle("wbc", 17.2, 8.8, 3.5)
	c.settle("crp", 164, 40, 4)
	c.settle("lact", 2.9, 1.2, 1)
	c.settle("crea", 1.9, 1.1, 3)
	start := c.enc.start.Add(time.Hour)
	c.chartOrder(pipTazo, 4500, every8h, start, time.Time{}, py)
	c.clots(start)
	c.comfort(start, py)
	c.stayOnWard(stayPlan{daily: []panel{bmp, cbc}, first: []panel{lactate, crp, pct}})
	c.bloodCulture(c.enc.start.Add(40*time.Minute), "No growth")
	c.urineCulture(c.enc.start.Add(45 * time.Minute))
	c.administer()
	c.admissionNote("Admitted with fever, shaking and pain in the left flank.", "Plan: piperacillin and tazobactam, fluids, cultures; step down when afebrile.")
}

// headInjury is a person found on the street.
func headInjury(c *chart) {
	c.admit(c.s.los, dxHeadInjury.concept(), false)
	c.diagnose(condition{what: dxHeadInjury, onset: c.enc.start, reason: true, note: "Found on Wharf Street. Smells of alcohol. No papers."})
	c.diagnose(condition{what: dxUnconscious, onset: c.enc.start, reason: true})
	c.settle("hr", 94, 78, 1)
	c.settle("pocglu", 104, 98, 1)
	c.stayOnWard(stayPlan{daily: []panel{bmp}, first: []panel{cbc, inr, liver}, every: 2})
	for h := 0; h < int(c.s.los*24)-2; h += 2 {
		c.score(glasgow, min(9+h/6, 13), c.enc.start.Add(time.Duration(h)*time.Hour+9*time.Minute))
	}
	c.administer()
	c.admissionNote("Man of about 55 years found on the street with a wound of the forehead, confused, cannot give his name.",
		"Identity unknown. Allergies and medicines cannot be asked. Plan: neurological observations every 2 hours, social work and police informed.")
}
