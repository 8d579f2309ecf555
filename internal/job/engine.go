package job

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/wardkeep/wardkeep/internal/blob"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// Kinds of cells: one for each job, and one that lists them.
const (
	cellKind  = "job"
	indexKind = "jobs"
	indexID   = "index"
)

// Engine keeps jobs and carries them out. It is safe for concurrent use. One
// process at a time may have one over the same cells.
type Engine struct {
	cfg     Config
	runners map[string]Runner

	mu      sync.Mutex
	jobs    map[string]*task
	waiting chan struct{} // something may be waiting
	index   sync.Mutex    // held while the list of jobs is written
	stop    context.CancelFunc
	work    sync.WaitGroup
}

// task is a job in this process. What it points to is changed under Engine.mu.
type task struct {
	job    Job
	cancel context.CancelFunc // of a job under way
	over   bool               // it was cancelled or has expired
	write  sync.Mutex         // held while its cell is written
}

// Open reads the jobs that there are.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	cfg.Keep = cmp.Or(cfg.Keep, defaultKeep)
	cfg.Workers = cmp.Or(cfg.Workers, defaultWorkers)
	cfg.PerActor = cmp.Or(cfg.PerActor, defaultPerActor)
	cfg.Most = cmp.Or(cfg.Most, defaultMost)
	e := &Engine{cfg: cfg, runners: map[string]Runner{}, jobs: map[string]*task{}, waiting: make(chan struct{}, 1)}
	if err := e.keys(ctx); err != nil {
		return nil, fault.Wrap(fault.Unavailable, "job.Open", err)
	}
	text, err := cfg.Cells.GetShort(ctx, indexKind, indexID)
	if fault.Is(err, fault.NotFound) {
		return e, nil
	}
	var ids []string
	if err == nil {
		err = json.Unmarshal(text, &ids)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "job.Open", err)
	}
	for _, id := range ids {
		if err := e.load(ctx, id); err != nil {
			return nil, fault.Wrap(fault.Unavailable, "job.Open", err)
		}
	}
	return e, nil
}

// keys stores the key of files, if there is none yet.
func (e *Engine) keys(ctx context.Context) error {
	cells, guards, err := e.cfg.Blobs.Keys(ctx)
	if err != nil || len(cells) == 0 {
		return err
	}
	return e.cfg.Cells.PutKeys(ctx, cells, guards)
}

func (e *Engine) load(ctx context.Context, id string) error {
	text, err := e.cfg.Cells.GetShort(ctx, cellKind, id)
	if fault.Is(err, fault.NotFound) {
		return nil // it was listed, and then the process ended
	}
	t := &task{}
	if err == nil {
		err = json.Unmarshal(text, &t.job)
	}
	if err != nil {
		return err
	}
	if t.job.State == Running {
		t.job.State = Waiting
	}
	e.jobs[id] = t
	return e.drop(ctx, t)
}

// drop removes the objects that a process began and did not end.
func (e *Engine) drop(ctx context.Context, t *task) error {
	for _, name := range t.job.Begun {
		if !slices.ContainsFunc(t.job.Files, func(f File) bool { return f.Blob == name }) {
			if err := e.remove(ctx, name); err != nil {
				return err
			}
		}
	}
	t.job.Begun = nil
	return nil
}

func (e *Engine) remove(ctx context.Context, name string) error {
	id, err := blobID(name)
	if err != nil {
		return err
	}
	return e.cfg.Blobs.Delete(ctx, id)
}

func blobID(name string) (id blob.ID, err error) {
	raw, err := hex.DecodeString(name)
	if err != nil || len(raw) != len(id) {
		return id, fault.Wrap(fault.Internal, "job.blobID", errors.New("not the name of an object"))
	}
	return blob.ID(raw), nil
}

// Register says who carries out jobs of a kind. It MUST be called before Start.
func (e *Engine) Register(kind string, r Runner) { e.runners[kind] = r }

var (
	errMany = fault.New(fault.Throttled, "job.Submit", "Too many of your jobs are under way. Wait for one to end, or cancel one.")
	errFull = fault.New(fault.Throttled, "job.Submit", "There are too many jobs. Try again later.")
	errNone = fault.New(fault.NotFound, "job", "There is no such job, or it has expired.")
)

// Submit files a job; it is durable when Submit returns.
func (e *Engine) Submit(ctx context.Context, actor Actor, kind, request string, spec any) (Job, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return Job{}, fault.Wrap(fault.Internal, "job.Submit", err)
	}
	now := e.cfg.Clock.Now()
	t := &task{job: Job{
		ID: newID(), Kind: kind, Actor: actor.Mandate(now), Trace: actor.RequestID, Request: request, Created: now,
		Expires: now.Add(longest), State: Waiting, Spec: text,
	}}
	if err := e.admit(t); err != nil {
		return Job{}, err
	}
	err = e.list(ctx)
	if err == nil {
		err = e.store(ctx, t)
	}
	if err != nil {
		e.forget(t.job.ID)
		return Job{}, err
	}
	e.wake()
	return e.copy(t), nil
}

func (e *Engine) admit(t *task) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	own := 0
	for _, other := range e.jobs {
		if !other.job.Ended() && other.job.Actor.Kind == t.job.Actor.Kind && other.job.Actor.ID == t.job.Actor.ID {
			own++
		}
	}
	switch {
	case own >= e.cfg.PerActor:
		return errMany
	case len(e.jobs) >= e.cfg.Most:
		return errFull
	}
	e.jobs[t.job.ID] = t
	return nil
}

// of reports whether a job is an actor's: to a program that acts for a person, those
// that it ordered itself for the same patient, and to the person, none of these.
func (j *Job) of(a Actor) bool {
	return j.Actor.Kind == a.Kind && j.Actor.ID == a.ID && j.Actor.ClientID == a.ClientID && j.Actor.PatientContext == a.PatientContext
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails: it ends the process instead
	return hex.EncodeToString(b[:])
}

