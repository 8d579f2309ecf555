// Package notify serves Subscriptions: those of plain R4, whose criteria are a
// search, and those of the Subscriptions R5 Backport guide, whose criteria are a
// topic with filters; by rest-hook and by web socket.
//
// A notification is a search with the rights, of that moment, of whoever wrote
// the Subscription: package chart decides and audits it. Notifications of one
// Subscription are made in the order of the commits, each at least once.
package notify

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/search"
)

// Client sends requests to endpoints. It MUST refuse addresses that the site has
// not allowed also when a name resolves to one, and MUST NOT follow redirects.
type Client interface {
	Do(*http.Request) (*http.Response, error)
}

// Config says what a manager stands on. All fields but Pause and Tries are
// required.
type Config struct {
	Chart   *chart.Chart
	Act     func(context.Context, identity.Mandate) (chart.Actor, error)
	Catalog func() *search.Catalog
	Client  Client
	// Allow refuses endpoints that the site has not allowed.
	Allow func(*url.URL) error
	Base  string // of the FHIR API, as clients write it
	Clock clock.Clock
	Slog  *slog.Logger

	Pause time.Duration // before the second try of a delivery; 0: a second
	Tries int           // of a delivery; 0: 12, within about an hour
}

// Manager serves the Subscriptions there are. It is safe for concurrent use.
type Manager struct {
	chart   *chart.Chart
	act     func(context.Context, identity.Mandate) (chart.Actor, error)
	catalog func() *search.Catalog
	client  Client
	allow   func(*url.URL) error
	base    string
	topics  string // what canonical addresses of topics begin with
	clock   clock.Clock
	slog    *slog.Logger
	pause   time.Duration
	tries   int
	sockets sockets

	mu      sync.Mutex
	workers map[string]*worker
	asked   uint64        // changes of Subscriptions told of
	known   uint64        // of them, those that workers follow
	synced  chan struct{} // closed when known grows
	wake    chan struct{}
	stop    context.CancelFunc
	ctx     context.Context // of everything the manager does by itself
	wait    sync.WaitGroup
}

// maxActive bounds the Subscriptions served at the same time, and maxOwned those
// of one owner.
const (
	maxActive = 1000
	maxOwned  = 100
)

// New returns a manager that serves nothing before Start. Vet and Changed may be
// used at once, which is why the two are apart: the chart needs them.
func New(cfg Config) *Manager {
	m := &Manager{
		chart: cfg.Chart, act: cfg.Act, catalog: cfg.Catalog, client: cfg.Client, allow: cfg.Allow,
		base: cfg.Base, topics: cfg.Base + "/SubscriptionTopic/", clock: cfg.Clock, slog: cfg.Slog,
		pause: cfg.Pause, tries: cfg.Tries, workers: map[string]*worker{}, wake: make(chan struct{}, 1), synced: make(chan struct{}),
		sockets: sockets{bound: map[string]map[chan []byte]bool{}, tokens: map[string]binding{}},
	}
	if m.pause == 0 {
		m.pause = time.Second
	}
	if m.tries == 0 {
		m.tries = 12
	}
	return m
}

// Start serves what is stored, through c.
func (m *Manager) Start(ctx context.Context, c *chart.Chart) {
	m.mu.Lock()
	m.chart = c
	m.mu.Unlock()
	m.ctx, m.stop = context.WithCancel(context.WithoutCancel(ctx))
	m.Changed("Subscription")
	m.wait.Go(m.run)
	m.wait.Go(m.watchOwners)
}

