package chart

import (
	"context"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
)

// ManyAlert is the detail of the audit entry by which somebody has been shown far more
// charts within an hour than is usual for the role.
const ManyAlert = "alert: far more charts than is usual for the role"

const (
	readersWindow = time.Hour
	mostReaders   = 10_000 // counted at a time; one more forgets who is quiet longest
)

// readers counts how many patients' records each caller is shown. It is memory of this
// process: a restart forgets it.
type readers struct {
	clock clock.Clock
	usual map[string]int // by role, "program" for programs; 0 and what is missing: no bound

	mu     sync.Mutex
	counts map[string]*reading
}

// reading is what one caller was shown since a time.
type reading struct {
	since time.Time
	seen  map[record.Key]struct{}
	told  bool
}

// bound is the most charts that any of the actor's roles reads in an hour, 0 if nobody said.
func (r *readers) bound(actor Actor) int {
	if actor.Kind == identity.KindClient {
		return r.usual["program"]
	}
	most := 0
	for _, role := range actor.Roles {
		usual := r.usual[role]
		if usual == 0 {
			return 0
		}
		most = max(most, usual)
	}
	return most
}

// crossed counts patients shown to an actor, and reports whether that made them too many.
func (r *readers) crossed(actor Actor, patients []record.Key) bool {
	bound := r.bound(actor)
	if bound == 0 || len(patients) == 0 || actor.Kind == identity.KindSystem {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.of(string(actor.Kind) + "/" + actor.ID)
	if one.told {
		return false
	}
	for _, p := range patients {
		one.seen[p] = struct{}{}
	}
	if one.told = len(one.seen) > bound; one.told {
		one.seen = nil
	}
	return one.told
}

// of returns the caller's present hour. r.mu is held.
func (r *readers) of(name string) *reading {
	now := r.clock.Now()
	one, ok := r.counts[name]
	if ok && now.Sub(one.since) < readersWindow {
		return one
	}
	if !ok && len(r.counts) >= mostReaders {
		r.forget()
	}
	one = &reading{since: now, seen: map[record.Key]struct{}{}}
	r.counts[name] = one
	return one
}

// forget makes room: for all whose hour is over, or for one.
func (r *readers) forget() {
	oldest, now := "", r.clock.Now()
	for name, one := range r.counts {
		if now.Sub(one.since) >= readersWindow {
			delete(r.counts, name)
		} else if oldest == "" || one.since.Before(r.counts[oldest].since) {
			oldest = name
		}
	}
	if len(r.counts) >= mostReaders {
		delete(r.counts, oldest)
	}
}

// alertMany tells the log and the audit trail, before the last of them is shown.
func (r *request) alertMany(ctx context.Context) {
	if len(r.event.Items) == 0 || !r.chart.readers.crossed(r.actor, r.event.Patients) {
		return
	}
	if r.event.Detail == "" {
		r.event.Detail = ManyAlert
	}
	r.chart.slog.WarnContext(ctx, ManyAlert, "actor", r.actor.ID, "client", r.actor.ClientID, "request", r.event.RequestID)
}
