package path_test

import (
	"sync"
	"testing"
)

// TestConcurrent evaluates the same expressions from several goroutines; the
// race detector tells if they share anything that changes.
func TestConcurrent(t *testing.T) {
	n := parse(t, ada)
	var wait sync.WaitGroup
	for _, src := range invariants {
		e := compile(t, src)
		for range 4 {
			wait.Go(func() {
				if _, err := e.Bool(nil, n); err != nil {
					t.Errorf("%s: %v", src, err)
				}
			})
		}
	}
	wait.Wait()
}
