package path

import (
	"strings"
)

// dated makes toDate() and toDateTime(), or the questions whether they would
// give something. A format only matters for strings.
func dated(kind Kind, fn converter, question bool) func(*evaluation, Collection, *callExpr) (Collection, error) {
	return func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		v, given, err := single(in)
		if err != nil || !given {
			return nil, err
		}
		v = v.system()
		ok := false
		if v.kind == String && len(f.args) == 1 {
			format, there, err := c.stringArg(f, 0)
			if err != nil || !there {
				return nil, err
			}
			var t Temporal
			if t, ok, err = parseFormatted(v.s, format); err != nil {
				return nil, err
			}
			if v = temporal(kind, t); kind == Date {
				v = temporal(kind, t.date())
			}
		} else {
			v, ok = fn(v)
		}
		switch {
		case question:
			return c.truth(ok), nil
		case !ok:
			return nil, nil
		}
		return c.one(v), nil
	}
}

// reading is a date and time in the midst of being read by a format.
type reading struct {
	scanner
	t       Temporal
	set     [precSecond + 1]bool
	noon    int // 1: before noon, 2: after it
	twelve  bool
	unknown bool // a code that is not supported
}

// parseFormatted reads a text by the format codes of toDate(). Month names are
// English; zones by name are not supported.
func parseFormatted(s, format string) (Temporal, bool, error) {
	r := reading{scanner: scanner{s, true}, t: Temporal{month: 1, day: 1}}
	for format != "" && r.ok {
		n := 1
		for n < len(format) && format[n] == format[0] {
			n++
		}
		r.code(format[0], n)
		format = format[n:]
	}
	if r.unknown {
		return r.t, false, notSupported("this code in a format of dates")
	}
	return r.t, r.ok && r.s == "" && r.finish(), nil
}

// code reads what n times the letter c stands for.
func (r *reading) code(c byte, n int) {
	switch {
	case c == 'y' && n == 4:
		r.t.year = r.part(precYear, 4, 1, 9999)
	case c == 'y' && n == 2:
		if r.t.year = 1900 + r.part(precYear, 2, 0, 99); r.t.year < 1950 {
			r.t.year += 100
		}
	case c == 'M' && n <= 2:
		r.t.month = r.part(precMonth, n, 1, 12)
	case c == 'M' && n <= 4:
		r.month(n == 3)
	case c == 'd' && n <= 2:
		r.t.day = r.part(precDay, n, 1, 31)
	case c == 'H' && n <= 2:
		r.t.hour = r.part(precHour, n, 0, 23)
	case c == 'h' && n <= 2:
		r.twelve, r.t.hour = true, r.part(precHour, n, 1, 12)
	case c == 'm' && n <= 2:
		r.t.minute = r.part(precMinute, n, 0, 59)
	case c == 's' && n <= 2:
		r.t.second = r.part(precSecond, n, 0, 59)
	case c == 'S' && n <= 9:
		from := r.s
		if r.number(n, 0, 1e9); r.ok {
			digits := scanner{from[:n], true}
			r.t.scanFraction(&digits)
		}
	case c == 'a' && n == 1:
		r.half()
	case c == 'Z' && n == 1:
		r.zone()
	case strings.IndexByte("yMdHhmsSazZ", c) >= 0:
		r.unknown, r.ok = true, false
	default:
		for range n {
			r.ok = r.has(c)
		}
	}
}

// part reads a number of one or two digits if n is 1, and of n otherwise.
func (r *reading) part(prec, n, low, high int) int {
	r.set[prec] = true
	if n == 1 && len(r.s) > 1 && isDigit(r.s[1]) {
		n = 2
	}
	return r.number(n, low, high)
}

func (r *reading) month(short bool) {
	r.set[precMonth] = true
	for i, name := range [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September",
		"October", "November", "December"} {
		if short {
			name = name[:3]
		}
		if len(r.s) >= len(name) && strings.EqualFold(r.s[:len(name)], name) {
			r.t.month, r.s = i+1, r.s[len(name):]
			return
		}
	}
	r.ok = false
}

func (r *reading) half() {
	for i, names := range [...][2]string{{"AM", "A"}, {"PM", "P"}} {
		for _, name := range names {
			if len(r.s) >= len(name) && strings.EqualFold(r.s[:len(name)], name) {
				r.noon, r.s = i+1, r.s[len(name):]
				return
			}
		}
	}
	r.ok = false
}

// zone reads Z, +0200 and +02:00.
func (r *reading) zone() {
	if len(r.s) > 4 && r.s[3] != ':' {
		r.s = r.s[:3] + ":" + r.s[3:]
	}
	r.t.scanZone(&r.scanner)
	r.ok = r.ok && r.t.zoned
}

// finish sets the precision: nothing may be missing before the finest part.
func (r *reading) finish() bool {
	for p := precYear; p <= precSecond; p++ {
		if r.set[p] && r.t.prec != p-1 {
			return false
		}
		if r.set[p] {
			r.t.prec = p
		}
	}
	if r.twelve {
		if r.noon == 0 {
			return false
		}
		r.t.hour = r.t.hour%12 + 12*(r.noon-1)
	}
	return r.t.prec > 0 && r.t.day <= daysIn(r.t.year, r.t.month) && (r.t.prec >= precHour || !r.t.zoned) &&
		(r.t.prec == precSecond || r.t.fraction == 0)
}
