package job

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/blob"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// Run is a job as its runner sees it. It is for one goroutine.
type Run struct {
	engine *Engine
	task   *task
}

// Job returns the job as it is.
func (r *Run) Job() Job { return r.engine.copy(r.task) }

// Actor returns who asked, as he stands now; fault.Denied if he may no more.
func (r *Run) Actor(ctx context.Context) (Actor, error) {
	j := r.Job()
	actor, err := r.engine.cfg.Act(ctx, j.Actor)
	actor.RequestID = j.Trace
	return actor, err
}

// mixed are the rights of files that were made while these changed: nobody has them.
const mixed = "mixed"

// Vouch notes the rights of the actor, under which what is written next is made.
// Files of records can be read while he has the same, and by a job that never
// vouched, not at all.
func (r *Run) Vouch(ctx context.Context, actor Actor) error {
	rights, err := r.engine.rights(ctx, actor, r.Job())
	if err != nil {
		return err
	}
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	if j := &r.task.job; j.Rights == "" && len(j.Files) == 0 {
		j.Rights = rights
	} else if j.Rights != rights {
		j.Rights = mixed
	}
	return nil
}

// rights are those of the moment, with the scopes that the job was ordered with:
// what a token lacks of these is its own question.
func (e *Engine) rights(ctx context.Context, actor Actor, j Job) (string, error) {
	actor.Scopes = j.Actor.Scopes
	return e.cfg.Rights(ctx, actor)
}

var errRights = fault.New(fault.Gone, "job", "What you may see has changed since this was made, so it is not shown any more. Order it again.")

// stands refuses what was made under other rights than its owner has now. What an
// import refused is no record.
func (e *Engine) stands(ctx context.Context, actor Actor, j Job) error {
	if j.State != Done || !slices.ContainsFunc(j.Files, func(f File) bool { return f.Kind == "output" || f.Kind == "deleted" }) {
		return nil
	}
	rights, err := e.rights(ctx, actor, j)
	if err == nil && rights != j.Rights {
		err = errRights
	}
	return err
}

// Spec reads what the job was asked.
func (r *Run) Spec(into any) error {
	return fault.Wrap(fault.Internal, "job.Spec", json.Unmarshal(r.Job().Spec, into))
}

// Mark reads how far the job is; into stays as it is at the beginning.
func (r *Run) Mark(into any) error {
	mark := r.Job().Mark
	if mark == nil {
		return nil
	}
	return fault.Wrap(fault.Internal, "job.Mark", json.Unmarshal(mark, into))
}

// Step tells people how far the job is.
func (r *Run) Step(text string) {
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	r.task.job.Step = text
}

// Finish keeps what the job leaves; it is written with the job's end.
func (r *Run) Finish(result any) error {
	text, err := json.Marshal(result)
	if err != nil {
		return fault.Wrap(fault.Internal, "job.Finish", err)
	}
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	r.task.job.Result = text
	return nil
}

// Writer takes the content of one file. It is a file once Save was told of it;
// until then it leaves nothing behind. Close MUST be called.
type Writer struct {
	*blob.Writer
	Kind, Type string
	Count      int // of resources; the runner counts
	Size       int64
}

func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.Size += int64(n)
	return n, err
}

// Create begins a file.
func (r *Run) Create(ctx context.Context, kind, typ string) (*Writer, error) {
	// Files hold records of many patients: they are sealed for none of them, and
	// live for a day.
	w, err := r.engine.cfg.Blobs.Create(ctx, nil, "application/fhir+ndjson")
	if err != nil {
		return nil, err
	}
	r.engine.mu.Lock()
	r.task.job.Begun = append(r.task.job.Begun, w.ID().String())
	r.engine.mu.Unlock()
	if err := r.engine.store(ctx, r.task); err != nil {
		_ = w.Close()
		return nil, err
	}
	return &Writer{Writer: w, Kind: kind, Type: typ}, nil
}

// Save writes the mark, and makes files of what was written, both at once.
func (r *Run) Save(ctx context.Context, mark any, done ...*Writer) error {
	text, err := json.Marshal(mark)
	if err != nil {
		return fault.Wrap(fault.Internal, "job.Save", err)
	}
	var files []File
	for _, w := range done {
		stored, err := w.Commit(ctx)
		if err != nil {
			return err
		}
		if len(stored.Cells) > 0 { // Open has stored the key; without it the file could not be opened again
			return fault.Wrap(fault.Internal, "job.Save", errors.New("the key of files is not stored"))
		}
		files = append(files, File{Kind: w.Kind, Type: w.Type, Count: w.Count, Blob: stored.ID.String(), Head: stored.Head})
	}
	r.engine.mu.Lock()
	j := &r.task.job
	for _, f := range files {
		f.Name = strconv.Itoa(len(j.Files)+1) + "." + f.Type + ".ndjson"
		j.Files = append(j.Files, f)
		j.Begun = slices.DeleteFunc(slices.Clone(j.Begun), func(name string) bool { return name == f.Blob })
	}
	j.Mark = text
	r.engine.mu.Unlock()
	err = r.engine.store(ctx, r.task)
	if err != nil && r.engine.isOver(r.task) {
		for _, f := range files { // whoever removed the job may not have known of them
			err = errors.Join(err, r.engine.remove(context.WithoutCancel(ctx), f.Blob))
		}
	}
	return err
}

// OpenFile opens a file of a job of the actor's that is done; fault.Gone if what
// he may see has changed since.
func (e *Engine) OpenFile(ctx context.Context, actor Actor, id, name string) (io.ReadCloser, File, error) {
	j, err := e.Get(actor, id)
	if err != nil {
		return nil, File{}, err
	}
	i := slices.IndexFunc(j.Files, func(f File) bool { return f.Name == name })
	if i < 0 || j.State != Done || j.Files[i].Kind == "input" {
		return nil, File{}, errNone
	}
	file := j.Files[i]
	if err := e.stands(ctx, actor, j); err != nil {
		return nil, file, err
	}
	blob, err := blobID(file.Blob)
	if err != nil {
		return nil, file, err
	}
	in, err := e.cfg.Blobs.Open(ctx, blob, file.Head)
	return in, file, err
}
