package path

import (
	"cmp"
	"hash/maphash"
	"math/big"
	"strings"
	"unicode"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// answer is the result of a comparison in three-valued logic.
type answer uint8

const (
	no answer = iota
	yes
	unknown
)

func answerOf(b bool) answer {
	if b {
		return yes
	}
	return no
}

func (c *evaluation) equalCollections(l, r Collection) (answer, error) {
	if len(l) != len(r) {
		return no, nil
	}
	res := yes
	for i := range l {
		a, err := c.equal(l[i], r[i])
		if err != nil || a == no {
			return no, err
		}
		if a == unknown {
			res = unknown
		}
	}
	return res, nil
}

// equal is the operator = on two items.
func (c *evaluation) equal(a, b Value) (answer, error) {
	if err := c.spend(0); err != nil {
		return no, err
	}
	if a.kind == Element && b.kind == Element && a.node == b.node {
		return yes, nil
	}
	a, b = a.system(), b.system()
	switch {
	case a.kind == Element && b.kind == Element:
		same, err := c.sameNode(a.node, b.node, c.equalNodes)
		return answerOf(same), err
	case a.kind == Element || b.kind == Element:
		return no, nil
	case a.isNumber() && b.isNumber():
		if a.kind != DecimalKind && b.kind != DecimalKind {
			return answerOf(a.i == b.i), nil
		}
		return answerOf(a.asDecimal().cmp(b.asDecimal()) == 0), nil
	case a.isTemporal() && b.isTemporal() && (a.kind == Time) == (b.kind == Time):
		order, known := compareTemporal(a.temporal(), b.temporal())
		if !known {
			return unknown, nil
		}
		return answerOf(order == 0), nil
	}
	if qa, qb, ok := bothQuantities(a, b); ok {
		order, known := compareQuantity(qa, qb)
		if !known {
			return unknown, nil
		}
		return answerOf(order == 0), nil
	}
	switch {
	case a.kind != b.kind:
		return no, nil
	case a.kind == TypeInfo:
		return answerOf(a.x == b.x), nil
	}
	return answerOf(a.i == b.i && a.s == b.s), nil
}

func bothQuantities(a, b Value) (x, y Quantity, ok bool) {
	if a.kind != QuantityKind && b.kind != QuantityKind {
		return x, y, false
	}
	x, okA := asQuantity(a)
	y, okB := asQuantity(b)
	return x, y, okA && okB
}

func asQuantity(v Value) (Quantity, bool) {
	switch {
	case v.kind == QuantityKind:
		return v.quantity(), true
	case v.isNumber():
		return Quantity{value: v.asDecimal(), unit: "1"}, true
	}
	return Quantity{}, false
}

func compareQuantity(a, b Quantity) (order int, known bool) {
	if a.coarser(b) || a.sameUnit(b) {
		v, ok := b.inUnitOf(a, false)
		if !ok {
			return 0, false
		}
		return a.value.Rat().Cmp(v), true
	}
	v, ok := a.inUnitOf(b, false)
	if !ok {
		return 0, false
	}
	return v.Cmp(b.value.Rat()), true
}

func (c *evaluation) equalNodes(a, b fhir.Node) (bool, error) {
	res, err := c.equal(Of(a), Of(b))
	return res == yes, err
}

func (c *evaluation) equivalentNodes(a, b fhir.Node) (bool, error) { return c.equivalent(Of(a), Of(b)) }

// sameNode compares two elements child by child. The children of an element are
// in an order only where they are a list.
func (c *evaluation) sameNode(a, b fhir.Node, same func(a, b fhir.Node) (bool, error)) (bool, error) {
	if c.depth++; c.depth > 256 {
		return false, ErrTooCostly
	}
	defer func() { c.depth-- }()
	if a.IsPrimitive() != b.IsPrimitive() || (a.Raw() == nil) != (b.Raw() == nil) {
		return false, nil
	}
	left, right := 0, 0
	for range b.Children() {
		right++
	}
	last := ""
	for child := range a.Children() {
		left++
		if child.Name() == last && child.IsList() {
			continue
		}
		last = child.Name()
		ok, err := c.sameLists(a, b, last, same)
		if err != nil || !ok {
			return false, err
		}
	}
	return left == right, nil
}

func (c *evaluation) sameLists(a, b fhir.Node, name string, same func(a, b fhir.Node) (bool, error)) (bool, error) {
	var others []fhir.Node
	for o := range b.All(name) {
		others = append(others, o)
	}
	i := 0
	for child := range a.All(name) {
		if i == len(others) || child.TypeID() != others[i].TypeID() {
			return false, nil
		}
		ok, err := same(child, others[i])
		if err != nil || !ok {
			return false, err
		}
		i++
	}
	return i == len(others), c.spend(i)
}

// equivalentCollections is the operator ~: the order does not matter.
func (c *evaluation) equivalentCollections(l, r Collection) (bool, error) {
	if len(l) != len(r) {
		return false, nil
	}
	used := make([]bool, len(r))
next:
	for _, a := range l {
		for i, b := range r {
			if used[i] {
				continue
			}
			same, err := c.equivalent(a, b)
			if err != nil {
				return false, err
			}
			if same {
				used[i] = true
				continue next
			}
		}
		return false, nil
	}
	return true, nil
}

// equivalent is the operator ~ on two items.
func (c *evaluation) equivalent(a, b Value) (bool, error) {
	if err := c.spend(0); err != nil {
		return false, err
	}
	a, b = a.system(), b.system()
	switch {
	case a.kind == Element && b.kind == Element:
		return c.sameNode(a.node, b.node, c.equivalentNodes)
	case a.isNumber() && b.isNumber():
		return equivalentDecimal(a.asDecimal(), b.asDecimal()), nil
	case a.kind == String && b.kind == String:
		return foldText(a.s) == foldText(b.s), nil
	}
	if qa, qb, ok := bothQuantities(a, b); ok {
		return equivalentQuantity(qa, qb), nil
	}
	res, err := c.equal(a, b)
	return res == yes, err
}

// equivalentDecimal compares with the digits of the less precise number.
func equivalentDecimal(a, b Decimal) bool {
	a, b = a.trim(), b.trim()
	n := min(a.scale, b.scale)
	return a.round(n).cmp(b.round(n)) == 0
}

func equivalentQuantity(a, b Quantity) bool {
	if b.coarser(a) {
		a, b = b, a
	}
	v, ok := b.inUnitOf(a, true)
	return ok && equivalentDecimal(a.value, decimalRat(v))
}

// foldText drops the difference of case and of kinds of white space.
func foldText(s string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return unicode.ToLower(unicode.ToUpper(r))
	}, s))
}

