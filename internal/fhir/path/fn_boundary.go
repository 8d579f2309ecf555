package path

import (
	"time"
)

var boundaries = [...]function{
	{"lowBoundary", 0, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) { return c.boundary(in, f, false) }},
	{"highBoundary", 0, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) { return c.boundary(in, f, true) }},
	{"precision", 0, 0, 0, precision},
	{"comparable", 1, 1, 0, comparableTo},
}

// digits of the precisions of a date and time as lowBoundary() counts them.
var digits = [...]int{0, 4, 6, 8, 10, 12, 14, 17}

func (c *evaluation) boundary(in Collection, f *callExpr, high bool) (Collection, error) {
	v, ok, err := single(in)
	if err != nil || !ok {
		return nil, err
	}
	n, given := 0, false
	if len(f.args) == 1 {
		if n, given, err = c.intArg(f, 0); err != nil || !given {
			return nil, err
		}
	}
	switch v = v.system(); {
	case v.isNumber():
		if d, ok := decimalBoundary(v.asDecimal(), n, given, high); ok {
			return c.number(decimal(d)), nil
		}
		return nil, nil
	case v.kind == QuantityKind:
		q := v.quantity()
		if q.value, ok = decimalBoundary(q.value, n, given, high); ok {
			return c.number(quantity(q)), nil
		}
		return nil, nil
	case v.isTemporal():
		t, ok := temporalBoundary(v.kind, v.temporal(), n, given, high)
		if !ok {
			return nil, nil
		}
		return c.one(temporal(v.kind, t)), nil
	case valueless(v):
		return nil, nil
	}
	return nil, errType
}

// decimalBoundary is half a unit of the last digit away, at n digits.
func decimalBoundary(d Decimal, n int, given, high bool) (Decimal, bool) {
	if !given {
		n = max(8, d.scale+1)
	}
	if n < 0 || n > maxScale {
		return d, false
	}
	half := Decimal{c: decimalOf(5).c, scale: d.scale + 1}
	if high {
		return d.add(half).ceil(n), true
	}
	return d.add(half.neg()).floor(n), true
}

func temporalBoundary(kind Kind, t Temporal, n int, given, high bool) (Temporal, bool) {
	base, most := 0, 17
	switch kind {
	case Date:
		most = 8
	case Time:
		base, most = 8, 9
	}
	if !given {
		n = most
	}
	level := 0
	for i, d := range digits {
		if i > 0 && d-base == n && n <= most && n > 0 {
			level = i
		}
	}
	if level == 0 {
		return t, false
	}
	if kind == Time {
		t.year, t.month, t.day = 2000, 1, 1
	}
	if high {
		t = t.high()
	}
	if kind == DateTime && level > precDay && !t.zoned {
		// The moment without zone is earliest in the most eastern one.
		t.zoned, t.offset = true, int(mostEast/time.Minute)
		if high {
			t.offset = -int(mostWest / time.Minute)
		}
	}
	t.prec, t.fraction = min(level, precSecond), 0
	if level > precSecond {
		t.fraction = 3
	}
	t.nanos = t.nanos / 1e6 * 1e6
	if level <= precDay {
		t.zoned, t.offset = false, 0
	}
	return t.cut(), true
}

// cut clears what is beyond the precision.
func (t Temporal) cut() Temporal {
	if t.prec < precSecond || t.fraction == 0 {
		t.nanos = 0
	}
	if t.prec < precSecond {
		t.second = 0
	}
	if t.prec < precMinute {
		t.minute = 0
	}
	if t.prec < precHour {
		t.hour = 0
	}
	if t.prec < precDay {
		t.day = 1
	}
	if t.prec < precMonth {
		t.month = 1
	}
	return t
}

func precision(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
	v, ok, err := single(in)
	if err != nil || !ok {
		return nil, err
	}
	switch v = v.system(); {
	case v.isNumber():
		return c.one(integer(int64(v.asDecimal().scale))), nil
	case v.isTemporal():
		t := v.temporal()
		n := digits[t.prec]
		if t.fraction > 0 {
			n += t.fraction
		}
		if v.kind == Time {
			n -= digits[precDay]
		}
		return c.one(integer(int64(n))), nil
	case valueless(v):
		return nil, nil
	}
	return nil, errType
}

func comparableTo(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	arg, err := c.argument(f.args[0])
	if err != nil || len(in) != 1 || len(arg) != 1 {
		return nil, err
	}
	a, okA := asQuantity(in[0].system())
	b, okB := asQuantity(arg[0].system())
	if !okA || !okB {
		return nil, nil
	}
	_, known := compareQuantity(a, b)
	return c.truth(known), nil
}
