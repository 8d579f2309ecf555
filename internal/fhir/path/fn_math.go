package path

import (
	"math"
	"math/big"
)

var maths = [...]function{
	{"abs", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		v, ok, err := singleNumber(in)
		if err != nil || !ok {
			return nil, err
		}
		if sign(v) < 0 {
			v = negate(v)
		}
		return c.number(v), nil
	}},
	{"ceiling", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		return c.whole(in, func(d Decimal) *big.Int { return d.ceil(0).coef() })
	}},
	{"floor", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		return c.whole(in, func(d Decimal) *big.Int { return d.floor(0).coef() })
	}},
	{"truncate", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) {
		return c.whole(in, Decimal.truncate)
	}},
	{"exp", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) { return c.float(in, math.Exp) }},
	{"ln", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) { return c.float(in, math.Log) }},
	{"sqrt", 0, 0, 0, func(c *evaluation, in Collection, _ *callExpr) (Collection, error) { return c.float(in, math.Sqrt) }},
	{"log", 1, 1, 0, func(c *evaluation, in Collection, f *callExpr) (Collection, error) {
		base, ok, err := c.decimalArg(f)
		if err != nil || !ok {
			return nil, err
		}
		return c.float(in, func(x float64) float64 { return math.Log(x) / math.Log(base.float()) })
	}},
	{"power", 1, 1, 0, power},
	{"round", 0, 1, 0, round},
}

// singleNumber takes the input as one number or quantity.
func singleNumber(in Collection) (v Value, ok bool, err error) {
	if v, ok, err = single(in); err != nil || !ok {
		return v, false, err
	}
	v = v.system()
	switch {
	case valueless(v):
		return v, false, nil
	case !v.isNumber() && v.kind != QuantityKind:
		return v, false, errType
	}
	return v, true, nil
}

func sign(v Value) int {
	if v.kind == QuantityKind {
		return v.quantity().value.sign()
	}
	return v.asDecimal().sign()
}

// whole rounds to a whole number: an Integer, or a Quantity of the same unit.
func (c *evaluation) whole(in Collection, fn func(Decimal) *big.Int) (Collection, error) {
	v, ok, err := singleNumber(in)
	if err != nil || !ok {
		return nil, err
	}
	switch v.kind {
	case QuantityKind:
		q := v.quantity()
		q.value = Decimal{c: fn(q.value)}
		return c.number(quantity(q)), nil
	case DecimalKind:
		n := fn(v.decimal())
		if !n.IsInt64() {
			return nil, nil
		}
		return c.number(integer(n.Int64())), nil
	}
	return in, nil
}

// float applies a function that is not exact.
func (c *evaluation) float(in Collection, fn func(float64) float64) (Collection, error) {
	v, ok, err := singleNumber(in)
	if err != nil || !ok {
		return nil, err
	}
	if v.kind == QuantityKind {
		return nil, errType
	}
	d, ok := decimalFloat(fn(v.asDecimal().float()))
	if !ok {
		return nil, nil
	}
	return c.one(decimal(d)), nil
}

// decimalArg evaluates the first argument as a number.
func (c *evaluation) decimalArg(f *callExpr) (Decimal, bool, error) {
	arg, err := c.argument(f.args[0])
	if err != nil {
		return Decimal{}, false, err
	}
	v, ok, err := singleNumber(arg)
	if err != nil || !ok {
		return Decimal{}, false, err
	}
	if v.kind == QuantityKind {
		return Decimal{}, false, errType
	}
	return v.asDecimal(), true, nil
}

// power is exact for whole exponents that stay in range.
func power(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	v, ok, err := singleNumber(in)
	if err != nil || !ok {
		return nil, err
	}
	e, ok, err := c.decimalArg(f)
	if err != nil || !ok {
		return nil, err
	}
	if v.kind == QuantityKind {
		return nil, errType
	}
	n := e.truncate()
	whole := e.cmp(Decimal{c: n}) == 0
	base := v.asDecimal()
	if whole && n.Sign() >= 0 && n.IsInt64() && int64(base.coef().BitLen()+1)*n.Int64() < 4000 {
		p := Decimal{new(big.Int).Exp(base.coef(), n, nil), base.scale * int(n.Int64())}
		if p.scale > maxScale {
			p = p.round(maxScale)
		}
		if v.kind == DecimalKind {
			return c.number(decimal(p)), nil
		}
		if !p.coef().IsInt64() {
			return nil, nil
		}
		return c.number(Value{kind: v.kind, i: p.coef().Int64()}), nil
	}
	d, ok := decimalFloat(math.Pow(base.float(), e.float()))
	if !ok {
		return nil, nil
	}
	return c.one(decimal(d)), nil
}

func round(c *evaluation, in Collection, f *callExpr) (Collection, error) {
	v, ok, err := singleNumber(in)
	if err != nil || !ok {
		return nil, err
	}
	n := 0
	if len(f.args) == 1 {
		if n, ok, err = c.intArg(f, 0); err != nil || !ok {
			return nil, err
		}
	}
	if n < 0 || n > maxScale {
		return nil, errRange
	}
	if v.kind == QuantityKind {
		q := v.quantity()
		q.value = q.value.round(n)
		return c.number(quantity(q)), nil
	}
	return c.number(decimal(v.asDecimal().round(n))), nil
}
