package demo

import (
	"slices"
	"time"
)

// frequency is how often a dose is given.
type frequency struct {
	text         string
	code         code // GTSAbbreviation, if there is one
	times        int  // per period
	period       int
	unit         string // h or d
	hours        []int  // clock hours on a ward
	whenRequired string // reason, for as-needed medicines
}

func gts(c, display string) code { return v3("GTSAbbreviation", c, display) }

var (
	onceDaily    = frequency{"once daily", gts("QD", "QD"), 1, 1, "d", []int{9}, ""}
	atBedtime    = frequency{"at bedtime", gts("BED", "at bedtime"), 1, 1, "d", []int{21}, ""}
	everyEvening = frequency{"every evening", gts("PM", "PM"), 1, 1, "d", []int{18}, ""}
	twiceDaily   = frequency{"twice daily", gts("BID", "BID"), 2, 1, "d", []int{9, 21}, ""}
	threeDaily   = frequency{"3 times daily", gts("TID", "TID"), 3, 1, "d", []int{8, 14, 21}, ""}
	every1h      = frequency{"every hour", gts("Q1H", "every hour"), 1, 1, "h", nil, ""}
	every4h      = frequency{"every 4 hours", gts("Q4H", "Q4H"), 1, 4, "h", []int{2, 6, 10, 14, 18, 22}, ""}
	every6h      = frequency{"every 6 hours", gts("Q6H", "Q6H"), 1, 6, "h", []int{0, 6, 12, 18}, ""}
	every8h      = frequency{"every 8 hours", gts("Q8H", "every 8 hours"), 1, 8, "h", []int{6, 14, 22}, ""}
	every12h     = frequency{"every 12 hours", code{}, 1, 12, "h", []int{8, 20}, ""}
	every24h     = frequency{"every 24 hours", code{}, 1, 24, "h", []int{12}, ""}
	oneDose      = frequency{"once", code{}, 0, 0, "", nil, ""}
)

// asNeeded is the frequency when a reason calls for it.
func (f frequency) asNeeded(reason string) frequency {
	f.whenRequired = reason
	return f
}

// order is one medication order.
type order struct {
	drug       drug
	dose       float64
	freq       frequency
	start, end time.Time // zero end: no end planned
	status     string    // active, completed, on-hold, stopped, entered-in-error
	why        string    // status reason, shown
	reason     string    // "Condition/…": reason for the order
	inpatient  bool
	note       string
	id         string
}

// prescribe adds an outpatient prescription that is active (no end) or over.
func (c *chart) prescribe(d drug, dose float64, f frequency, start, end time.Time, reason string) string {
	status := "active"
	if !end.IsZero() {
		status = "completed"
	}
	if c.during(start) == nil { // written at some other visit
		y, m, day := start.In(c.w.zone).Date()
		start = time.Date(y, m, day, 9+c.r.IntN(7), c.r.IntN(60), 0, 0, c.w.zone)
	}
	m := c.write(order{drug: d, dose: dose, freq: f, start: start, end: end, status: status, reason: reason})
	return "MedicationRequest/" + m.id
}

// chartOrder adds an order of the current stay, to be given by the ward.
func (c *chart) chartOrder(d drug, dose float64, f frequency, start, end time.Time, reason string) string {
	status := "active"
	if !end.IsZero() && end.Before(c.now) {
		status = "completed"
	}
	m := c.write(order{drug: d, dose: dose, freq: f, start: start, end: end, status: status, reason: reason, inpatient: true})
	return "MedicationRequest/" + m.id
}

