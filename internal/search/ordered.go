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
		if !wholeHi {
			n = n.around(p.dateSide(s, side, hi+1, lastDay))
		}
	case opLt, opEb:
		side := byte(dateLow)
		if pr.op == opEb {
			side = dateTop
		}
		if wholeLo {
			lo--
		}
		n = p.dateSide(s, side, firstDay, lo)
		if !wholeLo {
			n = n.around(p.dateSide(s, side, firstDay, lo-1))
		}
	case opGe: // after, or within
		return p.or([]node{p.date(s, &datePred{opGt, pr.at}), p.date(s, &datePred{opEq, pr.at})})
	case opLe:
		return p.or([]node{p.date(s, &datePred{opLt, pr.at}), p.date(s, &datePred{opEq, pr.at})})
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
	return n.loose()
}

// dateOverlap is every date with an end on the days first to last, or one
// before and one after them.
func (p *planner) dateOverlap(s source, first, last int32) node {
	around := p.and([]node{p.dateSide(s, dateLow, firstDay, first), p.dateSide(s, dateTop, last, lastDay)})
	n := p.or([]node{p.dateSide(s, dateLow, first, last), p.dateSide(s, dateTop, first, last), around})
	if first+1 < last {
		return n.around(p.or([]node{p.dateSide(s, dateLow, first+1, last-1), p.dateSide(s, dateTop, first+1, last-1)}))
	}
	return n.loose()
}

// around is n as an inexact node of which inner, if that is exact, is sure.
func (n node) around(inner node) node {
	n = n.loose()
	if inner.exact {
		n.sure = inner.expr
	}
	return n
}

func (p *planner) numberSide(s source, sc scale, side byte, first, last int32, open bool) node {
	nodes := sc.tree.cover(first, last)
	words := make([][]byte, 0, 2*len(nodes)+1)
	for _, n := range nodes {
		words = append(words, sc.word(n, dateIn), sc.word(n, side))
	}
	if open {
		words = append(words, sc.word(numberNode{level: levelOpen}, side))
	}
	return p.any(s.text, true, words...)
}

// number plans a comparison. A bound that shares its position takes the whole
// position and is rechecked.
func (p *planner) number(s source, sc scale, pr *numberPred) node {
	at, alone := sc.position(pr.at)
	end := sc.tree.end()
	var n node
	switch pr.op {
	case opGt, opSa:
		side := byte(dateTop)
		if pr.op == opSa {
			side = dateLow
		}
		if alone {
			at++
		}
		n = p.numberSide(s, sc, side, at, end, side == dateTop)
		if !alone {
			return n.around(p.numberSide(s, sc, side, at+1, end, side == dateTop))
		}
	case opLt, opEb:
		side := byte(dateLow)
		if pr.op == opEb {
			side = dateTop
		}
		if alone {
			at--
		}
		n = p.numberSide(s, sc, side, -end, at, side == dateLow)
		if !alone {
			return n.around(p.numberSide(s, sc, side, -end, at-1, side == dateLow))
		}
	case opGe, opLe: // beyond, or just there
		beyond := &numberPred{op: opGt, at: pr.at}
		if pr.op == opLe {
			beyond.op = opLt
		}
		n = p.or([]node{p.number(s, sc, beyond), p.any(s.text, alone, sc.word(sc.tree.path(at)[0], dateIn))})
	case opNe:
		return p.numberOutside(s, sc, pr)
	default:
		return p.numberNear(s, sc, pr)
	}
	return n
}

// numberOutside is what has some below the range, or some at its end or above.
func (p *planner) numberOutside(s source, sc scale, pr *numberPred) node {
	high, alone := sc.position(pr.high)
	end := p.numberSide(s, sc, dateTop, high, sc.tree.end(), true)
	end.exact = end.exact && alone
	return p.or([]node{p.number(s, sc, &numberPred{op: opLt, at: pr.low}), end})
}

// numberNear is what starts or ends in the range, and for ap also what spans it.
func (p *planner) numberNear(s source, sc scale, pr *numberPred) node {
	lo, _ := sc.position(pr.low)
	hi, alone := sc.position(pr.high)
	if pr.op == opEq && alone {
		hi-- // the range is open there
	}
	n := p.numberSide(s, sc, dateLow, lo, hi, false)
	if pr.op == opAp {
		end := sc.tree.end()
		around := p.and([]node{
			p.numberSide(s, sc, dateLow, -end, lo, true),
			p.numberSide(s, sc, dateTop, hi, end, true),
		})
		n = p.or([]node{n, p.numberSide(s, sc, dateTop, lo, hi, false), around})
	}
	return n.loose()
}
