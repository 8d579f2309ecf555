package main

import (
	"math"
	"slices"
	"time"
)

// latencies gathers times of one kind of request. It is not safe for concurrent
// use: each worker has its own, and they are merged after the run.
type latencies []time.Duration

// percentile returns the smallest time that at least p per cent of the requests
// did not exceed, in milliseconds; NaN of none. The list MUST be sorted.
func (l latencies) percentile(p float64) float64 {
	if len(l) == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(p / 100 * float64(len(l))))
	return milliseconds(l[min(max(rank, 1), len(l))-1])
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median returns the middle value; of an even number, the mean of the two in the
// middle; NaN of none. It leaves values as they are.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
