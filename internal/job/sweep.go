package job

import (
	"context"
	"errors"
	"time"
)

// Cancel ends a job of the actor's and removes it with its files.
func (e *Engine) Cancel(ctx context.Context, actor Actor, id string) error {
	t, err := e.find(actor, id)
	if err != nil {
		return err
	}
	return e.discard(ctx, t)
}

// discard removes a job. What its runner writes meanwhile is not kept.
func (e *Engine) discard(ctx context.Context, t *task) error {
	e.mu.Lock()
	t.over = true
	if t.cancel != nil {
		t.cancel()
	}
	id := t.job.ID
	e.mu.Unlock()
	t.write.Lock() // a runner's last writing is over
	defer t.write.Unlock()
	e.mu.Lock()
	files, begun := t.job.Files, t.job.Begun
	e.mu.Unlock()
	var errs []error
	for _, f := range files {
		errs = append(errs, e.remove(ctx, f.Blob))
	}
	for _, name := range begun {
		errs = append(errs, e.remove(ctx, name))
	}
	if err := errors.Join(errs...); err != nil {
		return err // it stays listed, so that the next sweep tries again
	}
	if err := e.cfg.Cells.DropShort(ctx, cellKind, id); err != nil {
		return err
	}
	e.forget(id)
	return e.list(ctx)
}

// sweepEvery is how often expired jobs are looked for.
const sweepEvery = time.Minute

func (e *Engine) sweepOn(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		e.Sweep(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sweep removes the jobs that have expired, with their files.
func (e *Engine) Sweep(ctx context.Context) {
	now := e.cfg.Clock.Now()
	var old []*task
	e.mu.Lock()
	for _, t := range e.jobs {
		if t.over || now.After(t.job.Expires) {
			old = append(old, t)
		}
	}
	e.mu.Unlock()
	for _, t := range old {
		if err := e.discard(ctx, t); err != nil && ctx.Err() == nil {
			e.cfg.Slog.ErrorContext(ctx, "an expired job could not be removed", "error", err.Error())
		}
	}
}
