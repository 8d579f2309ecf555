package path

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Decimal is a decimal number with the digits it was written with: 1.50 is not
// the same text as 1.5, but equal. It is immutable; the zero Decimal is 0.
type Decimal struct {
	c     *big.Int // coefficient; nil is 0
	scale int      // digits after the point, never negative
}

const (
	maxScale  = 28  // digits after the point that a calculation keeps
	maxDigits = 100 // digits before the point; what has more overflows
)

var bigZero, bigTen = big.NewInt(0), big.NewInt(10)

func pow10(n int) *big.Int { return new(big.Int).Exp(bigTen, big.NewInt(int64(n)), nil) }

func decimalOf(i int64) Decimal { return Decimal{c: big.NewInt(i)} }

// parseDecimal reads a number of JSON or of FHIRPath.
func parseDecimal(s string) (Decimal, bool) {
	mantissa, exp := s, 0
	if at := strings.IndexAny(s, "eE"); at >= 0 {
		e, err := strconv.Atoi(s[at+1:])
		if err != nil || e > maxDigits || e < -maxDigits {
			return Decimal{}, false
		}
		mantissa, exp = s[:at], e
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	if point && (fraction == "" || fraction[0] == '+' || fraction[0] == '-') || len(mantissa) > 2*maxDigits {
		return Decimal{}, false
	}
	if bare := strings.TrimLeft(whole, "+-"); bare == "" || len(whole)-len(bare) > 1 || strings.Contains(mantissa, "_") {
		return Decimal{}, false
	}
	c, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return Decimal{}, false
	}
	d := Decimal{c, len(fraction) - exp}
	if d.scale < 0 {
		d = Decimal{new(big.Int).Mul(c, pow10(-d.scale)), 0}
	}
	return d, true
}

func (d Decimal) coef() *big.Int {
	if d.c == nil {
		return bigZero
	}
	return d.c
}

// Rat returns the exact number.
func (d Decimal) Rat() *big.Rat {
	return new(big.Rat).SetFrac(d.coef(), pow10(d.scale))
}

// String returns the number with its digits.
func (d Decimal) String() string {
	s := d.coef().String()
	if d.scale == 0 {
		return s
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	if n := d.scale + 1 - len(s); n > 0 {
		s = strings.Repeat("0", n) + s
	}
	return sign + s[:len(s)-d.scale] + "." + s[len(s)-d.scale:]
}

func align(a, b Decimal) (x, y *big.Int, scale int) {
	x, y = a.coef(), b.coef()
	switch {
	case a.scale < b.scale:
		return new(big.Int).Mul(x, pow10(b.scale-a.scale)), y, b.scale
	case a.scale > b.scale:
		return x, new(big.Int).Mul(y, pow10(a.scale-b.scale)), a.scale
	}
	return x, y, a.scale
}

func (d Decimal) cmp(e Decimal) int { x, y, _ := align(d, e); return x.Cmp(y) }
func (d Decimal) sign() int         { return d.coef().Sign() }
func (d Decimal) neg() Decimal      { return Decimal{new(big.Int).Neg(d.coef()), d.scale} }
func (d Decimal) add(e Decimal) Decimal {
	x, y, s := align(d, e)
	return Decimal{new(big.Int).Add(x, y), s}
}

// mul and quo keep at most maxScale digits after the point.
func (d Decimal) mul(e Decimal) Decimal {
	p := Decimal{new(big.Int).Mul(d.coef(), e.coef()), d.scale + e.scale}
	if p.scale > maxScale {
		return p.round(maxScale)
	}
	return p
}

func (d Decimal) quo(e Decimal) Decimal {
	return decimalRat(new(big.Rat).Quo(d.Rat(), e.Rat()))
}

// decimalRat returns r with as few digits as it needs, rounded to maxScale.
func decimalRat(r *big.Rat) Decimal {
	n := new(big.Int).Mul(r.Num(), pow10(maxScale+1))
	n.Quo(n, r.Denom())
	return Decimal{n, maxScale + 1}.round(maxScale).trim()
}

// divmod is the division that truncates towards zero, and its remainder.
func (d Decimal) divmod(e Decimal) (q *big.Int, rest Decimal) {
	x, y, s := align(d, e)
	q, r := new(big.Int).QuoRem(x, y, new(big.Int))
	return q, Decimal{r, s}
}

// trim drops zeros at the end of the fraction.
func (d Decimal) trim() Decimal {
	c, rest := d.coef(), new(big.Int)
	for d.scale > 0 {
		q, _ := new(big.Int).QuoRem(c, bigTen, rest)
		if rest.Sign() != 0 {
			break
		}
		c, d.scale = q, d.scale-1
	}
	return Decimal{c, d.scale}
}

// round rounds halves away from zero, to exactly n digits after the point.
func (d Decimal) round(n int) Decimal {
	if n >= d.scale {
		return Decimal{new(big.Int).Mul(d.coef(), pow10(n-d.scale)), n}
	}
	unit := pow10(d.scale - n)
	half := new(big.Int).Rsh(unit, 1)
	if d.sign() < 0 {
		half.Neg(half)
	}
	c := new(big.Int).Add(d.coef(), half)
	return Decimal{c.Quo(c, unit), n}
}

// floor and ceil round to n digits towards minus and plus infinity.
func (d Decimal) floor(n int) Decimal {
	if n >= d.scale {
		return d.round(n)
	}
	unit := pow10(d.scale - n)
	return Decimal{new(big.Int).Div(d.coef(), unit), n} // Div is Euclidean: it rounds down
}

func (d Decimal) ceil(n int) Decimal { return d.neg().floor(n).neg() }

func (d Decimal) truncate() *big.Int {
	return new(big.Int).Quo(d.coef(), pow10(d.scale))
}

// fits reports that the number is not beyond what a calculation may give.
func (d Decimal) fits() bool {
	return d.coef().BitLen() <= (maxDigits+d.scale)*10/3
}

func (d Decimal) float() float64 {
	f, _ := d.Rat().Float64()
	return f
}

// decimalFloat returns what a function that is not exact gave, false if it is
// no number.
func decimalFloat(f float64) (Decimal, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) || math.Abs(f) > 1e28 {
		return Decimal{}, false
	}
	d, ok := parseDecimal(strconv.FormatFloat(f, 'f', 15, 64))
	return d.trim(), ok
}
