package path

import (
	"math/big"
	"time"
)

// arithmetic is + - * / div mod.
type arithmetic struct {
	binary
	op  byte // the first letter; m is mod
	div bool
}

func (e *arithmetic) eval(c *evaluation, in Collection) (Collection, error) {
	l, r, err := e.operands(c, in)
	if err != nil || len(l) == 0 || len(r) == 0 {
		return nil, err
	}
	if len(l) > 1 || len(r) > 1 {
		return nil, failed(e.pos, errMany)
	}
	out, err := c.calculate(e.op, e.div, l[0].system(), r[0].system())
	if err != nil {
		return nil, failed(e.pos, err)
	}
	return out, nil
}

func (c *evaluation) calculate(op byte, div bool, a, b Value) (Collection, error) {
	switch {
	case valueless(a) || valueless(b):
		return nil, nil
	case a.isNumber() && b.isNumber():
		v, ok := numbers(op, div, a, b)
		if !ok {
			return nil, nil
		}
		return c.number(v), nil
	case a.kind == String && b.kind == String && op == '+':
		return c.text(a.s + b.s)
	case a.isTemporal() && b.kind == QuantityKind && (op == '+' || op == '-'):
		q := b.quantity()
		if op == '-' {
			q.value = q.value.neg()
		}
		t, err := addTo(a.kind, a.temporal(), q)
		if err != nil {
			return nil, err
		}
		return c.one(temporal(a.kind, t)), nil
	}
	qa, qb, ok := bothQuantities(a, b)
	if !ok || div || op == 'm' {
		return nil, errType
	}
	q, ok := quantities(op, qa, qb)
	if !ok {
		return nil, nil
	}
	return c.number(quantity(q)), nil
}

// numbers calculates with Integer, Long and Decimal; ok is false if the result
// is nothing.
func numbers(op byte, div bool, a, b Value) (Value, bool) {
	if a.kind != DecimalKind && b.kind != DecimalKind && op != '/' {
		return integers(op, div, a, b)
	}
	x, y := a.asDecimal(), b.asDecimal()
	switch {
	case op == '+':
		return decimal(x.add(y)), true
	case op == '-':
		return decimal(x.add(y.neg())), true
	case op == '*':
		return decimal(x.mul(y)), true
	case y.sign() == 0:
		return Value{}, false
	case op == '/':
		return decimal(x.quo(y)), true
	}
	q, rest := x.divmod(y)
	if div {
		return decimal(Decimal{c: q}), true
	}
	return decimal(rest), true
}

func integers(op byte, div bool, a, b Value) (Value, bool) {
	x, y, z := big.NewInt(a.i), big.NewInt(b.i), new(big.Int)
	switch {
	case op == '+':
		z.Add(x, y)
	case op == '-':
		z.Sub(x, y)
	case op == '*':
		z.Mul(x, y)
	case y.Sign() == 0:
		return Value{}, false
	case div:
		z.Quo(x, y)
	default:
		z.Rem(x, y)
	}
	if a.kind == Long || b.kind == Long {
		return long(z.Int64()), z.IsInt64()
	}
	return integer(z.Int64()), z.IsInt64()
}

// quantities calculates with units; ok is false where they do not go together.
func quantities(op byte, a, b Quantity) (Quantity, bool) {
	switch op {
	case '*', '/':
		return scale(op, a, b)
	case '-':
		b.value = b.value.neg()
	}
	if a.sameUnit(b) {
		a.value = a.value.add(b.value)
		return a, true
	}
	if a.isInexact() || b.isInexact() {
		return a, false // the factors of years and months are no exact ones
	}
	to, from := a, b
	if a.coarser(b) {
		to, from = b, a
	}
	v, ok := from.inUnitOf(to, false)
	if !ok {
		return a, false
	}
	to.value = to.value.add(decimalRat(v))
	if to.calendar == 0 && from.calendar != 0 {
		for i, code := range calendarUCUM {
			if code == to.unit {
				to.calendar, to.unit, to.plural = i, "", true
			}
		}
	}
	return to, true
}

// scale multiplies and divides. Calendar durations only go with plain numbers.
func scale(op byte, a, b Quantity) (Quantity, bool) {
	q := Quantity{calendar: a.calendar, plural: a.plural}
	switch {
	case op == '/' && b.value.sign() == 0:
		return q, false
	case op == '*':
		q.value = a.value.mul(b.value)
	default:
		q.value = a.value.quo(b.value)
	}
	switch {
	case a.calendar != 0:
		return q, b.calendar == 0 && b.unit == "1"
	case b.calendar != 0:
		q.calendar, q.plural = b.calendar, b.plural
		return q, op == '*' && a.unit == "1"
	}
	q.unit = joinUnits(a.unit, b.unit, op == '/')
	return q, true
}

// addTo adds a duration to a date or time by the rules of the calendar.
func addTo(kind Kind, t Temporal, q Quantity) (Temporal, error) {
	unit := q.calendar
	for i, code := range calendarUCUM {
		if i > calMonth && unit == 0 && code == q.unit {
			unit = i
		}
	}
	if unit == 0 || kind == Time && unit < calHour || kind == Date && unit > calDay {
		return t, errType
	}
	if need := [...]int{0, precYear, precMonth, precDay, precDay, precHour, precMinute, precSecond, precSecond}[unit]; need > t.prec {
		q.calendar = unit
		unit = [...]int{0, calYear, calMonth, calDay, calHour, calMinute}[t.prec]
		q.value = decimalRat(q.calendarIn(unit))
	}
	if unit < calSecond {
		q.value = Decimal{c: q.value.truncate()}
	}
	v := q.value.truncate()
	if !v.IsInt64() || v.CmpAbs(big.NewInt(1<<40)) > 0 {
		return t, errCalendar
	}
	out := t.shift(unit, q)
	if kind != Time && (out.year < 1 || out.year > 9999) {
		return t, errCalendar
	}
	return out, nil
}

// shift moves t by a number of units, at most 2^40.
func (t Temporal) shift(unit int, q Quantity) Temporal {
	n := q.value.truncate().Int64()
	switch unit {
	case calYear:
		return t.addMonths(12 * n)
	case calMonth:
		return t.addMonths(n)
	case calWeek:
		return t.with(t.at().AddDate(0, 0, int(7*n)))
	case calDay:
		return t.with(t.at().AddDate(0, 0, int(n)))
	}
	step := map[int]time.Duration{calHour: time.Hour, calMinute: time.Minute, calSecond: time.Second, calMillisecond: time.Millisecond}[unit]
	nanos := new(big.Rat).Mul(q.value.Rat(), new(big.Rat).SetInt64(int64(step)))
	whole := new(big.Int).Quo(nanos.Num(), nanos.Denom())
	day := big.NewInt(int64(24 * time.Hour))
	days, rest := new(big.Int).QuoRem(whole, day, new(big.Int))
	out := t.with(t.at().AddDate(0, 0, int(days.Int64())).Add(time.Duration(rest.Int64())))
	for out.nanos%[...]int{1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 100, 10, 1}[out.fraction] != 0 {
		out.fraction++
	}
	return out
}

// addMonths keeps the day, or takes the last of the month if there is no such.
func (t Temporal) addMonths(n int64) Temporal {
	months := int64(t.year)*12 + int64(t.month) - 1 + n
	if months < 12 || months >= 12*10000 {
		t.year = 0
		return t
	}
	t.year, t.month = int(months/12), int(months%12)+1
	t.day = min(t.day, daysIn(t.year, t.month))
	return t
}
