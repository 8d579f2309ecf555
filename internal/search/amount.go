package search

import (
	"bytes"
	"math/big"

	"github.com/wardkeep/wardkeep/internal/ucum"
)

// amountScale returns the scale of amounts in a unit: of a UCUM unit that of its
// dimension, of any other that unit's own.
func amountScale(system, code string, units *units) scale {
	if system == ucum.System {
		if u := units.get(code); u != nil {
			return scale{tree: amountTree, prefix: pairWord(tagAmount, u.dim, ""), unit: u}
		}
	}
	b := pairWord(tagOther, system, "")
	return scale{tree: amountTree, prefix: append(b, pairWord(0, code, "")[1:]...)}
}

// quantityPred compares a number and its unit. A system and a code mean an
// amount: values in other units of UCUM that can be converted are converted. A
// code without a system may be the unit's code or its text.
type quantityPred struct {
	numberPred
	system, code []byte
	unit         *unit // of UCUM, nil if the code is none
	units        *units
}

func (p *quantityPred) match(v *value) bool {
	switch {
	case len(p.system) > 0 && !bytes.Equal(v.system, p.system):
		return false
	case len(p.code) == 0 || bytes.Equal(v.code, p.code):
		return p.numberPred.match(v)
	case len(p.system) == 0:
		return bytes.Equal(v.unit, p.code) && p.numberPred.match(v)
	case p.unit == nil:
		return false
	}
	u := p.units.get(string(v.code))
	if u == nil || u.dim != p.unit.dim {
		return false
	}
	at, low, high := p.unit.amount(p.at), p.unit.amount(p.low), p.unit.amount(p.high)
	if at == nil || low == nil || high == nil || !v.number.convertible() {
		return false
	}
	return p.accepts(&v.number, &amount{u, at}, &amount{u, low}, &amount{u, high})
}

// amount is a number of base units; decimals of unit are compared with it.
type amount struct {
	unit *unit
	of   *big.Rat
}

func (a *amount) from(d *decimal) int { return a.unit.convert(*d).Cmp(a.of) }

// amount returns d in base units, nil if it is too large or too small for that.
func (u *unit) amount(d decimal) *big.Rat {
	if !d.convertible() {
		return nil
	}
	return u.convert(d)
}

func (d decimal) convertible() bool {
	return d.exp <= maxConverted && d.exp >= -maxConverted
}

func (v *interval) convertible() bool { return v.lo.convertible() && v.hi.convertible() }

func (p *planner) quantity(s source, pr *quantityPred) node {
	if len(pr.system) > 0 && len(pr.code) > 0 {
		return p.number(s, amountScale(string(pr.system), string(pr.code), pr.units), &pr.numberPred)
	}
	n := p.number(s, plainScale, &pr.numberPred)
	if len(pr.system) > 0 || len(pr.code) > 0 {
		return n.loose()
	}
	return n
}
