// Package reindex makes SearchParameter resources work that are stored while the
// server runs (FHIR R4 3.1.1.6): records there were before are indexed by them in
// the background, and no search uses one before all are.
//
// What is stored is the truth: Changed makes the manager look again, and a
// restart goes on where the last process stopped.
package reindex

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// Compile turns an expression into what visits the elements and values it finds
// in a resource. It refuses what cannot be evaluated without other resources.
type Compile func(expression string) (func(r *fhir.Resource, visit func(n fhir.Node, computed string)) error, error)

// Config says what a manager stands on. All fields are required.
type Config struct {
	Vault   *vault.Vault
	Compile Compile
	Clock   clock.Clock
	Slog    *slog.Logger
}

// actor is who reindexes, in the audit log.
const actor = "reindex"

// Manager keeps the vault's catalog and the stored SearchParameters in step. It
// is safe for concurrent use.
type Manager struct {
	vault   *vault.Vault
	compile Compile
	clock   clock.Clock
	slog    *slog.Logger

	mu      sync.Mutex // held while entries change
	entries []*entry
	last    uint32 // the highest number given so far

	wake chan struct{}
	stop context.CancelFunc
	done chan struct{}
}

// Open gives the vault the catalog of what was indexed so far. Nothing may be
// written to the vault before it returns.
func Open(ctx context.Context, cfg Config) (*Manager, error) {
	m := &Manager{
		vault: cfg.Vault, compile: cfg.Compile, clock: cfg.Clock, slog: cfg.Slog,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	var err error
	if m.entries, err = m.load(ctx); err != nil {
		return nil, err
	}
	return m, m.use()
}

// Start begins the work: what was not finished goes on.
func (m *Manager) Start(ctx context.Context) {
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	m.stop = stop
	m.Changed("SearchParameter")
	go m.run(run)
}

// Close stops the work under way; what was committed stays done.
func (m *Manager) Close() {
	if m.stop != nil {
		m.stop()
		<-m.done
	}
}

// Changed is told of the types of what was written. It never blocks.
func (m *Manager) Changed(types ...string) {
	if !slices.Contains(types, "SearchParameter") {
		return
	}
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// retry is how long the manager waits after a failure.
const retry = 5 * time.Second

func (m *Manager) run(ctx context.Context) {
	defer close(m.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		}
		for err := m.work(ctx); err != nil && ctx.Err() == nil; err = m.work(ctx) {
			m.slog.Warn("reindexing stopped; it will be tried again", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(retry):
			}
		}
	}
}

// work brings the entries in step with the stored resources, and indexes until
// nothing is left to do.
func (m *Manager) work(ctx context.Context) error {
	for {
		if err := m.sync(ctx); err != nil {
			return err
		}
		e := m.next()
		if e == nil {
			return nil
		}
		if err := m.index(ctx, e); err != nil {
			return err
		}
	}
}

// next returns the first entry that is not done.
func (m *Manager) next() *entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if e.State == Indexing {
			return e
		}
	}
	return nil
}

// use hands the vault the catalog of the entries.
func (m *Manager) use() error {
	c, err := catalog(m.entries)
	if err != nil {
		return fault.Wrap(fault.Internal, "reindex.use", err)
	}
	m.vault.UseCatalog(c)
	return nil
}

