package portaltest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/identity"
)

// FakeDrafts keeps drafts in memory, by person.
type FakeDrafts struct {
	Clock clock.Clock
	Err   error // of every call

	mu   sync.Mutex
	kept map[string][]identity.Draft
}

// NewFakeDrafts returns an empty one.
func NewFakeDrafts(c clock.Clock) *FakeDrafts {
	return &FakeDrafts{Clock: c, kept: map[string][]identity.Draft{}}
}

// Of returns what is kept of a person.
func (f *FakeDrafts) Of(person string) []identity.Draft {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.kept[person])
}

// KeepDraft implements portal.Drafts.
func (f *FakeDrafts) KeepDraft(ctx context.Context, actor identity.Actor, d identity.Draft) error {
	if err := f.DropDraft(ctx, actor, d.Form); err != nil || len(d.Fields) == 0 {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	d.Kept = f.Clock.Now()
	d.Until = d.Kept.Add(12 * time.Hour)
	f.kept[actor.ID] = append(f.kept[actor.ID], d)
	return nil
}

// Drafts implements portal.Drafts.
func (f *FakeDrafts) Drafts(_ context.Context, actor identity.Actor, page string) ([]identity.Draft, error) {
	list := f.Of(actor.ID)
	for i := range list {
		if list[i].Page != page {
			list[i].Fields = nil
		}
	}
	return list, f.Err
}

// DropDraft implements portal.Drafts.
func (f *FakeDrafts) DropDraft(_ context.Context, actor identity.Actor, form string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept[actor.ID] = slices.DeleteFunc(f.kept[actor.ID], func(d identity.Draft) bool { return d.Form == form })
	return f.Err
}
