package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// hands is how many requests are under way at once, at most.
const hands = 8

// score is what is counted of one cell.
type score struct {
	Attempts int      `json:"attempts"`
	OK       int      `json:"ok"`
	Throttle int      `json:"throttled,omitempty"`
	Holes    []string `json:"holes,omitempty"`
}

// tally is what came of a run.
type tally struct {
	mu      sync.Mutex
	Cells   map[cell]*score
	Legit   map[cell]*score
	Holes   []hole
	Unsaid  map[string]int
	seen    map[string]bool
	Doubles int
	silent  int
}

// hole is one attempt that was not answered as it must.
type hole struct {
	cell
	Type, Why, As  string
	Method, Target string
	Header         []string `json:",omitempty"`
	Body           string   `json:",omitempty"`
	Status         int
	Legit          bool   `json:",omitempty"`
	Label          string `json:",omitempty"` // of the record in question
}

func newTally() *tally {
	return &tally{Cells: map[cell]*score{}, Legit: map[cell]*score{}, Unsaid: map[string]int{}, seen: map[string]bool{}}
}

func (t *tally) add(a *attempt, got answer, v verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	into := t.Cells
	if a.Want == shown {
		into = t.Legit
	}
	s := into[a.cell()]
	if s == nil {
		s = &score{}
		into[a.cell()] = s
	}
	s.Attempts++
	for _, u := range v.Unsaid {
		t.Unsaid[a.cell().Role+": "+u]++
	}
	switch {
	case got.Status == http.StatusTooManyRequests || got.Status == http.StatusServiceUnavailable:
		s.Throttle++
	case v.OK:
		s.OK++
	default:
		if !slices.Contains(s.Holes, v.Why) && len(s.Holes) < 5 {
			s.Holes = append(s.Holes, v.Why)
		}
		name := ""
		if a.As != nil {
			name = a.As.Name
		}
		h := hole{a.cell(), a.Type, v.Why, name, a.Req.Method, a.Req.Target, a.Req.Header, short(a.Req.Body + a.Req.Raw), got.Status, a.Want == shown, v.Label}
		t.Holes = append(t.Holes, h)
	}
}

// patienceWithSilence is how many attempts may go unanswered: each is a hole, and when
// there are more the server is gone.
const patienceWithSilence = 100

func (t *tally) unanswered(a *attempt, err error) int {
	t.add(a, answer{}, fail("no answer: "+err.Error()))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.silent++
	return t.silent
}

func short(s string) string { return s[:min(len(s), 600)] }

// once reports whether the attempt was not yet made, and remembers it.
func (t *tally) once(a *attempt) bool {
	d := a.digest()
	if t.seen[d] {
		t.Doubles++
		return false
	}
	t.seen[d] = true
	return true
}

// run makes all attempts, hands at a time, and tells how far it is.
func (w *world) run(ctx context.Context, s *server, t *tally, title string, all []attempt) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan *attempt)
	var wait sync.WaitGroup
	for range hands {
		wait.Add(1)
		go func() {
			defer wait.Done()
			lines := map[*server]*line{}
			defer func() {
				for _, l := range lines {
					l.close()
				}
			}()
			for a := range next {
				at := cmp.Or(a.At, s)
				if lines[at] == nil {
					lines[at] = &line{dialler: at.dialler}
				}
				if err := w.try(ctx, lines[at], t, a); err != nil && t.unanswered(a, err) > patienceWithSilence {
					cancel(fmt.Errorf("%s %s (%s): %w", a.Req.Method, a.Route, a.Trick, err))
				}
			}
		}()
	}
	began, told := time.Now(), time.Now()
	for i := range all {
		if !t.once(&all[i]) {
			continue
		}
		select {
		case next <- &all[i]:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			left := time.Duration(float64(time.Since(began)) / float64(i+1) * float64(len(all)-i-1))
			fmt.Fprintf(os.Stderr, "  %s: %d of %d, %s left\n", title, i+1, len(all), left.Round(time.Second))
		}
	}
	close(next)
	wait.Wait()
	return context.Cause(ctx)
}

// try makes one attempt. What was asked too often is asked again: a throttle is no
// decision.
func (w *world) try(ctx context.Context, l *line, t *tally, a *attempt) error {
	if a.Got != nil {
		t.add(a, *a.Got, w.judge(a, *a.Got, a.GotTwin))
		return nil
	}
	got, err := w.send(ctx, l, a, a.Req)
	if err != nil {
		return err
	}
	var twin *answer
	if a.Twin != nil {
		other, err := w.send(ctx, l, a, *a.Twin)
		if err != nil {
			return err
		}
		twin = &other
	}
	t.add(a, got, w.judge(a, got, twin))
	return nil
}

func (w *world) send(ctx context.Context, l *line, a *attempt, q request) (answer, error) {
	for try := 0; ; try++ {
		sent := q
		if !a.Own && q.Raw == "" {
			headers, err := a.As.credential(ctx)
			if err != nil {
				return answer{}, err
			}
			sent = q.with(headers...)
			if err := w.opens(ctx, l, a.As, q); err != nil {
				return answer{}, err
			}
		}
		do := l.do
		if a.Via != nil {
			do = a.Via
		}
		got, err := do(ctx, sent)
		if err != nil || got.Status != http.StatusTooManyRequests && got.Status != http.StatusServiceUnavailable || try == 6 {
			return got, err
		}
		select {
		case <-time.After(time.Duration(try+1) * 700 * time.Millisecond):
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
}
