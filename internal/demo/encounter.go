package demo

import "time"

// encounter is the visit or stay during which the story now writes.
type encounter struct {
	id         string
	start, end time.Time // zero end: still going on
	inpatient  bool
}

func (e encounter) ref() obj {
	if e.id == "" {
		return nil
	}
	return ref("Encounter", e.id)
}

// stay is the reference of the current stay, "" if there is none.
func (c *chart) stay() string {
	if c.enc.inpatient && c.enc.end.IsZero() && c.enc.id != "" {
		return "Encounter/" + c.enc.id
	}
	return ""
}

func (c *chart) teamStart() time.Time {
	if c.stay() != "" {
		return c.enc.start
	}
	return c.days(-700)
}

// Kinds of visit.
var (
	checkUp      = sct("185349003", "Encounter for check up (procedure)")
	followUp     = sct("185389009", "Follow-up visit (procedure)")
	problem      = sct("185347001", "Encounter for problem (procedure)")
	antenatal    = sct("424441002", "Prenatal initial visit (regime/therapy)")
	emergency    = sct("50849002", "Emergency room admission (procedure)")
	hospitalStay = sct("32485007", "Hospital admission (procedure)")
)

// visit is a finished ambulatory contact. What the story writes next belongs to
// it.
func (c *chart) visit(start time.Time, kind code, reason obj) {
	if start.After(c.now.Add(-2 * time.Hour)) {
		start = start.AddDate(0, 0, -7)
	}
	for c.busy[date(start)] {
		start = workday(start.AddDate(0, 0, 1))
	}
	c.busy[date(start)] = true
	class := code{v3Act, "AMB", "ambulatory"}
	place := obj(o("reference", "Location/"+locClinic, "display", "Outpatient Clinic"))
	length := time.Duration(35+5*c.r.IntN(5)) * time.Minute
	if kind == emergency {
		class = code{v3Act, "EMER", "emergency"}
		place = o("reference", "Location/"+locEmergency, "display", "Emergency Department")
		length = time.Duration(150+c.r.IntN(200)) * time.Minute
	}
	c.enc = encounter{id: c.nextID("enc"), start: start, end: start.Add(length)}
	c.put("Encounter", c.enc.id, o(
		"identifier", c.visitNumber(), "status", "finished", "class", class.coding(),
		"type", list(concept(kind)), "subject", c.subject(),
		"participant", list(c.attending(c.enc.start, c.enc.end)),
		"period", period(c.enc.start, c.enc.end), "reasonCode", list(reason),
		"location", list(o("location", place, "status", "completed")),
		"serviceProvider", orgRef(orgHospital)))
}

func (c *chart) visitNumber() arr {
	return list(o("use", "official", "type", concept(v2("0203", "VN", "Visit number")),
		"system", SystemVisit, "value", "V"+mrn(c.n)[:7]+two(c.count["enc"])))
}

func (c *chart) attending(start, end time.Time) obj {
	return o("type", list(concept(v3("ParticipationType", "ATND", "attender"))),
		"period", period(start, end), "individual", c.doctor.ref())
}

// admit begins the stay that goes on now: some hours in the emergency
// department (unless planned), then a bed of the ward. days is how long ago.
func (c *chart) admit(days float64, reason obj, planned bool) {
	start := c.roundHour(c.days(-days))
	if c.p.birth.After(start.Add(-20 * time.Minute)) {
		start = c.p.birth
	}
	c.count["enc"]++
	c.enc = encounter{id: c.id + "-stay", start: start, inpatient: true}
	b := c.w.beds[c.n]
	toWard := start.Add(time.Duration(40+c.r.IntN(60)) * time.Minute)
	var where arr
	source := tho("admit-source", "outp", "From outpatient department")
	if !planned {
		toWard = start.Add(time.Duration(180+c.r.IntN(240)) * time.Minute)
		if toWard.After(c.now.Add(-time.Hour)) {
			toWard = c.now.Add(-time.Hour)
		}
		where = list(o("location", o("reference", "Location/"+locEmergency, "display", "Emergency Department"),
			"status", "completed", "period", period(start, toWard)))
		source = tho("admit-source", "emd", "From accident/emergency department")
	}
	if c.p.birth.After(start.Add(-24 * time.Hour)) {
		source = tho("admit-source", "born", "Born in hospital")
		where, toWard = nil, start
	}
	where = append(where,
		o("location", o("reference", "Location/"+b.ward, "display", wardName(b.ward)), "status", "active",
			"physicalType", concept(tho("location-physical-type", "wa", "Ward")), "period", period(toWard, time.Time{})),
		o("location", b.ref(), "status", "active",
			"physicalType", concept(tho("location-physical-type", "bd", "Bed")), "period", period(toWard, time.Time{})))
	c.put("Encounter", c.enc.id, o(
		"identifier", c.visitNumber(), "status", "in-progress", "class", code{v3Act, "IMP", "inpatient encounter"}.coding(),
		"type", list(concept(hospitalStay)), "subject", c.subject(),
		"participant", list(c.attending(start, time.Time{})),
		"period", period(start, time.Time{}), "reasonCode", list(reason),
		"hospitalization", o("admitSource", concept(source)),
		"location", where, "serviceProvider", orgRef(orgHospital), "partOf", link(c.mothersStay)))
}