func (e *Engine) wake() {
	select {
	case e.waiting <- struct{}{}:
	default:
	}
}

func (e *Engine) forget(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.jobs, id)
}

// Unfinished is how many jobs are not done.
func (e *Engine) Unfinished() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range e.jobs {
		if t.job.State == Waiting || t.job.State == Running {
			n++
		}
	}
	return n
}

func (e *Engine) copy(t *task) Job {
	e.mu.Lock()
	defer e.mu.Unlock()
	j := t.job
	j.Files = slices.Clone(j.Files)
	return j
}

// isOver reports whether a job was cancelled or has expired.
func (e *Engine) isOver(t *task) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return t.over
}

// list writes which jobs there are.
func (e *Engine) list(ctx context.Context) error {
	e.index.Lock()
	defer e.index.Unlock()
	e.mu.Lock()
	ids := slices.Sorted(maps.Keys(e.jobs))
	e.mu.Unlock()
	text, err := json.Marshal(ids)
	if err != nil {
		return fault.Wrap(fault.Internal, "job.list", err)
	}
	return e.cfg.Cells.PutShort(ctx, indexKind, indexID, text, e.cfg.Clock.Now().AddDate(100, 0, 0))
}

// Again writes the list and every job as they are, so that they are sealed under the
// newest key.
func (e *Engine) Again(ctx context.Context) error {
	if err := e.list(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	all := slices.Collect(maps.Values(e.jobs))
	e.mu.Unlock()
	for _, t := range all {
		if err := e.store(ctx, t); err != nil && !e.isOver(t) {
			return err
		}
	}
	return nil
}

// store writes a job.
func (e *Engine) store(ctx context.Context, t *task) error {
	return e.write(ctx, t, func(*Job) {})
}

// write changes a job, and nobody sees the change before it is durable. The cell
// outlives the job: its files are removed first.
func (e *Engine) write(ctx context.Context, t *task, change func(*Job)) error {
	t.write.Lock()
	defer t.write.Unlock()
	if e.isOver(t) { // it is being removed, or is gone
		return context.Canceled
	}
	j := e.copy(t)
	change(&j)
	text, err := json.Marshal(j)
	if err != nil {
		return fault.Wrap(fault.Internal, "job.write", err)
	}
	if err := e.cfg.Cells.PutShort(ctx, cellKind, j.ID, text, j.Expires.AddDate(1, 0, 0)); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&t.job)
	return nil
}

// Start carries out jobs until ctx ends or Close is called.
func (e *Engine) Start(ctx context.Context) {
	ctx, e.stop = context.WithCancel(ctx)
	e.work.Go(func() { e.sweepOn(ctx) })
	for range e.cfg.Workers {
		e.work.Go(func() { e.serve(ctx) })
	}
	e.wake()
}

// Close ends the work, which the next process carries on. It returns when nothing
// is written any more.
func (e *Engine) Close() {
	if e.stop != nil {
		e.stop()
	}
	e.work.Wait()
}

func (e *Engine) serve(ctx context.Context) {
	for {
		for t := e.next(); t != nil && ctx.Err() == nil; t = e.next() {
			e.wake() // there may be work for others
			e.carryOut(ctx, t)
		}
		select {
		case <-ctx.Done():
			return
		case <-e.waiting:
		}
	}
}

// next takes the oldest job that waits.
func (e *Engine) next() *task {
	e.mu.Lock()
	defer e.mu.Unlock()
	var first *task
	for _, t := range e.jobs {
		if t.job.State == Waiting && !t.over && (first == nil || t.job.Created.Before(first.job.Created)) {
			first = t
		}
	}
	if first != nil {
		first.job.State = Running
	}
	return first
}

func (e *Engine) carryOut(ctx context.Context, t *task) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e.mu.Lock()
	t.cancel = cancel
	runner, known := e.runners[t.job.Kind]
	e.mu.Unlock()
	err := error(fault.New(fault.NotSupported, "job.carryOut", "This release does not know jobs of this kind."))
	if known {
		err = runner.Run(ctx, &Run{engine: e, task: t})
	}
	if e.isOver(t) || ctx.Err() != nil {
		return // cancelled, or the process ends: then the next one carries on
	}
	if err := e.end(ctx, t, err); err != nil {
		e.cfg.Slog.ErrorContext(ctx, "a job's end could not be written", "error", err.Error())
	}
}

// end writes how a job ended. The files of one that failed are removed: they are
// a part that could be taken for the whole.
func (e *Engine) end(ctx context.Context, t *task, failure error) error {
	j := e.copy(t)
	if failure == nil {
		return e.write(ctx, t, func(j *Job) { e.close(j, Done) })
	}
	e.cfg.Slog.WarnContext(ctx, "a job failed", "job", j.ID, "kind", j.Kind, "error", failure.Error())
	err := e.write(ctx, t, func(j *Job) {
		e.close(j, Failed)
		j.Failure = &Failure{Kind: fault.KindOf(failure), Public: fault.Public(failure)}
		for _, f := range j.Files { // whoever opens the folder next removes what this process does not
			j.Begun = append(j.Begun, f.Blob)
		}
		j.Files = nil
	})
	if err != nil {
		return err // the next process carries on
	}
	var errs []error
	for _, f := range j.Files {
		errs = append(errs, e.remove(ctx, f.Blob))
	}
	return errors.Join(errs...)
}

func (e *Engine) close(j *Job, how State) {
	j.State, j.Step, j.Mark = how, "", nil
	j.Expires = e.cfg.Clock.Now().Add(e.cfg.Keep)
}
