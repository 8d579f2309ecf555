package fhirhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/blob"
	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhirhttp"
	"github.com/wardkeep/wardkeep/internal/identity"
	"github.com/wardkeep/wardkeep/internal/job"
)

// fuse lets a number of writes through and then none: the process is gone.
type fuse struct {
	left  atomic.Int64
	blown chan struct{}
}

func newFuse(n int64) *fuse {
	f := &fuse{blown: make(chan struct{})}
	f.left.Store(n)
	return f
}

var errGone = errors.New("the process is gone")

func (f *fuse) burn() error {
	switch n := f.left.Add(-1); {
	case n == -1:
		close(f.blown)
		return errGone
	case n < -1:
		return errGone
	}
	return nil
}

type fusedCells struct {
	job.Cells
	*fuse
}

func (c fusedCells) PutShort(ctx context.Context, kind, id string, value []byte, expires time.Time) error {
	if err := c.burn(); err != nil {
		return err
	}
	return c.Cells.PutShort(ctx, kind, id, value, expires)
}

func (c fusedCells) DropShort(ctx context.Context, kind, id string) error {
	if err := c.burn(); err != nil {
		return err
	}
	return c.Cells.DropShort(ctx, kind, id)
}

type fusedBucket struct {
	blob.Bucket
	*fuse
}

func (b fusedBucket) Create(ctx context.Context, name string) (blob.Upload, error) {
	if err := b.burn(); err != nil {
		return nil, err
	}
	up, err := b.Bucket.Create(ctx, name)
	return fusedUpload{up, b.fuse}, err
}

func (b fusedBucket) Delete(ctx context.Context, name string) error {
	if err := b.burn(); err != nil {
		return err
	}
	return b.Bucket.Delete(ctx, name)
}

type fusedUpload struct {
	blob.Upload
	*fuse
}

func (u fusedUpload) Commit(ctx context.Context) error {
	if err := u.burn(); err != nil {
		return err
	}
	return u.Upload.Commit(ctx)
}

// revive opens the API anew over what a process left, with n writes to live.
func (r *rig) revive(n int64) *fuse {
	r.t.Helper()
	f := newFuse(n)
	folder, err := blob.OpenFolder(r.folder, r.clock)
	check(r.t, err)
	blobs, err := blob.New(blob.Config{Bucket: fusedBucket{folder, f}, Sealer: r.sealer})
	check(r.t, err)
	act := func(ctx context.Context, m identity.Mandate) (identity.Actor, error) { return r.act(ctx, m) }
	engine, err := job.Open(context.Background(), job.Config{
		Cells: fusedCells{r.cells, f}, Blobs: blobs, Clock: r.clock, Slog: slog.New(slog.DiscardHandler), Act: act, Workers: 1, Rights: r.config.Chart.Rights,
	})
	if err != nil { // it died while it cleared up
		close(f.blown)
		return f
	}
	cfg := r.config
	cfg.Jobs, r.jobs = engine, engine
	engine.Register(bulk.ExportKind, &bulk.Exporter{Chart: cfg.Chart, PartRecords: 2})
	if r.source != nil {
		engine.Register(bulk.ImportKind, r.receiver())
	}
	r.api, err = fhirhttp.New(cfg)
	check(r.t, err)
	return f
}

// TestExportGoesOnAfterACrash lets the process die at every single write of an
// export in turn, while records are changed: what comes out in the end is what
// was there at the beginning, each record once, and no object is left over.
func TestExportGoesOnAfterACrash(t *testing.T) {
	for lives := int64(1); lives <= 6; lives++ {
		r := wards(t)
		want := r.all("/Observation?_count=1000")
		want = append(want, r.all("/Patient")...)
		for i := range want {
			want[i] = want[i][len("match "):]
		}
		slices.Sort(want)
		r.revive(1 << 30)
		at := r.order("GET", "/$export?_type=Observation,Patient", "")
		r.dieUntilDone(at, lives, func(crash int) {
			r.put(seen("k0-ann", "ann", coded("2823-3"), fmt.Sprintf("2026-10-%02d", 1+crash%28)))
		})
		r.revive(1 << 30)
		m := r.manifest(r.await(at))
		if got := r.exported(m); !slices.Equal(got, want) {
			t.Errorf("with %d writes to live:\n%v\nwant\n%v", lives, got, want)
		}
		if objects := r.objects(); objects != len(m.Output) {
			t.Errorf("%d objects for %d files", objects, len(m.Output))
		}
	}
}

// dieUntilDone revives the process with lives writes to live, or some more, until
// the job is done. between is called after each crash.
func (r *rig) dieUntilDone(at string, lives int64, between func(crash int)) {
	r.t.Helper()
	crashes := 0
	for ; crashes < 200; crashes++ {
		f := r.revive(lives + int64(crashes)%7)
		r.jobs.Start(context.Background())
		done := make(chan struct{})
		go func() {
			for {
				if j, err := r.jobs.Get(r.actors["program"], idOf(at)); err == nil && j.State == job.Done || fault.Is(err, fault.NotFound) {
					close(done)
					return
				}
				select {
				case <-f.blown:
					return
				case <-time.After(time.Millisecond):
				}
			}
		}()
		ended := false
		select {
		case <-f.blown:
		case <-done:
			ended = true
		}
		r.jobs.Close()
		if ended && f.left.Load() >= 0 { // else its end was not written
			break
		}
		between(crashes)
	}
	if crashes == 0 || crashes == 200 {
		r.t.Fatalf("%d crashes", crashes)
	}
}

// objects counts the sealed files there are.
func (r *rig) objects() int {
	r.t.Helper()
	n := 0
	check(r.t, filepath.WalkDir(r.folder, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && len(d.Name()) == 32 {
			n++
		}
		return err
	}))
	return n
}

// idOf is the last part of a job's address.
func idOf(at string) string { return filepath.Base(at) }
