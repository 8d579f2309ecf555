package path

import (
	"strings"
)

// converter gives the value in another type, ok false if it has none there.
type converter func(Value) (Value, bool)

func to(fn converter) func(*evaluation, Collection, *callExpr) (Collection, error) {
	return func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		v, given, ok, err := c.convert(in, f, fn)
		if err != nil || !given || !ok {
			return nil, err
		}
		return c.number(v), nil
	}
}

func convertsTo(fn converter) func(*evaluation, Collection, *callExpr) (Collection, error) {
	return func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		_, given, ok, err := c.convert(in, f, fn)
		if err != nil || !given {
			return nil, err
		}
		return c.truth(ok), nil
	}
}

// convert applies fn; the optional argument is a unit or a format.
func (c *evaluation) convert(in Collection, f *callExpr, fn converter) (v Value, given, ok bool, err error) {
	v, given, err = single(in)
	if err != nil || !given {
		return v, false, false, err
	}
	v, ok = fn(v.system())
	if !ok || len(f.args) == 0 {
		return v, true, ok, nil
	}
	arg, there, err := c.stringArg(f, 0)
	if err != nil || !there {
		return v, false, false, err
	}
	if v.kind != QuantityKind {
		return v, true, false, notSupported("formats of dates and times")
	}
	target := newQuantity(Decimal{}, arg)
	r, ok := v.quantity().explicitly(target)
	if !ok {
		return v, true, false, nil
	}
	target.value = decimalRat(r)
	return quantity(target), true, true, nil
}

var conversion = [...]function{
	{"toBoolean", 0, 0, 0, to(toBoolean)},
	{"convertsToBoolean", 0, 0, 0, convertsTo(toBoolean)},
	{"toInteger", 0, 0, 0, to(toInteger)},
	{"convertsToInteger", 0, 0, 0, convertsTo(toInteger)},
	{"toLong", 0, 0, 0, to(toLong)},
	{"convertsToLong", 0, 0, 0, convertsTo(toLong)},
	{"toDecimal", 0, 0, 0, to(toDecimal)},
	{"convertsToDecimal", 0, 0, 0, convertsTo(toDecimal)},
	{"toQuantity", 0, 1, 0, to(toQuantity)},
	{"convertsToQuantity", 0, 1, 0, convertsTo(toQuantity)},
	{"toString", 0, 0, 0, to(toText)},
	{"convertsToString", 0, 0, 0, convertsTo(toText)},
	{"toDate", 0, 1, 0, to(toDate)},
	{"convertsToDate", 0, 1, 0, convertsTo(toDate)},
	{"toDateTime", 0, 1, 0, to(toDateTime)},
	{"convertsToDateTime", 0, 1, 0, convertsTo(toDateTime)},
	{"toTime", 0, 0, 0, to(toTime)},
	{"convertsToTime", 0, 0, 0, convertsTo(toTime)},
}

func toBoolean(v Value) (Value, bool) {
	switch {
	case v.kind == Boolean:
		return v, true
	case v.isNumber():
		d := v.asDecimal()
		one := d.cmp(decimalOf(1)) == 0
		return OfBool(one), one || d.sign() == 0
	case v.kind == String:
		switch strings.ToLower(v.s) {
		case "true", "t", "yes", "y", "1", "1.0":
			return OfBool(true), true
		case "false", "f", "no", "n", "0", "0.0":
			return OfBool(false), true
		}
	}
	return Value{}, false
}

func isWhole(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-")
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func toLong(v Value) (Value, bool) {
	switch v.kind {
	case Integer, Long, Boolean:
		return long(v.i), true
	case String:
		if d, ok := parseDecimal(v.s); ok && isWhole(v.s) && d.coef().IsInt64() {
			return long(d.coef().Int64()), true
		}
	}
	return Value{}, false
}

func toInteger(v Value) (Value, bool) {
	v, ok := toLong(v)
	v.kind = Integer
	return v, ok && v.i == int64(int32(v.i))
}

func toDecimal(v Value) (Value, bool) {
	switch {
	case v.isNumber():
		return decimal(v.asDecimal()), true
	case v.kind == Boolean:
		return decimal(decimalOf(v.i)), true
	case v.kind == String && !strings.ContainsAny(v.s, "eE"):
		d, ok := parseDecimal(v.s)
		return decimal(d), ok
	}
	return Value{}, false
}

func toQuantity(v Value) (Value, bool) {
	switch {
	case v.kind == Boolean:
		return quantity(Quantity{value: Decimal{c: decimalOf(10 * v.i).c, scale: 1}, unit: "1"}), true
	case v.kind == String:
		return textQuantity(v.s)
	}
	q, ok := asQuantity(v)
	return quantity(q), ok
}

// textQuantity reads 4 days, 10 'mg' and 1.5.
func textQuantity(s string) (Value, bool) {
	n := 0
	for n < len(s) && (isDigit(s[n]) || s[n] == '.' || n == 0 && (s[0] == '+' || s[0] == '-')) {
		n++
	}
	d, ok := parseDecimal(s[:n])
	if !ok {
		return Value{}, false
	}
	unit := strings.TrimSpace(s[n:])
	switch {
	case unit == "":
		return quantity(Quantity{value: d, unit: "1"}), true
	case len(unit) > 2 && unit[0] == '\'' && strings.IndexByte(unit[1:], '\'') == len(unit)-2:
		return quantity(newQuantity(d, unit[1:len(unit)-1])), true
	case calendarUnit(unit) != 0:
		return quantity(newQuantity(d, unit)), true
	}
	return Value{}, false
}

func toText(v Value) (Value, bool) {
	return OfString(v.Text()), v.kind != Element && v.kind != TypeInfo
}

func toDate(v Value) (Value, bool) {
	switch v.kind {
	case Date:
		return v, true
	case DateTime:
		return temporal(Date, v.temporal().date()), true
	case String:
		t, ok := parseDate(v.s)
		return temporal(Date, t), ok
	}
	return Value{}, false
}

func toDateTime(v Value) (Value, bool) {
	switch v.kind {
	case Date, DateTime:
		return temporal(DateTime, v.temporal()), true
	case String:
		t, ok := parseDateTime(v.s)
		return temporal(DateTime, t), ok
	}
	return Value{}, false
}

func toTime(v Value) (Value, bool) {
	switch v.kind {
	case Time:
		return v, true
	case String:
		t, ok := parseTime(v.s)
		return temporal(Time, t), ok
	}
	return Value{}, false
}

// date and clock return the two halves of a DateTime.
func (t Temporal) date() Temporal {
	return Temporal{year: t.year, month: t.month, day: t.day, prec: min(t.prec, precDay)}
}

func (t Temporal) clock() Temporal {
	t.year, t.month, t.day, t.zoned, t.offset = 0, 0, 0, false, 0
	return t
}
