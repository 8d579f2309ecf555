package fhirhttp

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/job"
)

// waitingKind is the kind of jobs that are requests whose sender does not wait
// (FHIR R4 3.1.6).
const waitingKind = "request"

// maxWaiting bounds the body of such a request, and waitingTime its work.
const (
	maxWaiting  = 1 << 20
	waitingTime = 30 * time.Minute
)

// prompt are operations that are never carried out later: those that are jobs
// already, and those whose answer is of use at once only.
var prompt = []string{"export", "import", "get-ws-binding-token"}

// waits reports whether a request may be carried out later.
func (rt *route) waits() bool {
	if rt.op != nil {
		return !slices.Contains(prompt, rt.op.name)
	}
	return strings.Contains(rt.does, "search") || strings.Contains(rt.does, "history") || strings.Contains(rt.does, "transaction")
}

// waitingSpec is a request that is kept.
type waitingSpec struct {
	Method, URL string
	Header      http.Header
	Body        []byte
}

// later files the request as a job.
func (s *server) later(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	if err := accepts(r, ""); err != nil {
		return err
	}
	body, err := readAll(r)
	if err != nil {
		return err
	}
	if len(body) > maxWaiting {
		return fault.New(fault.TooLarge, "fhirhttp.later", "A request with respond-async has a body of 1 MB at most. Send it without, or import larger sets.")
	}
	spec := waitingSpec{Method: r.Method, URL: r.URL.RequestURI(), Header: http.Header{}, Body: body}
	for _, name := range []string{"Content-Type", "Accept", "Prefer", "If-Match", "If-None-Match", "If-None-Exist"} {
		if values := r.Header.Values(name); len(values) > 0 {
			spec.Header[name] = values
		}
	}
	return s.submit(w, r, actor, waitingKind, spec)
}

// submit files a job and says where it is.
func (s *server) submit(w http.ResponseWriter, r *http.Request, actor chart.Actor, kind string, spec any) error {
	if s.Jobs == nil {
		return fault.New(fault.NotSupported, "fhirhttp.submit", "No jobs are carried out here.")
	}
	j, err := s.Jobs.Submit(r.Context(), actor, kind, s.Links+strings.TrimPrefix(r.URL.RequestURI(), "/fhir"), spec)
	id := ""
	if err == nil {
		id = j.ID
	}
	if err := s.Chart.Note(r.Context(), actor, "job", "", kind+" "+id, err); err != nil {
		return err
	}
	w.Header().Set("Content-Location", s.jobURL(j))
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *server) jobURL(j job.Job) string { return s.Links + "/$job/" + j.ID }

// waiting carries out kept requests by the same handlers as any other.
type waiting struct{ s *server }

// begun marks a request that may have changed something.
type begun struct{ Begun bool }

// Run implements job.Runner.
func (c waiting) Run(ctx context.Context, run *job.Run) error {
	ctx, cancel := context.WithTimeout(ctx, waitingTime)
	defer cancel()
	var spec waitingSpec
	var mark begun
	if err := run.Spec(&spec); err != nil {
		return err
	}
	if err := run.Mark(&mark); err != nil {
		return err
	}
	if mark.Begun {
		return fault.New(fault.Unavailable, "fhirhttp.waiting", "The server was stopped while it carried this out. Look whether that was done before you send it again.")
	}
	actor, err := run.Actor(ctx)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, spec.Method, spec.URL, bytes.NewReader(spec.Body))
	if err != nil {
		return fault.Wrap(fault.Internal, "fhirhttp.waiting", err)
	}
	r.Header = spec.Header
	rt := c.s.find(r)
	if rt == nil {
		return c.s.absent(r)
	}
	changes := spec.Method != http.MethodGet && !strings.Contains(rt.does, "search")
	if changes {
		err = run.Save(ctx, begun{true})
	} else {
		err = run.Vouch(ctx, actor)
	}
	if err != nil {
		return err
	}
	rec := &capture{header: http.Header{}, status: http.StatusOK}
	if err := rt.serve(rec, r, actor); err != nil {
		return err
	}
	if changes { // it may have changed what he may see: an admission does
		if err := run.Vouch(ctx, actor); err != nil {
			return err
		}
	}
	return keepAnswer(ctx, run, rec, c.s.Clock.Now())
}

// keepAnswer makes a file of one line of what was answered.
func keepAnswer(ctx context.Context, run *job.Run, rec *capture, now time.Time) error {
	if err := run.Finish(finished{Time: now}); err != nil || rec.body.Len() == 0 {
		return err
	}
	var res struct{ ResourceType string }
	if err := json.Unmarshal(rec.body.Bytes(), &res); err != nil {
		return fault.Wrap(fault.NotSupported, "fhirhttp.keepAnswer", err)
	}
	w, err := run.Create(ctx, "output", res.ResourceType)
	if err != nil {
		return err
	}
	defer w.Close()
	w.Count = 1
	if _, err := w.Write(append(rec.body.Bytes(), '\n')); err != nil {
		return err
	}
	return run.Save(ctx, begun{true}, w)
}

// finished is what every job leaves.
type finished struct {
	Time time.Time `json:"transactionTime"`
}