// compare orders two items; known is false where the standard gives nothing.
func compare(a, b Value) (order int, known bool, err error) {
	a, b = a.system(), b.system()
	switch {
	case a.kind == String && b.kind == String:
		return strings.Compare(a.s, b.s), true, nil
	case a.isNumber() && b.isNumber():
		if a.kind != DecimalKind && b.kind != DecimalKind {
			return cmp.Compare(a.i, b.i), true, nil
		}
		return a.asDecimal().cmp(b.asDecimal()), true, nil
	case a.isTemporal() && b.isTemporal() && (a.kind == Time) == (b.kind == Time):
		order, known = compareTemporal(a.temporal(), b.temporal())
		return order, known, nil
	}
	if qa, qb, ok := bothQuantities(a, b); ok {
		order, known = compareQuantity(qa, qb)
		return order, known, nil
	}
	if valueless(a) || valueless(b) {
		return 0, false, nil
	}
	return 0, false, errType
}

// valueless reports an element that could be compared if it had a value, or a
// Quantity that is no single one.
func valueless(v Value) bool {
	return v.kind == Element && (v.node.IsPrimitive() || isQuantity(v.node))
}

// distinct returns the items of all lists without those equal to one before.
func (c *evaluation) distinct(lists ...Collection) (Collection, error) {
	n := 0
	for _, l := range lists {
		n += len(l)
	}
	out := make(Collection, 0, n)
	seen := c.newSet(n)
	for _, l := range lists {
		for _, v := range l {
			added, err := seen.add(v)
			if err != nil {
				return nil, err
			}
			if added {
				out = append(out, v)
			}
		}
	}
	return out, nil
}

// set holds values that are not equal to each other. Beyond a few it keeps them
// by a key that equal values share, so that it does not compare all with all.
type set struct {
	c     *evaluation
	few   []Value
	byKey map[string][]Value
}

const fewValues = 8

func (c *evaluation) newSet(n int) *set {
	s := &set{c: c}
	if n > fewValues {
		if !c.seeded {
			c.seed, c.seeded = maphash.MakeSeed(), true
		}
		s.byKey = make(map[string][]Value, n)
	}
	return s
}

func (s *set) bucket(v Value) (string, []Value, error) {
	if err := s.c.spend(0); err != nil {
		return "", nil, err
	}
	if s.byKey == nil {
		return "", s.few, nil
	}
	k, err := s.c.key(v)
	return k, s.byKey[k], err
}

func (s *set) has(v Value) (bool, error) {
	_, in, err := s.bucket(v)
	if err != nil {
		return false, err
	}
	return s.holds(in, v)
}

func (s *set) holds(in []Value, v Value) (bool, error) {
	for _, o := range in {
		res, err := s.c.equal(o, v)
		if err != nil || res == yes {
			return res == yes, err
		}
	}
	return false, nil
}

func (s *set) add(v Value) (bool, error) {
	k, in, err := s.bucket(v)
	if err != nil {
		return false, err
	}
	if there, err := s.holds(in, v); there || err != nil {
		return false, err
	}
	if s.byKey == nil {
		s.few = append(s.few, v)
	} else {
		s.byKey[k] = append(in, v)
	}
	return true, nil
}

// key returns a text that all values equal to v have too.
func (c *evaluation) key(v Value) (string, error) {
	switch v = v.system(); {
	case v.kind == Element:
		sum, err := c.sum(v.node, 0)
		return "e" + big.NewInt(int64(sum)).Text(36), err
	case v.kind == String:
		return "s" + v.s, nil
	case v.isNumber():
		return "q" + v.asDecimal().trim().String(), nil
	case v.kind == QuantityKind:
		return "q" + v.quantity().key(), nil
	case v.isTemporal():
		t := v.temporal()
		if t.zoned {
			return "z" + t.utc().String(), nil
		}
		return "t" + t.at().String(), nil
	}
	return "", nil
}
