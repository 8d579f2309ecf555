package identity_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/wardkeep/wardkeep/internal/identity"
)

// TestTimeTellsNoNames measures both steps of a sign-in for names that somebody
// has and names nobody has, in turn. What separates the two lists of times at best
// is little better than a coin; the control, one millisecond more, is seen.
func TestTimeTellsNoNames(t *testing.T) {
	w := newWorld(t)
	w.config.Cost = identity.Cost{Passes: 1, Memory: 256, Threads: 1}
	w.config.Derive = func(password, salt []byte, c identity.Cost, size uint32) []byte {
		return argon2.IDKey(password, salt, c.Passes, c.Memory, c.Threads, size)
	}
	w.config.Pace = 4 * time.Millisecond
	w.Service = w.another()
	const pairs = 200
	for i := range pairs {
		w.add(fmt.Sprintf("person%d", i), "nurse")
	}
	var found []string
	for round := range 3 { // a busy machine makes noise; what is there is there each time
		if found = w.timed(round, pairs); len(found) == 0 {
			return
		}
	}
	for _, f := range found {
		t.Error(f)
	}
}

// timed is one round; it returns what is wrong.
func (w *world) timed(round, pairs int) (found []string) {
	sign := func(n int, name string) (times [2]time.Duration) {
		o := identity.Origin{Source: fmt.Sprintf("10.%d.%d.%d", round, n/250, n%250)}
		at := time.Now()
		ch, err := w.Begin(ctx, name, "a wrong password", o)
		times[0] = time.Since(at)
		must(w.t, err)
		at = time.Now()
		_, _ = w.Finish(ctx, ch.Token, "000000", o)
		times[1] = time.Since(at)
		return times
	}
	var known, unknown, later [2][]time.Duration
	for i := range pairs {
		names := []string{fmt.Sprintf("person%d", i), fmt.Sprintf("nobody%d", i)}
		for half := range names {
			which := (half + i) % 2 // in turn, so that neither is always first
			for step, d := range sign(2*i+half, names[which]) {
				if which == 0 {
					known[step] = append(known[step], d)
					continue
				}
				unknown[step] = append(unknown[step], d)
				later[step] = append(later[step], d+time.Millisecond)
			}
		}
	}
	for step, name := range []string{"password", "code"} {
		if got := separates(known[step], unknown[step]); got > 0.6 {
			found = append(found, fmt.Sprintf("%s: the time tells a name with %.2f", name, got))
		}
		if got := separates(known[step], later[step]); got < 0.75 {
			found = append(found, fmt.Sprintf("%s: a millisecond would not be seen (%.2f)", name, got))
		}
	}
	return found
}

// separates is the area under the curve of the best threshold between two lists:
// 0.5 for none.
func separates(a, b []time.Duration) float64 {
	type sample struct {
		d time.Duration
		b bool
	}
	var all []sample
	for _, d := range a {
		all = append(all, sample{d, false})
	}
	for _, d := range b {
		all = append(all, sample{d, true})
	}
	slices.SortFunc(all, func(x, y sample) int { return int(x.d - y.d) })
	below, sum := 0, 0
	for _, s := range all {
		if s.b {
			sum += below
		} else {
			below++
		}
	}
	area := float64(sum) / float64(len(a)*len(b))
	return max(area, 1-area)
}
