package demo

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// zoneName is where the hospital lies.
const zoneName = "America/New_York"

// world is what all patients share.
type world struct {
	opt  Options
	now  time.Time
	zone *time.Location
	beds map[int]bed // patient number → bed

	analytes map[string]analyte
}

func newWorld(opt Options) *world {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		panic("demo: the embedded time zones are broken")
	}
	w := &world{opt: opt, zone: zone, now: opt.Now.In(zone).Truncate(time.Minute), analytes: catalogue()}
	w.beds = w.assignBeds()
	return w
}

// random gives patient n a source of its own: a patient is the same however
// many others there are.
func (w *world) random(n int) *rand.Rand {
	return rand.New(rand.NewPCG(w.opt.Seed, 0x9e3779b97f4a7c15*uint64(n+1)))
}

// at is a wall-clock time so many days from the day of now.
func at(now time.Time, days, hour, minute int) time.Time {
	y, m, d := now.Date()
	return time.Date(y, m, d+days, hour, minute, 0, 0, now.Location())
}

func instant(t time.Time) string { return t.Format("2006-01-02T15:04:05-07:00") }
func date(t time.Time) string    { return t.Format("2006-01-02") }

// period is a FHIR Period; a zero end leaves it open.
func period(start, end time.Time) obj {
	p := o("start", instant(start))
	if !end.IsZero() {
		p = p.with("end", instant(end))
	}
	return p
}

func two(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

func ref(typ, id string) obj { return o("reference", typ+"/"+id) }
