package demo

import "time"

// smallDose adds an order that a missing leading zero would make five times as
// large.
func smallDose(c *chart) {
	c.fill(c.write(order{id: c.id + "-small-dose", drug: haloperidol, dose: 0.5, freq: twiceDaily,
		start: c.enc.start.Add(2 * time.Hour), status: "active", inpatient: true}))
}

// largeDose adds an order of more than a thousand units.
func largeDose(c *chart) {
	c.fill(c.write(order{id: c.id + "-large-dose", drug: heparin, dose: 7500, freq: every12h,
		start: c.enc.start.Add(5 * time.Hour), status: "active", inpatient: true,
		note: "Higher dose for body weight above 100 kg, agreed with pharmacy."}))
}

// staleWeight weighs the patient two years ago and not since.
func staleWeight(c *chart) {
	c.p.kg = 81
	c.visit(c.clinicHour(732), checkUp, o("text", "Annual check-up"))
	c.vitals(c.enc.start.Add(5 * time.Minute))
	c.weigh(c.enc.start.Add(8*time.Minute), true)
	c.lab(c.enc.start.Add(20*time.Minute), bmp, cbc)
	c.weighed = true // the bed scale is broken: no weight in this stay
	thrombosis(c)
}

// renalDosing leaves medicines at full dose beside an eGFR below 30.
func renalDosing(c *chart) {
	start := c.enc.start.Add(4 * time.Hour)
	c.fill(c.write(order{id: c.id + "-renal-1", drug: gabapentin, dose: 300, freq: threeDaily, start: start, status: "active", inpatient: true,
		note: "Home medicine, continued."}))
	c.fill(c.write(order{id: c.id + "-renal-2", drug: metformin1000, dose: 1000, freq: twiceDaily, start: start, status: "active", inpatient: true,
		note: "Home medicine, continued."}))
	c.fill(c.write(order{id: c.id + "-renal-3", drug: enoxaparin, dose: 40, freq: onceDaily, start: start, status: "active", inpatient: true}))
}

// suspendedWarfarin was active until the bleeding and is on hold now.
func suspendedWarfarin(c *chart) {
	id := c.id + "-warfarin"
	c.write(order{id: id, drug: warfarin, dose: 5, freq: everyEvening, start: c.days(-1880), status: "active"})
	c.revise("MedicationRequest", id, func(before obj) obj {
		return append(o("resourceType", "MedicationRequest", "id", id, "status", "on-hold",
			"statusReason", o("text", "Gastrointestinal bleeding: suspended until endoscopy is reviewed")), before[3:]...)
	})
}

// clockChange is the last night before now on which the clocks went back: its
// midnight, and false if there was none in 400 days.
func clockChange(now time.Time) (midnight time.Time, ok bool) {
	for back := 3; back < 400; back++ {
		day := at(now, -back, 0, 0)
		_, before := day.Zone()
		_, after := at(now, -back+1, 0, 0).Zone()
		if after < before {
			return day, true
		}
	}
	return time.Time{}, false
}

// clockChangeNight is the past stay for ketoacidosis: insulin every hour at half
// past, so that one dose was given at 01:30 before the change and the next, an
// hour later, at 01:30 again.
func (c *chart) clockChangeNight(dm string) {
	midnight, ok := clockChange(c.now)
	if !ok {
		return
	}
	begin := midnight.Add(-6*time.Hour - 20*time.Minute)
	c.pastStay(begin, 46*time.Hour, WardMedicine, dxKetoacidosis.concept(), wentHome)
	c.diagnose(condition{what: dxKetoacidosis, onset: begin, resolved: c.enc.end, reason: true})
	d := begin.Sub(c.now).Hours() / 24
	c.then("glu", point{d, 486}, point{d + 0.6, 212}, point{d + 1.8, 150})
	c.moves("pocglu", point{d, 492}, point{d + 0.6, 205}, point{d + 1.8, 148})
	c.then("co2", point{d, 9}, point{d + 0.5, 17}, point{d + 1.2, 24})
	c.then("k", point{d, 5.6}, point{d + 0.4, 3.6}, point{d + 1.2, 4.1})
	c.then("hr", point{d, 122}, point{d + 1, 84})
	c.then("rr", point{d, 28}, point{d + 0.8, 16})
	m := order{id: c.id + "-insulin-night", drug: regularIV, dose: 6, freq: every1h, start: begin.Add(50 * time.Minute),
		end: midnight.Add(9 * time.Hour), status: "completed", reason: dm, inpatient: true}
	c.write(m)
	for h := -5; h <= 8; h++ {
		t := midnight.Add(time.Duration(h)*time.Hour + 30*time.Minute)
		c.bedside(c.w.analytes["pocglu"], t.Add(-6*time.Minute))
		id := c.nextID("adm")
		switch h {
		case 1:
			id = c.id + "-adm-0130-first"
		case 2:
			id = c.id + "-adm-0130-second"
		}
		c.putAdministrationAs(id, m, t, "completed", "")
	}
	for h := 0; h < 44; h += 4 {
		c.vitals(begin.Add(time.Duration(h)*time.Hour + 15*time.Minute))
	}
	for _, h := range []float64{0.4, 4, 8, 16, 30} {
		c.lab(begin.Add(time.Duration(h*60)*time.Minute), bmp)
	}
	c.lab(begin.Add(25*time.Minute), cbc, lactate)
	c.document(docDisch, "Discharge summary", c.enc.end.Add(-time.Hour), c.doctor,
		"Admitted with ketoacidosis after a stomach infection; insulin infusion through the night of the clock change.",
		"Ketones cleared, eating, back on the usual insulin.")
}
