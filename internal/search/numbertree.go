package search

// The number tree. Numbers map, in order, to positions: zero, then for each
// power of ten and each three leading digits two, one for exactly those digits
// and one for more digits following. Above a position lie nodes of two digits,
// one digit and the power of ten. Sides are those of the calendar tree.
//
// Powers beyond minPower and maxPower share one position at either end.
const (
	minPower = -6 // the tree begins at 0.1 × 10^-6
	maxPower = 12 // and ends before 1 × 10^12

	perPower  = 1800 // 900 leading triples, two positions each
	treeFirst = 2    // 0 is zero, 1 is smaller than the tree
	treeEnd   = treeFirst + (maxPower-minPower+1)*perPower
)

// Sizes of nodes in positions, finest first.
var numberSizes = [4]int32{1, 20, 200, perPower}

const levelSpecial = 's' // zero, too small, too large: outside the tree

type numberNode struct {
	level byte // 0…3 index of numberSizes, or levelSpecial
	n     int32
}

// position returns the place of d, and whether d is the only number there.
func position(d decimal) (pos int32, alone bool) {
	switch s := d.sign(); {
	case s == 0:
		return 0, true
	case d.exp < minPower:
		return int32(s), false
	case d.exp > maxPower:
		return int32(s) * treeEnd, false
	default:
		triple := int32(0)
		for i := range 3 {
			triple *= 10
			if i < len(d.digits) {
				triple += int32(d.digits[i] - '0')
			}
		}
		pos = treeFirst + (d.exp-minPower)*perPower + (triple-100)*2
		if len(d.digits) > 3 {
			pos++
		}
		return pos * int32(s), len(d.digits) <= 3
	}
}

// numberPath returns the nodes above a position, finest first; outside the tree
// all four are the same.
func numberPath(pos int32) [4]numberNode {
	sign, p := int32(1), pos
	if pos < 0 {
		sign, p = -1, -pos
	}
	var path [4]numberNode
	for i, size := range numberSizes {
		if p < treeFirst || p >= treeEnd {
			path[i] = numberNode{levelSpecial, pos}
		} else { // +1: node 0 exists on both sides of zero
			path[i] = numberNode{byte(i), sign * ((p-treeFirst)/size + 1)}
		}
	}
	return path
}

func (n numberNode) word(side byte) []byte {
	u := uint32(n.n)
	return []byte{tagNumber, side, n.level, byte(u >> 24), byte(u >> 16), byte(u >> 8), byte(u)}
}

// ends returns the positions of the ends of v. An end that v does not include
// is taken to the next position inwards, unless others share its position.
func (v interval) ends() (lo, hi int32) {
	if !v.loInf {
		p, alone := position(v.lo)
		if v.loOpen && alone {
			p++
		}
		lo = p
	}
	if !v.hiInf {
		p, alone := position(v.hi)
		if v.hiOpen && alone {
			p--
		}
		hi = p
	}
	return lo, hi
}

// numberWords calls add with the tokens of a value.
func numberWords(v interval, add func([]byte)) {
	lo, hi := v.ends()
	open := numberNode{level: levelOpen}
	low, top := numberPath(lo), numberPath(hi)
	for i := range low {
		switch {
		case v.loInf || v.hiInf:
		case low[i] == top[i]:
			add(low[i].word(dateIn))
			continue
		}
		if !v.loInf {
			add(low[i].word(dateLow))
		}
		if !v.hiInf {
			add(top[i].word(dateTop))
		}
	}
	if v.loInf {
		add(open.word(dateLow))
	}
	if v.hiInf {
		add(open.word(dateTop))
	}
}

// numberCover is a set of nodes that together cover the positions from first to
// last, both included.
func numberCover(first, last int32) []numberNode {
	var nodes []numberNode
	first, last = max(first, -treeEnd), min(last, treeEnd)
	for p := first; p <= last; {
		path := numberPath(p)
		n, width := path[0], int32(1)
		for i := 3; i > 0; i-- {
			if path[i].level == levelSpecial {
				break
			}
			if p > 0 && (p-treeFirst)%numberSizes[i] == 0 && p+numberSizes[i]-1 <= last ||
				p < 0 && (-p-treeFirst+1)%numberSizes[i] == 0 && p+numberSizes[i]-1 <= last {
				n, width = path[i], numberSizes[i]
				break
			}
		}
		nodes = append(nodes, n)
		p += width
	}
	return nodes
}
