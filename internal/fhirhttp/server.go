// Package fhirhttp is the FHIR R4 RESTful API: it turns HTTP into requests to
// the chart, and the chart's answers into HTTP. It holds no data and no policy.
package fhirhttp

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Config says what the API stands on. All fields are required.
type Config struct {
	Chart *chart.Chart
	// Authenticate returns who sends a request, or fault.Unauthenticated.
	Authenticate func(*http.Request) (chart.Actor, error)
	Base         string // https://host/fhir, as clients write it
	TokenURL     string // where programs get their tokens
	Version      string // of the software
	Released     time.Time
	Clock        clock.Clock
}

type server struct {
	Config
	mux        *http.ServeMux
	routes     []route
	capability []byte
	bundles    chan struct{} // one place for each bundle that is being carried out
}

// maxBundles bounds the bundles carried out at the same time: each may be many
// times as large in memory as it was on the wire.
const maxBundles = 4

// route is one line of the API, also read by the CapabilityStatement.
type route struct {
	method, pattern string
	serve           handler
}

// handler answers for an authenticated actor; an error becomes an
// OperationOutcome. It MUST write nothing before it can no longer fail.
type handler func(w http.ResponseWriter, r *http.Request, actor chart.Actor) error

// New returns the API, to be mounted at /fhir.
func New(cfg Config) (http.Handler, error) {
	s := &server{Config: cfg, mux: http.NewServeMux(), bundles: make(chan struct{}, maxBundles)}
	var err error
	if s.capability, err = s.capabilityStatement(); err != nil {
		return nil, fmt.Errorf("fhirhttp.New: %w", err)
	}
	s.mux.HandleFunc("GET /fhir/metadata", s.handleMetadata)
	s.routes = []route{
		{"GET", "/fhir/{type}/{id}", s.handleRead},
		{"GET", "/fhir/{type}/{id}/_history/{version}", s.handleVRead},
		{"GET", "/fhir/{type}/{id}/_history", s.handleHistory},
		{"PUT", "/fhir/{type}/{id}", s.handleUpdate},
		{"DELETE", "/fhir/{type}/{id}", s.handleDelete},
		{"GET", "/fhir/{type}", s.handleSearch},
		{"POST", "/fhir/{type}/_search", s.handleSearchForm},
		{"POST", "/fhir/{type}", s.handleCreate},
		{"PUT", "/fhir/{type}", s.handleUpdateWhere},
		{"DELETE", "/fhir/{type}", s.handleDeleteWhere},
		{"POST", "/fhir", s.handleBundle},
		{"POST", "/fhir/{$}", s.handleBundle},
	}
	for _, rt := range s.routes {
		s.mux.Handle(rt.method+" "+rt.pattern, s.guarded(rt.serve))
	}
	s.mux.Handle("/fhir/", s.guarded(s.handleUnknown))
	s.mux.Handle("/fhir", s.guarded(s.handleUnknown))
	return compressed(s.mux), nil
}

// maxTime bounds one request, so that no search goes on for nobody.
const maxTime = 2 * time.Minute

// guarded authenticates before anything else is looked at.
func (s *server) guarded(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), maxTime)
		defer cancel()
		r = r.WithContext(ctx)
		actor, err := s.Authenticate(r)
		if err == nil {
			event := web.EventOf(r.Context())
			event.Add(slog.String("actor", actor.ID))
			actor.RequestID = event.RequestID
			err = s.known(r)
		}
		if err == nil {
			err = h(w, r, actor)
		}
		if err != nil {
			Fail(w, r, err)
		}
	})
}

// known refuses types that R4 does not have, and ids it does not allow.
func (s *server) known(r *http.Request) error {
	if typ := r.PathValue("type"); typ != "" && !fhir.IsResource(typ) {
		return fault.New(fault.NotFound, "fhirhttp.known", "FHIR R4 has no resource type of that name.")
	}
	if id := r.PathValue("id"); id != "" && !fhir.ValidID(id) {
		return fault.New(fault.Invalid, "fhirhttp.known", "An id has 1 to 64 letters, digits, hyphens and dots.")
	}
	return nil
}

func (s *server) handleUnknown(w http.ResponseWriter, r *http.Request, _ chart.Actor) error {
	var allowed []string
	for _, method := range []string{"DELETE", "GET", "HEAD", "POST", "PUT"} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := s.mux.Handler(probe); pattern != "/fhir/" && pattern != "/fhir" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return fault.New(fault.NotAllowed, "fhirhttp.handleUnknown", "")
	}
	return fault.New(fault.NotFound, "fhirhttp.handleUnknown", "There is no such address. GET /fhir/metadata tells what is served.")
}

// Fail answers with an OperationOutcome.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	web.EventOf(r.Context()).Fail(err)
	kind := fault.KindOf(err)
	h := w.Header()
	switch kind {
	case fault.Unauthenticated:
		h.Set("WWW-Authenticate", `Bearer realm="wardkeep"`)
	case fault.Throttled, fault.Unavailable:
		h.Set("Retry-After", "5")
	}
	writeJSON(w, web.Status(kind), fhir.Outcome(err))
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", fhirJSON+"; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client hung up: nobody is left to tell
}
