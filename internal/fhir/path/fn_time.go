package path

import (
	"time"
)

// calendar are the functions that take dates and times apart.
var calendar = [...]function{
	{"yearOf", 0, 0, 0, component(precYear)},
	{"monthOf", 0, 0, 0, component(precMonth)},
	{"dayOf", 0, 0, 0, component(precDay)},
	{"hourOf", 0, 0, 0, component(precHour)},
	{"minuteOf", 0, 0, 0, component(precMinute)},
	{"secondOf", 0, 0, 0, component(precSecond)},
	{"millisecondOf", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		v, ok, err := singleTemporal(in)
		if err != nil || !ok || v.temporal().fraction == 0 {
			return nil, err
		}
		return c.one(integer(int64(v.temporal().nanos / 1e6))), nil
	}},
	{"timezoneOffsetOf", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		v, ok, err := singleTemporal(in)
		if err != nil || !ok || !v.temporal().zoned {
			return nil, err
		}
		d := decimalOf(int64(v.temporal().offset)).quo(decimalOf(60))
		return c.one(decimal(d.round(max(1, d.scale)))), nil
	}},
	{"dateOf", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		v, ok, err := singleTemporal(in)
		if err != nil || !ok || v.kind == Time {
			return nil, err
		}
		return c.one(temporal(Date, v.temporal().date())), nil
	}},
	{"timeOf", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		v, ok, err := singleTemporal(in)
		if err != nil || !ok || v.kind != DateTime || v.temporal().prec < precHour {
			return nil, err
		}
		return c.one(temporal(Time, v.temporal().clock())), nil
	}},
	{"now", 0, 0, 0, func(c *evaluation, _ Collection, _ *callExpr) (Collection, error) {
		t, err := c.now()
		return c.one(temporal(DateTime, t)), err
	}},
	{"today", 0, 0, 0, func(c *evaluation, _ Collection, _ *callExpr) (Collection, error) {
		t, err := c.now()
		return c.one(temporal(Date, t.date())), err
	}},
	{"timeOfDay", 0, 0, 0, func(c *evaluation, _ Collection, _ *callExpr) (Collection, error) {
		t, err := c.now()
		return c.one(temporal(Time, t.clock())), err
	}},
	{"duration", 2, 2, 0, between(wholePeriods)},
	{"difference", 2, 2, 0, between(boundariesCrossed)},
}

func (c *evaluation) now() (Temporal, error) {
	if c.env.Now.IsZero() {
		return Temporal{}, errNoNow
	}
	return instant(c.env.Now), nil
}

// singleTemporal takes the input as a date or time; ok is false if it is none.
func singleTemporal(in Collection) (v Value, ok bool, err error) {
	if v, ok, err = single(in); err != nil || !ok {
		return v, false, err
	}
	v = v.system()
	return v, v.isTemporal(), nil
}

func component(prec int) func(*evaluation, Collection, *callExpr) (Collection, error) {
	return func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		v, ok, err := singleTemporal(in)
		if err != nil || !ok || v.temporal().prec < prec || v.kind == Time && prec < precHour || v.kind == Date && prec > precDay {
			return nil, err
		}
		n := v.temporal().component(prec)
		if prec == precSecond {
			n /= 1e9
		}
		return c.one(integer(int64(n))), nil
	}
}

// between makes duration() and difference().
func between(count func(a, b Temporal, unit int) int64) func(*evaluation, Collection, *callExpr) (Collection, error) {
	return func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		arg, err := c.argument(f.args[0])
		if err != nil {
			return nil, err
		}
		word, given, err := c.stringArg(f, 1)
		if err != nil || !given || len(in) == 0 || len(arg) == 0 {
			return nil, err
		}
		a, okA, errA := singleTemporal(in)
		b, okB, errB := singleTemporal(arg)
		unit := calendarUnit(word)
		switch {
		case errA != nil || errB != nil:
			return nil, errMany
		case !okA || !okB || unit == 0 || isPlural(word) || (a.kind == Time) != (b.kind == Time),
			a.kind == Time && unit < calHour, (a.kind == Date || b.kind == Date) && unit > calDay:
			return nil, errType
		}
		x, y := a.temporal(), b.temporal()
		need := [...]int{0, precYear, precMonth, precDay, precDay, precHour, precMinute, precSecond, precSecond}[unit]
		if x.prec < need || y.prec < need || x.zoned != y.zoned && unit >= calHour {
			return nil, nil
		}
		if unit >= calHour && x.zoned {
			x, y = x.inUTC(), y.inUTC()
		}
		return c.number(long(count(x, y, unit)).small()), nil
	}
}

// small turns a Long into an Integer; one out of range gives nothing.
func (v Value) small() Value { v.kind = Integer; return v }

// wholePeriods counts the whole periods from a to b.
func wholePeriods(a, b Temporal, unit int) int64 {
	if b.at().Before(a.at()) {
		return -wholePeriods(b, a, unit)
	}
	if unit <= calMonth {
		n := int64(b.year-a.year)*12 + int64(b.month-a.month)
		if b.at().Before(a.addMonths(n).at()) {
			n--
		}
		if unit == calYear {
			return n / 12
		}
		return n
	}
	return sinceUnits(a.at(), b.at(), unit)
}

// boundariesCrossed counts how often a new period begins between a and b. Weeks
// begin on Sundays.
func boundariesCrossed(a, b Temporal, unit int) int64 {
	switch unit {
	case calYear:
		return int64(b.year - a.year)
	case calMonth:
		return int64(b.year-a.year)*12 + int64(b.month-a.month)
	}
	return sinceUnits(start(a, unit), start(b, unit), unit)
}

func start(t Temporal, unit int) time.Time {
	at := t.at()
	switch unit {
	case calWeek:
		at = at.AddDate(0, 0, -int(at.Weekday()))
		fallthrough
	case calDay:
		return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	case calHour:
		return at.Truncate(time.Hour)
	case calMinute:
		return at.Truncate(time.Minute)
	case calSecond:
		return at.Truncate(time.Second)
	}
	return at.Truncate(time.Millisecond)
}

// sinceUnits counts whole units of a fixed length; years apart by more than a
// time.Duration holds are counted too.
func sinceUnits(a, b time.Time, unit int) int64 {
	millis := b.UnixMilli() - a.UnixMilli()
	return millis / calendarMillis(unit).Num().Int64()
}
