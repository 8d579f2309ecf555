package audit_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// brittleStore fails when told to.
type brittleStore struct {
	store.Store
	afterLink atomic.Bool // Commit fails once the entries are linked
	wait      atomic.Bool // the commit turns out not to be durable
	before    atomic.Pointer[error]
	hideLog   atomic.Bool // the log's entries are not given back
}

var errDisk = errors.New("the disk is gone")

func (s *brittleStore) Commit(ctx context.Context, b record.Batch) (store.Receipt, error) {
	if err := s.before.Load(); err != nil {
		return nil, *err
	}
	if s.afterLink.Load() && b.Link != nil {
		_, _ = b.Link()
		return nil, errDisk
	}
	r, err := s.Store.Commit(ctx, b)
	if err == nil && s.wait.Load() && b.Link != nil {
		return undurable{r}, nil
	}
	return r, err
}

func (s *brittleStore) Log(ctx context.Context, shard, from uint64, limit int) ([]store.Entry, error) {
	if s.hideLog.Load() {
		return nil, nil
	}
	return s.Store.Log(ctx, shard, from, limit)
}

type undurable struct{ store.Receipt }

func (undurable) Wait() error { return errDisk }

func brittle(t *testing.T) (*world, *brittleStore, *audit.Log) {
	return behind(t, func(s store.Store) *brittleStore { return &brittleStore{Store: s} })
}

// behind opens a log, at which nothing happens by itself, on a store behind another.
func behind[S store.Store](t *testing.T, front func(store.Store) S) (*world, S, *audit.Log) {
	w := newWorld(t)
	s := front(w.store)
	w.store = s
	l, err := audit.Open(t.Context(), quietConfig(w))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return w, s, l
}

// TestFailsClosed: when it is not known what became of an entry, nothing is
// logged, written or disclosed any more.
func TestFailsClosed(t *testing.T) {
	for name, breaks := range map[string]func(*brittleStore){
		"a linked commit fails":      func(s *brittleStore) { s.afterLink.Store(true) },
		"a commit is not durable":    func(s *brittleStore) { s.wait.Store(true) },
		"the store failed":           func(s *brittleStore) { err := store.ErrFailed; s.before.Store(&err) },
		"the store closed":           func(s *brittleStore) { err := store.ErrClosed; s.before.Store(&err) },
		"own entries are not there ": nil,
	} {
		t.Run(name, func(t *testing.T) {
			w, s, l := brittle(t)
			w.append(l, shown("r", 1))
			if breaks != nil {
				breaks(s)
				if err := l.Append(t.Context(), shown("r", 1)); !fault.Is(err, fault.Unavailable) {
					t.Fatalf("the failing append: %v", err)
				}
				s.afterLink.Store(false)
				s.wait.Store(false)
				s.before.Store(nil)
			} else {
				s.hideLog.Store(true)
				if err := l.Integrate(t.Context()); !fault.Is(err, fault.Unavailable) {
					t.Fatalf("the failing integration: %v", err)
				}
				s.hideLog.Store(false)
			}
			if err := l.Append(t.Context(), shown("r", 1)); !fault.Is(err, fault.Unavailable) {
				t.Errorf("an append after the failure: %v", err)
			}
			b := record.Batch{Puts: []record.Put{put(1, 1, "a")}}
			if _, err := l.Commit(t.Context(), b, written(b.Puts...)); !fault.Is(err, fault.Unavailable) {
				t.Errorf("a write after the failure: %v", err)
			}
			cells := record.Batch{Cells: []record.Cell{{Space: record.SpaceShort, Name: []byte("s"), Value: []byte{1}}}}
			if _, err := l.Commit(t.Context(), cells); !fault.Is(err, fault.Unavailable) {
				t.Errorf("cells after the failure: %v", err)
			}
			if l.Err() == nil || l.Status().Failure == nil {
				t.Error("the failure is not told")
			}
		})
	}
}

// TestGoesOn: a guard that fails, or a caller that hangs up before the commit,
// is no failure of the log.
func TestGoesOn(t *testing.T) {
	w, _, l := brittle(t)
	w.write(l, put(1, 1, "a"))
	again := record.Batch{Puts: []record.Put{put(1, 1, "a")}}
	if _, err := l.Commit(t.Context(), again, written(again.Puts...)); !errors.Is(err, store.ErrGuard) {
		t.Errorf("a version written twice: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Append(ctx, shown("r", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that hung up: %v", err)
	}
	w.append(l, shown("r", 1))
	w.close(l)
	if r := w.verify(nil); !r.OK {
		t.Error(r)
	}
	if err := l.Append(t.Context(), shown("r", 1)); !fault.Is(err, fault.Unavailable) {
		t.Errorf("an append after Close: %v", err)
	}
}

// TestRefuses: nothing is written that its events do not cover.
func TestRefuses(t *testing.T) {
	w, _, l := brittle(t)
	p, q := put(1, 1, "a"), put(2, 1, "b")
	d := record.Digest(&p)
	item := audit.Item{Key: p.Key, Version: 1}
	exact, wrong := item, item
	exact.Digest, exact.Index = d.Content, d.Index
	wrong.Digest, wrong.Index = d.Index, d.Index
	cell := func(space record.Space, value []byte) record.Batch {
		return record.Batch{Cells: []record.Cell{{Space: space, Name: []byte("x"), Value: value}}}
	}
	puts := func(p ...record.Put) record.Batch { return record.Batch{Puts: p} }
	event := func(items ...audit.Item) []audit.Event { return []audit.Event{{Action: "update", Items: items}} }
	for name, c := range map[string]struct {
		batch  record.Batch
		events []audit.Event
		ok     bool
	}{
		"no event":          {puts(p), nil, false},
		"no item":           {puts(p), event(), false},
		"one of two":        {puts(p, q), event(item), false},
		"another version":   {puts(p), event(audit.Item{Key: p.Key, Version: 2}), false},
		"twice":             {puts(p), event(item, item), false},
		"wrong digest":      {puts(p), event(wrong), false},
		"digest, no put":    {record.Batch{}, event(exact), false},
		"a put twice":       {puts(p, p), event(item), false},
		"own link":          {record.Batch{Link: func() (record.LogRun, error) { return record.LogRun{}, nil }}, event(), false},
		"a tree cell":       {cell(record.SpaceTree, []byte{1}), nil, false},
		"a shard cell":      {cell(record.SpaceShard, nil), nil, false},
		"a content part":    {cell(record.SpaceContent, []byte{1}), nil, false},
		"content removed":   {cell(record.SpaceContent, nil), nil, true},
		"cells alone":       {cell(record.SpaceShort, []byte{1}), nil, true},
		"exact":             {puts(p), event(exact), true},
		"filled in, shared": {puts(q), event(audit.Item{Key: q.Key, Version: 1}, audit.Item{Key: p.Key, Version: 1}), true},
	} {
		r, err := l.Commit(t.Context(), c.batch, c.events...)
		if err == nil {
			err = r.Wait()
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if l.Err() != nil {
		t.Errorf("a refusal broke the log: %v", l.Err())
	}
	w.close(l)
	if r := w.verify(nil); !r.OK || r.Rows != 2 {
		t.Error(r)
	}
}
