package web

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Event is the one log line of a request. Handlers add to it instead of logging
// on their own, and MUST add nothing that came from a record, a query or a body.
type Event struct {
	RequestID string
	Start     time.Time

	mu    sync.Mutex
	attrs []slog.Attr
	err   error
}

type eventKey struct{}

// EventOf returns the request's event; a context without one gets an event that
// is never written.
func EventOf(ctx context.Context) *Event {
	if e, ok := ctx.Value(eventKey{}).(*Event); ok {
		return e
	}
	return &Event{}
}

// Add notes attributes.
func (e *Event) Add(attrs ...slog.Attr) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.attrs = append(e.attrs, attrs...)
}

// Fail notes the error that decided the response.
func (e *Event) Fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

// write logs the event: errors of ours as errors, the callers' as information.
func (e *Event) write(ctx context.Context, log *slog.Logger, r *http.Request, status int, size int64, took time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	level := slog.LevelInfo
	if status >= 500 {
		level = slog.LevelError
	}
	// The pattern, never the path: a path may hold an id, a query a name.
	attrs := []slog.Attr{
		slog.String("request", e.RequestID), slog.String("method", r.Method),
		slog.String("route", r.Pattern), slog.Int("status", status),
		slog.Int64("bytes", size), slog.Duration("took", took),
	}
	attrs = append(attrs, e.attrs...)
	if e.err != nil {
		attrs = append(attrs, slog.String("error", e.err.Error()))
	}
	log.LogAttrs(ctx, level, "request", attrs...)
}
