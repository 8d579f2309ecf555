package search

import (
	"math"
	"math/big"
	"strconv"
	"sync"

	"github.com/wardkeep/wardkeep/internal/ucum"
)

// unit relates a UCUM unit to base units: v is v·factor + offset of dim.
type unit struct {
	dim            string
	factor, offset *big.Rat
	ratio          float64 // factor and offset, nearly
	shift          float64
	power          int32 // factor is 10^power and offset 0
	decimal        bool  // if so
}

func newUnit(code string) *unit {
	parsed, err := ucum.Parse(code)
	if err != nil {
		return nil
	}
	u := &unit{}
	u.factor, u.offset, u.dim = parsed.Canonical()
	u.ratio, _ = u.factor.Float64()
	u.shift, _ = u.offset.Float64()
	if u.offset.Sign() == 0 {
		u.power, u.decimal = powerOfTen(u.factor)
	}
	return u
}

// powerOfTen returns p if r is 10^p.
func powerOfTen(r *big.Rat) (p int32, ok bool) {
	num, den := r.Num().String(), r.Denom().String()
	ok = string(canonical(false, num, 0).digits) == "1" && string(canonical(false, den, 0).digits) == "1"
	return int32(len(num) - len(den)), ok
}

// maxUnits bounds the units that are kept: a hospital uses some hundred.
const maxUnits = 4096

// units keeps the units that were read, nil for what is no unit of UCUM. It is
// safe for concurrent use.
type units struct {
	mu   sync.RWMutex
	read map[string]*unit
}

func (c *units) get(code string) *unit {
	c.mu.RLock()
	u, ok := c.read[code]
	c.mu.RUnlock()
	if ok {
		return u
	}
	u = newUnit(code)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read == nil || len(c.read) >= maxUnits {
		c.read = map[string]*unit{}
	}
	c.read[code] = u
	return u
}

// maxConverted bounds the powers of ten of numbers that are converted; others
// are compared in their own unit only, and lie at the ends of the tree.
const maxConverted = 1000

// position returns the place of d of the unit in a tree of amounts, and whether
// it is the only number there.
func (u *unit) position(t numberTree, d decimal) (pos int32, alone bool) {
	switch {
	case d.exp > maxConverted || d.exp < -maxConverted:
		if d.exp < 0 && u.offset.Sign() != 0 {
			d = decimal{}
			break
		}
		return t.position(d)
	case u.decimal:
		if d.sign() != 0 {
			d.exp += u.power
		}
		return t.position(d)
	}
	if pos, ok := u.near(t, d); ok {
		return pos, false
	}
	return t.positionOf(u.convert(d))
}

// near finds the position by floating point if it is clear of its borders.
func (u *unit) near(t numberTree, d decimal) (pos int32, ok bool) {
	if len(d.digits) == 0 || len(d.digits) > 15 || d.exp > 100 || d.exp < -100 {
		return 0, false
	}
	n, _ := strconv.ParseUint(string(d.digits), 10, 64)
	x := float64(n) * math.Pow10(int(d.exp)-len(d.digits)) * u.ratio
	if d.neg {
		x = -x
	}
	y := math.Abs(x + u.shift)
	if y < 1e-3*math.Abs(x) || y == 0 {
		return 0, false // what is left of a difference is not exact enough
	}
	exp := math.Floor(math.Log10(y)) + 1
	triple := y * math.Pow10(3-int(exp))
	if whole := math.Round(triple); math.Abs(triple-whole) < 1e-6*triple || triple < 100 || triple >= 1000 {
		return 0, false
	}
	sign := int32(1)
	if x+u.shift < 0 {
		sign = -1
	}
	pos, _ = t.place(sign, int32(exp), int32(triple), true)
	return pos, true
}

// convert returns d of the unit in base units.
func (u *unit) convert(d decimal) *big.Rat {
	x := d.rat()
	return x.Add(x.Mul(x, u.factor), u.offset)
}

// rat returns d as a fraction; its exponent must be within maxConverted.
func (d decimal) rat() *big.Rat {
	if len(d.digits) == 0 {
		return new(big.Rat)
	}
	n, _ := new(big.Int).SetString(string(d.digits), 10)
	if d.neg {
		n.Neg(n)
	}
	x := new(big.Rat).SetInt(n)
	power := int(d.exp) - len(d.digits)
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(power, -power))), nil)
	if power < 0 {
		return x.Quo(x, new(big.Rat).SetInt(ten))
	}
	return x.Mul(x, new(big.Rat).SetInt(ten))
}

// positionOf returns the place of a fraction.
func (t numberTree) positionOf(x *big.Rat) (pos int32, alone bool) {
	sign := int32(x.Sign())
	if sign == 0 {
		return 0, true
	}
	num, den := new(big.Int).Abs(x.Num()), x.Denom()
	exp := int32(float64(num.BitLen()-den.BitLen())*math.Log10(2)) + 1 // or one beside
	for range 4 {
		triple, rest := scaled(num, den, 3-exp)
		switch {
		case triple.Cmp(big.NewInt(100)) < 0:
			exp--
		case triple.Cmp(big.NewInt(1000)) >= 0:
			exp++
		default:
			return t.place(sign, exp, int32(triple.Int64()), rest)
		}
	}
	return 0, false
}

// scaled returns num/den × 10^power cut to a whole number, and whether something
// was cut off.
func scaled(num, den *big.Int, power int32) (whole *big.Int, rest bool) {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(power, -power))), nil)
	if power < 0 {
		den = ten.Mul(ten, den)
	} else {
		num = ten.Mul(ten, num)
	}
	whole, left := new(big.Int).QuoRem(num, den, new(big.Int))
	return whole, left.Sign() != 0
}
