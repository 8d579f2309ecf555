package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// worker serves one Subscription, so that a slow endpoint holds up nobody else.
type worker struct {
	manager *Manager
	spec    spec
	mandate identity.Mandate
	version uint64        // of the Subscription it began with
	knows   atomic.Uint64 // the version it wrote itself
	fresh   bool          // it is to be made active first

	wake   chan struct{}
	cancel context.CancelFunc
	done   chan struct{}
	after  <-chan struct{} // its predecessor's end

	at    mark
	saved mark
	shown atomic.Pointer[mark] // at, for whoever asks
}

// mark is how far a Subscription was served. It is kept as a job's mark.
type mark struct {
	Position record.Position `json:"position"`
	Events   uint64          `json:"events"`
	// Recent is where the last events happened that were told to Owner; the last one
	// has the number Events.
	Owner  string            `json:"owner,omitempty"`
	Recent []record.Position `json:"recent,omitempty"`
}

func ownerOf(kind identity.Kind, id string) string { return string(kind) + "/" + id }

// maxRecent bounds the events of a Subscription that can be asked for.
const maxRecent = 100

// reached counts an event at a position.
func (m *mark) reached(at record.Position) {
	m.Events++
	drop := max(0, len(m.Recent)+1-maxRecent)
	m.Recent = append(slices.Clone(m.Recent[drop:]), at) // others may read the old one
}

// between returns where the events of a range happened, and the number of the first.
func (m *mark) between(since, until *uint64) (first uint64, at []record.Position, err error) {
	oldest := m.Events - uint64(len(m.Recent)) + 1
	first, last := oldest, m.Events
	if since != nil {
		first = max(*since, 1)
	}
	if until != nil {
		last = min(*until, last)
	}
	switch {
	case since != nil && until != nil && *since > *until:
		return 0, nil, fault.New(fault.Invalid, "notify.between", "eventsSinceNumber is not behind eventsUntilNumber.")
	case first > last:
		return first, nil, nil
	case first < oldest:
		return 0, nil, fault.New(fault.Unprocessable, "notify.between", "Events that long ago are not kept any more. Ask without eventsSinceNumber for those that are, and search for what changed before.")
	}
	return first, m.Recent[first-oldest : last-oldest+1], nil
}

func (m *mark) is(other mark) bool { return m.Position == other.Position && m.Events == other.Events }

// Of the feed: what is read at a time, and how often progress is kept.
const (
	feedRun   = 100
	keepEvery = 5 * time.Second
)

func (w *worker) job() string { return "notify/" + w.spec.id }

func (w *worker) start(ctx context.Context) {
	ctx, w.cancel = context.WithCancel(ctx)
	w.wake, w.done = make(chan struct{}, 1), make(chan struct{})
	signal(w.wake)
	w.manager.wait.Go(func() {
		defer close(w.done)
		if w.after != nil {
			<-w.after
		}
		err := w.run(ctx)
		w.keep(context.WithoutCancel(ctx))
		if err == nil || ctx.Err() != nil || !w.manager.drop(w) {
			return
		}
		w.manager.slog.Warn("a Subscription is not served any more", "subscription", w.spec.id, "err", err)
		if !fault.Is(err, fault.Unavailable) { // else the manager begins again by itself
			w.manager.fail(context.WithoutCancel(ctx), w.spec.id, reason(err), w)
		}
	})
}

func (w *worker) isOf(kind identity.Kind, id string) bool {
	return w.mandate.Kind == kind && w.mandate.ID == id
}

// reason is what the Subscription's owner is told.
func reason(err error) string {
	switch {
	case errors.Is(err, errDelivery):
		return "The endpoint did not take the notifications. Set the status to requested to begin anew."
	case fault.Is(err, fault.Denied):
		return "Whoever wrote the Subscription may not read such records now."
	}
	return "The server could not serve the Subscription. Set the status to requested to begin anew."
}

func (w *worker) run(ctx context.Context) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	keep := time.NewTicker(keepEvery)
	defer keep.Stop()
	var beat <-chan time.Time
	if w.spec.heartbeat > 0 {
		t := time.NewTicker(w.spec.heartbeat)
		defer t.Stop()
		beat = t.C
	}
	for {
		if !w.spec.end.IsZero() && !w.manager.clock.Now().Before(w.spec.end) {
			return w.manager.setStatus(ctx, w.spec.id, "off", "", w)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-keep.C:
			w.keep(ctx)
		case <-beat:
			if err := w.signal(ctx, heartbeat); err != nil {
				return err
			}
		case <-w.wake:
			if err := w.catchUp(ctx, keep.C); err != nil {
				return err
			}
		}
	}
}

// begin finds where to go on. A Subscription that is new, or asks anew, begins
// with what happens from now on, after its endpoint took the handshake.
func (w *worker) begin(ctx context.Context) error {
	m := w.manager
	value, err := m.chart.Mark(ctx, w.job())
	if err == nil && value != "" {
		err = json.Unmarshal([]byte(value), &w.at)
	}
	if err != nil {
		return err
	}
	if owner := ownerOf(w.mandate.Kind, w.mandate.ID); w.at.Owner != owner {
		w.at.Owner, w.at.Recent = owner, nil
	}
	w.show()
	if !w.fresh && value != "" {
		w.saved = w.at
		return nil
	}
	if w.at.Position, err = m.chart.Last(ctx); err != nil {
		return err
	}
	if err := w.signal(ctx, handshake); err != nil {
		return err
	}
	w.keep(ctx)
	if w.fresh {
		return m.setStatus(ctx, w.spec.id, "active", "", w)
	}
	return nil
}

