package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// ErrDown says that the log cannot be written, and that the call has not tried to:
// whoever has another place for what it told of may use that. An error without it may
// be of a commit that happens all the same.
var ErrDown = errors.New("the audit log cannot be written")

// outage is why the log cannot be written, and since when.
type outage struct {
	down atomic.Bool // the rest says why

	mu     sync.Mutex
	since  time.Time
	failed bool // for good
	stalls int  // commits that are waited for no more
	held   bool // a spool is to be taken in first
}

func (o *outage) change(now time.Time, change func(*outage)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(o)
	down := o.failed || o.stalls > 0 || o.held
	if down && !o.down.Load() {
		o.since = now
	}
	o.down.Store(down)
}

// Down reports whether the log cannot be written, and since when.
func (l *Log) Down() (since time.Time, down bool) {
	l.outage.mu.Lock()
	defer l.outage.mu.Unlock()
	return l.outage.since, l.outage.down.Load()
}

// Writable reports whether nothing but Hold keeps entries out.
func (l *Log) Writable() bool {
	l.outage.mu.Lock()
	defer l.outage.mu.Unlock()
	return !l.outage.failed && l.outage.stalls == 0 && !l.closed.Load()
}

// Hold keeps all entries out but those of a spool (TakingIn), until it is lifted.
func (l *Log) Hold(held bool) {
	l.outage.change(l.cfg.Clock.Now(), func(o *outage) { o.held = held })
}

// usable returns why no entry can be logged.
func (l *Log) usable(ctx context.Context, op string) error {
	why := ErrDown
	switch {
	case l.failure.Load() != nil:
		why = fmt.Errorf("%w: %w", ErrDown, errFailed)
	case l.closed.Load():
		why = fmt.Errorf("%w: %w", ErrDown, errClosed)
	case !l.outage.down.Load(), takingIn(ctx) != nil && l.Writable():
		return nil
	}
	return &fault.Error{Kind: fault.Unavailable, Op: op, Public: unavailable, Err: why}
}

type hurryKey struct{}

// Hurry returns a context under which nobody waits for the device for longer than
// patience: whoever looks at a page has to be told. What is late is committed all the
// same, or not; until that is known the log is down.
func Hurry(ctx context.Context, patience time.Duration) context.Context {
	return context.WithValue(ctx, hurryKey{}, patience)
}

const late = "The audit log does not answer. Nothing is shown. What was being saved may have been stored, or not: look once records open again."

// hurried is a commit that is waited for until its deadline.
type hurried struct {
	log      *Log
	op       string
	receipt  store.Receipt
	deadline *time.Timer
	waited   chan error

	mu          sync.Mutex
	over, stall bool // the commit is over; it was given up before
}

// commit is commitNow, and returns in time if the context is in a hurry.
func (l *Log) commit(ctx context.Context, op string, b record.Batch, parts []part) (store.Receipt, error) {
	patience, hurry := ctx.Value(hurryKey{}).(time.Duration)
	if !hurry {
		return l.commitNow(ctx, op, b, parts)
	}
	h := &hurried{log: l, op: op, deadline: time.NewTimer(patience), waited: make(chan error, 1)}
	begun := make(chan error, 1)
	go func() {
		receipt, err := l.commitNow(ctx, op, b, parts)
		h.receipt = receipt
		begun <- err
		if err == nil {
			h.waited <- receipt.Wait()
		}
		h.end()
	}()
	select {
	case err := <-begun:
		if err != nil {
			h.deadline.Stop()
			return nil, err
		}
		return h, nil
	case <-h.deadline.C:
		return nil, h.giveUp()
	}
}

// Last implements store.Receipt.
func (h *hurried) Last() record.Position { return h.receipt.Last() }

// Wait implements store.Receipt.
func (h *hurried) Wait() error {
	select {
	case err := <-h.waited:
		h.waited <- err // whoever waits again
		h.deadline.Stop()
		return err
	case <-h.deadline.C:
		h.deadline.Reset(0)
		return h.giveUp()
	}
}

// giveUp has the log be down until the commit is over.
func (h *hurried) giveUp() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.over && !h.stall {
		h.stall = true
		h.log.outage.change(h.log.cfg.Clock.Now(), func(o *outage) { o.stalls++ })
		h.log.cfg.Logger.Error("alert: the device of the audit log does not answer; nothing is shown until it does", "op", h.op)
	}
	return &fault.Error{Kind: fault.Unavailable, Op: h.op, Public: late, Err: ErrHangs}
}

func (h *hurried) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	if h.stall {
		h.log.outage.change(h.log.cfg.Clock.Now(), func(o *outage) { o.stalls-- })
		h.log.cfg.Logger.Warn("the device of the audit log answers again", "op", h.op)
	}
}
