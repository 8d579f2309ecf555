package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// spoolFile is where the audit spool lies unless the settings name another disk.
const spoolFile = "audit.spool"

// openSpool takes in what emergencies left in the audit spool.
func (h *House) openSpool(ctx context.Context) (kept []vault.Kept, err error) {
	h.Spool, kept, err = h.Vault.OpenSpool(ctx, h.spoolPath(), h.Slog)
	if err != nil {
		return nil, fmt.Errorf("the audit spool cannot be taken in: %w", err)
	}
	return kept, nil
}

func (h *House) spoolPath() string {
	return firstOf(h.Config.AuditSpool, filepath.Join(h.Config.Dir, spoolFile))
}

// wantSpool makes a spool for a server, which is the only one that needs one.
func (h *House) wantSpool(ctx context.Context) error {
	if err := h.Spool.Want(ctx); err != nil {
		return fmt.Errorf("the audit spool %s cannot be used; give another place by audit_spool, best on another disk: %w", h.spoolPath(), err)
	}
	return nil
}

// answerWithin is how long a request waits for the device of the audit log: whoever
// asked has to be told within two seconds.
const answerWithin = 1500 * time.Millisecond

// hurried has requests be answered although a device hangs. It stands before the chain:
// a copy of a request that is made behind it would not tell the log its route.
func hurried(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(audit.Hurry(r.Context(), answerWithin)))
	})
}

// settleEvery is how often it is looked whether an outage is over, and settleRetry how
// long that waits after a failure, each of which may be told by an entry.
const (
	settleEvery = 200 * time.Millisecond
	settleRetry = 5 * time.Second
)

// settles ends outages: nothing else is logged before the spool is.
func (h *House) settles(ctx context.Context) {
	for wait := settleEvery; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = settleEvery
		if err := h.settle(audit.Hurry(ctx, answerWithin)); err != nil && ctx.Err() == nil {
			h.Slog.ErrorContext(ctx, "the audit spool could not be taken in or emptied; it will be tried again", "error", err)
			wait = settleRetry
		}
	}
}

func (h *House) settle(ctx context.Context) error {
	if !h.Log.Writable() {
		return nil
	}
	var err error
	if h.Spool.Waits() {
		var taken bool
		if taken, err = h.Spool.Settle(ctx); !taken {
			return err
		}
		h.Book.Settled()
	}
	return errors.Join(err, h.Identity.Settle(ctx))
}

// down is what the API says while nothing can be logged, before it reads anything.
func (h *House) down() error {
	if since, down := h.Log.Down(); down {
		return fault.New(fault.Unavailable, "app.down", "The audit log cannot be written since "+since.UTC().Format(time.RFC3339)+", so that nothing may be shown or changed. Try again later.")
	}
	return nil
}

// outages gives package identity its place while the audit log cannot be written.
type outages struct{ spool *vault.Spool }

var _ identity.Outage = outages{}

func (outages) Down(err error) bool { return errors.Is(err, audit.ErrDown) }

func (o outages) Keep(ctx context.Context, event identity.Event, writes []identity.Write) (bool, error) {
	return o.spool.Keep(ctx, auditEvent(event), docWrites(writes)...)
}
