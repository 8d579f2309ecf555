package fhirhttp

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/job"
)

const fhirNDJSON = "application/fhir+ndjson"

// handleJob tells how far a job of the caller's is (FHIR R4 3.1.6.4).
func (s *server) handleJob(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	if s.Jobs == nil {
		return fault.New(fault.NotFound, "fhirhttp.handleJob", "")
	}
	j, err := s.Jobs.Poll(r.Context(), actor, r.PathValue("job"))
	switch {
	case err != nil:
		return err
	case j.State == job.Failed:
		return j.Failure.Err()
	case j.State == job.Done:
		return s.writeManifest(w, j)
	}
	step := j.Step
	if step == "" {
		step = string(j.State)
	}
	w.Header().Set("X-Progress", step)
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// manifest is what a job that is done has made (Bulk Data Access 2.0).
type manifest struct {
	TransactionTime     time.Time       `json:"transactionTime"`
	Request             string          `json:"request"`
	RequiresAccessToken bool            `json:"requiresAccessToken"`
	Output              []manifestFile  `json:"output"`
	Deleted             []manifestFile  `json:"deleted,omitempty"`
	Error               []manifestFile  `json:"error"`
	Extension           json.RawMessage `json:"extension,omitempty"`
}

type manifestFile struct {
	Type  string `json:"type"`
	URL   string `json:"url,omitempty"`
	Count int    `json:"count"`
	// InputURL is where an import took the records from.
	InputURL string `json:"inputUrl,omitempty"`
}

func (s *server) writeManifest(w http.ResponseWriter, j job.Job) error {
	var left struct {
		finished
		Output    []manifestFile  `json:"output"`
		Extension json.RawMessage `json:"extension"`
	}
	left.Output = []manifestFile{}
	if len(j.Result) > 0 {
		if err := json.Unmarshal(j.Result, &left); err != nil {
			return fault.Wrap(fault.Internal, "fhirhttp.writeManifest", err)
		}
	}
	m := manifest{
		TransactionTime: left.Time, Request: j.Request, RequiresAccessToken: true,
		Output: left.Output, Error: []manifestFile{}, Extension: left.Extension,
	}
	for _, f := range j.Files {
		entry := manifestFile{Type: f.Type, URL: s.jobURL(j) + "/" + f.Name, Count: f.Count}
		switch f.Kind {
		case "output":
			m.Output = append(m.Output, entry)
		case "deleted":
			m.Deleted = append(m.Deleted, entry)
		case "error":
			m.Error = append(m.Error, entry)
		}
	}
	body, err := json.Marshal(m)
	if err != nil {
		return fault.Wrap(fault.Internal, "fhirhttp.writeManifest", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Expires", j.Expires.UTC().Format(http.TimeFormat))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body)
	return nil
}

// handleJobCancel ends a job and removes its files.
func (s *server) handleJobCancel(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	if s.Jobs == nil {
		return fault.New(fault.NotFound, "fhirhttp.handleJobCancel", "")
	}
	err := s.Jobs.Cancel(r.Context(), actor, r.PathValue("job"))
	if err := s.Chart.Note(r.Context(), actor, "job", "", "cancel", err); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// fileTime bounds the sending of one file.
const fileTime = 30 * time.Minute

// handleJobFile sends a file of a job. Its own records were decided on, and told
// to the audit log, when it was made; that it is fetched is decided and told now.
func (s *server) handleJobFile(w http.ResponseWriter, r *http.Request, actor chart.Actor) error {
	about := "file"
	if s.Jobs == nil {
		return fault.New(fault.NotFound, "fhirhttp.handleJobFile", "")
	}
	// The request's own time is for answers, not for files.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), fileTime)
	defer cancel()
	in, file, err := s.Jobs.OpenFile(ctx, actor, r.PathValue("job"), r.PathValue("file"))
	if err != nil {
		return s.Chart.Note(r.Context(), actor, "export", "", about, err)
	}
	defer in.Close()
	// What an answer, a Bundle or a list of deletions holds, the type of its file
	// does not say: it takes all the scopes that it was made with. So do records
	// that scopes for a part of their type may not reach.
	mixed := file.Type == "Bundle" || file.Type == "OperationOutcome"
	if j, err := s.Jobs.Get(actor, r.PathValue("job")); err != nil || (mixed || j.Kind == waitingKind || actor.Scopes.Confined()) && !actor.Scopes.Cover(j.Actor.Scopes) {
		if err == nil {
			err = fault.New(fault.Denied, "fhirhttp.handleJobFile", "The answer was made for an access token with more scopes than this one.")
		}
		return s.Chart.Note(r.Context(), actor, "export", file.Type, about, err)
	}
	if err := s.Chart.FetchFile(r.Context(), actor, file.Type, about+" "+r.PathValue("job")+" "+file.Name); err != nil {
		return err
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(fileTime)) // where there is a connection
	w.Header().Set("Content-Type", fhirNDJSON)
	w.WriteHeader(http.StatusOK)
	if _, err := io.CopyBuffer(w, in, make([]byte, 64<<10)); err != nil {
		panic(http.ErrAbortHandler) // a part must not be taken for the whole
	}
	return nil
}
