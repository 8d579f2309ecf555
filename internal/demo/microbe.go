package demo

import "time"

// bloodCulture is reported as preliminary after a day and as final after two:
// what stands in the record depends on how long ago it was taken.
func (c *chart) bloodCulture(t time.Time, finding string) {
	age := c.now.Sub(t)
	if age < 20*time.Hour {
		return
	}
	status, issued, text := "preliminary", t.Add(20*time.Hour), finding+" after 1 day"
	if age > 49*time.Hour {
		status, issued, text = "final", t.Add(49*time.Hour), finding+" after 2 days"
	}
	c.culture(panel{loinc("600-7", "Bacteria identified in Blood by Culture"), "Blood culture", nil, secMicro, whole},
		t, issued, status, o("text", text))
}

// urineCulture grows what urine cultures grow.
func (c *chart) urineCulture(t time.Time) {
	if issued := t.Add(38 * time.Hour); c.past(issued) {
		c.culture(panel{loinc("630-4", "Bacteria identified in Urine by Culture"), "Urine culture", nil, secMicro, urine},
			t, issued, "final", textConcept("Escherichia coli, more than 100,000 colonies in 1 mL", sct("112283007", "Escherichia coli")))
	}
}

func (c *chart) culture(p panel, t, issued time.Time, status string, value obj) {
	order, specimen := c.orderLab(t, p), c.collect(t, p)
	obs := c.put("Observation", c.nextID("lab"), o("basedOn", list(link(order)), "status", status, "category", list(bare(catLab)),
		"code", concept(p.code), "subject", c.subject(), "encounter", c.enc.ref(), "effectiveDateTime", instant(t),
		"issued", instant(issued), "performer", list(orgRef(orgLab)), "valueCodeableConcept", value, "specimen", link(specimen)))
	c.put("DiagnosticReport", c.nextID("rep"), o("basedOn", list(link(order)), "status", status,
		"category", list(concept(p.section)), "code", textConcept(p.name, p.code), "subject", c.subject(),
		"encounter", c.enc.ref(), "effectiveDateTime", instant(t), "issued", instant(issued),
		"performer", list(orgRef(orgLab)), "specimen", list(link(specimen)), "result", list(link(obs))))
}
