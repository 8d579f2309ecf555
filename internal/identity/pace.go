package identity

import (
	"context"
	"runtime"
	"time"
)

// coarse is how late a timer of the runtime can be on a quiet machine. It counts
// whole milliseconds from the moment it is set, not from a moment of the clock, so
// the time it ends at still holds how long the work before it took.
const coarse = 2 * time.Millisecond

// pace begins to measure; the function it returns waits until Config.Pace has
// passed since: by a timer nearly so far, the rest with the eye on the clock, so that
// the moment of the answer is the same whatever was done before. It is the process's
// own time, whatever clock is injected: who measures an answer has no other.
func (s *Service) pace(ctx context.Context) (wait func()) {
	began := time.Now()
	return func() {
		t := time.NewTimer(s.cfg.Pace - coarse - time.Since(began))
		defer t.Stop()
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for time.Since(began) < s.cfg.Pace {
			runtime.Gosched()
		}
	}
}
