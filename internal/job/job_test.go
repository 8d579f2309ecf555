package job_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/job"
)

// parts writes one file for each part that its spec asks for, and waits before
// the part at until the process or the job ends.
type parts struct {
	at      int // -1: nowhere
	reached chan struct{}
	wrote   atomic.Int64
	fails   error
}

func straight() *parts { return &parts{at: -1} }

func stopping(at int) *parts { return &parts{at: at, reached: make(chan struct{}, 10)} }

func (p *parts) Run(ctx context.Context, r *job.Run) error {
	var most, done int
	if err := errors.Join(r.Spec(&most), r.Mark(&done)); err != nil {
		return err
	}
	for ; done < most; done++ {
		actor, err := r.Actor(ctx)
		if err == nil {
			err = r.Vouch(ctx, actor)
		}
		if err != nil {
			return err
		}
		w, err := r.Create(ctx, "output", "Patient")
		if err != nil {
			return err
		}
		defer w.Close()
		if _, err := fmt.Fprintf(w, "part %d", done); err != nil {
			return err
		}
		if done == p.at {
			p.reached <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}
		if err := r.Save(ctx, done+1, w); err != nil {
			return err
		}
		p.wrote.Add(1)
	}
	return errors.Join(p.fails, r.Finish(most))
}

// read returns the content of a file.
func (w *world) read(e *job.Engine, who job.Actor, id, name string) string {
	w.t.Helper()
	in, _, err := e.OpenFile(w.t.Context(), who, id, name)
	w.check(err)
	defer in.Close()
	text, err := io.ReadAll(in)
	w.check(err)
	return string(text)
}