// Close ends all deliveries and lets go of the web sockets; what was not taken is
// delivered after the next start.
func (m *Manager) Close() {
	if m.stop != nil {
		m.stop()
		m.wait.Wait()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range m.workers {
		m.end(w, nil)
	}
}

// Changed is told of the types of what was written. It never blocks.
func (m *Manager) Changed(types ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.Contains(types, "Subscription") {
		m.asked++
		signal(m.wake)
	}
	for _, w := range m.workers {
		if slices.Contains(types, w.spec.typ) {
			signal(w.wake)
		}
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Vet refuses a Subscription that would never be served, and one that declares
// itself active: that is the server's to say.
func (m *Manager) Vet(ctx context.Context, old, next *fhir.Resource) error {
	s, err := m.read(next)
	if err == nil {
		err = m.answerable(ctx, s)
	}
	if err != nil {
		return err
	}
	switch next.Root().Get("status").Text() {
	case "requested", "off":
		return nil
	}
	if old != nil && old.Root().Get("status").Text() == next.Root().Get("status").Text() {
		if was, err := m.read(old); err == nil && was.endpoint == s.endpoint && was.socket == s.socket {
			return nil
		}
	}
	return refused("Subscription.status", "A Subscription begins with the status requested; the server makes it active. Off ends it.")
}

// answerable refuses criteria that no notification could be decided by, such as
// those of a value set that is not loaded.
func (m *Manager) answerable(ctx context.Context, s spec) error {
	m.mu.Lock()
	door := m.chart
	m.mu.Unlock()
	if door == nil {
		return nil // before Start there is nothing to ask; a worker finds out
	}
	err := door.Criteria(ctx, s.typ, s.criteria)
	if err == nil || fault.Is(err, fault.Unavailable) || fault.Is(err, fault.Internal) {
		return err
	}
	return refused("Subscription.criteria", fault.Public(err))
}

// followed waits until every change of a Subscription made so far is followed: one
// that was ended or changed tells nothing that was committed after.
func (m *Manager) followed(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for want := m.asked; m.known < want; {
		synced := m.synced
		m.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-synced:
		}
		m.mu.Lock()
		if ctx.Err() != nil {
			break
		}
	}
	return ctx.Err()
}

func (m *Manager) run() {
	again := time.NewTicker(time.Minute) // what failed is tried again
	defer again.Stop()
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-m.wake:
		case <-again.C:
		}
		if err := m.sync(m.ctx); err != nil && m.ctx.Err() == nil {
			m.slog.Warn("the Subscriptions could not be read; it will be tried again", "err", err)
		}
	}
}

// sync starts workers of Subscriptions that are to be served and ends the others.
func (m *Manager) sync(ctx context.Context) error {
	m.mu.Lock()
	asked := m.asked
	m.mu.Unlock()
	stored, err := m.chart.Subscriptions(ctx)
	if err != nil {
		return err
	}
	wanted := m.wanted(ctx, stored)
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, w := range m.workers {
		next := wanted[id]
		if next != nil && (next.version == w.version || next.version == w.knows.Load()) {
			delete(wanted, id) // nothing but its status changed
			continue
		}
		m.end(w, next)
		if next != nil {
			next.after = w.done
		}
	}
	for id, w := range wanted {
		m.workers[id] = w
		w.start(m.ctx)
	}
	m.known = asked
	close(m.synced)
	m.synced = make(chan struct{})
	return nil
}

// wanted returns a worker for each Subscription that is to be served, and tells
// the others why they are not.
func (m *Manager) wanted(ctx context.Context, stored []chart.Subscription) map[string]*worker {
	wanted, owned := map[string]*worker{}, map[owner]int{}
	for _, sub := range m.servedFirst(stored) {
		state := sub.Root().Get("status").Text()
		if state != "requested" && state != "active" {
			continue
		}
		s, err := m.read(sub.Resource.Resource)
		if err != nil {
			m.fail(ctx, sub.TypeID.ID, "The Subscription cannot be served by this server any more.", nil)
			continue
		}
		of := owner{sub.Mandate.Kind, sub.Mandate.ID}
		if len(wanted) == maxActive {
			m.fail(ctx, s.id, "The server serves as many Subscriptions as it can. Set the status to requested to begin anew.", nil)
			continue
		}
		if owned[of]++; owned[of] > maxOwned {
			m.fail(ctx, s.id, "The server serves 100 Subscriptions of one owner. End another, and set the status to requested to begin anew.", nil)
			continue
		}
		if len(sub.Headers) > 0 {
			s.headers = sub.Headers
		}
		wanted[s.id] = &worker{manager: m, spec: s, mandate: sub.Mandate, version: sub.Version, fresh: state == "requested"}
	}
	return wanted
}

// owner is whose a Subscription is.
type owner struct {
	kind identity.Kind
	id   string
}

// servedFirst puts those that are served before those that would be: nobody loses
// his for one that came later.
func (m *Manager) servedFirst(list []chart.Subscription) []chart.Subscription {
	m.mu.Lock()
	defer m.mu.Unlock()
	rank := func(s chart.Subscription) int {
		switch {
		case m.workers[s.TypeID.ID] != nil:
			return 0
		case s.Root().Get("status").Text() == "active":
			return 1
		}
		return 2
	}
	slices.SortStableFunc(list, func(a, b chart.Subscription) int { return rank(a) - rank(b) })
	return list
}

// end lets go of a worker for the sake of another, or of none (nil), with the
// sockets that are not the next one's to tell. m.mu MUST be held.
func (m *Manager) end(w, next *worker) {
	w.cancel()
	delete(m.workers, w.spec.id)
	if next == nil || !next.isOf(w.mandate.Kind, w.mandate.ID) {
		m.sockets.close(w.spec.id)
	}
}
