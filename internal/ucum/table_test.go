package ucum

import (
	"slices"
	"strings"
	"testing"
)

// TestTable holds the table to what lookUp and resolve take for granted.
func TestTable(t *testing.T) {
	if !slices.IsSortedFunc(atoms[:], func(a, b atom) int { return strings.Compare(a.code, b.code) }) ||
		!slices.IsSortedFunc(prefixes[:], func(a, b prefix) int { return strings.Compare(a.code, b.code) }) {
		t.Fatal("the table is not sorted")
	}
	for _, a := range atoms {
		if _, err := a.expand(0); err != nil {
			t.Errorf("%s: %v", a.code, err)
		}
		if _, err := Parse(a.code); err != nil {
			t.Errorf("%s cannot be written: %v", a.code, err)
		}
		for _, p := range prefixes {
			if len(p.code) > 2 || rational(p.value).Sign() <= 0 {
				t.Errorf("prefix %s", p.code)
			}
			if b, ok := lookUp(strings.TrimPrefix(a.code, p.code)); ok && b.metric && b.code != a.code {
				t.Errorf("%s is also %s-%s", a.code, p.code, b.code)
			}
		}
	}
	if len(atoms) < 300 || len(prefixes) < 24 {
		t.Errorf("%d atoms, %d prefixes", len(atoms), len(prefixes))
	}
}
