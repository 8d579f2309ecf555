package search

import (
	"time"

	"github.com/wardkeep/wardkeep/internal/store"
)

// Slice is a part of what a plan finds, cut along the first key of its order.
type Slice struct {
	// In finds every record whose place is in the slice, and perhaps others.
	// If it is nil, all are wanted but those that Out finds.
	In, Out store.Expr
	// Bound is above the sort keys of all records of this slice and those
	// before it, and not above any other; nil if nothing comes behind.
	Bound []byte

	cut   *cut
	level int // of the calendar tree, coarsest first; days have no parts
	node  dateNode
}

// cut is what all slices of one plan have in common.
type cut struct {
	names   Names
	sources []source
	desc    bool
}

// Slices cuts what the plan finds along its first sort key, if that is a date:
// none if the order cannot be told from words.
func (p *Plan) Slices(names Names) []Slice {
	if len(p.q.Sort) == 0 || p.q.Sort[0].param.kind != kindDate || p.q.Sort[0].param.special != "" {
		return nil
	}
	c := &cut{names: names, sources: p.q.Sort[0].param.sources, desc: p.q.Sort[0].Desc}
	open := Slice{In: c.in(dateNode{level: levelOpen}), Bound: c.key(openLo + 1)}
	if c.desc {
		open.Bound = c.key(openHi - 1)
	}
	slices := []Slice{open}
	for n := range int32(lastCentury - firstCentury + 1) {
		node := dateNode{levelCentury, firstCentury + n}
		if c.desc {
			node.n = lastCentury - n
		}
		slices = append(slices, c.slice(0, node))
	}
	rest := Slice{}
	if names.Exact() {
		var any store.Or
		for _, s := range c.sources {
			for _, w := range centuryWords() {
				any = append(any, store.Has{Token: names.Token(s.text, w)})
			}
		}
		rest.Out = any
	}
	return append(slices, rest)
}

// levels of the calendar tree, coarsest first.
var levels = [...]byte{levelCentury, levelDecade, levelYear, levelMonth, levelDay}

func (c *cut) slice(level int, node dateNode) Slice {
	first, end := node.days()
	t := int64(end) * microDay
	if c.desc {
		t = int64(first)*microDay - 1
	}
	s := Slice{In: c.in(node), Bound: c.key(t), cut: c, level: level, node: node}
	if node.level == levelCentury && (c.desc && node.n == firstCentury || !c.desc && node.n == lastCentury) {
		s.Bound = []byte{sortNone}
	}
	return s
}

// in is what has an end in the node: the start for the one order, the end for
// the other.
func (c *cut) in(node dateNode) store.Expr {
	side := byte(dateLow)
	if c.desc {
		side = dateTop
	}
	var any store.Or
	for _, s := range c.sources {
		any = append(any, store.Has{Token: c.names.Token(s.text, node.word(side))})
		if node.level != levelOpen {
			any = append(any, store.Has{Token: c.names.Token(s.text, node.word(dateIn))})
		}
	}
	return any
}

func (c *cut) key(micro int64) []byte {
	return appendSortKey(nil, appendTime(nil, micro), c.desc)
}

// Parts cuts a slice finer; none if it is as fine as can be.
func (s Slice) Parts() []Slice {
	if s.cut == nil || s.level == len(levels)-1 || s.level == 0 && (s.node.n == firstCentury || s.node.n == lastCentury) {
		return nil
	}
	var parts []Slice
	first, end := s.node.days()
	for day := first; day < end; {
		node := datePath(day)[len(levels)-2-s.level]
		parts = append(parts, s.cut.slice(s.level+1, node))
		_, day = node.days()
	}
	if s.cut.desc {
		for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
			parts[i], parts[j] = parts[j], parts[i]
		}
	}
	return parts
}

// days returns the first day of a node and the one after its last.
func (n dateNode) days() (first, end int32) {
	switch n.level {
	case levelCentury:
		return daysFrom(int(n.n)*100, 1), daysFrom(int(n.n)*100+100, 1)
	case levelDecade:
		return daysFrom(int(n.n)*10, 1), daysFrom(int(n.n)*10+10, 1)
	case levelYear:
		return daysFrom(int(n.n), 1), daysFrom(int(n.n)+1, 1)
	case levelMonth:
		return daysFrom(int(n.n)/12, int(n.n)%12+1), daysFrom(int(n.n)/12, int(n.n)%12+2)
	}
	return n.n, n.n + 1
}

// ByUpdated reports whether the order is first that of the times of change.
func (q *Query) ByUpdated() (desc, ok bool) {
	if len(q.Sort) == 0 || q.Sort[0].param.special != "_lastUpdated" {
		return false, false
	}
	return q.Sort[0].Desc, true
}

// UpdatedBound returns a key that is above those of all records changed before
// t, after t if the order descends, and not above any other.
func (q *Query) UpdatedBound(t time.Time) []byte {
	return appendSortKey(nil, appendTime(nil, t.UnixMicro()), q.Sort[0].Desc)
}

// UpdatedOf returns the time of change in a key of such an order.
func UpdatedOf(key []byte, desc bool) (time.Time, bool) {
	var b []byte
	for i := 1; i < len(key) && len(b) < 8; i++ {
		c := key[i]
		if desc {
			c = ^c
		}
		if b = append(b, c); c == 0 {
			i++ // what a zero is escaped with
		}
	}
	if len(b) < 8 || key[0] != sortSome {
		return time.Time{}, false
	}
	u := uint64(0)
	for _, c := range b {
		u = u<<8 | uint64(c)
	}
	return micros(int64(u ^ 1<<63)), true
}
