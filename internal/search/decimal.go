package search

import (
	"bytes"
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// decimal is an exact decimal number: 0.d1d2d3… × 10^exp with d1 and the last
// digit not zero. Zero has no digits. Equal numbers have equal fields, and
// order is sign, exponent, digits: no arithmetic is needed to compare.
type decimal struct {
	neg    bool
	exp    int32
	digits []byte // '0'…'9'
}

var errNumber = errors.New("not a number")

// maxExp bounds exponents; nothing measured is beyond it.
const maxExp = 1 << 20

// number is a decimal with the precision it was written in: its last digit
// stands for 10^unit.
type number struct {
	decimal
	unit     int32
	mantissa string // digits as written, without sign and point
}

// parseNumber reads a decimal in FHIR's form, exponent allowed.
func parseNumber(s string) (number, error) {
	var n number
	if s != "" && (s[0] == '-' || s[0] == '+') {
		n.neg = s[0] == '-'
		s = s[1:]
	}
	mant, exp := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > maxExp || e < -maxExp {
			return number{}, errNumber
		}
		mant, exp = s[:i], e
	}
	whole, frac, dot := strings.Cut(mant, ".")
	if !allDigits(whole) || (dot && !allDigits(frac)) {
		return number{}, errNumber
	}
	n.mantissa = whole + frac
	n.unit = int32(exp - len(frac))
	n.decimal = canonical(n.neg, n.mantissa, n.unit)
	return n, nil
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) < maxExp
}

// canonical returns ±digits × 10^unit.
func canonical(neg bool, digits string, unit int32) decimal {
	d := strings.TrimLeft(digits, "0")
	exp := unit + int32(len(d))
	d = strings.TrimRight(d, "0")
	if d == "" {
		return decimal{}
	}
	return decimal{neg: neg, exp: exp, digits: []byte(d)}
}

func fromBig(x *big.Int, unit int32) decimal {
	return canonical(x.Sign() < 0, new(big.Int).Abs(x).String(), unit)
}

func (n number) big() *big.Int {
	x, _ := new(big.Int).SetString(n.mantissa, 10)
	if n.neg {
		x.Neg(x)
	}
	return x
}

// implicit returns the range of values that round to n at its precision:
// low ≤ value < high.
func (n number) implicit() (low, high decimal) {
	x := new(big.Int).Mul(n.big(), big.NewInt(10))
	half := big.NewInt(5)
	return fromBig(new(big.Int).Sub(x, half), n.unit-1), fromBig(new(big.Int).Add(x, half), n.unit-1)
}

// around returns n − 10 % and n + 10 %.
func (n number) around() (low, high decimal) {
	x := n.big()
	nine, eleven := big.NewInt(9), big.NewInt(11)
	a, b := fromBig(nine.Mul(nine, x), n.unit-1), fromBig(eleven.Mul(eleven, x), n.unit-1)
	if a.cmp(b) > 0 {
		a, b = b, a
	}
	return a, b
}

func (d decimal) sign() int {
	switch {
	case len(d.digits) == 0:
		return 0
	case d.neg:
		return -1
	}
	return 1
}

func (d decimal) cmp(o decimal) int {
	s, t := d.sign(), o.sign()
	switch {
	case s != t:
		return s - t
	case s == 0:
		return 0
	case d.exp != o.exp:
		if d.exp < o.exp {
			return -s
		}
		return s
	}
	return s * bytes.Compare(d.digits, o.digits)
}

// appendOrdered appends d in a form whose bytes order as the numbers do and of
// which none is a prefix of another.
func (d decimal) appendOrdered(b []byte) []byte {
	s := d.sign()
	b = append(b, byte(s+1))
	if s == 0 {
		return b
	}
	at := len(b)
	e := uint32(d.exp) ^ 1<<31
	b = append(b, byte(e>>24), byte(e>>16), byte(e>>8), byte(e))
	b = append(b, d.digits...)
	b = append(b, 0)
	if s < 0 {
		for i := at; i < len(b); i++ {
			b[i] = ^b[i]
		}
	}
	return b
}

// product and sum are exact. Their numbers must be convertible: what is added is
// written out to the same place.
func product(a, b number) number {
	x := a.big()
	return numberOf(x.Mul(x, b.big()), a.unit+b.unit)
}

func sum(a, b number) decimal {
	unit := min(a.unit, b.unit)
	at := func(n number) *big.Int {
		ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n.unit-unit)), nil)
		return ten.Mul(ten, n.big())
	}
	x := at(a)
	return fromBig(x.Add(x, at(b)), unit)
}

func numberOf(x *big.Int, unit int32) number {
	return number{decimal: decimal{neg: x.Sign() < 0}, unit: unit, mantissa: new(big.Int).Abs(x).String()}
}
