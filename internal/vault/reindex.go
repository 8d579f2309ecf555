package vault

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/store"
)

// catalog is what resources are found by now. A commit holds writing from the
// moment it reads the catalog until it is visible.
type catalog struct {
	now     atomic.Pointer[search.Catalog]
	writing sync.RWMutex
}

// Catalog returns what resources are found by.
func (v *Vault) Catalog() *search.Catalog { return v.catalog.now.Load() }

// UseCatalog changes what resources are found by. When it returns, every commit
// that read the catalog before is visible: Reindex finds what it wrote.
func (v *Vault) UseCatalog(c *search.Catalog) {
	v.catalog.writing.Lock()
	defer v.catalog.writing.Unlock()
	v.catalog.now.Store(c)
}

// Reindexed is what one step of reindexing did.
type Reindexed struct {
	Next    record.Position // where the next step begins
	Looked  int
	Amended int
	Done    bool
}

// reindexRun is how many records one step looks at: one commit.
const reindexRun = 200

// Reindex derives anew what the current records of a type behind a position are
// found by, and amends those for which the catalog finds more than their cards
// hold. job is the mark of progress to be committed with the step; it is given
// where the next one begins. Repeat it until Done; a step that was interrupted
// may be repeated.
func (v *Vault) Reindex(ctx context.Context, typ string, after record.Position, event audit.Event, job func(Reindexed) Job) (Reindexed, error) {
	var lost error
	for range maxTries {
		step, err := v.reindexStep(ctx, typ, after, event, job)
		if err == nil || !errors.Is(err, store.ErrGuard) && !errors.Is(err, store.ErrStale) {
			return step, v.storeFault("vault.Reindex", err)
		}
		lost = err // a record changed meanwhile: its new version is indexed already
	}
	return Reindexed{}, v.storeFault("vault.Reindex", lost)
}

func (v *Vault) reindexStep(ctx context.Context, typ string, after record.Position, event audit.Event, job func(Reindexed) Job) (Reindexed, error) {
	step := Reindexed{Next: after}
	drafts, err := v.outdated(ctx, typ, &step)
	if err != nil {
		return step, err
	}
	step.Done, step.Amended = step.Looked < reindexRun, len(drafts)
	p := preparation{vault: v, now: v.clock.Now(), whose: map[record.Key]struct{}{}, seals: v.sealer.Batch()}
	p.batch.Time = p.now
	if err := p.amend(ctx, drafts); err != nil {
		return step, err
	}
	if err := p.job(job(step)); err != nil {
		return step, err
	}
	event.Time, event.Type, event.Action = p.now, typ, audit.ActionReindex
	event.Items = append(slices.Clone(event.Items), p.items...)
	event.Patients = p.patients(event.Patients...)
	receipt, err := v.log.Commit(ctx, p.batch, event)
	if err != nil {
		return step, err
	}
	v.names.put(p.names)
	return step, receipt.Wait()
}

// outdated returns drafts of the records of one step whose cards would be
// others now. Expect is the version before the one to be amended.
func (v *Vault) outdated(ctx context.Context, typ string, step *Reindexed) ([]draft, error) {
	var drafts []draft
	find := store.Find{Expr: store.All{Class: v.sealer.Class(typ)}, Want: store.WantCard | store.WantBody, After: step.Next, Limit: reindexRun}
	_, err := v.store.Find(ctx, find, func(row record.Row) error {
		step.Looked, step.Next = step.Looked+1, row.Position
		opened, err := v.openCard(ctx, typ, row)
		if err != nil {
			return err
		}
		rec, err := v.openBody(TypeID{Type: typ}, row, opened)
		if err != nil {
			return err
		}
		res, err := fhir.Parse(rec.Body)
		if err != nil {
			return fault.Wrap(fault.Internal, "vault.outdated", err)
		}
		doc, err := v.Catalog().ExtractAnew(res, opened.Card)
		if err != nil || bytes.Equal(doc.Card, opened.Card) {
			return err
		}
		drafts = append(drafts, draft{
			change: Change{TypeID: rec.TypeID, Expect: rec.Version - 1, Resource: res},
			body:   rec.Body, doc: doc,
		})
		return nil
	})
	return drafts, err
}

// amend adds amends of the drafts to the batch.
func (p *preparation) amend(ctx context.Context, drafts []draft) error {
	var mentioned []TypeID
	for _, d := range drafts {
		mentioned = append(mentioned, d.mentions()...)
	}
	var err error
	if p.names, err = p.vault.allot(ctx, mentioned, &p.batch); err != nil {
		return err
	}
	if err := p.prefetch(ctx, drafts); err != nil {
		return err
	}
	for _, d := range drafts {
		put, err := p.put(ctx, d, p.subjects(d))
		if err != nil {
			return err
		}
		p.batch.Amends = append(p.batch.Amends, put)
		p.items = append(p.items, audit.Item{Key: put.Key, Version: put.Version})
	}
	return nil
}
