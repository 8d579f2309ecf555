package search

import (
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
)

// sampled is the range of what was sampled: from the least to the greatest of
// origin + factor × data. L and U are beyond what the device could measure, and
// E is no value (R4 datatypes, SampledData).
func sampled(node fhir.Node) (v interval, ok bool) {
	origin, err := parseNumber(node.Get("origin").Get("value").Text())
	if err != nil {
		return interval{}, false
	}
	factor, err := parseNumber(node.Get("factor").Text())
	if err != nil {
		factor, _ = parseNumber("1")
	}
	for s := range strings.FieldsSeq(node.Get("data").Text()) {
		v.loInf, v.hiInf = v.loInf || s == "L", v.hiInf || s == "U"
		n, err := parseNumber(s)
		if err != nil || !n.convertible() || !factor.convertible() || !origin.convertible() {
			continue
		}
		d := sum(product(n, factor), origin)
		if !ok || d.cmp(v.lo) < 0 {
			v.lo = d
		}
		if !ok || d.cmp(v.hi) > 0 {
			v.hi = d
		}
		ok = true
	}
	return v, ok && !(v.loInf && v.hiInf)
}