// keep makes progress durable. If it cannot, what was delivered since is
// delivered again after a restart.
func (w *worker) keep(ctx context.Context) {
	if w.at.is(w.saved) {
		return
	}
	value, _ := json.Marshal(w.at) // two numbers
	_, err := w.manager.chart.Transaction(ctx, system(), nil, vault.Job{Name: w.job(), Value: string(value)})
	if err == nil {
		w.saved = w.at
	}
}

// catchUp tells of everything committed since, and keeps progress on the way.
func (w *worker) catchUp(ctx context.Context, keep <-chan time.Time) error {
	for {
		list, err := w.manager.chart.Happenings(ctx, w.spec.typ, w.at.Position, feedRun)
		if err != nil {
			return err
		}
		for _, h := range list {
			if err := w.tell(ctx, h); err != nil {
				return err
			}
			w.at.Position = h.Position
		}
		select {
		case <-keep:
			w.keep(ctx)
		default:
		}
		if len(list) < feedRun {
			return nil
		}
	}
}

// signal sends a notification that tells of no record.
func (w *worker) signal(ctx context.Context, kind kindOf) error {
	return w.manager.insist(ctx, func() error { return w.manager.send(ctx, &w.spec, kind, w.at.Events, nil) })
}

// tell notifies of one version, if it is to be told. Each try is decided on and
// audited by itself.
func (w *worker) tell(ctx context.Context, h chart.Happened) error {
	if h.Deleted {
		return nil
	}
	return w.manager.insist(ctx, func() error { return w.tellOnce(ctx, h) })
}

func (w *worker) tellOnce(ctx context.Context, h chart.Happened) error {
	if err := w.manager.followed(ctx); err != nil {
		return err
	}
	actor, err := w.manager.act(ctx, w.mandate)
	if err != nil {
		return err
	}
	res, err := w.manager.chart.Notify(ctx, actor, w.spec.id, h, w.spec.criteria)
	if err != nil || res == nil {
		return err
	}
	if err := w.manager.send(ctx, &w.spec, event, w.at.Events+1, res); err != nil {
		return err
	}
	w.at.reached(h.Position)
	w.show()
	return nil
}

// show lets others see how far the worker is.
func (w *worker) show() {
	at := w.at
	w.shown.Store(&at)
}

func system() chart.Actor { return identity.System("notify", "notifier") }

// drop lets go of a worker and reports whether it was still the one that serves.
func (m *Manager) drop(w *worker) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.workers[w.spec.id] != w {
		return false
	}
	m.end(w, nil)
	return true
}

// fail gives a Subscription the status error.
func (m *Manager) fail(ctx context.Context, id, why string, by *worker) {
	if err := m.setStatus(ctx, id, "error", why, by); err != nil && m.ctx.Err() == nil {
		m.slog.Warn("the status of a Subscription could not be written", "subscription", id, "err", err)
	}
}

// setStatus writes the status of a Subscription as it is now. by, if it is given,
// speaks for the version it serves and for no other, and knows of the one that
// this makes.
func (m *Manager) setStatus(ctx context.Context, id, status, failure string, by *worker) error {
	for {
		now, err := m.chart.Read(ctx, system(), "Subscription", id, 0)
		if fault.Is(err, fault.Gone) || fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if s := now.Root().Get("status").Text(); s != "requested" && s != "active" {
			return nil // somebody ended it meanwhile
		}
		if by != nil && now.Version != by.version && now.Version != by.knows.Load() {
			return nil // somebody changed it meanwhile
		}
		next, err := withStatus(now.Resource, status, failure)
		if err != nil {
			return err
		}
		known := uint64(0)
		if by != nil {
			known = by.knows.Swap(now.Version + 1)
		}
		_, err = m.chart.Update(ctx, system(), next, chart.Condition{IfMatch: now.Version, MustExist: true})
		if err != nil && by != nil { // if there is such a version, it is somebody else's
			by.knows.Store(known)
			signal(m.wake)
		}
		if !fault.Is(err, fault.Precondition) && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
}

// withStatus returns the resource with its status and error set.
func withStatus(r *fhir.Resource, status, failure string) (*fhir.Resource, error) {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(r.JSON(), &members); err != nil {
		return nil, fault.Wrap(fault.Internal, "notify.withStatus", err)
	}
	members["status"], _ = json.Marshal(status)
	delete(members, "error")
	delete(members, "_error")
	if failure != "" {
		members["error"], _ = json.Marshal(failure)
	}
	var out bytes.Buffer
	if err := json.NewEncoder(&out).Encode(members); err != nil {
		return nil, fault.Wrap(fault.Internal, "notify.withStatus", err)
	}
	return fhir.Parse(out.Bytes())
}
