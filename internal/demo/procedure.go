package demo

import "time"

// procedure adds a completed Procedure and returns its reference.
func (c *chart) procedure(what code, t time.Time, reason string, by Staff) string {
	end := t.Add(time.Duration(15+c.r.IntN(20)) * time.Minute)
	return c.put("Procedure", c.nextID("proc"), o("status", "completed", "code", concept(what),
		"subject", c.subject(), "encounter", c.enc.ref(), "performedPeriod", period(t, end),
		"recorder", by.ref(), "performer", list(o("actor", by.ref())), "reasonReference", list(link(reason))))
}

// operation is a procedure in the operating room.
func (c *chart) operation(what code, t time.Time, minutes int, reason string, surgeon Staff, outcome string) string {
	end := t.Add(time.Duration(minutes) * time.Minute)
	return c.put("Procedure", c.nextID("proc"), o("status", "completed",
		"category", concept(sct("387713003", "Surgical procedure")), "code", concept(what),
		"subject", c.subject(), "encounter", c.enc.ref(), "performedPeriod", period(t, end),
		"recorder", surgeon.ref(), "performer", list(o("actor", surgeon.ref())),
		"location", o("reference", "Location/"+locTheatre, "display", "Operating Room 2"),
		"reasonReference", list(link(reason)), "outcome", o("text", outcome)))
}

// vaccine is one product as CVX names it.
type vaccine struct {
	code code
	name string
}

func cvx(c, display string) vaccine { return vaccine{code{sysCVX, c, display}, display} }

var (
	vaxFlu      = cvx("140", "Influenza, seasonal, injectable, preservative free")
	vaxFluHD    = cvx("135", "influenza, high dose seasonal, preservative-free")
	vaxTdap     = cvx("115", "Tdap")
	vaxPCV13    = cvx("133", "Pneumococcal conjugate PCV 13")
	vaxZoster   = cvx("187", "zoster recombinant")
	vaxHepBped  = cvx("08", "Hep B, adolescent or pediatric")
	vaxDTaP     = cvx("20", "DTaP")
	vaxIPV      = cvx("10", "IPV")
	vaxMMR      = cvx("03", "MMR")
	vaxVaricela = cvx("21", "varicella")
	vaxHib      = cvx("48", "Haemophilus influenzae type b vaccine, PRP-T conjugate")
	vaxRota     = cvx("119", "rotavirus, monovalent")
)

// immunize adds one dose.
func (c *chart) immunize(v vaccine, t time.Time, dose int) {
	lot := string(rune('A'+c.r.IntN(26))) + itoa(10000+c.r.IntN(89999))
	body := o("status", "completed", "vaccineCode", concept(v.code), "patient", c.subject(),
		"occurrenceDateTime", date(t), "recorded", instant(t), "primarySource", true, "lotNumber", lot,
		"site", concept(v3("ActSite", "LA", "left arm")), "route", concept(v3("RouteOfAdministration", "IM", "Injection, intramuscular")),
		"doseQuantity", o("value", num("0.5"), "unit", "mL", "system", sysUCUM, "code", "mL"),
		"performer", list(o("function", concept(v2("0443", "AP", "Administering Provider")), "actor", specialist("p.novak").ref())))
	if v == vaxRota {
		body = body.set("route", concept(v3("RouteOfAdministration", "PO", "Swallow, oral"))).set("site", nil).
			set("doseQuantity", o("value", num("1"), "unit", "mL", "system", sysUCUM, "code", "mL"))
	}
	if dose > 0 {
		body = body.with("protocolApplied", list(o("doseNumberPositiveInt", dose)))
	}
	c.put("Immunization", c.nextID("imm"), body)
}

// immunized gives the record the vaccines of the patient's age.
func (c *chart) immunized() {
	age := c.p.years(c.now)
	if age < 18 {
		c.childSchedule()
		return
	}
	for year := 1; year <= 4; year++ {
		if c.r.IntN(10) < 7 {
			v := vaxFlu
			if age-year >= 65 {
				v = vaxFluHD
			}
			t := time.Date(c.now.Year()-year, time.October, 3+c.r.IntN(25), 10+c.r.IntN(6), 0, 0, 0, c.w.zone)
			c.immunize(v, t, 0)
		}
	}
	c.immunize(vaxTdap, c.clinicHour(400+float64(c.r.IntN(2600))), 0)
	if age >= 66 {
		c.immunize(vaxPCV13, c.clinicHour(float64(365*(age-65)-30)), 0)
	}
	if age >= 52 && c.r.IntN(3) > 0 {
		first := c.clinicHour(float64(200 + c.r.IntN(500)))
		c.immunize(vaxZoster, first, 1)
		c.immunize(vaxZoster, first.AddDate(0, 3, 0), 2)
	}
}

// childSchedule follows the usual order of the first years.
func (c *chart) childSchedule() {
	doses := []struct {
		v     vaccine
		weeks int
		dose  int
	}{
		{vaxHepBped, 0, 1}, {vaxHepBped, 8, 2}, {vaxDTaP, 9, 1}, {vaxIPV, 9, 1}, {vaxHib, 9, 1}, {vaxRota, 9, 1},
		{vaxDTaP, 18, 2}, {vaxIPV, 18, 2}, {vaxHib, 18, 2}, {vaxRota, 18, 2}, {vaxDTaP, 27, 3}, {vaxHepBped, 27, 3},
		{vaxIPV, 27, 3}, {vaxMMR, 54, 1}, {vaxVaricela, 54, 1}, {vaxHib, 54, 3}, {vaxDTaP, 68, 4},
		{vaxDTaP, 226, 5}, {vaxIPV, 226, 4}, {vaxMMR, 226, 2}, {vaxVaricela, 226, 2}, {vaxTdap, 590, 0},
	}
	for _, d := range doses {
		t := c.p.birth.AddDate(0, 0, d.weeks*7+c.r.IntN(6))
		t = time.Date(t.Year(), t.Month(), t.Day(), 9+c.r.IntN(6), 15, 0, 0, c.w.zone)
		if d.weeks == 0 {
			t = c.p.birth.Add(10 * time.Hour)
		}
		if t.Before(c.now.Add(-3 * time.Hour)) {
			c.immunize(d.v, t, d.dose)
		}
	}
}
