package job

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
)

// Get returns a job of the actor's, or fault.NotFound.
func (e *Engine) Get(actor Actor, id string) (Job, error) {
	t, err := e.find(actor, id)
	if err != nil {
		return Job{}, err
	}
	return e.copy(t), nil
}

func (e *Engine) find(actor Actor, id string) (*task, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.jobs[id]
	if t == nil || t.over || !t.job.of(actor) || t.job.Ended() && e.cfg.Clock.Now().After(t.job.Expires) {
		return nil, errNone
	}
	return t, nil
}

// pollEvery is how often a job's state may be asked for.
const pollEvery = 500 * time.Millisecond

// Poll is Get for whoever waits for the end; asking too often is
// fault.Throttled. Of a job whose files its owner may not read any more it is
// fault.Gone.
func (e *Engine) Poll(ctx context.Context, actor Actor, id string) (Job, error) {
	t, err := e.find(actor, id)
	if err != nil {
		return Job{}, err
	}
	e.mu.Lock()
	now := e.cfg.Clock.Now()
	soon := !t.job.Ended() && !t.job.Polled.IsZero() && now.Sub(t.job.Polled) < pollEvery
	t.job.Polled = now
	e.mu.Unlock()
	if soon {
		return Job{}, fault.New(fault.Throttled, "job.Poll", "Ask less often: Retry-After says when.")
	}
	j := e.copy(t)
	return j, e.stands(ctx, actor, j)
}