// TestJobsAreTheirOwners: to others a job does not exist, on any road.
func TestJobsAreTheirOwners(t *testing.T) {
	w := newWorld(t)
	e := w.open(straight())
	e.Start(t.Context())
	own := program("a")
	id := w.submit(e, own, 2).ID
	if j := w.ended(e, own, id); j.State != job.Done || string(j.Result) != "2" || w.read(e, own, id, j.Files[1].Name) != "part 1" {
		t.Errorf("%+v", j)
	}
	person := own
	person.Kind = "person"
	for _, other := range []job.Actor{program("b"), person, {}} {
		_, get := e.Get(other, id)
		_, poll := e.Poll(t.Context(), other, id)
		_, _, open := e.OpenFile(t.Context(), other, id, "1.Patient.ndjson")
		for _, err := range []error{get, poll, open, e.Cancel(t.Context(), other, id)} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("%s %s: %v", other.Kind, other.ID, err)
			}
		}
	}
	if _, _, err := e.OpenFile(t.Context(), own, id, "3.Patient.ndjson"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestJobsExpire(t *testing.T) {
	w := newWorld(t)
	e := w.open(straight(), func(c *job.Config) { c.Keep = time.Hour })
	e.Start(t.Context())
	who := program("a")
	id := w.submit(e, who, 2).ID
	w.ended(e, who, id)
	w.clock.Advance(time.Hour + time.Second)
	if _, err := e.Get(who, id); !fault.Is(err, fault.NotFound) {
		t.Errorf("an expired job is told: %v", err)
	}
	e.Sweep(t.Context())
	if n := w.objects(); n != 0 || len(w.cells.short) != 1 {
		t.Errorf("%d files and %d cells are left", n, len(w.cells.short))
	}
	// One that does not end is given up.
	e.Close()
	e = w.open(straight())
	id = w.submit(e, who, 1).ID
	w.clock.Advance(7*24*time.Hour + time.Second)
	e.Sweep(t.Context())
	if _, err := e.Get(who, id); !fault.Is(err, fault.NotFound) {
		t.Errorf("a job of a week ago waits: %v", err)
	}
}

func TestQuotas(t *testing.T) {
	w := newWorld(t)
	e := w.open(straight(), func(c *job.Config) { c.PerActor, c.Most = 2, 3 })
	submit := func(who string) error {
		_, err := e.Submit(t.Context(), program(who), "work", "", 1)
		return err
	}
	w.check(errors.Join(submit("a"), submit("a"), submit("b")))
	for who, text := range map[string]string{"a": "Too many of your jobs", "c": "too many jobs"} {
		if err := submit(who); !fault.Is(err, fault.Throttled) || !strings.Contains(fault.Public(err), text) {
			t.Errorf("%s: %v, want %s", who, err, text)
		}
	}
	// Quotas hold after a restart, and what has ended counts no more to its owner's.
	e.Close()
	e = w.open(straight(), func(c *job.Config) { c.PerActor, c.Most = 2, 5 })
	if err := submit("a"); !fault.Is(err, fault.Throttled) {
		t.Errorf("after a restart: %v", err)
	}
	e.Start(t.Context())
	for range 5000 {
		if err := submit("a"); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("ended jobs count")
}

// TestPolls: one who asks too often is told so, and not about an ended job.
func TestPolls(t *testing.T) {
	w := newWorld(t)
	e := w.open(straight())
	id := w.submit(e, program("a"), 1).ID
	_, err := e.Poll(t.Context(), program("a"), id)
	w.check(err)
	if _, err := e.Poll(t.Context(), program("a"), id); !fault.Is(err, fault.Throttled) {
		t.Errorf("at once again: %v", err)
	}
	w.clock.Advance(time.Second)
	_, err = e.Poll(t.Context(), program("a"), id)
	w.check(err)
}

func TestCancel(t *testing.T) {
	w := newWorld(t)
	p := stopping(1)
	e := w.open(p)
	e.Start(t.Context())
	who := program("a")
	id := w.submit(e, who, 3).ID
	<-p.reached
	if _, _, err := e.OpenFile(t.Context(), who, id, "1.Patient.ndjson"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a file of a job that is not done: %v", err)
	}
	w.check(e.Cancel(t.Context(), who, id))
	if _, err := e.Get(who, id); !fault.Is(err, fault.NotFound) {
		t.Errorf("a cancelled job: %v", err)
	}
	e.Close()
	if n := w.objects(); n != 0 {
		t.Errorf("%d files are left", n)
	}
	e = w.open(straight())
	if _, err := e.Get(who, id); !fault.Is(err, fault.NotFound) {
		t.Errorf("a cancelled job after a restart: %v", err)
	}
}

// TestRestart: the next process, which has nothing but what is stored, carries on
// behind the last part, removes what was begun, and opens the files of the one
// before.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	p := stopping(2)
	e := w.open(p)
	e.Start(t.Context())
	who := program("a")
	id := w.submit(e, who, 4).ID
	<-p.reached
	e.Close()
	rest := straight()
	e = w.open(rest)
	if j, err := e.Get(who, id); err != nil || j.State != job.Waiting {
		t.Fatalf("%+v %v", j, err)
	}
	e.Start(t.Context())
	j := w.ended(e, who, id)
	if p.wrote.Load() != 2 || rest.wrote.Load() != 2 || len(j.Files) != 4 || w.objects() != 4 {
		t.Errorf("%d and %d parts, %d files, %d objects", p.wrote.Load(), rest.wrote.Load(), len(j.Files), w.objects())
	}
	e.Close()
	e = w.open(straight())
	for i, f := range j.Files {
		if got := w.read(e, who, id, f.Name); got != fmt.Sprint("part ", i) {
			t.Errorf("file %d holds %q", i, got)
		}
	}
}

// TestFailures: a job that fails keeps no file, and tells its owner the public
// text alone.
func TestFailures(t *testing.T) {
	w := newWorld(t)
	p := straight()
	p.fails = errors.New("secret")
	e := w.open(p)
	e.Start(t.Context())
	who := program("a")
	id := w.submit(e, who, 2).ID
	if j := w.ended(e, who, id); j.State != job.Failed || j.Failure.Kind != fault.Internal || j.Failure.Err().Error() == "secret" || len(j.Files) != 0 {
		t.Errorf("%+v", j)
	}
	e.Close()
	w.gone["b"] = true
	e = w.open(straight())
	if n := w.objects(); n != 0 {
		t.Errorf("%d files are left", n)
	}
	e.Start(t.Context())
	id = w.submit(e, program("b"), 2).ID
	if j := w.ended(e, program("b"), id); j.State != job.Failed || j.Failure.Kind != fault.Denied {
		t.Errorf("rights taken away: %+v", j)
	}
}

// TestFilesLastAsLongAsTheRights: what was made under other rights than the owner
// has now is not shown, also if the rights came back meanwhile; nor is what was
// made while they changed.
func TestFilesLastAsLongAsTheRights(t *testing.T) {
	w := newWorld(t)
	e := w.open(straight())
	e.Start(t.Context())
	own := program("a")
	id := w.submit(e, own, 2).ID
	name := w.ended(e, own, id).Files[0].Name
	refused := func(want bool) {
		t.Helper()
		_, poll := e.Poll(t.Context(), own, id)
		_, _, open := e.OpenFile(t.Context(), own, id, name)
		if fault.Is(poll, fault.Gone) != want || fault.Is(open, fault.Gone) != want {
			t.Errorf("%v %v", poll, open)
		}
	}
	refused(false)
	w.rights = "second"
	refused(true)
	w.rights = "first"
	refused(false)
	e.Close()
	half := stopping(1)
	e = w.open(half)
	e.Start(t.Context())
	id = w.submit(e, own, 2).ID
	<-half.reached
	e.Close()
	w.rights = "second"
	e = w.open(straight())
	e.Start(t.Context())
	name = w.ended(e, own, id).Files[0].Name
	refused(true)
	w.rights = "first"
	refused(true)
}

// TestAgain: the list and the jobs are written anew, as they are.
func TestAgain(t *testing.T) {
	w := newWorld(t)
	e := w.open(straight())
	who := program("a")
	id := w.submit(e, who, 1).ID
	lost := w.cells.short
	w.cells.short = map[string][]byte{}
	w.check(e.Again(t.Context()))
	if len(w.cells.short) != len(lost) || len(lost) != 2 {
		t.Errorf("%d cells were written, there were %d", len(w.cells.short), len(lost))
	}
	if j, err := w.open(straight()).Get(who, id); err != nil || j.State != job.Waiting {
		t.Errorf("%+v %v", j, err)
	}
}
