package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// Commit implements store.Store. A batch without puts may leave Time zero: it
// has no position that a time would have to find.
func (s *Store) Commit(ctx context.Context, b record.Batch) (store.Receipt, error) {
	r, err := s.commitBatch(ctx, &b)
	if err != nil {
		return nil, fmt.Errorf("pebble.Commit: %w", damage(err))
	}
	return r, nil
}

func (s *Store) commitBatch(ctx context.Context, b *record.Batch) (*receipt, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.gate.leave()
	p, err := prepare(b)
	if err != nil {
		return nil, err
	}
	if len(b.Amends) > 0 {
		// The only commits that add to closed chunks, which Sweep rewrites.
		s.sweep.Lock()
		defer s.sweep.Unlock()
	}
	s.commit.Lock()
	defer s.commit.Unlock()
	if s.frozen() {
		return nil, store.ErrFailed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !b.Time.IsZero() && b.Time.Before(s.time.Add(-record.MaxSkew)) {
		return nil, store.ErrStale
	}
	w := &writer{plan: p, v: view{r: s.db, last: s.last}, base: s.last + 1, time: b.Time}
	if w.time.Before(s.time) {
		w.time = s.time
	}
	if err := s.holds(&w.v, b.Guards); err != nil {
		return nil, err
	}
	if err := w.succeed(); err != nil {
		return nil, err
	}
	if err := w.findAmended(); err != nil {
		return nil, err
	}
	return s.write(w)
}

// write takes the audit link and applies the batch. From the link on nothing
// may go wrong without poisoning the store.
func (s *Store) write(w *writer) (_ *receipt, err error) {
	b := w.plan.b
	var run record.LogRun
	if b.Link != nil {
		if run, err = b.Link(); err != nil {
			return nil, fmt.Errorf("link: %w", err)
		}
		defer func() {
			if err != nil {
				s.fail()
				err = fmt.Errorf("%w: %w", store.ErrFailed, err)
			}
		}()
		if err := s.follows(&w.v, b.Shard, run); err != nil {
			return nil, err
		}
	}
	w.out = s.db.NewBatchWithSize(w.size(run))
	if err := w.fill(run); err != nil {
		return nil, errors.Join(err, w.out.Close())
	}
	r := &receipt{s: s, batch: w.out}
	if w.out.Empty() {
		return r, nil
	}
	s.applied.Add(1)
	added, amended := s.absent.adding(b), s.often.amending(b)
	if err := s.apply(w.out); err != nil {
		return nil, err
	}
	added()
	amended()
	if n := len(b.Puts); n > 0 {
		s.last += record.Position(n)
		s.time = w.time
		r.last = s.last
		s.shown.Store(uint64(s.last))
	}
	s.applied.Add(1)
	if len(run.Entries) > 0 {
		s.next[b.Shard] = run.First + uint64(len(run.Entries))
	}
	return r, nil
}

// apply makes a batch visible. The tree panics, with its own locks held, when
// it can keep no promise any more; watch spares it the most likely reason.
func (s *Store) apply(batch *lsm.Batch) (err error) {
	defer func() {
		if recover() != nil {
			s.wedged.Store(true)
			s.fail()
			err = store.ErrFailed
		}
	}()
	return s.db.ApplyNoSyncWait(batch, lsm.Sync)
}

// follows checks that a run appends to its shard. The log is append-only: an
// entry that exists is never written again.
func (s *Store) follows(v *view, shard uint64, run record.LogRun) error {
	if len(run.Entries) == 0 {
		return nil
	}
	next, known := s.next[shard]
	if !known {
		it, err := v.iter(logKey(nil, shard, 0)[:9])
		if err != nil {
			return err
		}
		if it.Last() {
			next = counterOf(it.Key()) + 1
		}
		if err := errors.Join(it.Error(), it.Close()); err != nil {
			return err
		}
	}
	if run.First < next {
		return invalid("a run over entries that exist")
	}
	return nil
}

// receipt answers for one commit.
type receipt struct {
	s     *Store
	last  record.Position
	once  sync.Once
	batch *lsm.Batch
	err   error
}

// Last implements store.Receipt.
func (r *receipt) Last() record.Position { return r.last }

// Wait implements store.Receipt.
func (r *receipt) Wait() error {
	r.once.Do(func() {
		err := r.batch.SyncWait()
		switch {
		case err != nil:
			r.s.fail()
			r.err = fmt.Errorf("pebble.Wait: %w: %w", store.ErrFailed, damage(err))
		case r.s.failed.Load():
			// Perhaps it reached the device before that failed; nobody knows.
			r.err = fmt.Errorf("pebble.Wait: %w", store.ErrFailed)
		default:
			r.err = r.batch.Close()
		}
	})
	return r.err
}

// holds checks the guards against everything committed so far.
func (s *Store) holds(v *view, guards []record.Guard) error {
	for i := range guards {
		g := &guards[i]
		var ok bool
		var err error
		switch {
		case g.Record != nil:
			var h head
			h, err = v.head(*g.Record)
			ok = h.version == g.Version
		case g.Token != nil:
			ok, err = v.unborne(*g.Token, g.After)
		default:
			var value []byte
			value, err = s.cell(v, g.Cell.Space, g.Cell.Name)
			ok = (value == nil) == (g.Cell.Value == nil) && bytes.Equal(value, g.Cell.Value)
		}
		if err != nil {
			return err
		}
		if !ok {
			return store.ErrGuard
		}
	}
	return nil
}

// unborne reports whether no live version beyond a position bears a token.
func (v *view) unborne(t record.Token, beyond record.Position) (bool, error) {
	if beyond >= v.last {
		return true, nil
	}
	ctx := context.Background() // bounded: it ends at the first live bearer
	q, err := posting.Compile(ctx, v, store.Has{Token: t}, false)
	if err != nil {
		return false, err
	}
	for _, err := range q.Positions(ctx, beyond) {
		return false, errors.Join(err, q.Close())
	}
	return true, q.Close()
}
