package audit_test

import (
	"context"
	"sync"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/store"
)

// lateLog is a store in which a commit always comes between the reading of the
// log and whatever its reader does next.
type lateLog struct {
	store.Store
	mu     sync.Mutex
	commit func()
}

func (s *lateLog) Log(ctx context.Context, shard, from uint64, limit int) ([]store.Entry, error) {
	entries, err := s.Store.Log(ctx, shard, from, limit)
	s.mu.Lock()
	commit := s.commit
	s.commit = nil
	s.mu.Unlock()
	if commit != nil {
		commit()
	}
	return entries, err
}

// TestEntryAfterTheRead: an entry that becomes visible after the log was read is
// not one that the store has lost.
func TestEntryAfterTheRead(t *testing.T) {
	w := newWorld(t)
	late := &lateLog{Store: w.store}
	w.store = late
	log, err := audit.Open(t.Context(), quietConfig(w))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close(context.Background()) })
	for range 20 {
		if err := log.Integrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		late.mu.Lock()
		late.commit = func() {
			if err := log.Append(t.Context(), audit.Event{Action: audit.ActionRead, Actor: "a"}); err != nil {
				t.Error(err)
			}
		}
		late.mu.Unlock()
		if err := log.Integrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Err(); err != nil {
		t.Fatalf("the log failed: %v", err)
	}
}
