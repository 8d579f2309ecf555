package demo

import "time"

// background is a life before the present illness: check-ups over the years
// with blood tests and the small illnesses that everybody has.
func (c *chart) background(years int) {
	minor := []struct {
		d    diagnosis
		kind code
	}{{dxPharyngitis, problem}, {dxSprain, emergency}, {dxUTI, problem}}
	for y := years; y >= 1; y-- {
		c.visit(c.clinicHour(float64(365*y-30+c.r.IntN(60))), checkUp, o("text", "Annual check-up"))
		c.vitals(c.enc.start.Add(5 * time.Minute))
		c.weigh(c.enc.start.Add(8*time.Minute), true)
		c.smoking(c.enc.start.Add(9 * time.Minute))
		c.lab(c.enc.start.Add(20*time.Minute), bmp, cbc)
		if y%2 == 0 {
			c.lab(c.enc.start.Add(20*time.Minute), lipids)
		}
	}
	if c.r.IntN(2) == 0 && c.s.story != nil {
		m := minor[c.r.IntN(2)]
		if c.p.sex == "female" && c.p.years(c.now) > 15 {
			m = pick(c.r, minor)
		}
		c.minorIllness(m.d, m.kind, 120+float64(c.r.IntN(700)))
	}
}

func (c *chart) minorIllness(d diagnosis, kind code, daysAgo float64) {
	c.visit(c.clinicHour(daysAgo), kind, d.concept())
	c.vitals(c.enc.start.Add(6 * time.Minute))
	id := c.diagnose(condition{what: d, onset: c.enc.start.AddDate(0, 0, -2), resolved: c.enc.start.AddDate(0, 0, 9), reason: true})
	if d == dxUTI {
		c.prescribe(nitrofurant, 100, twiceDaily, c.enc.end, c.enc.end.AddDate(0, 0, 5), id)
	}
	if d == dxSprain {
		c.prescribe(ibuprofen, 600, threeDaily.asNeeded("pain"), c.enc.end, c.enc.end.AddDate(0, 0, 7), id)
	}
}

// smoking records the tobacco status as the US Core profile asks.
func (c *chart) smoking(t time.Time) {
	if c.p.years(t) < 14 {
		return
	}
	c.put("Observation", c.nextID("obs"), o("status", "final",
		"category", list(bare(tho("observation-category", "social-history", "Social History"))),
		"code", concept(loinc("72166-2", "Tobacco smoking status")), "subject", c.subject(), "encounter", c.enc.ref(),
		"effectiveDateTime", instant(t), "issued", instant(t.Add(time.Minute)), "performer", list(c.nurse.ref()),
		"valueCodeableConcept", concept(c.p.smoker)))
}

// hypertensive adds treated blood pressure, the companion of half of all
// stories, and returns the condition.
func (c *chart) hypertensive(d drug, dose float64) string {
	c.moves("sbp", point{-2600, 158}, point{-2200, 141}, point{0, 136})
	c.moves("dbp", point{-2600, 93}, point{-2200, 84}, point{0, 79})
	htn := c.diagnose(condition{what: dxHypertension, onset: c.days(-2500)})
	c.prescribe(d, dose, onceDaily, c.days(-2480), time.Time{}, htn)
	return htn
}

// comfort are the orders that nearly every ward patient has.
func (c *chart) comfort(start time.Time, reason string) {
	c.chartOrder(acetamin, 1000, every6h.asNeeded("pain or fever"), start, time.Time{}, reason)
}

// clots prevents them.
func (c *chart) clots(start time.Time) {
	if c.n%2 == 0 {
		c.chartOrder(enoxaparin, 40, onceDaily, start, time.Time{}, "")
		return
	}
	c.chartOrder(heparin, 5000, every8h, start, time.Time{}, "")
}

// score is a whole number on a scale, such as the Glasgow coma score.
func (c *chart) score(k code, v int, t time.Time) string {
	return c.put("Observation", c.nextID("obs"), o("status", "final",
		"category", list(bare(tho("observation-category", "survey", "Survey"))), "code", concept(k),
		"subject", c.subject(), "encounter", c.enc.ref(), "effectiveDateTime", instant(t),
		"issued", instant(t.Add(2*time.Minute)), "performer", list(c.nurse.ref()), "valueQuantity",
		o("value", num(itoa(v)), "unit", "points", "system", sysUCUM, "code", "{score}")))
}

// progressNote is a day's note of the ward doctor.
func (c *chart) progressNote(daysIn float64, paragraphs ...string) {
	t := c.enc.start.Add(time.Duration(daysIn*24) * time.Hour)
	t = at(t.In(c.w.zone), 0, 10, 20)
	if t.Before(c.enc.start.Add(4*time.Hour)) || t.After(c.now.Add(-time.Hour)) {
		return
	}
	c.document(docNote, "Progress note", t, c.doctor, paragraphs...)
}
