package path

import (
	"strconv"
	"strings"
)

// raised is one unit of a product, with its exponent.
type raised struct {
	unit string
	exp  int
}

// joinUnits writes the product or quotient of two UCUM codes, adding up the
// exponents of the units that both have.
func joinUnits(a, b string, quotient bool) string {
	switch {
	case b == "1":
		return a
	case a == "1" && !quotient:
		return b
	}
	left, okA := factors(a)
	right, okB := factors(b)
	if !okA || !okB {
		if quotient {
			return "(" + a + ")/(" + b + ")"
		}
		return "(" + a + ").(" + b + ")"
	}
	for _, p := range right {
		if quotient {
			p.exp = -p.exp
		}
		left = addRaised(left, p)
	}
	return writeRaised(left)
}

func addRaised(list []raised, p raised) []raised {
	for i := range list {
		if list[i].unit == p.unit {
			list[i].exp += p.exp
			return list
		}
	}
	return append(list, p)
}

// factors takes a code apart that has no brackets or annotations.
func factors(code string) (list []raised, ok bool) {
	sign := 1
	for rest := code; ; {
		end := strings.IndexAny(rest, "./")
		part := rest
		if end >= 0 {
			part = rest[:end]
		}
		if part != "" || rest != code {
			p, ok := factor(part)
			if !ok {
				return nil, false
			}
			p.exp *= sign
			if p.unit != "1" {
				list = addRaised(list, p)
			}
		}
		if end < 0 {
			return list, true
		}
		sign = 1
		if rest[end] == '/' {
			sign = -1
		}
		rest = rest[end+1:]
	}
}

func factor(s string) (raised, bool) {
	if s == "1" {
		return raised{"1", 1}, true
	}
	n := len(s)
	for n > 0 && isDigit(s[n-1]) {
		n--
	}
	digits := n
	if n > 0 && n < len(s) && (s[n-1] == '-' || s[n-1] == '+') {
		n--
	}
	if n == 0 || strings.ContainsAny(s, "(){}") || isDigit(s[0]) {
		return raised{}, false
	}
	p := raised{s[:n], 1}
	if digits < len(s) {
		e, err := strconv.Atoi(s[n:])
		if err != nil || e > 99 || e < -99 {
			return raised{}, false
		}
		p.exp = e
	}
	return p, true
}

// writeRaised writes m/s rather than m.s-1.
func writeRaised(list []raised) string {
	var over, under strings.Builder
	for _, p := range list {
		b, sep, e := &over, ".", p.exp
		if e < 0 {
			b, sep, e = &under, "/", -e
		}
		if e == 0 {
			continue
		}
		if b == &under || b.Len() > 0 {
			b.WriteString(sep)
		}
		b.WriteString(p.unit)
		if e > 1 {
			b.WriteString(strconv.Itoa(e))
		}
	}
	if over.Len()+under.Len() == 0 {
		return "1"
	}
	return over.String() + under.String()
}
