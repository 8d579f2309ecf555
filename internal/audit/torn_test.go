package audit_test

import (
	"context"
	"errors"
	"testing"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// busyStore is a store in which another process moves the tree on behind a reader.
type busyStore struct {
	store.Store
	left int
	move func()
}

func (s *busyStore) Cells(ctx context.Context, space record.Space, names [][]byte) ([][]byte, error) {
	values, err := s.Store.Cells(ctx, space, names)
	if space == record.SpaceTree && s.left > 0 {
		s.left--
		s.move()
	}
	return values, err
}

// TestTornRead: a tree that grows while it is read is read again, not taken for one that
// contradicts itself; and a reader who never gets between says so.
func TestTornRead(t *testing.T) {
	for name, c := range map[string]struct {
		moves int
		ok    bool
	}{"it moves once": {1, true}, "all through the first tries": {40, true}, "without end": {1 << 30, false}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			other, err := audit.Open(t.Context(), quietConfig(w))
			if err != nil {
				t.Fatal(err)
			}
			w.append(other, many(300)...)
			w.integrate(other)
			busy := &busyStore{Store: w.store, left: c.moves, move: func() {
				w.append(other, many(3)...)
				w.integrate(other)
			}}
			w.store = busy
			l, err := audit.Open(t.Context(), quietConfig(w))
			if (err == nil) != c.ok || err != nil && !errors.Is(err, store.ErrGuard) {
				t.Fatalf("opened: %v", err)
			}
			busy.left = 0
			if err == nil {
				w.close(l)
			}
			w.close(other)
			if r := w.verify(nil); !r.OK || r.Pending != 0 {
				t.Error(r)
			}
		})
	}
}