// sync retires entries whose resource is gone or says something else, and adds
// those of resources that are new.
func (m *Manager) sync(ctx context.Context) error {
	q, err := search.Parse("SearchParameter", nil, search.Options{})
	if err != nil {
		return err
	}
	records, err := m.vault.AllWithBodies(ctx, q)
	if err != nil {
		return err
	}
	wanted := map[string]definition{}
	var order []string
	for _, rec := range records {
		res, err := fhir.Parse(rec.Body)
		if err != nil {
			return fault.Wrap(fault.Internal, "reindex.sync", err)
		}
		if d, active := read(res); active {
			wanted[d.digest()] = d
			order = append(order, d.digest())
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	changed, err := m.retire(ctx, wanted)
	if err != nil {
		return err
	}
	for _, digest := range order {
		d, want := wanted[digest]
		if !want {
			continue
		}
		if err := m.add(ctx, d, digest); err != nil {
			return err
		}
		changed = true
	}
	if !changed {
		return nil
	}
	return m.use()
}

// retire ends entries that are not wanted any more, and takes those that stay from
// wanted. Once a code is free again, what was refused for its sake is met anew.
func (m *Manager) retire(ctx context.Context, wanted map[string]definition) (changed bool, err error) {
	for _, e := range m.entries {
		if _, want := wanted[e.Digest]; want || e.State == Retired || e.State == Refused {
			continue
		}
		if err := m.end(ctx, e); err != nil {
			return false, err
		}
		changed = true
	}
	m.entries = slices.DeleteFunc(m.entries, func(e *entry) bool {
		_, want := wanted[e.Digest]
		return e.State == Refused && (!want || changed && (e.Reason == reasonOwn || e.Reason == reasonMany))
	})
	for _, e := range m.entries {
		if e.State != Retired {
			delete(wanted, e.Digest)
		}
	}
	return changed, nil
}

func (m *Manager) end(ctx context.Context, e *entry) error {
	was := *e
	e.State, e.Finished = Retired, m.clock.Now()
	if err := m.save(ctx, e); err != nil {
		e.State, e.Finished = was.State, was.Finished
		return err
	}
	return nil
}

// add makes an entry of a definition: Indexing, or Refused with the reason. What
// is refused is not kept: whoever starts next refuses it again.
func (m *Manager) add(ctx context.Context, d definition, digest string) error {
	e := &entry{definition: d, Digest: digest, State: Indexing, Started: m.clock.Now(), Number: m.last}
	for e.parameter == nil && e.Reason == "" {
		e.Number++
		e.parameter, e.Reason = d.parameter(e.Number, m.compile)
	}
	if e.Reason == "" && m.full() {
		e.Reason = reasonMany
	}
	if e.Reason == "" {
		if _, err := catalog(append(slices.Clone(m.entries), &entry{State: Ready, parameter: e.parameter})); err != nil {
			e.Reason = reasonOwn
		}
	}
	if e.Reason != "" {
		e.State, e.Finished, e.parameter, e.Number = Refused, e.Started, nil, 0
		m.entries = append(m.entries, e)
		return nil
	}
	if err := m.save(ctx, e); err != nil {
		return err
	}
	m.last = e.Number
	m.entries = append(m.entries, e)
	return nil
}

// full reports whether no parameter is taken any more.
func (m *Manager) full() bool {
	active, ever := 0, 0
	for _, e := range m.entries {
		if e.State != Refused {
			ever++
		}
		if e.State == Indexing || e.State == Ready {
			active++
		}
	}
	return active >= maxAdded || ever >= maxEver
}

// index reads the records of each base type, step by step, and declares the
// parameter ready. A parameter retired meanwhile is left.
func (m *Manager) index(ctx context.Context, e *entry) error {
	p, err := m.progressOf(ctx, e)
	if err != nil {
		return err
	}
	for p.Type < len(e.Base) {
		if err := ctx.Err(); err != nil {
			return err
		}
		select {
		case <-m.wake: // perhaps it was retired
			if err := m.sync(ctx); err != nil || e.State != Indexing {
				return err
			}
		default:
		}
		if p, err = m.step(ctx, e, p); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.State != Indexing {
		return nil
	}
	e.State, e.Finished = Ready, m.clock.Now()
	if err := m.save(ctx, e); err != nil {
		e.State = Indexing
		return err
	}
	return m.use()
}

func (m *Manager) step(ctx context.Context, e *entry, p progress) (progress, error) {
	event := audit.Event{Actor: actor, Detail: e.parameter.String()}
	var next progress
	_, err := m.vault.Reindex(ctx, e.Base[p.Type], p.Position, event, func(step vault.Reindexed) vault.Job {
		next = progress{Type: p.Type, Position: step.Next, Looked: p.Looked + step.Looked, Amended: p.Amended + step.Amended}
		if step.Done {
			next.Type, next.Position = p.Type+1, 0
		}
		mark, _ := json.Marshal(next) // four numbers
		return vault.Job{Name: e.job(), Value: string(mark)}
	})
	if err != nil {
		return p, err
	}
	return next, nil
}

// Status is how far a stored SearchParameter is.
type Status struct {
	State    State
	Reason   string // of a refusal
	Code     string
	Base     []string
	Looked   int // records read so far
	Amended  int // of them found by the parameter since
	Started  time.Time
	Finished time.Time // zero: not yet
}

// Status returns how far the SearchParameter with that logical id is, or
// fault.NotFound if the manager has not met it yet or it is not active.
func (m *Manager) Status(ctx context.Context, id string) (Status, error) {
	m.mu.Lock()
	var e entry
	found := false
	for _, have := range m.entries {
		if have.Source == id {
			e, found = *have, true // the newest
		}
	}
	m.mu.Unlock()
	if !found {
		return Status{}, fault.New(fault.NotFound, "reindex.Status", "No active SearchParameter of that id is known.")
	}
	p, err := m.progressOf(ctx, &e)
	if err != nil {
		return Status{}, err
	}
	return Status{
		State: e.State, Reason: e.Reason, Code: e.Code, Base: e.Base, Looked: p.Looked, Amended: p.Amended,
		Started: e.Started, Finished: e.Finished,
	}, nil
}