// write adds the MedicationRequest and remembers orders of a stay.
func (c *chart) write(m order) order {
	if m.id == "" {
		m.id = c.nextID("rx")
	}
	category := tho("medicationrequest-category", "community", "Community")
	if m.inpatient {
		category = tho("medicationrequest-category", "inpatient", "Inpatient")
		c.orders = append(c.orders, m)
	}
	body := o("status", m.status)
	if m.why != "" {
		body = body.with("statusReason", o("text", m.why))
	}
	body = body.with("intent", "order", "category", list(concept(category)), "priority", "routine",
		"medicationCodeableConcept", m.drug.concept(), "subject", c.subject(), "encounter", c.during(m.start),
		"authoredOn", instant(m.start), "requester", c.doctor.ref(), "recorder", c.doctor.ref(),
		"reasonReference", list(link(m.reason)))
	if m.note != "" {
		body = body.with("note", list(o("text", m.note)))
	}
	body = body.with("dosageInstruction", list(m.dosage()))
	if !m.inpatient {
		body = body.with("dispenseRequest", m.dispense())
	}
	c.put("MedicationRequest", m.id, body)
	return m
}

// dosage is the structured instruction.
func (m order) dosage() obj {
	repeat := obj(nil)
	if m.freq.period > 0 {
		repeat = o("frequency", m.freq.times, "period", m.freq.period, "periodUnit", m.freq.unit)
		if !m.end.IsZero() {
			repeat = append(o("boundsPeriod", period(m.start, m.end)), repeat...)
		} else {
			repeat = append(o("boundsPeriod", o("start", instant(m.start))), repeat...)
		}
	}
	timing := o("repeat", repeat)
	if m.freq.code.code != "" {
		timing = timing.with("code", textConcept(m.freq.text, m.freq.code))
	} else {
		timing = timing.with("code", o("text", m.freq.text))
	}
	body := o("sequence", 1, "text", m.drug.doseText(m.dose)+" "+m.drug.route.text+" "+m.freq.text+m.asNeededText(), "timing", timing)
	if m.freq.whenRequired != "" {
		body = body.with("asNeededCodeableConcept", o("text", m.freq.whenRequired))
	}
	return body.with("route", concept(m.drug.route.code),
		"doseAndRate", list(o("type", concept(tho("dose-rate-type", "ordered", "Ordered")),
			"doseQuantity", m.drug.quantity(m.dose))))
}

func (m order) asNeededText() string {
	if m.freq.whenRequired == "" {
		return ""
	}
	return " as needed for " + m.freq.whenRequired
}

// dispense is what the community pharmacy may give out: 90 days for a medicine
// without end, else the course.
func (m order) dispense() obj {
	days, refills := 90, 3
	if !m.end.IsZero() {
		if d := int(m.end.Sub(m.start).Hours()/24) + 1; d <= 30 {
			days, refills = d, 0
		}
	}
	perDay := m.freq.times
	if m.freq.unit == "h" {
		perDay = 24 / m.freq.period
	}
	count := 1
	if m.drug.strengthOf > 0 {
		count = max(1, int(m.dose/m.drug.strengthOf+0.5))
	}
	q := o("value", num(itoa(max(1, perDay*count*days))), "unit", "tablets")
	if m.drug.form == capsule {
		q = q.set("unit", "capsules")
	}
	if m.drug.form != tablet && m.drug.form != capsule && m.drug.form != erTablet {
		q = o("value", num("1"), "unit", "package")
	}
	return o("numberOfRepeatsAllowed", refills, "quantity", q, "expectedSupplyDuration",
		o("value", num(itoa(days)), "unit", "days", "system", sysUCUM, "code", "d"))
}

// quantity is a dose as a Quantity, without trailing zeros.
func (d drug) quantity(dose float64) obj {
	return o("value", plain(dose), "unit", d.unit, "system", sysUCUM, "code", d.ucum)
}

