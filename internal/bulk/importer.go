package bulk

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

// Target takes units. It MUST commit a unit and the mark that it is done
// together, so that a kill between the two cannot happen.
type Target interface {
	// Apply commits a unit. ErrLater means that it refers to something that is
	// not there yet. Any other error is a failure of the server, not of the
	// unit: what is wrong with the unit itself is in the report.
	Apply(ctx context.Context, u Unit) (Report, error)
}

// ErrLater is returned for a unit whose conditional references find nothing
// yet. It is tried again after all the others, and then counts as refused.
var ErrLater = errors.New("refers to records that are not there yet")

// Report tells what became of a unit.
type Report struct {
	Already  bool           `json:"already,omitempty"` // done in an earlier run
	Accepted map[string]int `json:"accepted,omitempty"`
	Refused  []Refusal      `json:"refused,omitempty"`
}

// Refusal says what was refused, and why, without any value of it.
type Refusal struct {
	Source string `json:"source"`
	Place  string `json:"place,omitempty"` // "entry 12" or "line 7"
	Type   string `json:"type,omitempty"`
	Reason string `json:"reason"`
	Count  int    `json:"count"` // resources not stored because of it
}

// Summary is the result of an import.
type Summary struct {
	Files    int            `json:"files"`
	Accepted map[string]int `json:"accepted"`
	Already  int            `json:"already"` // resources of units done in an earlier run
	Refused  []Refusal      `json:"refused,omitempty"`
}

// Total is the number of resources accepted in this run.
func (s *Summary) Total() int {
	total := 0
	for _, n := range s.Accepted {
		total += n
	}
	return total
}

// NotStored is the number of resources refused.
func (s *Summary) NotStored() int {
	total := 0
	for _, r := range s.Refused {
		total += r.Count
	}
	return total
}

// Importer reads files and hands their units to a target.
type Importer struct {
	Target  Target
	Readers int // files unpacked at the same time
	Writers int // units committed at the same time
	// Progress is told of bytes read and resources settled; may be nil. It is
	// called from several goroutines.
	Progress func(bytes int64, resources int)
}

// maxInFlight bounds the text of units that are being committed: what parsing,
// indexing and sealing hold of one is several times as much. A larger unit has
// the importer for itself.
const maxInFlight = 24 << 20

// task is a unit, and where it is found again if it must wait: what waits is
// read anew rather than held, since it may be all there is.
type task struct {
	Unit
	from origin
}

type origin struct {
	file, at      int // which file, and which unit of it
	source, place string
}

// Run imports every file. What cannot be read or is refused is in the summary;
// an error means that the import stopped, and that running it again continues.
func (im *Importer) Run(ctx context.Context, files []string) (*Summary, error) {
	s := &tally{Summary: Summary{Files: len(files), Accepted: map[string]int{}}}
	p := pass{Importer: im, files: files, tally: s, flight: semaphore.NewWeighted(maxInFlight), all: true}
	later, err := p.run(ctx)
	p.all = false
	// What waited for others is tried again as long as that gets anywhere.
	for err == nil && len(later) > 0 {
		waiting := len(later)
		if later, err = p.again(ctx, later); len(later) == waiting {
			break
		}
	}
	// Nothing more is to come: what of a unit can be stored without it, is.
	if p.last = true; err == nil {
		later, err = p.again(ctx, later)
	}
	for _, o := range later {
		s.refuse(Refusal{Source: o.source, Place: o.place, Reason: "a conditional reference finds nothing", Count: 1})
	}
	return &s.Summary, err
}

// pass is one way through the files.
type pass struct {
	*Importer
	*tally
	files  []string
	flight *semaphore.Weighted
	all    bool                 // every unit of every file
	only   map[int]map[int]bool // or these, by file
	last   bool

	mu    sync.Mutex
	later []origin
}

// again tries what waited, one after the other: a unit may wait for the one
// before it.
func (p *pass) again(ctx context.Context, waiting []origin) ([]origin, error) {
	p.only, p.later = map[int]map[int]bool{}, nil
	for _, o := range waiting {
		if p.only[o.file] == nil {
			p.only[o.file] = map[int]bool{}
		}
		p.only[o.file][o.at] = true
	}
	alone := *p.Importer
	alone.Readers, alone.Writers = 1, 1
	p.Importer = &alone
	return p.run(ctx)
}

// run returns the units that must wait.
func (p *pass) run(ctx context.Context) ([]origin, error) {
	tasks := make(chan task)
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		defer close(tasks)
		return p.readAll(ctx, tasks)
	})
	for range p.Writers {
		work.Go(func() error {
			for t := range tasks {
				if err := p.settle(ctx, t); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := work.Wait()
	return p.later, err
}

func (p *pass) readAll(ctx context.Context, tasks chan<- task) error {
	readers, ctx := errgroup.WithContext(ctx)
	readers.SetLimit(p.Readers)
	for file, path := range p.files {
		if !p.all && p.only[file] == nil {
			continue
		}
		readers.Go(func() error {
			err := p.read(ctx, file, tasks)
			if err != nil && ctx.Err() == nil {
				p.refuse(Refusal{Source: path, Reason: "cannot be read: " + err.Error(), Count: 1})
				return nil
			}
			return err
		})
	}
	return readers.Wait()
}

func (p *pass) read(ctx context.Context, file int, tasks chan<- task) error {
	consumed := func(n int64) {
		if p.all {
			p.progress(n, 0)
		}
	}
	at, left := -1, len(p.only[file])
	err := Read(ctx, p.files[file], consumed, func(u Unit) error {
		if at++; !p.all && !p.only[file][at] {
			return nil
		}
		u.Last = p.last
		if err := p.flight.Acquire(ctx, weight(u)); err != nil {
			return err
		}
		select {
		case tasks <- task{u, origin{file, at, u.Source, u.Place}}:
		case <-ctx.Done():
			return ctx.Err()
		}
		if left--; left == 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// errEnough ends the reading of a file behind the last unit that waited. What is
// wrong further on was told of at first.
var errEnough = errors.New("nothing more of the file waits")

func weight(u Unit) int64 { return int64(min(len(u.Data), maxInFlight)) }

// settle applies a unit, or keeps in mind that it waits.
func (p *pass) settle(ctx context.Context, t task) error {
	from := t.from // and no more of it: the text is let go of while it is committed
	defer p.flight.Release(weight(t.Unit))
	err := p.apply(ctx, t.Unit, p.tally)
	if errors.Is(err, ErrLater) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.later = append(p.later, from)
		return nil
	}
	return err
}

func (im *Importer) apply(ctx context.Context, u Unit, s *tally) error {
	source, place := u.Source, u.Place
	report, err := im.Target.Apply(ctx, u)
	if errors.Is(err, ErrLater) {
		return err
	}
	if err != nil {
		return fmt.Errorf("the import stopped at %s %s: %w", source, place, err)
	}
	im.progress(0, s.add(report))
	return nil
}

func (im *Importer) progress(bytes int64, resources int) {
	if im.Progress != nil {
		im.Progress(bytes, resources)
	}
}

// tally is a summary that several goroutines add to.
type tally struct {
	mu sync.Mutex
	Summary
}

func (s *tally) add(r Report) (settled int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for typ, n := range r.Accepted {
		settled += n
		if r.Already {
			s.Already += n
		} else {
			s.Accepted[typ] += n
		}
	}
	s.Refused = append(s.Refused, r.Refused...)
	return settled
}

func (s *tally) refuse(r Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Refused = append(s.Refused, r)
}
