package profile

import (
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// equal reports whether two elements are the same, item by item in the same
// order: what fixed[x] demands (FHIR R4 2.28.0, ElementDefinition.fixed[x]).
func equal(a, b fhir.Node) bool {
	if a.IsPrimitive() != b.IsPrimitive() || a.Text() != b.Text() {
		return false
	}
	return covers(a, b, equal, true) && covers(b, a, func(fhir.Node, fhir.Node) bool { return true }, true)
}

// matches reports whether an element has at least what a pattern has
// (ElementDefinition.pattern[x]).
func matches(n, pattern fhir.Node) bool {
	if n.IsPrimitive() != pattern.IsPrimitive() || pattern.Raw() != nil && n.Text() != pattern.Text() {
		return false
	}
	return covers(n, pattern, matches, false)
}

// covers reports whether each child of want is met by a child of n of the same
// name: the one in the same place if ordered, any otherwise.
func covers(n, want fhir.Node, met func(fhir.Node, fhir.Node) bool, ordered bool) bool {
	at := map[string]int{}
	for wanted := range want.Children() {
		name := wanted.Name()
		place, found := 0, false
		for c := range n.All(name) {
			if (!ordered || place == at[name]) && met(c, wanted) {
				found = true
				break
			}
			place++
		}
		if !found {
			return false
		}
		at[name]++
	}
	return true
}

// ranged checks length and bounds.
func (w *walk) ranged(n fhir.Node, e *element, p *Profile) {
	if e.maxLength > 0 && n.IsPrimitive() && utf8.RuneCountInString(n.Text()) > e.maxLength {
		w.report(issueError, "too-long", n, p.URL, "The text is longer than the profile allows.")
	}
	if e.least.Exists() {
		if sign, ok := compare(n, e.least); ok && sign < 0 {
			w.report(issueError, "value", n, p.URL, "The value is below the least that the profile allows.")
		}
	}
	if e.most.Exists() {
		if sign, ok := compare(n, e.most); ok && sign > 0 {
			w.report(issueError, "value", n, p.URL, "The value is above the most that the profile allows.")
		}
	}
}

// compare orders two values of an ordered type; false: they have no order.
func compare(a, b fhir.Node) (int, bool) {
	switch a.TypeID() {
	case r4.Decimal, r4.Integer, r4.PositiveInt, r4.UnsignedInt:
		return compareNumbers(a.Text(), b.Text())
	case r4.Date, r4.DateTime, r4.Instant, r4.Time:
		return compareTimes(a.Text(), b.Text())
	}
	if a.Type() == "Quantity" || isA(a, "Quantity") {
		if a.Get("system").Text() != b.Get("system").Text() || a.Get("code").Text() != b.Get("code").Text() {
			return 0, false
		}
		return compareNumbers(a.Get("value").Text(), b.Get("value").Text())
	}
	return 0, false
}

// maxExponent keeps a number of a few bytes from becoming one of many.
const maxExponent = 400

func compareNumbers(a, b string) (int, bool) {
	x, okX := number(a)
	y, okY := number(b)
	if !okX || !okY {
		return 0, false
	}
	return x.Cmp(y), true
}

func number(text string) (*big.Rat, bool) {
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		if exponent, ok := new(big.Int).SetString(strings.TrimPrefix(text[i+1:], "+"), 10); !ok || exponent.CmpAbs(big.NewInt(maxExponent)) > 0 {
			return nil, false
		}
	}
	return new(big.Rat).SetString(text)
}

// compareTimes compares as far as both are told. A zone on one side only leaves
// the order of instants open.
func compareTimes(a, b string) (int, bool) {
	x, errX := time.Parse(time.RFC3339Nano, a)
	y, errY := time.Parse(time.RFC3339Nano, b)
	if errX == nil && errY == nil {
		return x.Compare(y), true
	}
	if (errX == nil) != (errY == nil) && len(a) > 10 && len(b) > 10 {
		return 0, false
	}
	n := min(len(a), len(b))
	return strings.Compare(a[:n], b[:n]), true
}
