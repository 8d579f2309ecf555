package search

// interval is what a number or quantity element stands for: one point, or a
// stretch between two ends that may be infinite or not belong to it. A
// comparator in the value ("<5") makes an infinite stretch.
type interval struct {
	lo, hi         decimal
	loInf, hiInf   bool
	loOpen, hiOpen bool // the end itself is not included
}

func point(d decimal) interval { return interval{lo: d, hi: d} }

// compared returns the interval a value with a comparator stands for.
func compared(d decimal, comparator string) interval {
	switch comparator {
	case "<":
		return interval{hi: d, loInf: true, hiOpen: true}
	case "<=":
		return interval{hi: d, loInf: true}
	case ">":
		return interval{lo: d, hiInf: true, loOpen: true}
	case ">=":
		return interval{lo: d, hiInf: true}
	}
	return point(d)
}

// above reports whether some of v is greater than d.
func (v interval) above(d decimal) bool { return v.hiInf || v.hi.cmp(d) > 0 }

// below reports whether some of v is less than d.
func (v interval) below(d decimal) bool { return v.loInf || v.lo.cmp(d) < 0 }

// reaches reports whether some of v is d or greater.
func (v interval) reaches(d decimal) bool {
	if v.hiInf {
		return true
	}
	c := v.hi.cmp(d)
	return c > 0 || c == 0 && !v.hiOpen
}

// starts reports whether some of v is d or less.
func (v interval) starts(d decimal) bool {
	if v.loInf {
		return true
	}
	c := v.lo.cmp(d)
	return c < 0 || c == 0 && !v.loOpen
}

// within reports whether all of v is in [low, high).
func (v interval) within(low, high decimal) bool {
	return !v.below(low) && !v.reaches(high)
}
