package bulk

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
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

// Run imports every file. What cannot be read or is refused is in the summary;
// an error means that the import stopped, and that running it again continues.
func (im *Importer) Run(ctx context.Context, files []string) (*Summary, error) {
	s := &tally{Summary: Summary{Files: len(files), Accepted: map[string]int{}}}
	later, err := im.pass(ctx, files, s)
	// What waited for others is tried again as long as that gets anywhere.
	for err == nil && len(later) > 0 {
		waiting := len(later)
		if later, err = im.retry(ctx, later, s); len(later) == waiting {
			break
		}
	}
	// Nothing more is to come: what of a unit can be stored without it, is.
	for i := range later {
		later[i].Last = true
	}
	if err == nil {
		later, err = im.retry(ctx, later, s)
	}
	for _, u := range later {
		s.refuse(Refusal{Source: u.Source, Place: u.Place, Reason: "a conditional reference finds nothing", Count: 1})
	}
	return &s.Summary, err
}

func (im *Importer) pass(ctx context.Context, files []string, s *tally) ([]Unit, error) {
	units := make(chan Unit)
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		defer close(units)
		return im.readAll(ctx, files, units, s)
	})
	var mu sync.Mutex
	var later []Unit
	for range im.Writers {
		work.Go(func() error {
			for u := range units {
				err := im.apply(ctx, u, s)
				if errors.Is(err, ErrLater) {
					mu.Lock()
					later = append(later, u)
					mu.Unlock()
				} else if err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := work.Wait()
	return later, err
}

func (im *Importer) readAll(ctx context.Context, files []string, units chan<- Unit, s *tally) error {
	readers, ctx := errgroup.WithContext(ctx)
	readers.SetLimit(im.Readers)
	for _, path := range files {
		readers.Go(func() error {
			err := Read(ctx, path, func(n int64) { im.progress(n, 0) }, func(u Unit) error {
				select {
				case units <- u:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			if err != nil && ctx.Err() == nil {
				s.refuse(Refusal{Source: path, Reason: "cannot be read: " + err.Error(), Count: 1})
				return nil
			}
			return err
		})
	}
	return readers.Wait()
}

func (im *Importer) retry(ctx context.Context, units []Unit, s *tally) ([]Unit, error) {
	var later []Unit
	for _, u := range units {
		if err := im.apply(ctx, u, s); errors.Is(err, ErrLater) {
			later = append(later, u)
		} else if err != nil {
			return later, err
		}
	}
	return later, nil
}

func (im *Importer) apply(ctx context.Context, u Unit, s *tally) error {
	report, err := im.Target.Apply(ctx, u)
	if errors.Is(err, ErrLater) {
		return err
	}
	if err != nil {
		return fmt.Errorf("the import stopped at %s %s: %w", u.Source, u.Place, err)
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
