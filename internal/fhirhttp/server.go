// Package fhirhttp is the FHIR R4 RESTful API: it turns HTTP into requests to
// the chart, and the chart's answers into HTTP. It holds no data and no policy.
package fhirhttp

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/job"
	"github.com/wardkeep/wardkeep/internal/notify"
	"github.com/wardkeep/wardkeep/internal/reindex"
	"github.com/wardkeep/wardkeep/internal/web"
)

// Config says what the API stands on. All fields from
// Terminology on may be zero.
type Config struct {
	Chart *chart.Chart
	// Authenticate returns who sends a request, or fault.Unauthenticated.
	Authenticate func(*http.Request) (chart.Actor, error)
	Base         string // https://host/fhir, as clients write it
	Links        string // what addresses that are to be called begin with; "" is Base
	TokenURL     string // where programs get their tokens
	Version      string // of the software
	Released     time.Time
	Clock        clock.Clock
	// Jobs carries out exports, imports and requests whose sender does not wait.
	Jobs *job.Engine
	// AllowSource refuses addresses that imports may not be read from; nil: no
	// imports are carried out.
	AllowSource func(*url.URL) error
	// Origins are the web origins whose pages may call the API from a browser,
	// such as https://app.example.org; none by default.
	Origins []string
	// AllowOrigin tells of further ones, those of registered apps; nil: none.
	AllowOrigin func(ctx context.Context, origin string) (bool, error)
	// Notifier serves Subscriptions; nil: none are served.
	Notifier *notify.Manager
	// Indexing serves SearchParameters stored at run time; nil: none are.
	Indexing *reindex.Manager
	// NamesInURLs takes values in addresses that may tell of people, as HL7 US Core demands
	// of searches by GET; else they are refused but of programs that were let.
	NamesInURLs bool
	// Callers are held to their rates; nil: nobody is.
	Callers *web.Callers
	// Pace is the time that answers take which refuse, or show less than was asked
	// for; 0: they leave when they are done. See Pace.
	Pace time.Duration
}

type server struct {
	Config
	routes  []route
	stated  atomic.Pointer[statement]
	terms   *fhir.Resource // TerminologyCapabilities
	bundles places         // one for each bundle that is being carried out
	walks   places         // one for each history of many records, and each $lastn
	bodies  places         // one for each body that is large
	beats   *metronome
}

// maxBundles bounds the bundles carried out at the same time: each may be many
// times as large in memory as it was on the wire.
const maxBundles = 4

// maxWalks bounds the histories of a type or of everything, and the $lastn, that
// are read at the same time: each may open every version there is, or thousands of
// records, to show the few that the caller may see or asks for.
const maxWalks = 2

// maxBodies bounds the large bodies held in memory at the same time, whoever sent
// them and whatever they turn out to be.
const maxBodies = 8

// places bounds how much of one kind goes on at the same time.
type places chan struct{}

// take waits for a place, which the caller MUST release.
func (p places) take(ctx context.Context) (release func(), err error) {
	select {
	case p <- struct{}{}:
		return func() { <-p }, nil
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, "fhirhttp.take", ctx.Err())
	}
}

// New returns the API, to be mounted at /fhir.
func New(cfg Config) (http.Handler, error) {
	main, _, err := NewAt(cfg, "")
	return main, err
}

// NewAt returns the API at its address and at another one, nil if that is "": the
// same records and the same bounds, but what is to be called next begins with the
// address that was called.
func NewAt(cfg Config, links string) (main, other http.Handler, err error) {
	s := &server{Config: cfg, bundles: make(places, maxBundles), walks: make(places, maxWalks), bodies: make(places, maxBodies), beats: newMetronome()}
	if main, err = s.open(); err != nil {
		return nil, nil, err
	}
	if s.Jobs != nil {
		s.Jobs.Register(waitingKind, waiting{s})
	}
	if links != "" {
		cfg.Links = links
		other, err = (&server{Config: cfg, bundles: s.bundles, walks: s.walks, bodies: s.bodies, beats: s.beats}).open()
	}
	return main, other, err
}

func (s *server) open() (http.Handler, error) {
	if s.Links == "" {
		s.Links = s.Base
	}
	s.routes = prepared(s.table())
	var err error
	if _, err = s.capabilityStatement(s.Chart.Catalog(), nil); err != nil {
		return nil, fmt.Errorf("fhirhttp.New: %w", err)
	}
	if s.terms, err = s.terminologyCapabilities(); err != nil {
		return nil, fmt.Errorf("fhirhttp.New: %w", err)
	}
	return compressed(s), nil
}

// maxTime bounds one request, so that no search goes on for nobody.
const maxTime = 2 * time.Minute

// challenge says that a token is wanted, or that the one sent is none that is good
// (RFC 6750 §3).
func challenge(r *http.Request) string {
	if r.Header.Get("Authorization") == "" {
		return `Bearer realm="wardkeep"`
	}
	return `Bearer realm="wardkeep", error="invalid_token"`
}

// Fail answers with an OperationOutcome, also requests that never came to the API.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Value(formKey{}) == nil {
		r = r.WithContext(formed(r.Context(), r))
	}
	web.EventOf(r.Context()).Fail(err)
	kind := fault.KindOf(err)
	h := w.Header()
	switch kind {
	case fault.Unauthenticated:
		h.Set("WWW-Authenticate", challenge(r))
	case fault.Throttled, fault.Unavailable:
		h.Set("Retry-After", web.RetryAfter)
	}
	writeResource(w, r, web.Status(kind), fhir.Outcome(err))
}
