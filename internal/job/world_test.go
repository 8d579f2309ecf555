package job_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/blob"
	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/job"
	"github.com/wardkeep/wardkeep/internal/kms/local"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// cells is a store that knows nothing but cells.
type cells struct {
	mu    sync.Mutex
	short map[string][]byte
	keys  map[string][]byte
}

func (c *cells) Cells(_ context.Context, _ record.Space, names [][]byte) ([][]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([][]byte, len(names))
	for i, n := range names {
		out[i] = c.keys[string(n)]
	}
	return out, nil
}

func (c *cells) PutKeys(_ context.Context, list []record.Cell, guards []record.Guard) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range guards {
		if !bytes.Equal(c.keys[string(g.Cell.Name)], g.Cell.Value) {
			return errors.New("a guard does not hold")
		}
	}
	for _, k := range list {
		c.keys[string(k.Name)] = k.Value
	}
	return nil
}

func (c *cells) GetShort(_ context.Context, kind, id string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if value, ok := c.short[kind+"/"+id]; ok {
		return value, nil
	}
	return nil, fault.New(fault.NotFound, "cells", "")
}

func (c *cells) PutShort(_ context.Context, kind, id string, value []byte, _ time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.short[kind+"/"+id] = bytes.Clone(value)
	return nil
}

func (c *cells) DropShort(_ context.Context, kind, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.short, kind+"/"+id)
	return nil
}

// world is what outlives a process.
type world struct {
	t      *testing.T
	cells  *cells
	folder string
	clock  *clock.Manual
	gone   map[string]bool // whose rights were taken away
	rights string          // of everybody
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, cells: &cells{short: map[string][]byte{}, keys: map[string][]byte{}}, folder: t.TempDir(),
		clock: clock.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)), gone: map[string]bool{}, rights: "first",
	}
	batch, err := seal.Init(t.Context(), w.keys())
	w.check(err)
	w.check(w.cells.PutKeys(t.Context(), batch.Cells, batch.Guards))
	return w
}

func (w *world) keys() seal.Config {
	return seal.Config{Tenant: "north", Keyring: local.New([32]byte{1}), Cells: w.cells}
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// open is a new process: it has nothing but what is stored.
func (w *world) open(runner job.Runner, change ...func(*job.Config)) *job.Engine {
	w.t.Helper()
	sealer, err := seal.Open(w.t.Context(), w.keys())
	w.check(err)
	w.t.Cleanup(sealer.Close)
	bucket, err := blob.OpenFolder(w.folder, w.clock)
	w.check(err)
	blobs, err := blob.New(blob.Config{Bucket: bucket, Sealer: sealer})
	w.check(err)
	cfg := job.Config{Cells: w.cells, Blobs: blobs, Clock: w.clock, Slog: slog.New(slog.DiscardHandler), Act: w.act,
		Rights: func(context.Context, job.Actor) (string, error) { return w.rights, nil },
	}
	for _, c := range change {
		c(&cfg)
	}
	e, err := job.Open(w.t.Context(), cfg)
	w.check(err)
	e.Register("work", runner)
	w.t.Cleanup(e.Close)
	return e
}

func (w *world) act(_ context.Context, m job.Mandate) (job.Actor, error) {
	if w.gone[m.ID] {
		return job.Actor{}, fault.New(fault.Denied, "act", "Gone.")
	}
	return job.Actor{Kind: m.Kind, ID: m.ID}, nil
}

func program(id string) job.Actor { return job.Actor{Kind: identity.KindClient, ID: id} }

// submit files a job of parts.
func (w *world) submit(e *job.Engine, who job.Actor, parts int) job.Job {
	w.t.Helper()
	j, err := e.Submit(w.t.Context(), who, "work", "https://x/y", parts)
	w.check(err)
	return j
}

// ended waits for a job's end.
func (w *world) ended(e *job.Engine, who job.Actor, id string) job.Job {
	w.t.Helper()
	for range 5000 {
		j, err := e.Get(who, id)
		w.check(err)
		if j.Ended() {
			return j
		}
		time.Sleep(time.Millisecond)
	}
	w.t.Fatal("the job does not end")
	return job.Job{}
}

// objects counts the sealed files there are.
func (w *world) objects() (n int) {
	w.t.Helper()
	w.check(filepath.WalkDir(w.folder, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return err
	}))
	return n
}
