package demo

import "time"

// heartFailure is known heart failure after years of hypertension, admitted
// with fluid: weight and NT-proBNP fall as furosemide works.
func heartFailure(c *chart) {
	c.moves("bnp", point{-820, 2400}, point{-600, 980}, point{-30, 1400}, point{0, 2100})
	c.moves("hb", point{-2000, 13.0}, point{0, 12.1})
	c.moves("crea", point{-2000, 0.95}, point{0, 1.25})
	htn := c.hypertensive(lisinopril20, 20)
	c.background(4)
	hf := c.diagnose(condition{what: dxHeartFailure, onset: c.days(-820), note: "Ejection fraction 35 % by echocardiography."})
	c.prescribe(metoprololER, 50, onceDaily, c.days(-815), time.Time{}, hf)
	c.prescribe(furosemide, 40, onceDaily, c.days(-815), time.Time{}, hf)
	c.prescribe(spironol, 25, onceDaily, c.days(-500), time.Time{}, hf)
	for _, ago := range []float64{815, 640, 400, 170, 60} {
		c.followUpVisit(ago, dxHeartFailure, bmp, bnp)
	}
	c.carePlan("Heart failure self-care", hf, "Weight within 1 kg of "+itoa(int(c.p.kg+0.5))+" kg", "Weigh every morning", "Call the clinic if weight rises 2 kg in 3 days")
	if c.s.los == 0 {
		c.upcoming("Heart failure clinic", 12)
		return
	}
	c.join("s.lindqvist")
	kg := c.p.kg
	c.admit(c.s.los, textConcept("Acute decompensated heart failure", dxHeartFailure.snomed, dxHeartFailure.icd10), false)
	d := -c.s.los
	c.moves("weight", point{-2000, kg}, point{d - 12, kg}, point{d, kg + 6.2}, point{d + 5, kg + 0.8})
	c.settle("bnp", 6800, 2900, 5)
	c.settle("rr", 27, 17, 2)
	c.settle("spo2", 88.5, 95.5, 2)
	c.settle("hr", 108, 78, 3)
	c.settle("sbp", 158, 122, 3)
	c.settle("na", 131, 136, 4)
	c.settle("k", 4.4, 3.7, 3)
	c.settle("crea", 1.6, 1.35, 4)
	start := c.enc.start.Add(3 * time.Hour)
	c.chartOrder(furosemideIV, 40, twiceDaily, start, time.Time{}, hf)
	c.chartOrder(metoprololER, 50, onceDaily, start, time.Time{}, hf)
	c.chartOrder(lisinopril20, 20, onceDaily, start, time.Time{}, htn)
	c.clots(start)
	c.stayOnWard(stayPlan{daily: []panel{bmp}, first: []panel{cbc, bnp, trop}, weights: 1})
	c.lab(c.enc.start.Add(49*time.Hour), bnp, mgLevel)
	c.administer()
	c.chestFilm(c.enc.start.Add(time.Hour), chest{bigHeart: true}, "Enlarged heart, cephalised vessels, small effusions on both sides. Congestion.")
	c.electrocardiogram(c.enc.start.Add(20*time.Minute), rhythm{bpm: 106}, "Sinus tachycardia, 106 beats a minute. Left ventricular hypertrophy.")
	c.admissionNote("Admitted with a week of worsening breathlessness, swollen legs and a weight gain of 6 kg. Known heart failure, ejection fraction 35 %.",
		"Plan: intravenous furosemide, daily weight, daily basic metabolic panel, fluid limit 1.5 L a day. Home spironolactone held while potassium and creatinine move.")
}

