package demo

import "time"

// stayPlan is what the ward does every day of the current stay.
type stayPlan struct {
	daily   []panel // at about six in the morning
	first   []panel // on arrival, with the daily ones
	weights int     // every so many days; 0: only on arrival
	every   int     // hours between vital signs, 0: 4
	pain    bool
}

// stayOnWard fills the current stay with vital signs and laboratory runs from
// the admission until a few hours ago.
func (c *chart) stayOnWard(p stayPlan) {
	c.vitals(c.enc.start.Add(12 * time.Minute))
	if !c.weighed {
		c.weigh(c.enc.start.Add(25*time.Minute), true)
	}
	defer c.tomorrow(p)
	c.lab(c.enc.start.Add(30*time.Minute), append(append([]panel(nil), p.daily...), p.first...)...)
	step := p.every
	if step == 0 {
		step = 4
	}
	last := c.now.Add(-time.Duration(70+c.r.IntN(80)) * time.Minute)
	y, m, d := c.enc.start.In(c.w.zone).Date()
	for day := 0; ; day++ {
		morning := time.Date(y, m, d+day, 6, 0, 0, 0, c.w.zone)
		if morning.Add(-6 * time.Hour).After(last) {
			return
		}
		for h := step / 2 % 4; h < 24; h += step {
			t := time.Date(y, m, d+day, h, 0, 0, 0, c.w.zone).Add(time.Duration(c.r.IntN(25)-6) * time.Minute)
			if t.Before(c.enc.start.Add(100*time.Minute)) || t.After(last) {
				continue
			}
			c.vitals(t)
			if p.pain && (h == 10 || h == 22) {
				a := c.w.analytes["pain"]
				c.observe(a, c.measure(a, t), t.Add(2*time.Minute))
			}
		}
		if day == 0 || morning.After(last) {
			continue
		}
		if p.weights > 0 && day%p.weights == 0 {
			c.weigh(morning.Add(30*time.Minute), false)
		}
		c.lab(morning.Add(time.Duration(c.r.IntN(40)-15)*time.Minute), p.daily...)
	}
}

// tomorrow leaves the orders for the next morning, which the laboratory has not
// done yet.
func (c *chart) tomorrow(p stayPlan) {
	due := at(c.now, 1, 6, 0)
	for _, panel := range p.daily {
		c.put("ServiceRequest", c.nextID("ord"), c.labOrder(panel, "active", c.now.Add(-50*time.Minute)).
			with("occurrenceDateTime", instant(due)))
	}
}

// settle says that a vital sign or analyte began the stay at one value and came
// to another over so many days; it keeps that value afterwards.
func (c *chart) settle(key string, from, to, over float64) {
	start := c.enc.start.Sub(c.now).Hours() / 24
	c.then(key, point{start, from}, point{start + over, to})
}
