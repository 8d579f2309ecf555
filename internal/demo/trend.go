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
		v := c.level(a, c.days(points[0].day-30))
		before = trend{{-9000, v}}
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
	v, ok := c.usual[a.key]
	if !ok {
		low, high := a.limits(c.p.sex)
		mean := a.mean
		if mean == 0 {
			mean = (low + high) / 2
		}
		// A patient's set point lies within the middle half of the range.
		v = mean + (high-low)/4*clamp(c.r.NormFloat64()/2, -1, 1)
		c.usual[a.key] = v
	}
	return v
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
