package path

import (
	"fmt"
	"strings"
	"time"
)

// Precisions of dates and times, in the order of their components. A fraction
// of a second is no precision of its own when values are compared.
const (
	precYear = iota + 1
	precMonth
	precDay
	precHour
	precMinute
	precSecond
)

// Temporal is a Date, DateTime or Time of a certain precision. Components
// beyond the precision are zero (month and day: one).
type Temporal struct {
	year, month, day     int
	hour, minute, second int
	nanos                int
	fraction             int // digits written after the second
	prec                 int
	zoned                bool
	offset               int // minutes east of UTC, if zoned
}

type scanner struct {
	s  string
	ok bool
}

func (c *scanner) number(digits, low, high int) int {
	if !c.ok || len(c.s) < digits {
		c.ok = false
		return 0
	}
	v := 0
	for _, r := range []byte(c.s[:digits]) {
		if r < '0' || r > '9' {
			c.ok = false
			return 0
		}
		v = v*10 + int(r-'0')
	}
	c.s = c.s[digits:]
	c.ok = v >= low && v <= high
	return v
}

func (c *scanner) has(b byte) bool {
	if !c.ok || c.s == "" || c.s[0] != b {
		return false
	}
	c.s = c.s[1:]
	return true
}

func (t *Temporal) scanDate(c *scanner) {
	t.month, t.day = 1, 1
	t.year, t.prec = c.number(4, 1, 9999), precYear
	if c.has('-') {
		t.month, t.prec = c.number(2, 1, 12), precMonth
		if c.has('-') {
			t.day, t.prec = c.number(2, 1, 31), precDay
			c.ok = c.ok && t.day <= daysIn(t.year, t.month)
		}
	}
}

func (t *Temporal) scanClock(c *scanner) {
	t.hour, t.prec = c.number(2, 0, 23), precHour
	if c.has(':') {
		t.minute, t.prec = c.number(2, 0, 59), precMinute
		if c.has(':') {
			t.second, t.prec = c.number(2, 0, 60), precSecond
			if c.has('.') {
				t.scanFraction(c)
			}
		}
	}
}

func (t *Temporal) scanFraction(c *scanner) {
	n := 0
	for n < len(c.s) && c.s[n] >= '0' && c.s[n] <= '9' {
		if n < 9 {
			t.nanos = t.nanos*10 + int(c.s[n]-'0')
		}
		n++
	}
	for i := n; i < 9; i++ {
		t.nanos *= 10
	}
	t.fraction = min(n, 9)
	c.ok = n > 0
	c.s = c.s[n:]
}

func (t *Temporal) scanZone(c *scanner) {
	switch {
	case c.has('Z'):
		t.zoned = true
	case c.ok && c.s != "" && (c.s[0] == '+' || c.s[0] == '-'):
		sign := 1
		if c.s[0] == '-' {
			sign = -1
		}
		c.s = c.s[1:]
		h := c.number(2, 0, 14)
		c.ok = c.has(':')
		t.zoned, t.offset = true, sign*(h*60+c.number(2, 0, 59))
	}
}

func parseDate(s string) (Temporal, bool) {
	c, t := scanner{s, true}, Temporal{}
	t.scanDate(&c)
	return t, c.ok && c.s == ""
}

// parseDateTime also takes a bare date, and a date with an empty time: 2015T.
func parseDateTime(s string) (Temporal, bool) {
	c, t := scanner{s, true}, Temporal{}
	t.scanDate(&c)
	if c.has('T') && c.s != "" {
		c.ok = c.ok && t.prec == precDay
		t.scanClock(&c)
		t.scanZone(&c)
	}
	return t, c.ok && c.s == ""
}

func parseTime(s string) (Temporal, bool) {
	c, t := scanner{strings.TrimPrefix(s, "T"), true}, Temporal{}
	t.scanClock(&c)
	return t, c.ok && c.s == ""
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// at returns the instant of the value's components as if written in UTC.
func (t Temporal) at() time.Time {
	return time.Date(t.year, time.Month(t.month), t.day, t.hour, t.minute, t.second, t.nanos, time.UTC)
}

func (t Temporal) utc() time.Time { return t.at().Add(-time.Duration(t.offset) * time.Minute) }

// with returns t at another instant, in the same precision and zone.
func (t Temporal) with(at time.Time) Temporal {
	t.year, t.month, t.day = at.Year(), int(at.Month()), at.Day()
	t.hour, t.minute, t.second, t.nanos = at.Hour(), at.Minute(), at.Second(), at.Nanosecond()
	return t
}

// instant makes a Temporal of a moment, to the millisecond.
func instant(at time.Time) Temporal {
	_, offset := at.Zone()
	t := Temporal{prec: precSecond, fraction: 3, zoned: true, offset: offset / 60}
	return t.with(time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(),
		at.Nanosecond()/1e6*1e6, time.UTC))
}

