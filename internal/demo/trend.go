package demo

import (
	"math"
	"strconv"
	"time"
)

// point is a value on a day relative to now; days are negative in the past.
type point struct{ day, value float64 }

// trend is how a quantity moves: straight lines between its points.
type trend []point

// at reads the trend at t.
func (tr trend) at(now, t time.Time) float64 {
	d := t.Sub(now).Hours() / 24
	if d <= tr[0].day {
		return tr[0].value
	}
	for i := 1; i < len(tr); i++ {
		if a, b := tr[i-1], tr[i]; d <= b.day {
			return a.value + (d-a.day)/(b.day-a.day)*(b.value-a.value)
		}
	}
	return tr[len(tr)-1].value
}

// moves says how an analyte or vital sign moves in this patient. What a story
// does not say stays near a usual value of the patient's own.
func (c *chart) moves(key string, points ...point) { c.trends[key] = points }

// then continues a trend from a day on: what was said of the days before stays.
func (c *chart) then(key string, points ...point) {
	a := c.w.analytes[key]
	before := c.trends[key]
	if before == nil {
		before = trend{{-9000, c.level(a, c.days(points[0].day-30))}}
	}
	first := points[0].day
	kept := trend{}
	for _, p := range before {
		if p.day < first-0.5 {
			kept = append(kept, p)
		}
	}
	onset := first - 0.5
	kept = append(kept, point{onset, before.at(c.now, c.days(onset))})
	c.trends[key] = append(kept, points...)
}

// level is the true value of an analyte at t, before the noise of measuring.
func (c *chart) level(a analyte, t time.Time) float64 {
	if tr, ok := c.trends[a.key]; ok {
		return tr.at(c.now, t)
	}
	z, ok := c.usual[a.key]
	if !ok {
		z = clamp(c.r.NormFloat64(), -2, 2)
		c.usual[a.key] = z
	}
	low, high := a.limits(c.p.sex)
	mean, between := a.mean, a.between
	if mean == 0 {
		mean = (low + high) / 2
	}
	if between == 0 {
		between = (high - low) / 8
	}
	if age := c.p.age(t); age < 18 {
		young := childMean(a.key, age, mean)
		mean, between = young, between*young/mean
	}
	return mean + between*z + c.follows(a.key, t)
}

// follows is what one quantity owes to another of which the story tells: the
// diastolic pressure to the systolic, urea to creatinine, pulse to fever.
func (c *chart) follows(key string, t time.Time) float64 {
	above := func(of string, usual float64) float64 {
		if tr, ok := c.trends[of]; ok {
			return tr.at(c.now, t) - usual
		}
		return 0
	}
	switch key {
	case "dbp":
		return 0.4 * above("sbp", 121)
	case "bun":
		return max(14*above("crea", 0.95), -3)
	case "hr":
		return 9 * max(above("temp", 37.2), 0)
	}
	return 0
}

// childMean is the usual value of a child where it differs from the adult's.
func childMean(key string, age, adult float64) float64 {
	ages := []float64{0, 1, 2, 5, 8, 12, 16, 18}
	values := map[string][]float64{
		"hr":   {132, 120, 112, 98, 88, 80, 76, 75},
		"rr":   {44, 30, 26, 22, 19, 17, 16, 15.5},
		"sbp":  {75, 88, 92, 97, 103, 110, 117, 121},
		"dbp":  {45, 50, 53, 57, 61, 66, 71, 74},
		"crea": {0.3, 0.28, 0.32, 0.4, 0.48, 0.58, 0.75, 0.9},
		"hb":   {16.5, 12, 12.2, 12.6, 13, 13.4, 14, 14.2},
		"alp":  {180, 220, 220, 210, 230, 260, 140, 90},
		"bun":  {9, 9, 10, 11, 12, 12, 13, 14},
		"wbc":  {15, 10.5, 9.5, 8.5, 8, 7.5, 7, 6.9},
		"chol": {110, 140, 150, 158, 160, 158, 160, 170},
		"trig": {80, 80, 75, 70, 75, 85, 95, 105},
		"plt":  {280, 320, 310, 300, 290, 275, 260, 250},
		"mcv":  {104, 79, 80, 82, 84, 86, 88, 89},
		"tsh":  {4, 2.6, 2.5, 2.4, 2.2, 2.1, 2, 1.9},
	}[key]
	if values == nil {
		return adult
	}
	return interpolate(age, ages, values)
}

// childLimits is the reference range of a child where it differs; ok is false
// where that of adults holds.
func childLimits(key string, age float64) (low, high float64, ok bool) {
	switch key {
	case "crea":
		m := childMean(key, age, 0)
		return m * 0.65, m * 1.4, true
	case "hb", "hct":
		k := 1.0
		if key == "hct" {
			k = 2.95
		}
		m := childMean("hb", age, 0)
		return (m - 1.4) * k, (m + 1.6) * k, true
	case "alp":
		m := childMean(key, age, 0)
		return m * 0.6, m * 1.6, true
	case "wbc":
		m := childMean(key, age, 0)
		return m * 0.6, m * 1.6, true
	case "rbc":
		return 3.9, 5.4, true
	case "mcv":
		m := childMean(key, age, 0)
		return m - 6, m + 7, true
	case "sbp", "dbp", "hr", "rr":
		m := childMean(key, age, 0)
		return m * 0.78, m * 1.25, true
	}
	return 0, 0, false
}

// limits is the reference range for this patient at t.
func (c *chart) limits(a analyte, t time.Time) (low, high float64) {
	if age := c.p.age(t); age < 16 {
		if low, high, ok := childLimits(a.key, age); ok {
			return low, high
		}
	}
	return a.limits(c.p.sex)
}

// measure is what a device or a laboratory reads at t.
func (c *chart) measure(a analyte, t time.Time) float64 {
	v := c.level(a, t) * (1 + a.cv*clamp(c.r.NormFloat64(), -2.2, 2.2))
	if a.diurnal != 0 {
		// Highest about five in the afternoon, lowest at five in the morning.
		local := t.In(c.w.zone)
		hour := float64(local.Hour()) + float64(local.Minute())/60
		v += a.diurnal * math.Cos((hour-17)*2*math.Pi/24)
	}
	return clamp(v, a.floor, a.ceiling())
}

func (a analyte) ceiling() float64 {
	if a.cap > 0 {
		return a.cap
	}
	return math.Inf(1)
}

func clamp(v, low, high float64) float64 { return min(max(v, low), high) }

// decimal writes v with so many digits after the point, as the laboratory does.
func decimal(v float64, digits int) num {
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if v < 0 && parse(s) == 0 {
		s = s[1:]
	}
	return num(s)
}

func parse(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic("demo: a number that is none")
	}
	return v
}
