package search

import "math"

// Plans of ordered values. The nodes of a cover stand for "an end lies in
// there"; sides tells which words say so.

// centuryWords are the words of which every date has one.
func centuryWords() [][]byte {
	words := [][]byte{dateNode{level: levelOpen}.word(dateLow)}
	for c := int32(firstCentury); c <= lastCentury; c++ {
		n := dateNode{levelCentury, c}
		words = append(words, n.word(dateIn), n.word(dateLow))
	}
	return words
}

// starting is every date that starts on the days first to last, ending every
// one that ends there.
func (p *planner) dateSide(s source, side byte, first, last int32) node {
	nodes, exact := dateCover(first, last)
	words := make([][]byte, 0, 2*len(nodes)+1)
	for _, n := range nodes {
		words = append(words, n.word(dateIn), n.word(side))
	}
	if first == math.MinInt32 && side == dateLow || last == math.MaxInt32 && side == dateTop {
		words = append(words, dateNode{level: levelOpen}.word(side))
	}
	return p.any(s.text, exact, words...)
}

const (
	firstDay = math.MinInt32
	lastDay  = math.MaxInt32
)

func (p *planner) date(s source, pr *datePred) node {
	lo, hi := dayOf(pr.at.lo), dayOf(pr.at.hi)
	// Bounds within a day take the whole day and are rechecked.
	wholeLo := pr.at.lo%microDay == 0
	wholeHi := (pr.at.hi+1)%microDay == 0
	var n node
	switch pr.op {
	case opEq:
		return p.dateWithin(s, lo, hi, wholeLo && wholeHi)
	case opNe: // not within: some of it before, or some of it after
		return p.or([]node{p.date(s, &datePred{opLt, pr.at}), p.date(s, &datePred{opGt, pr.at})})
	case opGt, opSa:
		side := byte(dateTop)
		if pr.op == opSa {
			side = dateLow
		}
		if wholeHi {
			hi++
		}
		n = p.dateSide(s, side, hi, lastDay)
		n.exact = n.exact && wholeHi
	case opLt, opEb:
		side := byte(dateLow)
		if pr.op == opEb {
			side = dateTop
		}
		if wholeLo {
			lo--
		}
		n = p.dateSide(s, side, firstDay, lo)
		n.exact = n.exact && wholeLo
	case opGe:
		n = p.dateSide(s, dateTop, lo, lastDay)
		n.exact = n.exact && wholeLo
	case opLe:
		n = p.dateSide(s, dateLow, firstDay, hi)
		n.exact = n.exact && wholeHi
	default:
		return p.dateOverlap(s, lo, hi)
	}
	return n
}

// dateWithin is every date wholly on the days first to last. One calendar node
// is exact; across several a period may start in one and end in another.
func (p *planner) dateWithin(s source, first, last int32, whole bool) node {
	nodes, exact := dateCover(first, last)
	if len(nodes) == 1 {
		return p.any(s.text, exact && whole, nodes[0].word(dateIn))
	}
	n := p.dateSide(s, dateLow, first, last)
	n.exact = false
	return n
}

// dateOverlap is every date with an end on the days first to last, or one
// before and one after them.
func (p *planner) dateOverlap(s source, first, last int32) node {
	around := p.and([]node{p.dateSide(s, dateLow, firstDay, first), p.dateSide(s, dateTop, last, lastDay)})
	n := p.or([]node{p.dateSide(s, dateLow, first, last), p.dateSide(s, dateTop, first, last), around})
	n.exact = false
	return n
}

func (p *planner) numberSide(s source, side byte, first, last int32, open bool) node {
	nodes := numberCover(first, last)
	words := make([][]byte, 0, 2*len(nodes)+1)
	for _, n := range nodes {
		words = append(words, n.word(dateIn), n.word(side))
	}
	if open {
		words = append(words, numberNode{level: levelOpen}.word(side))
	}
	return p.any(s.text, true, words...)
}

// number plans a comparison. A bound that shares its position takes the whole
// position and is rechecked.
func (p *planner) number(s source, pr *numberPred) node {
	at, alone := position(pr.at)
	switch pr.op {
	case opGt, opSa:
		side := byte(dateTop)
		if pr.op == opSa {
			side = dateLow
		}
		if alone {
			at++
		}
		n := p.numberSide(s, side, at, treeEnd, side == dateTop)
		n.exact = n.exact && alone
		return n
	case opLt, opEb:
		side := byte(dateLow)
		if pr.op == opEb {
			side = dateTop
		}
		if alone {
			at--
		}
		n := p.numberSide(s, side, -treeEnd, at, side == dateLow)
		n.exact = n.exact && alone
		return n
	case opGe:
		n := p.numberSide(s, dateTop, at, treeEnd, true)
		n.exact = n.exact && alone
		return n
	case opLe:
		n := p.numberSide(s, dateLow, -treeEnd, at, true)
		n.exact = n.exact && alone
		return n
	case opNe:
		return p.numberOutside(s, pr)
	}
	return p.numberNear(s, pr)
}

// numberOutside is what has some below the range, or some at its end or above.
func (p *planner) numberOutside(s source, pr *numberPred) node {
	return p.or([]node{
		p.number(s, &numberPred{op: opLt, at: pr.low}),
		p.number(s, &numberPred{op: opGe, at: pr.high}),
	})
}

// numberNear is what starts or ends in the range, and for ap also what spans it.
func (p *planner) numberNear(s source, pr *numberPred) node {
	lo, _ := position(pr.low)
	hi, alone := position(pr.high)
	if pr.op == opEq && alone {
		hi-- // the range is open there
	}
	n := p.numberSide(s, dateLow, lo, hi, false)
	if pr.op == opAp {
		around := p.and([]node{
			p.numberSide(s, dateLow, -treeEnd, lo, true),
			p.numberSide(s, dateTop, hi, treeEnd, true),
		})
		n = p.or([]node{n, p.numberSide(s, dateTop, lo, hi, false), around})
	}
	n.exact = false
	return n
}