// fibrillation is atrial fibrillation with a fast rate, slowed by metoprolol;
// on warfarin, with the INR series that goes with it.
func fibrillation(c *chart) {
	c.moves("inr", point{-415, 1.0}, point{-406, 1.6}, point{-398, 2.8}, point{-380, 2.3}, point{-200, 2.5}, point{-120, 3.3},
		point{-100, 2.4}, point{0, 2.4})
	c.hypertensive(losartan, 50)
	c.background(3)
	af := c.diagnose(condition{what: dxAFib, onset: c.days(-410)})
	c.prescribe(warfarin, 5, everyEvening, c.days(-410), time.Time{}, af)
	c.prescribe(metoprolol, 25, twiceDaily, c.days(-410), time.Time{}, af)
	for _, ago := range []float64{406, 398, 380, 330, 270, 200, 120, 100, 50, 20} {
		c.visit(c.clinicHour(ago), followUp, textConcept("Anticoagulation clinic", dxAFib.snomed, dxAFib.icd10))
		c.lab(c.enc.start.Add(8*time.Minute), inr)
		if int(ago)%100 == 0 {
			c.vitals(c.enc.start.Add(5 * time.Minute))
			c.lab(c.enc.start.Add(8*time.Minute), cbc)
		}
	}
	if c.s.los == 0 {
		c.upcoming("Anticoagulation clinic", 8)
		return
	}
	c.join("s.lindqvist")
	c.admit(c.s.los, textConcept("Atrial fibrillation with rapid ventricular response", dxAFib.snomed, dxAFib.icd10), false)
	c.settle("hr", 146, 82, 1.3)
	c.settle("sbp", 104, 128, 1.5)
	c.settle("rr", 22, 16, 1)
	start := c.enc.start.Add(2 * time.Hour)
	c.chartOrder(metoprolol, 50, twiceDaily, start, time.Time{}, af)
	c.chartOrder(warfarin, 5, everyEvening, start, time.Time{}, af)
	c.chartOrder(digoxin, 0.125, onceDaily, start.Add(20*time.Hour), time.Time{}, af)
	c.chartOrder(losartan, 50, onceDaily, start, time.Time{}, "")
	c.stayOnWard(stayPlan{daily: []panel{bmp, inr}, first: []panel{cbc, tsh, trop, mgLevel}})
	c.administer()
	c.electrocardiogram(c.enc.start.Add(15*time.Minute), rhythm{bpm: 144, irregular: true},
		"Atrial fibrillation, ventricular rate about 144 a minute. No acute ischaemia.")
	c.admissionNote("Admitted with palpitations since the evening before; irregular pulse about 146 a minute, no chest pain.",
		"Plan: rate control with metoprolol, continue warfarin (INR in range), thyroid function, telemetry.")
}

// infarction is a non-ST elevation myocardial infarction with the rise and fall
// of troponin.
func infarction(c *chart) {
	c.moves("chol", point{-2000, 236}, point{-30, 244})
	c.moves("trig", point{-2000, 190})
	htn := c.hypertensive(amlodipine, 5)
	c.background(4)
	c.diagnose(condition{what: dxLipids, onset: c.days(-900)})
	c.join("s.lindqvist")
	c.admit(c.s.los, dxNSTEMI.concept(), false)
	mi := c.diagnose(condition{what: dxNSTEMI, onset: c.enc.start, reason: true})
	c.diagnose(condition{what: dxCoronary, onset: c.enc.start.Add(20 * time.Hour)})
	d := -c.s.los
	c.moves("trop", point{d - 1, 6}, point{d, 38}, point{d + 0.13, 260}, point{d + 0.3, 1180}, point{d + 0.7, 2350}, point{d + 1.5, 1400}, point{d + 3, 420})
	c.settle("hr", 98, 64, 1)
	c.settle("sbp", 162, 124, 1)
	c.settle("pain", 7, 0.5, 0.6)
	start := c.enc.start.Add(time.Hour)
	c.chartOrder(aspirin, 81, onceDaily, start, time.Time{}, mi)
	c.chartOrder(clopidogrel, 75, onceDaily, start, time.Time{}, mi)
	c.chartOrder(atorvastatin, 80, atBedtime, start, time.Time{}, mi)
	c.chartOrder(metoprolol, 25, twiceDaily, start, time.Time{}, mi)
	c.chartOrder(amlodipine, 5, onceDaily, start, time.Time{}, htn)
	c.chartOrder(heparin, 5000, oneDose, start, start.Add(time.Hour), mi)
	c.stayOnWard(stayPlan{daily: []panel{bmp, cbc}, first: []panel{trop, lipids, a1c}, pain: true})
	for _, h := range []float64{3.5, 6.5, 12, 24} {
		c.lab(c.enc.start.Add(time.Duration(h*60)*time.Minute), trop)
	}
	c.administer()
	c.procedure(sct("41976001", "Cardiac catheterization"), c.enc.start.Add(22*time.Hour), mi, specialist("s.lindqvist"))
	c.electrocardiogram(c.enc.start.Add(8*time.Minute), rhythm{bpm: 96, depressed: true},
		"Sinus rhythm, 96 a minute. ST depression of 1 to 2 mm in V4 to V6. No ST elevation.")
	c.admissionNote("Admitted with two hours of pressing chest pain at rest. Troponin rising, ST depression in the lateral leads.",
		"Plan: aspirin, clopidogrel, heparin, statin, beta blocker; coronary angiography next morning.")
}
