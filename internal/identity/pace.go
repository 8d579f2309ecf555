package identity

import (
	"context"
	"time"
)

// pace begins to measure; the function it returns waits until Config.Pace has
// passed since. It is the process's own time, whatever clock is injected: who
// measures an answer has no other.
func (s *Service) pace(ctx context.Context) (wait func()) {
	began := time.Now()
	return func() {
		t := time.NewTimer(s.cfg.Pace - time.Since(began))
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
}
