package search_test

import (
	"math/big"
	"strings"
	"time"
)

func plainOp(s string) (op, rest string) {
	for _, op := range []string{"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"} {
		if rest, ok := strings.CutPrefix(s, op); ok {
			return op, rest
		}
	}
	return "eq", s
}

func plainCompareDates(op string, have, want plainSpan, now time.Time) bool {
	if op == "ap" {
		gap := now.Sub(want.from)
		if now.After(want.to) {
			gap = now.Sub(want.to)
		}
		gap = gap.Abs() / 10
		want.from, want.to = want.from.Add(-gap), want.to.Add(gap)
	}
	startsBefore := func(t time.Time) bool { return have.from.IsZero() || have.from.Before(t) }
	endsAfter := func(t time.Time) bool { return have.to.IsZero() || have.to.After(t) }
	inside := !startsBefore(want.from) && !endsAfter(want.to)
	switch op {
	case "eq":
		return inside
	case "ne":
		return !inside
	case "gt":
		return endsAfter(want.to)
	case "lt":
		return startsBefore(want.from)
	case "ge":
		return endsAfter(want.from)
	case "le":
		return startsBefore(want.to)
	case "sa":
		return !startsBefore(want.to)
	case "eb":
		return !endsAfter(want.from)
	}
	return startsBefore(want.to) && endsAfter(want.from)
}

// plainRange is a number, or a range without one of its ends.
type plainRange struct {
	lo, hi         *big.Rat
	loOpen, hiOpen bool // end not included
}

func plainOf3(v any) plainRange {
	r, _ := rat(asText(v))
	return plainRange{lo: r, hi: r}
}

func plainNumber(have plainRange, text string) bool {
	op, s := plainOp(text)
	want, ok := rat(s)
	if !ok || have.lo == nil && have.hi == nil {
		return false
	}
	low, high := new(big.Rat).Set(want), new(big.Rat).Set(want)
	if op == "ap" {
		tenth := new(big.Rat).Quo(want, big.NewRat(10, 1))
		tenth.Abs(tenth)
		low.Sub(low, tenth)
		high.Add(high, tenth)
	} else {
		half := new(big.Rat).Quo(lastPlace(s), big.NewRat(2, 1))
		low.Sub(low, half)
		high.Add(high, half)
	}
	inside := have.lo != nil && have.hi != nil && have.lo.Cmp(low) >= 0 &&
		(have.hi.Cmp(high) < 0 || have.hi.Cmp(high) == 0 && have.hiOpen)
	gt := have.hi == nil || have.hi.Cmp(want) > 0
	lt := have.lo == nil || have.lo.Cmp(want) < 0
	ge := gt || have.hi.Cmp(want) == 0 && !have.hiOpen
	le := lt || have.lo.Cmp(want) == 0 && !have.loOpen
	switch op {
	case "eq":
		return inside
	case "ne":
		return !inside
	case "gt":
		return gt
	case "lt":
		return lt
	case "ge":
		return ge
	case "le":
		return le
	case "sa":
		return !le
	case "eb":
		return !ge
	}
	upTo := have.lo == nil || have.lo.Cmp(high) < 0 || have.lo.Cmp(high) == 0 && !have.loOpen
	from := have.hi == nil || have.hi.Cmp(low) > 0 || have.hi.Cmp(low) == 0 && !have.hiOpen
	return upTo && from
}

func plainUnit(n plainNode, system, code string) bool {
	system, code = plainUnescape(system), plainUnescape(code)
	if system != "" {
		return n.text("system") == system && (code == "" || n.text("code") == code)
	}
	return code == "" || n.text("code") == code || n.text("unit") == code
}

func plainQuantity(n plainNode, text string) bool {
	parts := strings.Split(text, "|")
	if low, high := n.get("low"), n.get("high"); low != nil || high != nil { // a Range has the unit of its ends
		of := plainNode{v: low}
		if low == nil {
			of.v = high
		}
		if len(parts) == 3 && !plainUnit(of, parts[1], parts[2]) {
			return false
		}
		var have plainRange
		have.lo, _ = rat(plainNode{v: low}.text("value"))
		have.hi, _ = rat(plainNode{v: high}.text("value"))
		return plainNumber(have, parts[0])
	}
	if len(parts) == 3 && !plainUnit(n, parts[1], parts[2]) {
		return false
	}
	have := plainOf3(n.get("value"))
	switch n.text("comparator") {
	case "<":
		have.lo, have.hiOpen = nil, true
	case "<=":
		have.lo = nil
	case ">":
		have.hi, have.loOpen = nil, true
	case ">=":
		have.hi = nil
	}
	return plainNumber(have, parts[0])
}

func (w *plainWorld) reference(p *plainParam, modifier string, n plainNode, want string) bool {
	ref := asText(n.v)
	if _, ok := n.v.(map[string]any); ok {
		ref = n.text("reference")
	}
	ref = strings.TrimPrefix(ref, w.base+"/")
	want = strings.TrimPrefix(want, w.base+"/")
	unversioned, _, _ := strings.Cut(ref, "/_history/")
	if strings.Contains(want, "/_history/") {
		return ref == want
	}
	if strings.Contains(want, "/") || strings.Contains(want, ":") {
		return unversioned == want || strings.HasPrefix(ref, want+"|")
	}
	typ, id, ok := strings.Cut(unversioned, "/")
	if !ok || id != want || strings.Contains(ref, ":") {
		return false
	}
	if modifier != "" {
		return typ == modifier
	}
	if p == nil || len(p.targets) == 1 && p.targets[0] == "*" {
		return true
	}
	for _, t := range p.targets {
		if t == typ {
			return true
		}
	}
	return false
}
