package emergency

import (
	"context"
	"slices"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// keep makes a grant, or its end, durable in the spool, because the log cannot be
// written. It is in the book once the spool was taken in.
func (b *Book) keep(ctx context.Context, event audit.Event, g Grant) error {
	const op = "emergency.keep"
	if b.cfg.Spool == nil {
		return fault.Wrap(fault.Unavailable, op, audit.ErrDown)
	}
	write, err := docOf(g)
	if err != nil {
		return err
	}
	kept, err := b.cfg.Spool.Keep(ctx, event, write)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = time.Time{}
	if !kept {
		return nil
	}
	if b.kept == nil {
		b.kept = map[string]Grant{}
	}
	b.kept[g.ID] = g
	return nil
}

// withKept returns grants with those in the spool in the place of theirs.
func (b *Book) withKept(grants []Grant) []Grant {
	b.mu.Lock()
	defer b.mu.Unlock()
	grants = slices.DeleteFunc(slices.Clone(grants), func(g Grant) bool { _, kept := b.kept[g.ID]; return kept })
	for _, g := range b.kept {
		grants = append(grants, g)
	}
	return grants
}

// Settled says that the spool was taken in: the book holds all there is.
func (b *Book) Settled() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept, b.at = nil, time.Time{}
}

// getOpen returns a grant that may be in the spool.
func (b *Book) getOpen(ctx context.Context, id string) (Grant, error) {
	b.mu.Lock()
	g, kept := b.kept[id]
	b.mu.Unlock()
	if kept {
		return g, nil
	}
	return b.get(ctx, id)
}
