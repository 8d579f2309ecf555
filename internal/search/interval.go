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

// bound is a number that decimals are compared with.
type bound interface {
	// from is the sign of d - the bound.
	from(d *decimal) int
}

func (b *decimal) from(d *decimal) int { return d.cmp(*b) }

// above reports whether some of v is greater than d.
func (v *interval) above(d bound) bool { return v.hiInf || d.from(&v.hi) > 0 }

// below reports whether some of v is less than d.
func (v *interval) below(d bound) bool { return v.loInf || d.from(&v.lo) < 0 }

// is reports whether v is d and nothing else.
func (v *interval) is(d bound) bool { return !v.above(d) && !v.below(d) }

// reaches reports whether some of v is d or greater.
func (v *interval) reaches(d bound) bool {
	if v.hiInf {
		return true
	}
	c := d.from(&v.hi)
	return c > 0 || c == 0 && !v.hiOpen
}

// starts reports whether some of v is d or less.
func (v *interval) starts(d bound) bool {
	if v.loInf {
		return true
	}
	c := d.from(&v.lo)
	return c < 0 || c == 0 && !v.loOpen
}

// within reports whether all of v is in [low, high).
func (v *interval) within(low, high bound) bool {
	return !v.below(low) && !v.reaches(high)
}
