package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// Config is what a Log works with.
type Config struct {
	Store   store.Store
	Sealer  Sealer
	Keyring kms.Keyring // signs checkpoints
	Clock   clock.Clock // nil: the machine's
	Tenant  string      // letters, digits, dots and hyphens; part of the origin
	Server  string      // this server's name, for AuditEvent.source
	About   string      // what else the entry of the start says: which policies are in force

	// CheckpointOut is a file outside the store, to which each signed
	// checkpoint is written. Open refuses a store that is behind it.
	CheckpointOut   string
	CheckpointEvery time.Duration // 0: 10 s
	IntegrateEvery  time.Duration // how long entries gather before they are taken; 0: 100 ms
	SweepEvery      time.Duration // how often other processes' shards are looked at; 0: 2 s
	CloseWithin     time.Duration // how long Close waits for the device; 0: 10 s

	// DeclareSuccessor closes the tree of a restored store and starts another
	// one, whose first leaf says why. Nil: a restored store is refused.
	DeclareSuccessor *Decision

	Logger *slog.Logger // nil: silent
}

// Decision is who declares a successor tree, and why.
type Decision struct{ Who, Why string }

// Log is one process's audit log: its shard, and a hand on the tree that all
// processes share. All methods are safe for concurrent use.
type Log struct {
	cfg   Config
	shard uint64

	chain   sync.Mutex // guards what the next entry is linked to
	counter uint64
	prev    [32]byte
	last    time.Time
	mac     hash.Hash

	visible atomic.Uint64 // highest counter known to be readable
	taken   atomic.Uint64 // highest counter known to be in the tree
	failure atomic.Pointer[fault.Error]
	closed  atomic.Bool
	outage  outage

	tree   tree
	fresh  fresh
	keys   keyCache
	heads  heads
	broken broken
	signs  atomic.Pointer[verify.Signers]

	wake chan struct{}
	stop chan struct{}
	done chan struct{}
}

// Commit makes a batch visible together with the entries of events. Every put
// MUST be named, with its version, by exactly one item of the events; missing
// digests are filled in. A batch of cells alone may come without events.
//
// Nothing may leave the process before the receipt's Wait has returned nil.
// Commit returns store.ErrGuard as the engine does. Once it cannot tell what
// became of an entry it fails for good: every later call is fault.Unavailable.
func (l *Log) Commit(ctx context.Context, b record.Batch, events ...Event) (store.Receipt, error) {
	const op = "audit.Commit"
	if err := l.usable(ctx, op); err != nil {
		return nil, err
	}
	if err := checkBatch(&b); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	events, err := cover(&b, events)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	if err := l.takeIn(ctx, &b, events); err != nil {
		return nil, err
	}
	parts, err := l.prepare(ctx, events)
	if err != nil {
		return nil, err
	}
	return l.commit(ctx, op, b, parts)
}

// Append logs events that change nothing, and returns once they are durable.
func (l *Log) Append(ctx context.Context, events ...Event) error {
	const op, tries = "audit.Append", 5
	if len(events) == 0 {
		return nil
	}
	if err := l.usable(ctx, op); err != nil {
		return err
	}
	events, err := cover(&record.Batch{}, events)
	if err != nil {
		return fault.Wrap(fault.Internal, op, err)
	}
	var b record.Batch
	if err := l.takeIn(ctx, &b, events); err != nil {
		return err
	}
	for try := 1; ; try++ {
		parts, err := l.prepare(ctx, events)
		if err != nil {
			return err
		}
		receipt, err := l.commit(ctx, op, b, parts)
		if err == nil {
			return receipt.Wait()
		}
		// The only guards here are those of keys made for subjects seen for
		// the first time: somebody else was faster.
		if !errors.Is(err, store.ErrGuard) || try == tries {
			return err
		}
	}
}

