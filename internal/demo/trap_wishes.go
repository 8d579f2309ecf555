package demo

// wishes is a patient who asks for something, who does not want to see something yet,
// and from whom a doctor keeps something.
func wishes(c *chart) {
	self := c.subject()
	consent := func(id, status, system, category string, performer obj, reason, provision obj) {
		c.put("Consent", c.id+"-"+id, o("status", status, "scope", bare(tho("consentscope", "patient-privacy", "Privacy Consent")),
			"category", list(o("coding", list(o("system", system, "code", category)))), "patient", self, "dateTime", instant(c.days(-0.4)),
			"performer", list(performer), "policyRule", reason, "provision", provision))
	}
	asked := o("text", "Asked for by the patient.")
	recipient := func(who obj) arr {
		return list(o("role", concept(v3("ParticipationType", "IRCP", "information recipient")), "reference", who))
	}
	payment := list(v3("ActReason", "HPAYMT", "healthcare payment").coding())
	consent("asks", "proposed", "urn:wardkeep:request", "restriction", self, asked, o("type", "deny",
		"actor", recipient(specialist("g.mbeki").ref()), "securityLabel", list(o("system", "urn:wardkeep:kind", "code", "mental"))))
	if visit := c.first("Encounter"); visit != "" {
		consent("paid", "active", "urn:wardkeep:request", "paid-in-full", self, asked, o("type", "deny", "purpose", payment,
			"data", list(o("meaning", "related", "reference", o("reference", visit, "display", "An earlier visit")))))
	}
	consent("not-yet", "active", "urn:wardkeep:hold", "patient-request", self, asked, o("type", "deny", "period", o("end", date(c.days(10))),
		"actor", recipient(self), "class", list(resourceType("Observation"), resourceType("DiagnosticReport"), resourceType("ImagingStudy"), resourceType("Media")),
		"securityLabel", list(o("system", "urn:wardkeep:kind", "code", "imaging")), "dataPeriod", o("start", date(c.days(-90)))))
	if note := c.first("DocumentReference"); note != "" {
		consent("harm", "active", "urn:wardkeep:hold", "harm", c.doctor.ref(),
			o("coding", list(o("system", "urn:wardkeep:harm", "code", "life")), "text", "Synthetic reason: she said that she would harm herself if it were so."),
			o("type", "deny", "period", o("end", date(c.days(5))), "data", list(o("meaning", "instance", "reference", o("reference", note, "display", "A note")))))
	}
}

func resourceType(name string) obj {
	return o("system", "http://hl7.org/fhir/resource-types", "code", name)
}

// first is a reference to the first resource of a type in the record, "" if there is
// none.
func (c *chart) first(typ string) string {
	for _, e := range c.stages[0] {
		if e.typ == typ {
			return typ + "/" + e.id
		}
	}
	return ""
}
