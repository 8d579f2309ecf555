// Package job carries out what takes longer than a request: exports, imports, and
// requests whose sender does not wait. A job belongs to the actor who asked for
// it, survives a restart, is carried on where it stopped, and expires with its
// files.
//
// It knows nothing of records: runners reach them through package chart in the
// actor's name, and ask before each step whether he still stands.
package job

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/wardkeep/wardkeep/internal/blob"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/record"
)

// Actor is whoever asks for a job, and Mandate what is kept of him.
type (
	Actor   = identity.Actor
	Mandate = identity.Mandate
)

// State is how far a job is.
type State string

// States. A job that is Waiting or Running when the process ends is carried on by
// the next one.
const (
	Waiting State = "waiting"
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// Job is one piece of work. What callers get is a copy.
type Job struct {
	ID      string          `json:"id"`
	Kind    string          `json:"kind"`
	Actor   Mandate         `json:"actor"`
	Trace   string          `json:"trace"`   // id of the request that asked for it
	Request string          `json:"request"` // address that was called, for the manifest
	Created time.Time       `json:"created"`
	Expires time.Time       `json:"expires"` // of a job that has ended: it and its files
	State   State           `json:"state"`
	Step    string          `json:"step,omitempty"` // progress, for people
	Failure *Failure        `json:"failure,omitempty"`
	Spec    json.RawMessage `json:"spec,omitempty"`   // what the runner was asked
	Mark    json.RawMessage `json:"mark,omitempty"`   // how far the runner is
	Result  json.RawMessage `json:"result,omitempty"` // what the runner leaves
	Files   []File          `json:"files,omitempty"`
	Rights  string          `json:"rights,omitempty"` // digest of those that the files were made under
	Begun   []string        `json:"begun,omitempty"`  // objects that are not files yet

	Polled time.Time `json:"-"` // when its state was last asked for
}

// File is one file of a job. Its content is sealed in package blob.
type File struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"` // output, deleted, error or input
	Type  string `json:"type"` // of the resources in it
	Count int    `json:"count"`
	Blob  string `json:"blob"`
	Head  []byte `json:"head"`
}

// Failure is why a job failed, as its actor is told.
type Failure struct {
	Kind   fault.Kind `json:"kind"`
	Public string     `json:"public"`
}

// Err returns the failure as a fault.
func (f *Failure) Err() error { return fault.New(f.Kind, "job", f.Public) }

// Ended reports whether nothing more happens to the job.
func (j Job) Ended() bool { return j.State == Done || j.State == Failed }

// Cells is where jobs are kept: small sealed values (vault.Vault has it).
type Cells interface {
	GetShort(ctx context.Context, kind, id string) ([]byte, error)
	PutShort(ctx context.Context, kind, id string, value []byte, expires time.Time) error
	DropShort(ctx context.Context, kind, id string) error
	PutKeys(ctx context.Context, cells []record.Cell, guards []record.Guard) error
}

// Runner carries out jobs of one kind. An error fails the job, except that of a
// context that has ended: then it is carried on by the next process. It MUST
// find out from the mark what was done before.
type Runner interface {
	Run(ctx context.Context, r *Run) error
}

// Config is what an Engine stands on. All but the limits are required.
type Config struct {
	Cells Cells
	Blobs *blob.Store
	Clock clock.Clock
	Slog  *slog.Logger
	// Act returns the actor of a mandate with the rights of the moment, or
	// fault.Denied (identity.Service.Act).
	Act func(ctx context.Context, m Mandate) (Actor, error)
	// Rights returns a digest of all that decides what the actor may see now
	// (chart.Chart.Rights). It is never empty.
	Rights func(ctx context.Context, a Actor) (string, error)

	Keep     time.Duration // how long an ended job stays; 0: 24 h
	Workers  int           // jobs under way at once; 0: 2
	PerActor int           // jobs of one actor that have not ended; 0: 4
	Most     int           // jobs there are; 0: 1,000
}

// Bounds of what a Config leaves open.
const (
	defaultKeep     = 24 * time.Hour
	defaultWorkers  = 2
	defaultPerActor = 4
	defaultMost     = 1000
	// longest is how long a job may be under way before it is given up.
	longest = 7 * 24 * time.Hour
)
