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
		far := now.UnixMicro() - want.from.UnixMicro() // a Duration holds 292 years
		if now.After(want.to) {
			far = now.UnixMicro() - want.to.UnixMicro()
		}
		gap := time.Duration(max(far, -far)) * (time.Microsecond / 10)
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
	case "ge": // 3.1.1.4.5: the range above intersects, or the search value contains the target
		return endsAfter(want.to) || inside
	case "le":
		return startsBefore(want.from) || inside
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
	return plainAmount(have, text, plainScale{big.NewRat(1, 1), new(big.Rat)})
}

// plainAmount compares with a number that is given in a unit.
func plainAmount(have plainRange, text string, unit plainScale) bool {
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
	want, low, high = unit.of(want), unit.of(low), unit.of(high)
	inside := have.lo != nil && have.hi != nil && have.lo.Cmp(low) >= 0 &&
		(have.hi.Cmp(high) < 0 || have.hi.Cmp(high) == 0 && have.hiOpen)
	gt := have.hi == nil || have.hi.Cmp(want) > 0
	lt := have.lo == nil || have.lo.Cmp(want) < 0
	ge := gt || have.hi.Cmp(want) == 0 && !have.hiOpen
	le := lt || have.lo.Cmp(want) == 0 && !have.loOpen
	only := have.lo != nil && have.hi != nil && have.lo.Cmp(want) == 0 && have.hi.Cmp(want) == 0
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
		return gt || only
	case "le":
		return lt || only
	case "sa":
		return !le
	case "eb":
		return !ge
	}
	upTo := have.lo == nil || have.lo.Cmp(high) < 0 || have.lo.Cmp(high) == 0 && !have.loOpen
	from := have.hi == nil || have.hi.Cmp(low) > 0 || have.hi.Cmp(low) == 0 && !have.hiOpen
	return upTo && from
}

// plainScale is a unit: v of it is v·factor + offset in what it is related to.
type plainScale struct{ factor, offset *big.Rat }

func (s plainScale) of(v *big.Rat) *big.Rat {
	if v == nil {
		return nil
	}
	out := new(big.Rat).Mul(v, s.factor)
	return out.Add(out, s.offset)
}

// plainUnits are the UCUM units that the tests convert, by kind: from the tables
// of UCUM, by hand.
var plainUnits = map[string]struct{ kind, factor, offset string }{
	"g": {"mass", "1", "0"}, "mg": {"mass", "0.001", "0"}, "kg": {"mass", "1000", "0"}, "ug": {"mass", "0.000001", "0"}, "pg": {"mass", "0.000000000001", "0"}, "[lb_av]": {"mass", "453.59237", "0"},
	"m": {"length", "1", "0"}, "cm": {"length", "0.01", "0"}, "mm": {"length", "0.001", "0"}, "[in_i]": {"length", "0.0254", "0"},
	"s": {"time", "1", "0"}, "min": {"time", "60", "0"}, "h": {"time", "3600", "0"}, "d": {"time", "86400", "0"}, "wk": {"time", "604800", "0"}, "a": {"time", "31557600", "0"}, "mo": {"time", "2629800", "0"},
	"/min": {"rate", "1/60", "0"}, "/h": {"rate", "1/3600", "0"}, "Hz": {"rate", "1", "0"}, "{beats}/min": {"rate", "1/60", "0"}, "/s": {"rate", "1", "0"},
	"mm[Hg]": {"pressure", "133322", "0"}, "kPa": {"pressure", "1000000", "0"}, "Pa": {"pressure", "1000", "0"},
	"mmol/L": {"per volume", "602214076000000000000000", "0"}, "umol/L": {"per volume", "602214076000000000000", "0"}, "mol/m3": {"per volume", "602214076000000000000000", "0"},
	"10*3/uL": {"per volume", "1000000000000", "0"}, "10*9/L": {"per volume", "1000000000000", "0"}, "/uL": {"per volume", "1000000000", "0"}, "10*6/uL": {"per volume", "1000000000000000", "0"},
	"mg/dL": {"density", "10", "0"}, "g/L": {"density", "1000", "0"}, "g/dL": {"density", "10000", "0"}, "ug/mL": {"density", "1", "0"},
	"Cel": {"temperature", "1", "273.15"}, "K": {"temperature", "1", "0"}, "[degF]": {"temperature", "5/9", "45967/180"},
	"%": {"number", "1/100", "0"}, "1": {"number", "1", "0"}, "{score}": {"number", "1", "0"}, "mol": {"number", "602214076000000000000000", "0"},
	"U/L": {"catalytic", "602214076000000000000/60", "0"}, "kU/L": {"catalytic", "602214076000000000000000/60", "0"}, "[pH]": {"acidity", "1", "0"}, "pH": {"inductance", "1", "0"},
	"fL": {"volume", "1/1000000000000000000", "0"}, "mL/min": {"flow", "1/60000000", "0"}, "mL/min/{1.73_m2}": {"flow", "1/60000000", "0"},
	"mg/L": {"density", "1", "0"}, "ng/mL": {"density", "1/1000", "0"}, "ug/L": {"density", "1/1000", "0"}, "pg/mL": {"density", "1/1000000", "0"}, "ug/dL": {"density", "1/100", "0"},
	"mg/g": {"number", "1/1000", "0"}, "{#}": {"number", "1", "0"}, "{INR}": {"number", "1", "0"}, "{T-score}": {"number", "1", "0"}, "{count}": {"number", "1", "0"}, "{nominal}": {"number", "1", "0"},
	"kg/m2": {"bmi", "1000", "0"}, "g/m2": {"bmi", "1", "0"}, "kg/cm2": {"bmi", "10000000", "0"},
}

