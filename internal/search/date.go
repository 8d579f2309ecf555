package search

import (
	"errors"
	"math"
	"time"
)

// span is a stretch of time in microseconds since 1970 UTC, both ends included.
// An open end is the least or the greatest int64.
type span struct{ lo, hi int64 }

const (
	openLo = math.MinInt64
	openHi = math.MaxInt64

	microDay = 24 * 60 * 60 * 1e6
)

var errDate = errors.New("not a date")

// parseDate reads a FHIR date, dateTime or instant of any precision. A time
// without zone is UTC; seconds may be absent, as searches allow. What is finer
// than a microsecond is cut off.
func parseDate(s string) (span, error) {
	p := dateReader{s: s}
	year := p.digits(4)
	month, day := 1, 1
	if p.more('-') {
		month = p.digits(2)
		if p.more('-') {
			day = p.digits(2)
			if p.more('T') {
				return p.clock(year, month, day)
			}
			return p.span(year, month, day, func(t time.Time) time.Time { return t.AddDate(0, 0, 1) })
		}
		return p.span(year, month, 1, func(t time.Time) time.Time { return t.AddDate(0, 1, 0) })
	}
	return p.span(year, 1, 1, func(t time.Time) time.Time { return t.AddDate(1, 0, 0) })
}

type dateReader struct {
	s   string
	i   int
	bad bool
}

func (p *dateReader) digits(n int) int {
	v := 0
	for ; n > 0; n-- {
		if p.i >= len(p.s) || p.s[p.i] < '0' || p.s[p.i] > '9' {
			p.bad = true
			return 0
		}
		v = v*10 + int(p.s[p.i]-'0')
		p.i++
	}
	return v
}

func (p *dateReader) more(c byte) bool {
	if p.i < len(p.s) && p.s[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *dateReader) span(year, month, day int, next func(time.Time) time.Time) (span, error) {
	t, ok := civil(year, month, day)
	if p.bad || !ok || p.i != len(p.s) {
		return span{}, errDate
	}
	return span{t.UnixMicro(), next(t).UnixMicro() - 1}, nil
}

// civil refuses days that do not exist.
func civil(year, month, day int) (time.Time, bool) {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t, year >= 1 && t.Year() == year && int(t.Month()) == month && t.Day() == day
}

func (p *dateReader) clock(year, month, day int) (span, error) {
	hour := p.digits(2)
	if !p.more(':') {
		return span{}, errDate
	}
	minute := p.digits(2)
	second, micro, width := 0, 0, int64(60e6)
	if p.more(':') {
		second, width = p.digits(2), 1e6
		if p.more('.') {
			micro, width = p.fraction()
		}
	}
	offset, ok := p.zone()
	t, exists := civil(year, month, day)
	if p.bad || !ok || !exists || p.i != len(p.s) || hour > 23 || minute > 59 || second > 60 {
		return span{}, errDate
	}
	at := t.UnixMicro() + int64((hour*60+minute-offset)*60+second)*1e6 + int64(micro)
	return span{at, at + width - 1}, nil
}

// fraction reads what follows the point: microseconds, and the width of the
// last digit that counts.
func (p *dateReader) fraction() (micro int, width int64) {
	start := p.i
	width = 1e6
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		if width > 1 {
			width /= 10
			micro += int(p.s[p.i]-'0') * int(width)
		}
		p.i++
	}
	if p.i == start {
		p.bad = true
	}
	return micro, width
}

// zone reads an offset in minutes east. A blank stands for a plus sign that a
// client forgot to escape.
func (p *dateReader) zone() (minutes int, ok bool) {
	if p.i == len(p.s) || p.more('Z') {
		return 0, true
	}
	sign := 1
	switch {
	case p.more('-'):
		sign = -1
	case p.more('+'), p.more(' '):
	default:
		return 0, false
	}
	h := p.digits(2)
	if !p.more(':') {
		return 0, false
	}
	m := p.digits(2)
	return sign * (h*60 + m), !p.bad && h <= 14 && m <= 59
}

// widen returns s stretched by a tenth of its distance from now: what "ap"
// means for a date.
func (s span) widen(now int64) span {
	gap := now - s.lo
	if now > s.hi {
		gap = now - s.hi
	}
	if gap < 0 {
		gap = -gap
	}
	return span{s.lo - gap/10, s.hi + gap/10}
}
