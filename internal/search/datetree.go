package search

import "time"

// The calendar tree. A value lies under day, month, year, decade and century
// nodes; a token names a node and the side of the value that lies there:
//
//	dateIn  the whole value lies in the node
//	dateLow its start does, but not all of it; likewise the open start
//	dateTop its end does, but not all of it; likewise the open end
//
// so a point in time has five tokens, and a period five for what its ends have
// in common and one each for what parts them. For every node above one end of a
// value exactly one of "in" and that end's side is present, which is what makes
// the covers below exact.
const (
	dateIn  = 'i'
	dateLow = 'l'
	dateTop = 'h'
)

const (
	levelDay     = 'd'
	levelMonth   = 'm'
	levelYear    = 'y'
	levelDecade  = 'e'
	levelCentury = 'c'
	levelOpen    = 'o'
)

// Centuries beyond these share one node at either side, so that a search
// without an end is a short list. Ends of searches in there are not exact.
const (
	firstCentury = 16 // and all before it
	lastCentury  = 22 // and all after it
)

// dateNode is one node of the tree: its level, and its number on that level.
type dateNode struct {
	level byte
	n     int32
}

// datePath returns the nodes above a day, finest first.
func datePath(day int32) [5]dateNode {
	y, m, _ := time.Unix(int64(day)*86400, 0).UTC().Date()
	return [5]dateNode{
		{levelDay, day},
		{levelMonth, int32(y*12 + int(m) - 1)},
		{levelYear, int32(y)},
		{levelDecade, int32(y / 10)},
		century(y),
	}
}

func century(year int) dateNode {
	return dateNode{levelCentury, int32(min(max(year/100, firstCentury), lastCentury))}
}

func dayOf(micro int64) int32 {
	d := micro / microDay
	if micro%microDay < 0 {
		d--
	}
	return int32(d)
}

func (n dateNode) word(side byte) []byte {
	u := uint32(n.n)
	return []byte{tagDate, side, n.level, byte(u >> 24), byte(u >> 16), byte(u >> 8), byte(u)}
}

// dateWords calls add with the tokens of a value.
func dateWords(s span, add func([]byte)) {
	open := dateNode{level: levelOpen}
	switch {
	case s.lo == openLo && s.hi == openHi:
		add(open.word(dateLow))
		add(open.word(dateTop))
		return
	case s.lo == openLo:
		add(open.word(dateLow))
		for _, n := range datePath(dayOf(s.hi)) {
			add(n.word(dateTop))
		}
		return
	case s.hi == openHi:
		for _, n := range datePath(dayOf(s.lo)) {
			add(n.word(dateLow))
		}
		add(open.word(dateTop))
		return
	}
	low, top := datePath(dayOf(s.lo)), datePath(dayOf(s.hi))
	for i := range low {
		if low[i] == top[i] {
			add(low[i].word(dateIn))
			continue
		}
		add(low[i].word(dateLow))
		add(top[i].word(dateTop))
	}
}

// dateCover is a set of nodes that together cover the days from first to last,
// both included; the least and the greatest int32 are open ends. It is exact
// unless an end lies in a shared century, where it covers more.
func dateCover(first, last int32) (nodes []dateNode, exact bool) {
	exact = true
	const floor, ceiling = -719162, 2932896 // 0001-01-01 and 9999-12-31
	if first < floor {
		first = floor
	} else if shared(first) {
		exact = false
	}
	if last > ceiling {
		last = ceiling
	} else if shared(last) {
		exact = false
	}
	seen := map[dateNode]bool{}
	for day := first; day <= last; {
		n, next := widest(day, first, last)
		if !seen[n] {
			seen[n] = true
			nodes = append(nodes, n)
		}
		day = next
	}
	return nodes, exact
}

// shared reports whether a day's century is one of those that share a node.
func shared(day int32) bool {
	c := datePath(day)[4].n
	return c <= firstCentury || c >= lastCentury
}

// widest returns the largest node that starts on day and ends by last, and the
// day after it. In the shared centuries it goes beyond rather than being cut
// into thousands of years.
func widest(day, first, last int32) (dateNode, int32) {
	y, m, d := time.Unix(int64(day)*86400, 0).UTC().Date()
	path := datePath(day)
	if c := path[4]; shared(day) {
		if c.n == firstCentury {
			return c, daysFrom((firstCentury+1)*100, 1)
		}
		return c, last + 1
	}
	if d == 1 && m == time.January {
		if next := daysFrom((y/100+1)*100, 1); y%100 == 0 && next-1 <= last {
			return path[4], next
		}
		if next := daysFrom((y/10+1)*10, 1); y%10 == 0 && next-1 <= last {
			return path[3], next
		}
		if next := daysFrom(y+1, 1); next-1 <= last {
			return path[2], next
		}
	}
	if next := daysFrom(y, int(m)+1); d == 1 && next-1 <= last {
		return path[1], next
	}
	return path[0], day + 1
}

func daysFrom(year, month int) int32 {
	return int32(time.Date(year, time.Month(month), 1, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}
