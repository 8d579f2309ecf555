package path

import (
	"math/big"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/ucum"
)

// Quantity is a number with a unit: a UCUM code, or a calendar duration.
type Quantity struct {
	value    Decimal
	unit     string // UCUM code, "" if it is a calendar duration
	calendar int    // calYear …, 0 if it is none
	plural   bool   // as it was written
}

// Calendar durations, coarsest first.
const (
	calYear = iota + 1
	calMonth
	calWeek
	calDay
	calHour
	calMinute
	calSecond
	calMillisecond
)

var calendarNames = [...]string{"", "year", "month", "week", "day", "hour", "minute", "second", "millisecond"}

// calendarUCUM are the definite durations. The first two are only equivalent.
var calendarUCUM = [...]string{"", "a", "mo", "wk", "d", "h", "min", "s", "ms"}

func calendarUnit(word string) int {
	for i, name := range calendarNames {
		if i > 0 && (word == name || isPlural(word) && word[:len(word)-1] == name) {
			return i
		}
	}
	return 0
}

func isPlural(word string) bool { return strings.HasSuffix(word, "s") }

// newQuantity reads the unit of a string: calendar durations may be quoted too.
func newQuantity(d Decimal, unit string) Quantity {
	if c := calendarUnit(unit); c != 0 {
		return Quantity{value: d, calendar: c, plural: isPlural(unit)}
	}
	return Quantity{value: d, unit: unit}
}

// quantityOf reads a FHIR Quantity: with a UCUM code, or with no unit at all.
// One with a comparator or of another system is no single System.Quantity.
func quantityOf(n fhir.Node) (Quantity, bool) {
	value, system, code := n.Get("value").Text(), n.Get("system").Text(), n.Get("code").Text()
	d, ok := parseDecimal(value)
	if !ok || n.Get("comparator").Exists() {
		return Quantity{}, false
	}
	switch {
	case system == ucum.System && code != "":
		return Quantity{value: d, unit: code}, true
	case system == calendarSystem:
		q := newQuantity(d, code)
		return q, q.calendar != 0
	case system == "" && code == "" && !n.Get("unit").Exists():
		return Quantity{value: d, unit: "1"}, true
	}
	return Quantity{}, false
}

const calendarSystem = "http://hl7.org/fhirpath/CodeSystem/calendar-units"

func (q Quantity) String() string {
	if q.calendar == 0 {
		return q.value.String() + " '" + q.unit + "'"
	}
	s := q.value.String() + " " + calendarNames[q.calendar]
	if q.plural {
		s += "s"
	}
	return s
}

// definite returns the UCUM code, of a calendar duration that of its equivalent.
func (q Quantity) definite() string {
	if q.calendar != 0 {
		return calendarUCUM[q.calendar]
	}
	return q.unit
}

// isInexact reports a calendar duration that no definite one equals.
func (q Quantity) isInexact() bool { return q.calendar == calYear || q.calendar == calMonth }

func (q Quantity) sameUnit(r Quantity) bool { return q.unit == r.unit && q.calendar == r.calendar }

// inUnitOf returns q's value in the unit of r by FHIRPath's and UCUM's factors.
// loose also takes a calendar year for 'a' and a month for 'mo'.
func (q Quantity) inUnitOf(r Quantity, loose bool) (*big.Rat, bool) {
	switch {
	case q.sameUnit(r):
		return q.value.Rat(), true
	case q.calendar != 0 && r.calendar != 0 && (q.isInexact() || r.isInexact()):
		return q.calendarIn(r.calendar), true
	case (q.isInexact() || r.isInexact()) && !loose:
		return nil, false
	}
	from, err := ucum.Parse(q.definite())
	if err != nil {
		return nil, false
	}
	to, err := ucum.Parse(r.definite())
	if err != nil {
		return nil, false
	}
	v, err := ucum.Convert(q.value.Rat(), from, to)
	return v, err == nil
}

// calendarIn converts among calendar durations on the shortest way: a year is
// 12 months or 365 days, a month 30 days.
func (q Quantity) calendarIn(to int) *big.Rat {
	v := q.value.Rat()
	if q.calendar <= calMonth && to <= calMonth {
		switch {
		case q.calendar < to:
			v.Mul(v, big.NewRat(12, 1))
		case q.calendar > to:
			v.Quo(v, big.NewRat(12, 1))
		}
		return v
	}
	v.Mul(v, calendarMillis(q.calendar))
	return v.Quo(v, calendarMillis(to))
}

func calendarMillis(unit int) *big.Rat {
	const day = 24 * 60 * 60 * 1000
	return big.NewRat([...]int64{0, 365 * day, 30 * day, 7 * day, day, day / 24, 60_000, 1000, 1}[unit], 1)
}

// coarser reports whether a whole q unit is more than a whole r unit.
func (q Quantity) coarser(r Quantity) bool {
	one := Quantity{value: decimalOf(1), unit: q.unit, calendar: q.calendar}
	v, ok := one.inUnitOf(r, true)
	return ok && v.Cmp(big.NewRat(1, 1)) > 0
}

// explicitly is inUnitOf for toQuantity(unit), which also goes between calendar
// and definite durations: first to the namesake of the target, then across.
func (q Quantity) explicitly(target Quantity) (v *big.Rat, ok bool) {
	if (q.calendar != 0) == (target.calendar != 0) {
		return q.inUnitOf(target, false)
	}
	if q.calendar != 0 {
		for i, code := range calendarUCUM {
			if i > 0 && code == target.unit {
				return q.calendarIn(i), true
			}
		}
		return q.inUnitOf(target, true)
	}
	return q.inUnitOf(Quantity{unit: target.definite()}, false)
}