// doseText is a dose for people: leading zero, no trailing zero, a comma from
// 1,000, a space before the unit.
func (d drug) doseText(dose float64) string {
	s := string(plain(dose))
	if dose >= 1000 {
		s = s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s + " " + d.unit
}

// plain writes a dose with as many digits as it needs.
func plain(v float64) num {
	for digits := 0; digits < 4; digits++ {
		if s := decimal(v, digits); parse(string(s)) == v {
			return s
		}
	}
	return decimal(v, 3)
}

// administer fills the chart of the stay: each active order at its hours from
// its start until now, with the small deviations and omissions of a real ward.
func (c *chart) administer() {
	for _, m := range c.orders {
		c.fill(m)
	}
}

// fill charts what was given of one order.
func (c *chart) fill(m order) {
	end := c.now.Add(-20 * time.Minute)
	if !m.end.IsZero() && m.end.Before(end) {
		end = m.end
	}
	switch {
	case m.freq.period == 0:
		c.give(m, c.jitter(m.start.Add(35*time.Minute), 15))
	case m.freq.whenRequired != "":
		c.giveAsNeeded(m, end)
	default:
		c.giveRegularly(m, end)
	}
}

func (c *chart) giveRegularly(m order, end time.Time) {
	y, mon, d := m.start.In(c.w.zone).Date()
	for day := 0; ; day++ {
		if time.Date(y, mon, d+day, 0, 0, 0, 0, c.w.zone).After(end) {
			return
		}
		for _, h := range m.freq.hours {
			due := time.Date(y, mon, d+day, h, 0, 0, 0, c.w.zone)
			if due.Before(m.start) || due.After(end) {
				continue
			}
			c.give(m, due.Add(time.Duration(c.r.IntN(36)-8)*time.Minute))
		}
	}
}

func (c *chart) giveAsNeeded(m order, end time.Time) {
	for t := m.start.Add(2 * time.Hour); t.Before(end); t = t.Add(time.Duration(9+c.r.IntN(13)) * time.Hour) {
		c.give(m, c.jitter(t, 40))
	}
}

// Why a dose was not given.
var notGiven = []string{"Patient refused", "Patient off the ward", "Nil by mouth"} // the last for oral medicines

func (c *chart) give(m order, t time.Time) {
	if t.After(c.now.Add(-10 * time.Minute)) {
		return
	}
	status, reason := "completed", ""
	if m.freq.period > 0 && m.freq.whenRequired == "" && c.r.IntN(45) == 0 {
		reasons := notGiven
		if m.drug.route != oral {
			reasons = notGiven[:2]
		}
		status, reason = "not-done", pick(c.r, reasons)
	}
	c.putAdministration(m, t, status, reason)
}

func (c *chart) putAdministration(m order, t time.Time, status, reason string) string {
	return c.putAdministrationAs(c.nextID("adm"), m, t, status, reason)
}

func (c *chart) putAdministrationAs(id string, m order, t time.Time, status, reason string) string {
	body := o("status", status)
	if reason != "" {
		body = body.with("statusReason", list(o("text", reason)))
	}
	performers := list(o("actor", c.nurse.ref()))
	if m.drug.highAlert {
		second := pick(c.r, c.colleagues())
		performers = append(performers, o("function", concept(tho("med-admin-perform-function", "verifier", "Verifier")),
			"actor", second.ref()))
	}
	body = body.with("category", concept(tho("medication-admin-category", "inpatient", "Inpatient")),
		"medicationCodeableConcept", m.drug.concept(), "subject", c.subject(), "context", c.enc.ref(),
		"effectiveDateTime", instant(t.In(c.w.zone)), "performer", performers,
		"request", ref("MedicationRequest", m.id))
	if status == "completed" {
		body = body.with("dosage", o("text", m.drug.doseText(m.dose)+" "+m.drug.route.text,
			"route", concept(m.drug.route.code), "dose", m.drug.quantity(m.dose)))
	}
	return c.put("MedicationAdministration", id, body)
}

// colleagues are the other nurses of the ward.
func (c *chart) colleagues() []Staff {
	var out []Staff
	for _, s := range staff {
		if s.Role == Nurse && s.UserName != c.nurse.UserName && slices.Contains(s.WardIDs, c.s.ward) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		out = []Staff{specialist("g.mbeki")}
	}
	return out
}
