package demo

import "time"

// antenatalCare is a pregnancy so many weeks long today or at birth, with the
// visits it brings: weight rises, blood pressure dips and returns, blood thins.
func (c *chart) antenatalCare(weeks, endDaysAgo float64, twins bool) string {
	begin := -(endDaysAgo + weeks*7)
	gain := 12.5
	if twins {
		gain = 17
	}
	kg := c.p.kg
	c.moves("weight", point{-3000, kg}, point{begin, kg}, point{begin + 84, kg + 1.5}, point{-endDaysAgo - 0.4, kg + gain*weeks/40},
		point{-endDaysAgo + 0.5, kg + gain*weeks/40 - 6})
	c.moves("sbp", point{begin, 116}, point{begin + 140, 108}, point{-endDaysAgo, 119})
	c.moves("dbp", point{begin, 72}, point{begin + 140, 65}, point{-endDaysAgo, 74})
	c.moves("hr", point{begin, 74}, point{-endDaysAgo, 88}, point{-endDaysAgo + 2, 76})
	c.moves("hb", point{begin, 13.1}, point{begin + 190, 11.2}, point{-endDaysAgo, 11.6})
	c.moves("wbc", point{begin, 7.2}, point{begin + 120, 9.4}, point{-endDaysAgo, 10.2})
	c.moves("crea", point{begin, 0.68}, point{begin + 140, 0.5}, point{0, 0.62})
	c.moves("alp", point{begin, 70}, point{-endDaysAgo, 160})
	preg := ""
	for i, wk := range []float64{9, 16, 22, 28, 32, 34, 36, 38, 39} {
		if wk > weeks-0.3 {
			break
		}
		kind := followUp
		what := dxPregnancy
		if twins {
			what = dxTwinPreg
		}
		if i == 0 {
			kind = antenatal
		}
		c.visit(c.clinicHour(-(begin + wk*7)), kind, what.concept())
		if preg == "" {
			over := time.Time{}
			if endDaysAgo > 0 {
				over = c.days(-endDaysAgo)
			}
			preg = c.diagnose(condition{what: what, onset: c.days(begin), resolved: over})
		}
		c.vitals(c.enc.start.Add(5 * time.Minute))
		c.weigh(c.enc.start.Add(7*time.Minute), i == 0)
		c.fundus(wk, twins, c.enc.start.Add(12*time.Minute))
		if i == 0 || wk == 28 || wk == 36 {
			c.lab(c.enc.start.Add(20*time.Minute), cbc)
		}
		if wk == 28 {
			c.immunize(vaxTdap, c.enc.start.Add(25*time.Minute), 0)
			c.lab(c.enc.start.Add(20*time.Minute), ferr)
			c.prescribe(ferrous, 325, onceDaily, c.enc.start, time.Time{}, preg)
		}
	}
	return preg
}

// fundus is the height of the womb in centimetres, about the weeks of pregnancy.
func (c *chart) fundus(weeks float64, twins bool, t time.Time) {
	if weeks < 20 {
		return
	}
	h := weeks + 1.2*c.r.NormFloat64()
	if twins {
		h += 4
	}
	c.observe(analyte{code: loinc("11881-0", "Uterus Fundal height Tape measure"), unit: "cm", ucum: "cm"}, h, t)
	c.observe(analyte{code: loinc("55283-6", "Fetal Heart rate"), unit: "beats/minute", ucum: "/min"}, 142+6*c.r.NormFloat64(), t.Add(2*time.Minute))
}

// postpartum is a mother after birth, with her baby on the ward.
func postpartum(c *chart) {
	c.birthStay(false)
}

func (c *chart) birthStay(twins bool) {
	c.background(2)
	weeks := 39.4
	if twins {
		weeks = 36.6
	}
	preg := c.antenatalCare(weeks, c.s.los, twins)
	c.join("h.fischer")
	reason := o("text", "Labor at term")
	if twins {
		reason = o("text", "Labor, twin pregnancy at 36 weeks")
	}
	c.admit(c.s.los+0.55, reason, true)
	d := -c.s.los
	loss := 1.6
	if twins {
		loss = 2.5
	}
	c.then("hb", point{d, 11.6}, point{d + 0.5, 11.6 - loss}, point{d + 3, 11.9 - loss})
	c.then("wbc", point{d - 0.5, 13.2}, point{d + 0.5, 16.1}, point{d + 3, 10.4})
	c.then("pain", point{d - 0.5, 7}, point{d + 0.2, 4}, point{d + 2, 1.5})
	born := c.days(d)
	c.procedure(sct("177184002", "Normal delivery procedure"), born.Add(-20*time.Minute), preg, specialist("f.adeyemi"))
	anemia := c.diagnose(condition{what: dxPPAnemia, onset: born.Add(12 * time.Hour), reason: true})
	c.chartOrder(ibuprofen, 600, every6h, born.Add(2*time.Hour), time.Time{}, "")
	c.comfort(born.Add(2*time.Hour), "")
	c.chartOrder(ferrous, 325, onceDaily, born.Add(12*time.Hour), time.Time{}, anemia)
	c.stayOnWard(stayPlan{daily: []panel{cbc}, pain: true})
	c.administer()
	c.admissionNote("Admitted in established labor; pregnancy without complication.", "Plan: support in labor, third stage managed actively.")
	c.progressNote(c.s.los*0.7, "Well after birth, breast feeding established, bleeding normal. Iron for anemia.", "Plan: home tomorrow, visit by the midwife in 3 days.")
	c.upcoming("Postnatal visit", 40)
}