// plainQuantity compares a Quantity, a Range or SampledData: as an amount if a
// system and a code are given, else its number alone.
func plainQuantity(n plainNode, text string) bool {
	have, of, ok := plainMeasured(n)
	parts := plainBars(text)
	switch {
	case !ok:
		return false
	case len(parts) == 1:
		return plainNumber(have, parts[0])
	case parts[1] == "":
		return (parts[2] == "" || of.text("code") == parts[2] || of.text("unit") == parts[2]) && plainNumber(have, parts[0])
	case of.text("system") != parts[1]:
		return false
	case parts[2] == "" || of.text("code") == parts[2]:
		return plainNumber(have, parts[0])
	}
	want, known := plainUnits[parts[2]]
	got, known2 := plainUnits[of.text("code")]
	if parts[1] != "http://unitsofmeasure.org" || !known || !known2 || want.kind != got.kind {
		return false
	}
	scale := func(factor, offset string) plainScale {
		f, _ := new(big.Rat).SetString(factor)
		o, _ := new(big.Rat).SetString(offset)
		return plainScale{f, o}
	}
	from := scale(got.factor, got.offset)
	have.lo, have.hi = from.of(have.lo), from.of(have.hi)
	return plainAmount(have, parts[0], scale(want.factor, want.offset))
}

// plainMeasured is what a quantity element says, and the Quantity that has its unit.
func plainMeasured(n plainNode) (have plainRange, of plainNode, ok bool) {
	if data, sampled := n.get("data").(string); sampled {
		return plainSampled(n, data)
	}
	if low, high := n.get("low"), n.get("high"); low != nil || high != nil {
		of = plainNode{v: low}
		if low == nil {
			of.v = high
		}
		have.lo, _ = rat(plainNode{v: low}.text("value"))
		have.hi, _ = rat(plainNode{v: high}.text("value"))
		if have.lo != nil && have.hi != nil && have.lo.Cmp(have.hi) > 0 {
			have.lo, have.hi = have.hi, have.lo
		}
		return have, of, true
	}
	have = plainOf3(n.get("value"))
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
	return have, n, have.lo != nil || have.hi != nil
}

// plainSampled is from the least to the greatest of the values sampled; L and U
// are beyond the limits of what could be measured.
func plainSampled(n plainNode, data string) (have plainRange, of plainNode, ok bool) {
	origin, _ := rat(n.text("origin", "value"))
	factor := big.NewRat(1, 1)
	if f, ok := rat(n.text("factor")); ok {
		factor = f
	}
	noLow, noHigh := false, false
	for _, s := range strings.Fields(data) {
		noLow, noHigh = noLow || s == "L", noHigh || s == "U"
		v, isNumber := rat(s)
		if !isNumber || origin == nil {
			continue
		}
		v = new(big.Rat).Add(v.Mul(v, factor), origin)
		if have.lo == nil || v.Cmp(have.lo) < 0 {
			have.lo = v
		}
		if have.hi == nil || v.Cmp(have.hi) > 0 {
			have.hi = v
		}
	}
	if have.lo == nil {
		return have, n, false
	}
	if noLow {
		have.lo = nil
	}
	if noHigh {
		have.hi = nil
	}
	return have, plainNode{v: n.get("origin")}, have.lo != nil || have.hi != nil
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
