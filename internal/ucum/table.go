package ucum

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
)

type kind uint8

const (
	proper    kind = iota // value times unit
	base                  // defined by itself
	arbitrary             // of a procedure, and related to itself only (§24)
	affine                // (reading + zero) times value times unit
	scale                 // of another special scale: logarithms, tangents, a root
)

// atom is one unit as UCUM defines it.
type atom struct {
	code        string
	kind        kind
	metric      bool
	value, unit string
	zero        string // of affine: from the zero of unit to the scale's own
}

type prefix struct{ code, value string }

// resolve returns the unit of a symbol: the metric atom after the longest
// prefix, or the atom that is called so (§4). No symbol of the table is both;
// TestTable holds it to that.
func resolve(symbol string, depth int) (term, bool, error) {
	if a, ok := lookUp(symbol); ok {
		t, err := a.expand(depth)
		return t, err == nil, err
	}
	for n := min(2, len(symbol)-1); n > 0; n-- {
		i, ok := slices.BinarySearchFunc(prefixes[:], symbol[:n], func(p prefix, code string) int {
			return strings.Compare(p.code, code)
		})
		if !ok {
			continue
		}
		a, ok := lookUp(symbol[n:])
		if !ok || !a.metric {
			continue
		}
		t, err := a.expand(depth)
		if err != nil {
			return t, false, err
		}
		t.factor = new(big.Rat).Mul(t.factor, rational(prefixes[i].value))
		return t, true, nil
	}
	return term{}, false, nil
}

func lookUp(code string) (atom, bool) {
	i, ok := slices.BinarySearchFunc(atoms[:], code, func(a atom, code string) int {
		return strings.Compare(a.code, code)
	})
	if !ok {
		return atom{}, false
	}
	return atoms[i], true
}

// expand returns the atom over base units.
func (a atom) expand(depth int) (term, error) {
	if a.kind == base || a.kind == arbitrary || a.kind == scale {
		t := number(big.NewRat(1, 1))
		t.dims, t.special = dims{{a.code, 1}}, a.kind == scale
		return t, nil
	}
	if depth >= 2*maxNesting {
		return term{}, fault.Wrap(fault.Internal, "ucum.Parse", fmt.Errorf("definitions are nested too deeply"))
	}
	t, err := evaluate(a.unit, depth+1)
	if err != nil {
		return t, fault.Wrap(fault.Internal, "ucum.Parse", fmt.Errorf("a definition of the table is broken"))
	}
	t.factor = new(big.Rat).Mul(t.factor, rational(a.value))
	if a.kind == affine {
		t.offset = new(big.Rat).Mul(t.factor, rational(a.zero))
		t.special = true
	}
	return t, nil
}

// rational reads a number of the table.
func rational(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		panic("ucum: a number of the table is broken")
	}
	return r
}