// newborn is a healthy baby on the ward: weight falls, then rises, bilirubin
// peaks on the third day.
func newborn(c *chart) {
	c.babyStay(dxNewborn, 3.1+0.7*c.r.Float64())
}

func (c *chart) babyStay(what diagnosis, kg float64) {
	c.p.birth = c.days(-c.s.los)
	c.patient = c.patient.set("birthDate", date(c.p.birth)).with("_birthDate", o("extension", list(
		o("url", "http://hl7.org/fhir/StructureDefinition/patient-birthTime", "valueDateTime", instant(c.p.birth)))))
	d := -c.s.los
	c.p.kg, c.p.cm = kg, 46+1.4*kg
	c.moves("weight", point{d, kg}, point{d + 2.5, kg * 0.935}, point{d + 7, kg})
	c.moves("hr", point{d, 148}, point{d + 1, 132})
	c.moves("rr", point{d, 56}, point{d + 1, 44})
	c.moves("spo2", point{d, 95}, point{d + 0.2, 98})
	c.moves("bili", point{d, 1.9}, point{d + 1, 5.6}, point{d + 2.8, 9.8}, point{d + 5, 7.5})
	c.admit(c.s.los, what.concept(), false)
	c.diagnose(condition{what: what, onset: c.p.birth, reason: true})
	c.score(loinc("9272-6", "1 minute Apgar Score"), 8, c.p.birth.Add(time.Minute))
	c.score(loinc("9274-2", "5 minute Apgar Score"), 9, c.p.birth.Add(5*time.Minute))
	c.observe(analyte{code: loinc("8339-4", "Birth weight Measured"), unit: "g", ucum: "g"}, kg*1000, c.p.birth.Add(30*time.Minute))
	c.observe(c.w.analytes["head"], 33.2+kg*0.35, c.p.birth.Add(40*time.Minute))
	c.chartOrder(vitaminK, 1, oneDose, c.p.birth.Add(30*time.Minute), c.p.birth.Add(time.Hour), "")
	c.stayOnWard(stayPlan{weights: 1})
	for h := 28; h < 120; h += 24 {
		c.lab(c.p.birth.Add(time.Duration(h)*time.Hour), bilirub)
	}
	c.administer()
	c.document(docNote, "Newborn examination", c.p.birth.Add(14*time.Hour), c.doctor,
		"Newborn examination normal: heart, hips, palate, eyes. Vitamin K given, first hepatitis B vaccine given.",
		"Feeding at the breast, passing urine and stool.")
}

// preeclampsia is high blood pressure in late pregnancy, watched on the ward.
func preeclampsia(c *chart) {
	c.background(2)
	preg := c.antenatalCare(34.2, 0, false)
	c.moves("weight", point{-3000, c.p.kg}, point{-239, c.p.kg}, point{0, c.p.kg + 11})
	c.admit(c.s.los, dxPreeclampsia.concept(), false)
	pe := c.diagnose(condition{what: dxPreeclampsia, onset: c.enc.start, reason: true})
	c.settle("sbp", 158, 141, 1.5)
	c.settle("dbp", 102, 89, 1.5)
	c.settle("plt", 176, 152, 4)
	c.settle("alt", 38, 52, 4)
	c.settle("uacr", 620, 780, 4)
	c.chartOrder(labetalol, 200, twiceDaily, c.enc.start.Add(time.Hour), time.Time{}, pe)
	c.chartOrder(ferrous, 325, onceDaily, c.enc.start.Add(8*time.Hour), time.Time{}, preg)
	c.stayOnWard(stayPlan{daily: []panel{cbc, liver, bmp}, first: []panel{uacr}, weights: 1})
	c.administer()
	c.admissionNote("Admitted at 34 weeks with headache and blood pressure of 160 over 100 mmHg, protein in urine.",
		"Plan: labetalol, blood tests every day, fetal heart trace twice a day, delivery if pressure or platelets worsen.")
}
