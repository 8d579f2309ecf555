package demo

import "time"

// carePlan adds a CarePlan with a Goal.
func (c *chart) carePlan(title, condition, goal string, activities ...string) {
	goalRef := c.put("Goal", c.nextID("goal"), o("lifecycleStatus", "active",
		"description", o("text", goal), "subject", c.subject(), "startDate", date(c.enc.start),
		"expressedBy", c.doctor.ref(), "addresses", list(link(condition))))
	var todo arr
	for _, a := range activities {
		todo = append(todo, o("detail", o("status", "in-progress", "description", a)))
	}
	c.put("CarePlan", c.nextID("plan"), o("status", "active", "intent", "plan", "title", title,
		"subject", c.subject(), "encounter", c.enc.ref(), "period", o("start", date(c.enc.start)),
		"created", instant(c.enc.start), "author", c.doctor.ref(), "careTeam", list(ref("CareTeam", c.id+"-team")),
		"addresses", list(link(condition)), "goal", list(link(goalRef)), "activity", todo))
}

// upcoming books an appointment so many days from now, on a working day.
func (c *chart) upcoming(what string, inDays int) {
	if c.dead {
		return
	}
	t := at(c.now, inDays, 9+c.r.IntN(7), c.r.IntN(4)*15)
	t = workday(t)
	accepted := func(actor obj) obj { return o("actor", actor, "required", "required", "status", "accepted") }
	c.put("Appointment", c.nextID("appt"), o("status", "booked",
		"appointmentType", concept(v2("0276", "FOLLOWUP", "A follow up visit from a previous appointment")),
		"description", what, "start", instant(t), "end", instant(t.Add(30*time.Minute)), "minutesDuration", 30,
		"created", instant(c.days(-float64(3+c.r.IntN(20)))),
		"participant", list(accepted(c.subject()), accepted(c.doctor.ref()),
			accepted(o("reference", "Location/"+locClinic, "display", "Outpatient Clinic")))))
}

// claim bills the last visit.
func (c *chart) claim() {
	if c.enc.end.IsZero() {
		return
	}
	money := func(cents int) obj {
		return o("value", num(itoa(cents/100)+"."+two(cents%100)), "currency", "USD")
	}
	visitFee, labFee := 14_500+500*c.r.IntN(12), 3_800+100*c.r.IntN(20)
	line := func(n int, text string, cents int) obj {
		item := o("sequence", n, "productOrService", o("text", text), "servicedDate", date(c.enc.start),
			"unitPrice", money(cents), "net", money(cents))
		if n == 1 {
			item = item.with("encounter", list(c.enc.ref()))
		}
		return item
	}
	c.put("Claim", c.nextID("claim"), o("status", "active", "type", bare(tho("claim-type", "professional", "Professional")),
		"use", "claim", "patient", c.subject(),
		"billablePeriod", o("start", date(c.enc.start), "end", date(c.enc.end)),
		"created", instant(c.enc.end.AddDate(0, 0, 2)), "enterer", specialist("billing").ref(),
		"insurer", orgRef(c.payer), "provider", orgRef(orgHospital),
		"priority", bare(tho("processpriority", "normal", "Normal")),
		"insurance", list(o("sequence", 1, "focal", true, "coverage", ref("Coverage", c.id+"-cov"))),
		"item", list(line(1, "Office visit, established patient", visitFee), line(2, "Laboratory tests", labFee)),
		"total", money(visitFee+labFee)))
}