// pastStay is a finished inpatient stay on a ward.
func (c *chart) pastStay(start time.Time, length time.Duration, wardID string, reason obj, outcome code) {
	end := start.Add(length)
	c.enc = encounter{id: c.nextID("enc"), start: start, end: end, inpatient: true}
	c.put("Encounter", c.enc.id, o(
		"identifier", c.visitNumber(), "status", "finished", "class", code{v3Act, "IMP", "inpatient encounter"}.coding(),
		"type", list(concept(hospitalStay)), "subject", c.subject(),
		"participant", list(c.attending(start, end)),
		"period", period(start, end), "reasonCode", list(reason),
		"hospitalization", o("dischargeDisposition", concept(outcome)),
		"location", list(o("location", o("reference", "Location/"+wardID, "display", wardName(wardID)),
			"status", "completed", "period", period(start, end))),
		"serviceProvider", orgRef(orgHospital)))
}

// Where a patient went.
var (
	wentHome = tho("discharge-disposition", "home", "Home")
	died     = tho("discharge-disposition", "exp", "Expired")
)

// roundHour moves a moment to a full quarter of an hour.
func (c *chart) roundHour(t time.Time) time.Time {
	return t.Truncate(15 * time.Minute)
}

// condition says how a diagnosis stands.
type condition struct {
	what     diagnosis
	onset    time.Time
	resolved time.Time
	reason   bool // encounter-diagnosis of this visit instead of the problem list
	note     string
}

// diagnosis is a condition in SNOMED CT and ICD-10-CM.
type diagnosis struct {
	snomed, icd10 code
	text          string
}

func (d diagnosis) concept() obj { return textConcept(d.text, d.snomed, d.icd10) }

// diagnose adds a Condition and returns its reference.
func (c *chart) diagnose(d condition) string {
	status := tho("condition-clinical", "active", "Active")
	if !d.resolved.IsZero() {
		status = tho("condition-clinical", "resolved", "Resolved")
	}
	category := tho("condition-category", "problem-list-item", "Problem List Item")
	if d.reason {
		category = tho("condition-category", "encounter-diagnosis", "Encounter Diagnosis")
	}
	recorded, during := d.onset, c.during(d.onset)
	if !c.enc.start.IsZero() && c.enc.start.After(d.onset) && c.enc.start.Sub(d.onset) < 45*24*time.Hour {
		recorded, during = c.enc.start.Add(10*time.Minute), c.enc.ref()
	}
	body := o("clinicalStatus", bare(status),
		"verificationStatus", bare(tho("condition-ver-status", "confirmed", "Confirmed")),
		"category", list(concept(category)), "code", d.what.concept(), "subject", c.subject(),
		"encounter", during, "onsetDateTime", date(d.onset))
	if !d.resolved.IsZero() {
		body = body.with("abatementDateTime", date(d.resolved))
	}
	body = body.with("recordedDate", instant(recorded), "recorder", c.doctor.ref(), "asserter", c.doctor.ref())
	if d.note != "" {
		body = body.with("note", list(o("text", d.note)))
	}
	return c.put("Condition", c.nextID("cond"), body)
}

// during is the present encounter if t lies within it.
func (c *chart) during(t time.Time) obj {
	if c.enc.id == "" || t.Before(c.enc.start) || !c.enc.end.IsZero() && t.After(c.enc.end) {
		return nil
	}
	return c.enc.ref()
}

// workday is the first day from t on, at the same hour, on which clinics are
// open.
func workday(t time.Time) time.Time {
	for t.Weekday() == time.Saturday || t.Weekday() == time.Sunday || holiday(t) {
		t = t.AddDate(0, 0, 1)
	}
	return t
}

func holiday(t time.Time) bool {
	switch m, d := t.Month(), t.Day(); m {
	case time.January:
		return d == 1
	case time.July:
		return d == 4
	case time.November:
		return t.Weekday() == time.Thursday && d >= 22 && d <= 28
	case time.December:
		return d == 25
	}
	return false
}
