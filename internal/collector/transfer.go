package collector

import (
	"bytes"
	"cmp"
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
)

// transfer is what goes over one connection.
type transfer struct {
	*Sender
	conn   *connection
	next   uint64 // entry to be sent next
	kept   uint64 // entries before it need never be sent again
	marks  []mark
	signed []byte // the checkpoint sent last
	buf    []byte
}

// mark says that the entries before next were sent by a time.
type mark struct {
	at   time.Time
	next uint64
}

func (t *transfer) run(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		more, err := t.round(ctx)
		if ctx.Err() != nil {
			return t.last(context.WithoutCancel(ctx))
		}
		if err != nil {
			return t.conn.why(err)
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return t.last(context.WithoutCancel(ctx))
		case err := <-t.conn.dead:
			return cmp.Or(err, errGone)
		case <-t.cfg.Lines.waiting:
		case <-tick.C:
		}
	}
}

// round sends some of what there is, and reports whether there may be more.
func (t *transfer) round(ctx context.Context) (more bool, err error) {
	lines := t.cfg.Lines.take()
	if err := t.sendLines(ctx, lines); err != nil {
		t.cfg.Lines.back(lines)
		return false, err
	}
	before := t.next
	if err := t.sendEntries(ctx); err != nil {
		return false, err
	}
	if err := t.keep(ctx, time.Now().Add(-t.cfg.Settle)); err != nil {
		return false, err
	}
	return len(lines) == batch || t.next-before == batch, nil
}

func (t *transfer) sendLines(ctx context.Context, lines []message) error {
	if _, lost := t.cfg.Lines.state(); lost > t.told {
		t.cfg.Slog.WarnContext(ctx, "lines of the log did not reach the collector: they were too many while it was away", "lost", lost-t.told)
		t.told = lost
	}
	for _, m := range lines {
		if err := t.send(m); err != nil {
			return err
		}
	}
	return t.conn.flush()
}

func (t *transfer) send(m message) error {
	t.buf = t.origin.frame(t.buf[:0], m)
	return t.conn.send(t.buf)
}

func (t *transfer) sendEntries(ctx context.Context) error {
	next := t.next
	err := t.cfg.Log.Feed(ctx, t.next, batch, func(l *audit.Leaf) error {
		list, err := messages(l, t.cfg.Clock.Now())
		if err != nil {
			return err
		}
		for _, m := range list {
			if err := t.send(m); err != nil {
				return err
			}
		}
		next = l.Index + 1
		return nil
	})
	if err == nil {
		err = t.sendCheckpoint(next)
	}
	if err == nil {
		err = t.conn.flush()
	}
	if err != nil || next == t.next {
		return err
	}
	t.next = next
	t.marks = append(t.marks, mark{time.Now(), next})
	t.set(func(s *State) { s.Sent = next })
	return nil
}

// sendCheckpoint sends the newest checkpoint once all that it covers was sent.
func (t *transfer) sendCheckpoint(next uint64) error {
	signed, c := t.cfg.Log.Published()
	if c.Size == 0 || bytes.Equal(signed, t.signed) || next < t.cfg.Log.Size() {
		return nil
	}
	m, err := checkpoint(signed, t.cfg.Clock.Now())
	if err == nil {
		err = t.send(m)
	}
	t.signed = signed
	return err
}

// keep remembers, durably, that what was sent before a time has arrived.
func (t *transfer) keep(ctx context.Context, until time.Time) error {
	arrived := t.kept
	for len(t.marks) > 0 && !t.marks[0].at.After(until) {
		arrived, t.marks = t.marks[0].next, t.marks[1:]
	}
	if arrived == t.kept {
		return nil
	}
	if err := t.cfg.Log.KeepCursor(ctx, cursor, arrived); err != nil {
		return err
	}
	t.kept = arrived
	t.set(func(s *State) { s.Arrived = arrived })
	return nil
}

// last sends what waits when the server ends.
func (t *transfer) last(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	for more := true; more; {
		var err error
		if more, err = t.round(ctx); err != nil {
			return nil // it is sent again after the next start
		}
	}
	if t.conn.end() {
		_ = t.keep(ctx, time.Now())
	}
	return nil
}
