package chart_test

import (
	"fmt"
	"testing"
)

// BenchmarkMinor is a page of fifty of a minor's results, for herself and for her mother,
// from whom some are kept: with what tells of it known, and after it may have changed.
func BenchmarkMinor(b *testing.B) {
	r := newRig(b, 64)
	family(r, "2012-05-05", "")
	filed := r.as(importer())
	for i := range 300 {
		filed.put(fmt.Sprintf(`{"resourceType":"Encounter","id":"n%d","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/kim"}}`, i))
		filed.put(fmt.Sprintf(`{"resourceType":"Condition","id":"n%d","code":{"text":"x"},"subject":{"reference":"Patient/kim"}}`, i))
		filed.put(fmt.Sprintf(`{"resourceType":"Observation","id":"n%d","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/kim"}}`, i))
	}
	for _, one := range []struct {
		name  string
		who   as
		write bool
	}{{"herself", r.as(herself("kim")), false}, {"mother", r.as(mother()), false}, {"mother after a write", r.as(mother()), true}} {
		b.Run(one.name, func(b *testing.B) {
			for b.Loop() {
				if one.write {
					b.StopTimer()
					filed.put(`{"resourceType":"Condition","id":"n0","code":{"text":"x"},"subject":{"reference":"Patient/kim"}}`)
					b.StartTimer()
				}
				_, err := one.who.find("Observation?patient=kim&_count=50")
				check(b, err)
			}
		})
	}
}