func (t Temporal) dateText() string {
	switch t.prec {
	case precYear:
		return fmt.Sprintf("%04d", t.year)
	case precMonth:
		return fmt.Sprintf("%04d-%02d", t.year, t.month)
	}
	return fmt.Sprintf("%04d-%02d-%02d", t.year, t.month, t.day)
}

func (t Temporal) clockText() string {
	switch t.prec {
	case precHour:
		return fmt.Sprintf("%02d", t.hour)
	case precMinute:
		return fmt.Sprintf("%02d:%02d", t.hour, t.minute)
	}
	s := fmt.Sprintf("%02d:%02d:%02d", t.hour, t.minute, t.second)
	if t.fraction > 0 {
		s += fmt.Sprintf(".%09d", t.nanos)[:t.fraction+1]
	}
	return s
}

func (t Temporal) zoneText() string {
	switch {
	case !t.zoned:
		return ""
	case t.offset == 0:
		return "Z"
	case t.offset < 0:
		return fmt.Sprintf("-%02d:%02d", -t.offset/60, -t.offset%60)
	}
	return fmt.Sprintf("+%02d:%02d", t.offset/60, t.offset%60)
}

func (t Temporal) dateTimeText() string {
	if t.prec <= precDay {
		return t.dateText()
	}
	return t.dateText() + "T" + t.clockText() + t.zoneText()
}

// Zones reach from -12:00 to +14:00. A value without zone may stand for any
// moment between.
const (
	mostWest = 12 * time.Hour
	mostEast = 14 * time.Hour
)

// compareTemporal compares component by component. known is false if a
// precision or a zone is missing on one side and it matters.
func compareTemporal(a, b Temporal) (order int, known bool) {
	if a.zoned != b.zoned {
		return compareUnzoned(a, b)
	}
	if a.zoned && a.offset != b.offset {
		prec := min(a.prec, b.prec)
		a, b = a.inUTC(), b.inUTC()
		a.prec, b.prec = max(a.prec, prec), max(b.prec, prec)
	}
	for p := precYear; p <= precSecond; p++ {
		if p > a.prec || p > b.prec {
			return 0, a.prec == b.prec
		}
		x, y := a.component(p), b.component(p)
		if x != y {
			if x < y {
				return -1, true
			}
			return 1, true
		}
	}
	return 0, true
}

func (t Temporal) inUTC() Temporal {
	t = t.with(t.utc())
	t.offset = 0
	return t
}

func (t Temporal) component(p int) int {
	switch p {
	case precYear:
		return t.year
	case precMonth:
		return t.month
	case precDay:
		return t.day
	case precHour:
		return t.hour
	case precMinute:
		return t.minute
	}
	return t.second*1e9 + t.nanos
}

// compareUnzoned compares the moments that either value may stand for.
func compareUnzoned(a, b Temporal) (int, bool) {
	lowA, highA := a.span()
	lowB, highB := b.span()
	switch {
	case highA.Before(lowB):
		return -1, true
	case highB.Before(lowA):
		return 1, true
	}
	return 0, false
}

// span returns the first and the last moment a value may stand for.
func (t Temporal) span() (low, high time.Time) {
	low, high = t.utc(), t.high().utc()
	if !t.zoned {
		return low.Add(-mostEast), high.Add(mostWest)
	}
	return low, high
}

// high returns the greatest value to the nanosecond that t stands for.
func (t Temporal) high() Temporal {
	at := t.at()
	switch t.prec {
	case precYear:
		at = at.AddDate(1, 0, 0)
	case precMonth:
		at = at.AddDate(0, 1, 0)
	case precDay:
		at = at.AddDate(0, 0, 1)
	case precHour:
		at = at.Add(time.Hour)
	case precMinute:
		at = at.Add(time.Minute)
	default:
		step := time.Second
		for range t.fraction {
			step /= 10
		}
		at = at.Add(step)
	}
	return t.with(at.Add(-1))
}
