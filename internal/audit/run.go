package audit

import (
	"context"
	"errors"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// nudge wakes the integrator.
func (l *Log) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run integrates and signs until Close.
func (l *Log) run() {
	defer close(l.done)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-l.stop
		cancel()
	}()
	sweep := time.NewTicker(l.cfg.SweepEvery)
	defer sweep.Stop()
	sign := time.NewTicker(min(time.Second, l.cfg.CheckpointEvery))
	defer sign.Stop()
	for {
		var err error
		select {
		case <-l.stop:
			return
		case <-l.wake:
			// Entries gather for a while, so that one batch takes many.
			select {
			case <-l.stop:
				return
			case <-time.After(l.cfg.IntegrateEvery):
			}
			err = l.integrate(ctx, []uint64{l.shard})
		case <-sweep.C:
			err = l.Integrate(ctx)
		case <-sign.C:
			if l.due() {
				err = l.Checkpoint(ctx)
			}
		}
		if err != nil && ctx.Err() == nil {
			l.cfg.Logger.Warn("the audit tree could not be advanced; it will be tried again", "err", err)
		}
		if l.failure.Load() != nil {
			return
		}
	}
}

// ErrHangs says that the device did not answer.
var ErrHangs = errors.New("the device does not answer")

const stuck = "The device of the audit log does not answer, so the log was not closed. The next start goes on from what is on the device, as after a power loss."

// Close writes the last entry, integrates, and signs the final checkpoint, or says that
// it could not within Config.CloseWithin. The store stays open: it is the caller's, who MUST NOT
// close it under a log that was not closed.
func (l *Log) Close(ctx context.Context) error {
	closed := make(chan error, 1)
	go func() { closed <- l.end(ctx) }()
	late := time.NewTimer(l.cfg.CloseWithin)
	defer late.Stop()
	select {
	case err := <-closed:
		return err
	case <-late.C:
		return &fault.Error{Kind: fault.Unavailable, Op: "audit.Close", Public: stuck, Err: ErrHangs}
	}
}

func (l *Log) end(ctx context.Context) error {
	if l.closed.Load() {
		return nil
	}
	err := l.Append(TakingIn(ctx, Intake{}), Event{Action: ActionLogStop, Actor: l.cfg.Server})
	if !l.closed.CompareAndSwap(false, true) {
		return nil
	}
	close(l.stop)
	<-l.done
	if err != nil {
		return err
	}
	if err := l.integrate(ctx, []uint64{l.shard}); err != nil {
		return err
	}
	return l.Checkpoint(ctx)
}

// Status is how the log stands, for health checks and metrics.
type Status struct {
	Shard   uint64
	Counter uint64 // entries this process has written
	Pending uint64 // of them not yet in the tree
	Size    uint64 // of the tree, as this process knows it
	Signed  uint64 // size of the newest checkpoint this process signed
	Origin  string
	Broken  []error // chains of other processes that do not hold
	Failure error   // why nothing can be logged any more
	Publish error   // why the last checkpoint could not be published
}

// Status returns how the log stands.
func (l *Log) Status() Status {
	s := Status{Shard: l.shard, Counter: l.visible.Load(), Failure: l.Err(), Broken: l.broken.all()}
	s.Pending = s.Counter - min(l.taken.Load(), s.Counter)
	l.heads.mu.Lock()
	defer l.heads.mu.Unlock()
	s.Size, s.Signed, s.Publish = l.heads.size, l.heads.signed.Size, l.heads.err
	s.Origin = l.heads.id.Origin(l.cfg.Tenant)
	return s
}

// treeID returns the current tree.
func (l *Log) treeID() verify.TreeID {
	l.heads.mu.Lock()
	defer l.heads.mu.Unlock()
	return l.heads.id
}
