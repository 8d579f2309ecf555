// Package ucum reads units of The Unified Code for Units of Measure, case
// sensitive form (UCUM 2.2), and relates them by exact rational arithmetic.
//
// The terms of https://ucum.org/license apply to the table of units.
package ucum

import (
	"math/big"

	"github.com/wardkeep/wardkeep/internal/fault"
)

//go:generate go run ./gen -essence ${UCUM_ESSENCE} -out table_gen.go

// System is the canonical address of UCUM as a code system.
const System = "http://unitsofmeasure.org"

// Unit is one unit as a magnitude over base units. It is immutable. The zero
// Unit is none; only Parse and Cache.Parse make units.
type Unit struct {
	factor, offset *big.Rat
	dim            string
}

// Parse reads a unit code. A code is refused with a fault of kind Invalid that
// tells the place and not the code: one that is not of the grammar (UCUM §§3–12)
// or names no unit; one that multiplies a unit of a scale other than a ratio
// scale with anything but a number (§22); and one whose magnitude or exponents
// are beyond any use. The empty code is not valid.
func Parse(code string) (Unit, error) {
	if len(code) > maxLength {
		return Unit{}, fault.New(fault.Invalid, "ucum.Parse", "The unit code is too long.")
	}
	t, err := evaluate(code, 0)
	if err != nil {
		return Unit{}, err
	}
	return Unit{factor: t.factor, offset: t.offset, dim: t.dims.String()}, nil
}

// Canonical returns the unit over base units: a value v in the unit is the value
// v·factor + offset in the dimension dim. The numbers are the caller's own.
//
// dim is A STORED FORMAT: it is part of index tokens. It is itself a UCUM term
// of factor 1: the codes of the base units in the order of their bytes, each
// with its exponent if that is not 1, joined by periods; "1" if there are none.
// Base units are m, s, g, rad, K, C and cd; each arbitrary unit (§24); and each
// unit of a scale that is not affine (B, [pH], …), which relates to itself only.
// The mole is a number in UCUM: mmol/L is of dimension m-3.
func (u Unit) Canonical() (factor, offset *big.Rat, dim string) {
	return new(big.Rat).Set(u.factor), new(big.Rat).Set(u.offset), u.dim
}

// Dimension returns the dim of Canonical.
func (u Unit) Dimension() string { return u.dim }

// ToCanonical returns the value v of unit u in u's dimension.
func (u Unit) ToCanonical(v *big.Rat) *big.Rat {
	out := new(big.Rat).Mul(v, u.factor)
	return out.Add(out, u.offset)
}

// Comparable reports whether values in a and b can be converted to each other.
func Comparable(a, b Unit) bool { return a.dim != "" && a.dim == b.dim }

// Convert returns value, given in the unit from, in the unit to. If they are not
// comparable the fault is of kind Unprocessable.
func Convert(value *big.Rat, from, to Unit) (*big.Rat, error) {
	if !Comparable(from, to) {
		return nil, fault.New(fault.Unprocessable, "ucum.Convert", "The units are not comparable.")
	}
	out := from.ToCanonical(value)
	out.Sub(out, to.offset)
	return out.Quo(out, to.factor), nil
}
