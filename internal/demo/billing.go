package demo

import "time"

// insure adds the Coverage: the senior plan from 65 on, else one of two payers.
func (c *chart) insure() {
	c.payer = pick(c.r, []string{orgAlder, orgHarbor})
	plan, name := "COMM-PPO", "Commercial preferred provider plan"
	if c.p.years(c.now) >= 65 {
		c.payer, plan, name = orgSenior, "SENIOR-A", "Senior care plan, hospital and medical"
	}
	member := "M" + mrn(c.n)[1:] + two(c.n%100)
	relation := tho("subscriber-relationship", "self", "Self")
	if c.p.years(c.now) < 18 {
		relation = tho("subscriber-relationship", "child", "Child")
	}
	c.put("Coverage", c.id+"-cov", o(
		"identifier", list(o("type", concept(v2("0203", "MB", "Member Number")), "system", SystemMember, "value", member)),
		"status", "active", "type", textConcept(name, c.coverageType()),
		"subscriberId", member, "beneficiary", c.subject(), "relationship", concept(relation),
		"period", o("start", date(time.Date(c.now.Year(), 1, 1, 0, 0, 0, 0, c.w.zone))),
		"payor", list(orgRef(c.payer)),
		"class", list(o("type", concept(tho("coverage-class", "plan", "Plan")), "value", plan, "name", name))))
}

func (c *chart) coverageType() code {
	if c.payer == orgSenior {
		return code{v3Act, "PUBLICPOL", "public healthcare"}
	}
	return code{v3Act, "EHCPOL", "extended healthcare"}
}
