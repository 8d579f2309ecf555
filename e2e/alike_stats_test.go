package e2e_test

import (
	"math"
	"slices"
	"testing"
	"time"
)

// area is how well the best threshold tells two lists of numbers apart: the area
// under its curve, 0.5 for not at all.
func area(a, b []float64) float64 {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	below, same, sum := 0, 0, 0.0
	for _, x := range b {
		for below < len(a) && a[below] < x {
			below++
		}
		for same = below; same < len(a) && a[same] == x; same++ {
		}
		sum += float64(below) + float64(same-below)/2
	}
	got := sum / float64(len(a)) / float64(len(b))
	return max(got, 1-got)
}

// learned is how well a classifier does that has learned from half of each list which
// of forty ranges of time speak for which: it sees also what no threshold can, such as
// times that lie further apart. It is judged by the other half.
func learned(a, b []float64) float64 {
	const ranges = 40
	var seen, judged [2][]float64
	for i, list := range [][]float64{a, b} {
		for j, x := range list {
			if j%2 == 0 {
				seen[i] = append(seen[i], x)
			} else {
				judged[i] = append(judged[i], x)
			}
		}
	}
	all := slices.Sorted(slices.Values(slices.Concat(seen[0], seen[1])))
	var bounds []float64
	for i := 1; i < ranges; i++ {
		bounds = append(bounds, all[i*len(all)/ranges])
	}
	rangeOf := func(x float64) int { i, _ := slices.BinarySearch(bounds, x); return i }
	var score [ranges]float64
	var count [2][ranges]float64
	for i := range seen {
		for _, x := range seen[i] {
			count[i][rangeOf(x)]++
		}
	}
	for r := range score {
		score[r] = math.Log((count[0][r] + 1) / (count[1][r] + 1))
	}
	for i := range judged {
		for j, x := range judged[i] {
			judged[i][j] = score[rangeOf(x)]
		}
	}
	return area(judged[0], judged[1])
}

// later is a list of times, each later by d.
func later(list []float64, d time.Duration) []float64 {
	out := slices.Clone(list)
	for i := range out {
		out[i] += float64(d)
	}
	return out
}

// quantile is the time below which a part of a list lies.
func quantile(list []float64, part float64) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return time.Duration(sorted[int(part*float64(len(sorted)-1))]).Round(time.Microsecond)
}

// TestArea: what tells apart is seen, and what does not is not.
func TestArea(t *testing.T) {
	var a, b, wide []float64
	for i := range 2000 {
		a, b = append(a, float64(i*7919%2000)), append(b, float64(i*7907%2000))
		wide = append(wide, float64(i*7919%2000)*5-4000)
	}
	if got := max(area(a, b), learned(a, b)); got > 0.55 {
		t.Errorf("the same times are told apart with %.3f", got)
	}
	if got := area(a, later(a, 1000)); got < 0.8 {
		t.Errorf("later times are told apart with %.3f", got)
	}
	if got := learned(a, wide); got < 0.75 {
		t.Errorf("wider times are told apart with %.3f", got)
	}
}