// commitNow adds the parts to the batch, and commits it.
func (l *Log) commitNow(ctx context.Context, op string, b record.Batch, parts []part) (store.Receipt, error) {
	if b.Time.IsZero() {
		b.Time = l.cfg.Clock.Now()
	}
	var last uint64 // counter, once linked
	if len(parts) > 0 {
		if err := addCells(&b, parts); err != nil {
			return nil, fault.Wrap(fault.Conflict, op, err)
		}
		b.Shard, b.Link = l.shard, l.linker(parts, &last)
	}
	receipt, err := l.cfg.Store.Commit(ctx, b)
	switch {
	case err != nil && last != 0:
		return nil, l.fail(op, fmt.Errorf("a linked entry was not committed: %w", err))
	case errors.Is(err, store.ErrFailed), errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrCorrupt):
		return nil, l.fail(op, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", op, err)
	case len(parts) > 0 && last == 0:
		return nil, l.fail(op, errors.New("the engine committed without linking"))
	}
	if last != 0 {
		raise(&l.visible, last)
		l.nudge()
	}
	return durable{receipt, l, op}, nil
}

// linker returns the batch's Link. It runs under the engine's commit lock, and
// therefore does nothing that could have been done before.
func (l *Log) linker(parts []part, last *uint64) func() (record.LogRun, error) {
	entries := make([][]byte, len(parts))
	for i, p := range parts {
		entries[i] = make([]byte, 0, p.size())
	}
	return func() (record.LogRun, error) {
		l.chain.Lock()
		defer l.chain.Unlock()
		if l.failure.Load() != nil {
			return record.LogRun{}, errFailed
		}
		now := l.cfg.Clock.Now().UTC().Truncate(time.Microsecond)
		if now.Before(l.last) {
			now = l.last
		}
		run := record.LogRun{First: l.counter + 1, Entries: entries}
		for i := range parts {
			e := verify.Entry{
				Flags: parts[i].flags, Shard: l.shard, Counter: l.counter + 1, Time: now,
				Prev: l.prev, Content: parts[i].content, Account: parts[i].account,
			}
			entries[i], l.prev = e.Append(entries[i], parts[i].digest, l.mac)
			l.counter++
			l.fresh.add(linked{e.Prev, verify.Mark{Counter: l.counter, Link: l.prev, Time: now}, entries[i], parts[i].plain})
		}
		l.last, *last = now, l.counter
		return run, nil
	}
}

// durable marks the log as failed when a commit turns out not to be durable.
type durable struct {
	store.Receipt
	log *Log
	op  string
}

func (d durable) Wait() error {
	if err := d.Receipt.Wait(); err != nil {
		return d.log.fail(d.op, err)
	}
	return nil
}

var (
	errFailed = errors.New("the audit log has failed before")
	errClosed = errors.New("the audit log is closed")
)

const unavailable = "The audit log cannot be written now, so nothing may be shown or changed. Nothing was disclosed."

// fail closes the log for good and returns the fault.
func (l *Log) fail(op string, err error) error {
	f := &fault.Error{Kind: fault.Unavailable, Op: op, Public: unavailable, Err: err}
	if l.failure.CompareAndSwap(nil, f) {
		l.outage.change(l.cfg.Clock.Now(), func(o *outage) { o.failed = true })
		l.cfg.Logger.Error("the audit log failed and takes no more entries", "op", op, "err", err)
	}
	return f
}

// Err returns why the log failed, nil if it works.
func (l *Log) Err() error {
	if f := l.failure.Load(); f != nil {
		return f
	}
	return nil
}

func raise(to *atomic.Uint64, n uint64) {
	for {
		old := to.Load()
		if old >= n || to.CompareAndSwap(old, n) {
			return
		}
	}
}

func newMAC(key []byte) hash.Hash { return hmac.New(sha256.New, key) }

// addCells puts the content parts, and the keys made for them, into the batch.
// The batch's own slices are not written to.
func addCells(b *record.Batch, parts []part) error {
	cells, guards := slices.Clip(b.Cells), slices.Clip(b.Guards)
	for _, p := range parts {
		for _, c := range p.cells {
			i := slices.IndexFunc(cells, func(o record.Cell) bool {
				return o.Space == c.Space && string(o.Name) == string(c.Name)
			})
			if i < 0 {
				cells = append(cells, c)
			} else if string(cells[i].Value) != string(c.Value) {
				return errors.New("two keys were made for one subject in one batch")
			}
		}
		guards = append(guards, p.guards...)
	}
	b.Cells, b.Guards = cells, guards
	return nil
}
