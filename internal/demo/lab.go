package demo

import (
	"math"
	"time"
)

// panel is what is ordered together from one tube.
type panel struct {
	code     code
	name     string
	keys     []string
	section  code // diagnostic service section
	specimen code
}

var (
	secChem  = v2("0074", "CH", "Chemistry")
	secHem   = v2("0074", "HM", "Hematology")
	secMicro = v2("0074", "MB", "Microbiology")

	serum  = sct("119364003", "Serum specimen")
	plasma = sct("119361006", "Plasma specimen")
	whole  = sct("258580003", "Whole blood specimen")
	urine  = sct("122575003", "Urine specimen")
)

// The panels that stories order.
var (
	bmp = panel{loinc("24321-2", "Basic metabolic 2000 panel - Serum or Plasma"), "Basic metabolic panel",
		[]string{"na", "k", "cl", "co2", "bun", "crea", "egfr", "ca", "glu"}, secChem, serum}
	cbc = panel{loinc("58410-2", "CBC panel - Blood by Automated count"), "Complete blood count",
		[]string{"wbc", "hb", "hct", "mcv", "rbc", "plt"}, secHem, whole}
	lipids = panel{loinc("24331-1", "Lipid 1996 panel - Serum or Plasma"), "Lipid panel",
		[]string{"chol", "hdl", "trig", "ldl"}, secChem, serum}
	liver = panel{loinc("24325-3", "Hepatic function 2000 panel - Serum or Plasma"), "Hepatic function panel",
		[]string{"alb", "tp", "alt", "ast", "alp", "bili"}, secChem, serum}
	a1c     = single("a1c", "Hemoglobin A1c", secHem, whole)
	tsh     = single("tsh", "TSH", secChem, serum)
	inr     = single("inr", "Prothrombin time (INR)", v2("0074", "HM", "Hematology"), plasma)
	crp     = single("crp", "C-reactive protein", secChem, serum)
	pct     = single("pct", "Procalcitonin", secChem, serum)
	bnp     = single("bnp", "NT-proBNP", secChem, plasma)
	trop    = single("trop", "Troponin I, high sensitivity", secChem, plasma)
	lactate = single("lact", "Lactate", secChem, plasma)
	uacr    = single("uacr", "Urine albumin to creatinine ratio", secChem, urine)
	ferr    = single("ferr", "Ferritin", secChem, serum)
	mgLevel = single("mg", "Magnesium", secChem, serum)
	kLevel  = single("k", "Potassium", secChem, serum)
	bilirub = single("bili", "Bilirubin, total", secChem, serum)
)

// single is a panel of one test; its code is that of the test.
func single(key, name string, section, specimen code) panel {
	return panel{code{}, name, []string{key}, section, specimen}
}

func (c *chart) panelCode(p panel) code {
	if p.code.code != "" {
		return p.code
	}
	return c.w.analytes[p.keys[0]].code
}

// result is what a laboratory run left behind.
type result struct {
	order, specimen, report string
	observations            map[string]string // key → reference
}

// lab orders, collects, measures and reports each panel at t.
func (c *chart) lab(t time.Time, panels ...panel) {
	tubes := map[code]string{}
	for _, p := range panels {
		c.run(t, p, tubes)
	}
}

// run does one panel. Panels of one draw share the tube of their kind.
func (c *chart) run(t time.Time, p panel, tubes map[code]string) result {
	issued := t.Add(time.Duration(35+c.r.IntN(70)) * time.Minute)
	if !c.past(issued) {
		return result{}
	}
	out := result{observations: map[string]string{}}
	out.order = c.orderLab(t, p)
	if tubes[p.specimen] == "" {
		tubes[p.specimen] = c.collect(t, p)
	}
	out.specimen = tubes[p.specimen]
	readings := c.readings(p, t)
	var results arr
	for _, rd := range readings {
		key := rd.a.key
		out.observations[key] = c.put("Observation", c.nextID("lab"), c.labResult(rd, t, issued, out))
		results = append(results, link(out.observations[key]))
		c.acknowledged(rd, t, issued, out.observations[key])
	}
	out.report = c.put("DiagnosticReport", c.nextID("rep"), o(
		"identifier", list(o("type", concept(v2("0203", "FILL", "Filler Identifier")), "system", SystemFiller,
			"value", "A"+mrn(c.n)[2:7]+three(c.count["rep"]))),
		"basedOn", list(link(out.order)), "status", "final", "category", list(concept(p.section)),
		"code", textConcept(p.name, c.panelCode(p)), "subject", c.subject(), "encounter", c.enc.ref(),
		"effectiveDateTime", instant(t), "issued", instant(issued),
		"performer", list(orgRef(orgLab)), "resultsInterpreter", list(specialist("lab").ref()),
		"specimen", list(link(out.specimen)), "result", results))
	return out
}

