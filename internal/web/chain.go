// Package web is what every request passes before it reaches a handler: a
// request id, limits, a net under panics, one event, security headers.
package web

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"

	"context"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// Config is what the chain needs.
type Config struct {
	Log     *slog.Logger
	Clock   clock.Clock
	MaxBody int64 // bytes a request body may have; 0: DefaultMaxBody
	// OnFault writes the response to a fault that the chain itself found (a
	// panic). Each surface speaks its own format; nil writes plain text.
	OnFault func(w http.ResponseWriter, r *http.Request, err error)
}

// DefaultMaxBody holds the largest bundle that is accepted in one request.
const DefaultMaxBody = 64 << 20

// Chain wraps a handler in, from the outside: event, panic net, limits.
func Chain(next http.Handler, cfg Config) http.Handler {
	if cfg.MaxBody == 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.OnFault == nil {
		cfg.OnFault = plainFault
	}
	return events(cfg, headers(panics(cfg, limits(cfg, next))))
}

func events(cfg Config, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &Event{RequestID: rand.Text(), Start: cfg.Clock.Now()}
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", e.RequestID)
		req := r.WithContext(context.WithValue(r.Context(), eventKey{}, e))
		defer func() {
			e.write(req.Context(), cfg.Log, req, rec.status(), rec.size, cfg.Clock.Now().Sub(e.Start))
		}()
		next.ServeHTTP(rec, req)
	})
}

// headers are right for every answer; pages add their Content-Security-Policy.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func panics(cfg Config, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			// The panic's value may hold data; its place in the code does not.
			cfg.Log.ErrorContext(r.Context(), "panic", "request", EventOf(r.Context()).RequestID, "stack", string(debug.Stack()))
			err := fault.New(fault.Internal, "web", "")
			EventOf(r.Context()).Fail(err)
			if rec, ok := w.(*recorder); ok && rec.code != 0 {
				panic(http.ErrAbortHandler)
			}
			cfg.OnFault(w, r, err)
		}()
		next.ServeHTTP(w, r)
	})
}

func limits(cfg Config, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, cfg.MaxBody)
		next.ServeHTTP(w, r)
	})
}

func plainFault(w http.ResponseWriter, r *http.Request, err error) {
	http.Error(w, fault.Public(err), Status(fault.KindOf(err)))
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	code int
	size int64
}

func (r *recorder) WriteHeader(code int) {
	if r.code == 0 {
		r.code = code
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.code == 0 {
		r.code = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.size += int64(n)
	return n, err
}

func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK
	}
	return r.code
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
