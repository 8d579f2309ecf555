package demo

import (
	"math"
	"time"
)

// reading is one measured value on its way into an Observation.
type reading struct {
	a     analyte
	value float64
}

// quantity is the value as a FHIR Quantity with its digits kept.
func (a analyte) quantity(v float64) obj {
	return o("value", decimal(v, a.digits), "unit", a.unit, "system", sysUCUM, "code", a.ucum)
}

// interpretation flags what is printed, not what was drawn: 5.14 printed as 5.1
// is not high.
func (c *chart) interpretation(a analyte, v float64, t time.Time) code {
	v = parse(string(decimal(v, a.digits)))
	low, high := c.limits(a, t)
	k := func(s, display string) code { return v3("ObservationInterpretation", s, display) }
	switch {
	case high == 0:
		return code{}
	case a.panicHi != 0 && v >= a.panicHi:
		return k("HH", "Critical high")
	case a.panicLo != 0 && v <= a.panicLo:
		return k("LL", "Critical low")
	case v > high && a.oneSide != ">":
		return k("H", "High")
	case v < low && a.oneSide != "<":
		return k("L", "Low")
	}
	return k("N", "Normal")
}

// referenceRange prints the limits as the laboratory does.
func (c *chart) referenceRange(a analyte, t time.Time) arr {
	low, high := c.limits(a, t)
	q := func(v float64) obj { return a.quantity(v) }
	at := func(v float64) string { return string(decimal(v, a.digits)) }
	switch {
	case high == 0:
		return nil
	case a.oneSide == "<":
		return list(o("high", q(high), "text", "up to "+at(high)+" "+a.unit))
	case a.oneSide == ">":
		return list(o("low", q(low), "text", "at least "+at(low)+" "+a.unit))
	}
	return list(o("low", q(low), "high", q(high), "text", at(low)+" to "+at(high)+" "+a.unit))
}

var (
	catVital = tho("observation-category", "vital-signs", "Vital Signs")
	catLab   = tho("observation-category", "laboratory", "Laboratory")
)

// observe adds one vital sign.
func (c *chart) observe(a analyte, v float64, t time.Time) string {
	return c.put("Observation", c.nextID("obs"), o("status", "final", "category", list(bare(catVital)),
		"code", concept(a.code), "subject", c.subject(), "encounter", c.enc.ref(),
		"effectiveDateTime", instant(t), "issued", instant(t.Add(time.Minute)),
		"performer", list(c.nurse.ref()), "valueQuantity", a.quantity(v),
		"interpretation", c.flag(a, v, t), "referenceRange", c.referenceRange(a, t)))
}

func (c *chart) flag(a analyte, v float64, t time.Time) arr {
	if k := c.interpretation(a, v, t); k.code != "" {
		return list(bare(k))
	}
	return nil
}

// vitals measures the usual set at t.
func (c *chart) vitals(t time.Time) {
	if !c.past(t) {
		return
	}
	if c.p.years(t) >= 3 {
		c.bloodPressure(t)
	}
	for _, key := range []string{"hr", "rr", "temp", "spo2"} {
		a := c.w.analytes[key]
		c.observe(a, c.measure(a, t), t)
	}
}

// bloodPressure is a panel of two components, as the FHIR vital signs profile
// asks.
func (c *chart) bloodPressure(t time.Time) {
	sbp, dbp := c.w.analytes["sbp"], c.w.analytes["dbp"]
	s, d := c.measure(sbp, t), c.measure(dbp, t)
	d = min(d, s-18)
	component := func(a analyte, v float64) obj {
		return o("code", concept(a.code), "valueQuantity", a.quantity(v),
			"interpretation", c.flag(a, v, t), "referenceRange", c.referenceRange(a, t))
	}
	c.put("Observation", c.nextID("obs"), o("status", "final", "category", list(bare(catVital)),
		"code", concept(loinc("85354-9", "Blood pressure panel with all children optional")),
		"subject", c.subject(), "encounter", c.enc.ref(),
		"effectiveDateTime", instant(t), "issued", instant(t.Add(time.Minute)),
		"performer", list(c.nurse.ref()),
		"component", list(component(sbp, s), component(dbp, d))))
}

// weigh adds weight, and height and body mass index where height is asked for.
func (c *chart) weigh(t time.Time, height bool) {
	if !c.past(t) {
		return
	}
	a := c.w.analytes["weight"]
	kg, cm := c.size(t)
	kg *= 1 + a.cv*clamp(c.r.NormFloat64(), -2, 2)
	if kg < 12 {
		a.digits = 2
	}
	c.observe(a, kg, t)
	if !height {
		return
	}
	c.observe(c.w.analytes["height"], cm, t)
	if c.p.age(t) >= 18 {
		c.observe(c.w.analytes["bmi"], kg/math.Pow(math.Round(cm)/100, 2), t)
	}
}

// size is weight and height at t: as the story tells, along the growth chart
// for a child, else as ever.
func (c *chart) size(t time.Time) (kg, cm float64) {
	kg, cm = c.p.kg, c.p.cm
	if age, today := c.p.age(t), c.p.age(c.now); today < 18 && today > 0.1 {
		kg *= interpolate(age, growthAge, growthWeight) / interpolate(today, growthAge, growthWeight)
		cm *= interpolate(age, growthAge, growthHeight) / interpolate(today, growthAge, growthHeight)
	}
	if tr, ok := c.trends["weight"]; ok {
		kg = tr.at(c.now, t)
	}
	return kg, cm
}
