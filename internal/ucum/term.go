package ucum

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Bounds on what a code may ask for; no unit in use comes near.
const (
	maxLength   = 256  // bytes of a code
	maxNesting  = 16   // of parentheses, and of definitions in terms of others
	maxExponent = 64   // of one base unit
	maxBits     = 4096 // of numerator and denominator together
)

// term is a unit while it is put together.
type term struct {
	factor, offset *big.Rat
	dims           dims
	special        bool // of a scale other than a ratio scale
}

func number(n *big.Rat) term { return term{factor: n, offset: new(big.Rat)} }

// power is one base unit with its exponent, which is never 0.
type power struct {
	base string
	exp  int
}

// dims is sorted by base.
type dims []power

func (d dims) String() string {
	if len(d) == 0 {
		return "1"
	}
	var b strings.Builder
	for i, p := range d {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(p.base)
		if p.exp != 1 {
			b.WriteString(strconv.Itoa(p.exp))
		}
	}
	return b.String()
}

// times returns d multiplied with o to the power of sign.
func (d dims) times(o dims, sign int) dims {
	out := slices.Clone(d)
	for _, p := range o {
		i, found := slices.BinarySearchFunc(out, p.base, func(q power, base string) int {
			return strings.Compare(q.base, base)
		})
		if !found {
			out = slices.Insert(out, i, power{base: p.base})
		}
		if out[i].exp += sign * p.exp; out[i].exp == 0 {
			out = slices.Delete(out, i, i+1)
		}
	}
	return out
}

func (d dims) bounded() bool {
	return !slices.ContainsFunc(d, func(p power) bool { return p.exp > maxExponent || p.exp < -maxExponent })
}

// combine returns t multiplied with o, or divided by it if sign is -1. It
// reports false where UCUM §22 gives the product no meaning, and where it is out
// of bounds.
func (t term) combine(o term, sign int) (term, bool) {
	out := term{special: t.special || o.special}
	switch {
	case t.special && (o.special || len(o.dims) > 0), o.special && (sign < 0 || len(t.dims) > 0):
		return term{}, false
	case o.special:
		out.offset = o.offset
	default:
		out.offset = t.offset
	}
	if sign < 0 {
		out.factor = new(big.Rat).Quo(t.factor, o.factor)
	} else {
		out.factor = new(big.Rat).Mul(t.factor, o.factor)
	}
	out.dims = t.dims.times(o.dims, sign)
	return out, bits(out.factor) <= maxBits && out.dims.bounded()
}

// raise returns t to the power of n.
func (t term) raise(n int) (term, bool) {
	if n == 1 {
		return t, true
	}
	size := max(n, -n)
	if t.special || size > maxBits || bits(t.factor)*size > maxBits {
		return term{}, false
	}
	e := big.NewInt(int64(size))
	num, den := new(big.Int).Exp(t.factor.Num(), e, nil), new(big.Int).Exp(t.factor.Denom(), e, nil)
	if n < 0 {
		num, den = den, num
	}
	out := number(new(big.Rat).SetFrac(num, den))
	if n != 0 {
		for _, p := range t.dims {
			out.dims = append(out.dims, power{p.base, p.exp * n})
		}
	}
	return out, out.dims.bounded()
}

func bits(r *big.Rat) int { return r.Num().BitLen() + r.Denom().BitLen() }
