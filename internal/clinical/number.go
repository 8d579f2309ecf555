package clinical

import (
	"math/big"
	"strings"
)

// DoseNumber renders a decimal for a dose: a leading zero, no trailing zero, a
// comma from 1,000, never an exponent. What is no number comes back unchanged.
func DoseNumber(s string) string {
	plain, ok := expand(s)
	if !ok {
		return Plain(s)
	}
	sign := ""
	if strings.HasPrefix(plain, "-") {
		sign, plain = "-", plain[1:]
	}
	whole, part, _ := strings.Cut(plain, ".")
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	part = strings.TrimRight(part, "0")
	if part != "" {
		part = "." + part
	}
	if whole == "0" && part == "" {
		sign = ""
	}
	return sign + grouped(whole) + part
}

func grouped(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// expand writes a JSON number without exponent, keeping its digits.
func expand(s string) (string, bool) {
	if len(s) == 0 || len(s) > 64 {
		return "", false
	}
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(s), "e")
	digits := strings.TrimPrefix(mantissa, "-")
	if digits == "" || strings.Trim(digits, "0123456789.") != "" || strings.Count(digits, ".") > 1 || digits == "." {
		return "", false
	}
	if !scientific {
		return mantissa, true
	}
	r, ok := rational(s)
	if !ok {
		return "", false
	}
	_, part, _ := strings.Cut(digits, ".")
	places := len(part)
	if shift := strings.TrimPrefix(exponent, "+"); shift != "" {
		places -= atoi(shift)
	}
	return r.FloatString(max(places, 0)), true
}

// rational reads a decimal exactly; absurd exponents are refused, they would
// cost memory and mean nothing at a bedside.
func rational(s string) (*big.Rat, bool) {
	if _, exponent, ok := strings.Cut(strings.ToLower(s), "e"); ok {
		if n := atoi(exponent); n > 30 || n < -30 || len(exponent) > 4 {
			return nil, false
		}
	}
	if len(s) > 64 {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// atoi reads a small signed integer, 0 if there is none.
func atoi(s string) int {
	n, negative := 0, strings.HasPrefix(s, "-")
	for _, r := range strings.TrimLeft(s, "+-") {
		if r < '0' || r > '9' || n > 1000 {
			return 0
		}
		n = n*10 + int(r-'0')
	}
	if negative {
		return -n
	}
	return n
}
