package demo

import (
	"math/rand/v2"
	"time"
)

// chart is one patient's record while it is written. The story of the patient
// calls its verbs (visit, admit, vitals, lab, order, …); each adds resources
// that refer to each other.
type chart struct {
	w   *world
	r   *rand.Rand
	n   int
	id  string
	p   person
	s   slot
	now time.Time // today as this record sees it: a dead patient's stands still

	// stages are the states of the record, oldest first: stage 0 holds every
	// resource, a later stage the next version of those that were changed.
	stages [][]entry
	count  map[string]int
	labels []code // security labels of what is written now

	busy map[string]bool // days on which the patient has been here

	trends map[string]trend // what the story says of an analyte or vital sign
	usual  map[string]float64

	doctor, nurse Staff // who looks after the patient at this time
	enc           encounter
	orders        []order // of the current stay
	team          []Staff
	payer         string
	patient       obj    // the Patient resource, finished at the end
	weighed       bool   // no weight is taken in this stay
	dead          bool   // now is the day of death
	mothersStay   string // the stay of the mother of a newborn: "Encounter/…"
}

// patient makes the record of patient n.
func (w *world) patient(n int) *chart {
	c := &chart{w: w, r: w.random(n), n: n, id: patientID(n), now: w.now, stages: make([][]entry, 1),
		count: map[string]int{}, busy: map[string]bool{}, trends: map[string]trend{}, usual: map[string]float64{}}
	c.s = slotOf(n)
	c.p = pickPerson(c.r, w.now, c.s.sex, c.s.age)
	if c.s.who != nil {
		c.s.who(c)
	}
	c.assignStaff()
	c.patient = c.demographics()
	if c.s.name != nil {
		c.s.name(c)
	}
	if c.s.story != nil {
		if !c.s.unknown {
			c.insure()
		}
		if c.s.allergies == nil {
			c.s.allergies = (*chart).usualAllergies
		}
		c.s.allergies(c)
		if !c.s.unknown {
			c.immunized()
		}
		c.s.story(c)
		c.careTeam()
	}
	if c.s.trap != nil {
		c.s.trap(c)
	}
	c.stages[0] = append([]entry{{"Patient", c.id, c.patient}}, c.stages[0]...)
	return c
}

// nextID numbers the resources of a kind within the record: p001-obs-12.
func (c *chart) nextID(kind string) string {
	c.count[kind]++
	return c.id + "-" + kind + "-" + three(c.count[kind])
}

// put adds a resource to the record's first state.
func (c *chart) put(typ, id string, body obj) string {
	head := o("resourceType", typ, "id", id)
	if len(c.labels) > 0 {
		var labels arr
		for _, l := range c.labels {
			labels = append(labels, l.coding())
		}
		head = head.with("meta", o("security", labels))
	}
	c.stages[0] = append(c.stages[0], entry{typ, id, append(head, body...)})
	return typ + "/" + id
}

// revise adds the next version of a resource that was put before: change gets
// the last version and returns the new one.
func (c *chart) revise(typ, id string, change func(obj) obj) {
	stage, last := 0, obj(nil)
	for i, entries := range c.stages {
		for _, e := range entries {
			if e.typ == typ && e.id == id {
				stage, last = i, e.body
			}
		}
	}
	if last == nil {
		panic("demo: a resource is revised that was never put")
	}
	for len(c.stages) < stage+2 {
		c.stages = append(c.stages, nil)
	}
	c.stages[stage+1] = append(c.stages[stage+1], entry{typ, id, change(last)})
}

func (c *chart) subject() obj { return ref("Patient", c.id) }

// link is a reference from "Type/id", nil if there is none.
func link(r string) obj {
	if r == "" {
		return nil
	}
	return o("reference", r)
}

// days is a moment so many days (with fractions) before or after now.
func (c *chart) days(d float64) time.Time {
	return c.now.Add(time.Duration(d * 24 * float64(time.Hour)))
}

// clinicHour is a moment of that day within opening hours, not at a weekend.
func (c *chart) clinicHour(daysAgo float64) time.Time {
	t := at(c.now, -int(daysAgo), 8+c.r.IntN(8), c.r.IntN(12)*5)
	switch t.Weekday() {
	case time.Saturday:
		t = t.AddDate(0, 0, -1)
	case time.Sunday:
		t = t.AddDate(0, 0, -2)
	}
	if holiday(t) {
		t = t.AddDate(0, 0, -1)
	}
	return t
}

// jitter moves a moment by up to so many minutes either way.
func (c *chart) jitter(t time.Time, minutes int) time.Time {
	return t.Add(time.Duration(c.r.IntN(2*minutes+1)-minutes) * time.Minute)
}

func (c *chart) past(t time.Time) bool { return !t.After(c.now) }

// within runs f with further security labels on all that it writes.
func (c *chart) within(labels []code, f func()) {
	before := c.labels
	c.labels = append(append([]code(nil), before...), labels...)
	f()
	c.labels = before
}

func three(n int) string {
	if n < 100 {
		return "0" + two(n)
	}
	return itoa(n)
}

// assignStaff says who looks after the patient: the ward's people if there is a
// ward. The account named doctor is responsible for about half of all.
func (c *chart) assignStaff() {
	others := map[string][]string{
		WardMedicine: {"s.lindqvist", "m.haddad"},
		WardSurgery:  {"j.castellano", "k.nakamura"},
		"":           {"s.lindqvist", "m.haddad"},
	}
	switch {
	case c.s.doctor != "":
		c.doctor = specialist(c.s.doctor)
	case c.s.ward == WardMaternity && c.p.years(c.now) < 16:
		c.doctor = specialist("b.sorensen")
	case c.s.ward == WardMaternity:
		c.doctor = specialist("f.adeyemi")
	case c.n%3 != 0:
		c.doctor = specialist("doctor")
	default:
		c.doctor = specialist(others[c.s.ward][c.n%2])
	}
	nurses := map[string][]string{
		WardMedicine:  {"nurse", "g.mbeki", "p.novak"},
		WardSurgery:   {"c.oconnell", "t.washington"},
		WardMaternity: {"y.benali", "h.fischer"},
		"":            {"nurse", "p.novak"},
	}
	c.nurse = specialist(pick(c.r, nurses[c.s.ward]))
	c.team = []Staff{c.doctor, c.nurse}
	if c.s.ward != "" {
		c.team = append(c.team, specialist("pharmacist"))
	}
}

// careTeam is written last, when everybody who took part is known.
func (c *chart) careTeam() {
	var who arr
	for _, s := range c.team {
		member := o("role", list(roleConcept(s.Role)), "member", s.ref())
		if s.Role == Doctor || s.Role == Nurse || s.Role == Pharmacist {
			member = member.with("onBehalfOf", orgRef(orgHospital))
		}
		who = append(who, member)
	}
	id := c.id + "-team"
	category := code{sysLOINC, "LA28865-6", "Longitudinal care-coordination focused care team"}
	name := "Outpatient care team"
	if c.s.ward != "" {
		category = code{sysLOINC, "LA27976-2", "Encounter-focused care team"}
		name = "Ward care team"
	}
	c.put("CareTeam", id, o("status", "active", "category", list(concept(category)), "name", name,
		"subject", c.subject(), "encounter", link(c.stay()),
		"period", o("start", date(c.teamStart())), "participant", who,
		"managingOrganization", list(orgRef(orgHospital))))
}

// join adds somebody to the care team.
func (c *chart) join(userName string) Staff {
	s := specialist(userName)
	for _, have := range c.team {
		if have.UserName == userName {
			return s
		}
	}
	c.team = append(c.team, s)
	return s
}
