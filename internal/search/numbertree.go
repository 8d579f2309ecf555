package search

// A number tree. Numbers map, in order, to positions: zero, then for each power
// of ten and each three leading digits two, one for exactly those digits and one
// for more digits following. Above a position lie nodes of two digits and of the
// power of ten. Sides are those of the calendar tree.
//
// Powers beyond least and most share one position at either end.
type numberTree struct{ least, most int32 }

// Numbers as they are written, and amounts over base units: from a femtolitre in
// cubic metres to the molecules of a mole in a cubic metre.
var (
	plainTree  = numberTree{-6, 12}  // from 0.1 × 10^-6, before 1 × 10^12
	amountTree = numberTree{-30, 45} // stored: a change is a new format
)

const (
	perPower  = 1800 // 900 leading triples, two positions each
	treeFirst = 2    // 0 is zero, 1 is smaller than the tree
)

func (t numberTree) end() int32 { return treeFirst + (t.most-t.least+1)*perPower }

// numberLevels are the levels of nodes and their sizes in positions, finest first.
var numberLevels = [3]struct {
	level byte
	size  int32
}{{0, 1}, {1, 20}, {3, perPower}}

const levelSpecial = 's' // zero, too small, too large: outside the tree

type numberNode struct {
	level byte
	n     int32
}

// position returns the place of d, and whether d is the only number there.
func (t numberTree) position(d decimal) (pos int32, alone bool) {
	s := int32(d.sign())
	if s == 0 {
		return 0, true
	}
	triple := int32(0)
	for i := range 3 {
		triple *= 10
		if i < len(d.digits) {
			triple += int32(d.digits[i] - '0')
		}
	}
	return t.place(s, d.exp, triple, len(d.digits) > 3)
}

// place returns the position of ±0.triple × 10^exp, perhaps with more digits.
func (t numberTree) place(sign, exp, triple int32, more bool) (pos int32, alone bool) {
	switch {
	case exp < t.least:
		return sign, false
	case exp > t.most:
		return sign * t.end(), false
	}
	pos = treeFirst + (exp-t.least)*perPower + (triple-100)*2
	if more {
		pos++
	}
	return pos * sign, !more
}

// path returns the nodes above a position, finest first; outside the tree all
// are the same.
func (t numberTree) path(pos int32) (path [3]numberNode) {
	sign, p := int32(1), pos
	if pos < 0 {
		sign, p = -1, -pos
	}
	for i, at := range numberLevels {
		if p < treeFirst || p >= t.end() {
			path[i] = numberNode{levelSpecial, pos}
		} else { // +1: node 0 exists on both sides of zero
			path[i] = numberNode{at.level, sign * ((p-treeFirst)/at.size + 1)}
		}
	}
	return path
}

// append appends the node and the side of a value that lies in it to a word.
func (n numberNode) append(b []byte, side byte) []byte {
	u := uint32(n.n)
	return append(b, side, n.level, byte(u>>24), byte(u>>16), byte(u>>8), byte(u))
}

// scale is a tree and what its words begin with: the plain numbers of a field,
// or its amounts of one kind.
type scale struct {
	tree   numberTree
	prefix []byte
	unit   *unit // numbers are converted from; nil: they are not
}

var plainScale = scale{tree: plainTree, prefix: []byte{tagNumber}}

func (sc scale) word(n numberNode, side byte) []byte {
	b := make([]byte, 0, len(sc.prefix)+6)
	return n.append(append(b, sc.prefix...), side)
}

func (sc scale) position(d decimal) (pos int32, alone bool) {
	if sc.unit == nil {
		return sc.tree.position(d)
	}
	return sc.unit.position(sc.tree, d)
}

// ends returns the positions of the ends of v. An end that v does not include
// is taken to the next position inwards, unless others share its position.
func (sc scale) ends(v interval) (lo, hi int32) {
	if !v.loInf {
		p, alone := sc.position(v.lo)
		if v.loOpen && alone {
			p++
		}
		lo = p
	}
	switch {
	case v.hiInf:
	case !v.loInf && !v.loOpen && !v.hiOpen && v.lo.cmp(v.hi) == 0:
		hi = lo
	default:
		p, alone := sc.position(v.hi)
		if v.hiOpen && alone {
			p--
		}
		hi = p
	}
	return lo, hi
}

// words calls add with the tokens of a value.
func (sc scale) words(v interval, add func([]byte)) {
	lo, hi := sc.ends(v)
	open := numberNode{level: levelOpen}
	low, top := sc.tree.path(lo), sc.tree.path(hi)
	for i := range low {
		if !v.loInf && !v.hiInf && low[i] == top[i] {
			if i == 0 || low[i] != low[i-1] {
				add(sc.word(low[i], dateIn))
			}
			continue
		}
		if !v.loInf {
			add(sc.word(low[i], dateLow))
		}
		if !v.hiInf {
			add(sc.word(top[i], dateTop))
		}
	}
	if v.loInf {
		add(sc.word(open, dateLow))
	}
	if v.hiInf {
		add(sc.word(open, dateTop))
	}
}

// cover is a set of nodes that together cover the positions from first to last,
// both included.
func (t numberTree) cover(first, last int32) []numberNode {
	var nodes []numberNode
	first, last = max(first, -t.end()), min(last, t.end())
	for p := first; p <= last; {
		path := t.path(p)
		n, width := path[0], int32(1)
		for i := len(path) - 1; i > 0; i-- {
			if path[i].level == levelSpecial {
				break
			}
			size := numberLevels[i].size
			if p > 0 && (p-treeFirst)%size == 0 && p+size-1 <= last ||
				p < 0 && (-p-treeFirst+1)%size == 0 && p+size-1 <= last {
				n, width = path[i], size
				break
			}
		}
		nodes = append(nodes, n)
		p += width
	}
	return nodes
}

// present are the words of which every number of the plain scale has one.
func (sc scale) present() [][]byte {
	words := [][]byte{sc.word(numberNode{level: levelOpen}, dateLow)}
	add := func(n numberNode) {
		words = append(words, sc.word(n, dateIn), sc.word(n, dateLow))
	}
	end := sc.tree.end()
	for _, p := range []int32{0, 1, -1, end, -end} {
		add(numberNode{levelSpecial, p})
	}
	for p := int32(treeFirst); p < end; p += perPower {
		add(sc.tree.path(p)[2])
		add(sc.tree.path(-p)[2])
	}
	return words
}
