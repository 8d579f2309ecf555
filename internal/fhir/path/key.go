package path

import (
	"hash/maphash"
	"math/big"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/ucum"
)

func isQuantity(n fhir.Node) bool { return isSubtype(n.TypeID(), r4.Quantity) }

// key returns a text that equal quantities share. Those in months and years
// are compared with days by rough factors, so they share one with all others.
func (q Quantity) key() string {
	u, err := ucum.Parse(q.definite())
	switch {
	case q.calendar != 0:
		return "calendar"
	case err != nil:
		return q.unit
	case u.Dimension() == "s":
		return "calendar"
	case u.Dimension() == "1":
		return decimalText(u.ToCanonical(q.value.Rat()))
	}
	return u.ToCanonical(q.value.Rat()).RatString() + u.Dimension()
}

// decimalText writes a number as key does for those without unit.
func decimalText(r *big.Rat) string { return decimalRat(r).String() }

// sum hashes an element so that equal ones have the same sum, in whatever order
// their members stand. Values with several texts do not count.
func (c *evaluation) sum(n fhir.Node, depth int) (uint64, error) {
	if err := c.spend(0); err != nil || depth > 64 {
		return 0, err
	}
	var h maphash.Hash
	h.SetSeed(c.seed)
	h.WriteString(n.Name())
	if n.IsPrimitive() {
		if v, ok := primitive(n.TypeID(), n.Text()); ok && v.kind == String {
			h.WriteString(v.s)
		}
	}
	sum := h.Sum64()
	if isQuantity(n) {
		return sum, nil
	}
	for child := range n.Children() {
		s, err := c.sum(child, depth+1)
		if err != nil {
			return 0, err
		}
		sum += s * 31
	}
	return sum, nil
}