// acknowledged records how a critical result was passed on: telephoned by the
// laboratory, read back by the nurse. The one result that nobody has
// acknowledged is a trap and does not come through here.
func (c *chart) acknowledged(rd reading, t, issued time.Time, observation string) {
	k := c.interpretation(rd.a, rd.value, t)
	told := issued.Add(time.Duration(3+c.r.IntN(9)) * time.Minute)
	if k.code != "HH" && k.code != "LL" || !c.past(told) {
		return
	}
	c.put("Communication", c.nextID("com"), o("status", "completed",
		"category", list(concept(tho("communication-category", "alert", "Alert"))), "priority", "urgent",
		"medium", list(concept(v3("ParticipationMode", "PHONE", "telephone"))), "subject", c.subject(),
		"topic", o("text", "Critical result"), "about", list(link(observation)), "encounter", c.enc.ref(),
		"sent", instant(told), "received", instant(told), "recipient", list(c.nurse.ref(), c.doctor.ref()),
		"sender", specialist("lab").ref(),
		"payload", list(o("contentString", "Critical result telephoned by the laboratory and read back by the nurse."))))
}

func (c *chart) orderLab(t time.Time, p panel) string {
	authored := t.Add(-time.Duration(15+c.r.IntN(90)) * time.Minute)
	if authored.Before(c.enc.start) {
		authored = c.enc.start
	}
	return c.put("ServiceRequest", c.nextID("ord"), c.labOrder(p, "completed", authored))
}

func (c *chart) labOrder(p panel, status string, authored time.Time) obj {
	return o("identifier", list(o("type", concept(v2("0203", "PLAC", "Placer Identifier")), "system", SystemOrder,
		"value", "O"+mrn(c.n)[2:7]+three(c.count["ord"]))),
		"status", status, "intent", "order",
		"category", list(concept(sct("108252007", "Laboratory procedure"))), "priority", "routine",
		"code", textConcept(p.name, c.panelCode(p)), "subject", c.subject(), "encounter", c.enc.ref(),
		"authoredOn", instant(authored), "requester", c.doctor.ref(), "performer", list(orgRef(orgLab)))
}

func (c *chart) collect(t time.Time, p panel) string {
	id := c.nextID("spec")
	return c.put("Specimen", id, o(
		"accessionIdentifier", o("system", SystemFiller, "value", "S"+mrn(c.n)[2:7]+three(c.count["spec"])),
		"status", "available", "type", concept(p.specimen), "subject", c.subject(),
		"receivedTime", instant(t.Add(12*time.Minute)),
		"collection", o("collector", c.nurse.ref(), "collectedDateTime", instant(t))))
}

func (c *chart) labResult(rd reading, t, issued time.Time, run result) obj {
	return o("basedOn", list(link(run.order)), "status", "final", "category", list(bare(catLab)),
		"code", concept(rd.a.code), "subject", c.subject(), "encounter", c.enc.ref(),
		"effectiveDateTime", instant(t), "issued", instant(issued),
		"performer", list(orgRef(orgLab), specialist("lab").ref()),
		"valueQuantity", rd.a.quantity(rd.value), "interpretation", c.flag(rd.a, rd.value, t),
		"referenceRange", c.referenceRange(rd.a, t), "specimen", link(run.specimen))
}

// readings measures a panel; tests that are computed from others agree with
// them as printed.
func (c *chart) readings(p panel, t time.Time) []reading {
	var out []reading
	values := map[string]float64{}
	for _, key := range p.keys {
		a := c.w.analytes[key]
		if key == "egfr" && c.p.years(t) < 18 {
			continue
		}
		v, derived := c.derive(key, values, t)
		if !derived {
			v = c.measure(a, t)
		}
		values[key] = parse(string(decimal(v, a.digits)))
		out = append(out, reading{a, v})
	}
	return out
}

func (c *chart) derive(key string, values map[string]float64, t time.Time) (float64, bool) {
	switch key {
	case "egfr":
		return egfr(values["crea"], c.p.years(t), c.p.sex), true
	case "ldl":
		return max(values["chol"]-values["hdl"]-values["trig"]/5, 12), true
	case "hct":
		return values["hb"] * (2.95 + 0.02*c.r.NormFloat64()), true
	case "rbc": // so that haematocrit, cell volume and cell count agree
		return values["hct"] * 10 / values["mcv"], true
	}
	return 0, false
}

// egfr is the CKD-EPI 2021 equation: creatinine in mg/dL, age in years.
func egfr(crea float64, age int, sex string) float64 {
	kappa, alpha, factor := 0.9, -0.302, 1.0
	if sex == "female" {
		kappa, alpha, factor = 0.7, -0.241, 1.012
	}
	return 142 * math.Pow(min(crea/kappa, 1), alpha) * math.Pow(max(crea/kappa, 1), -1.200) *
		math.Pow(0.9938, float64(age)) * factor
}
