package fhirhttp

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wardkeep/wardkeep/internal/chart"
)

// Pace is when a refusal is answered: longer after the request began than one takes,
// so that its time does not tell whether there is something to refuse.
const Pace = 5 * time.Millisecond

// beat is how far apart the moments are at which answers that wait leave. It must
// divide no request's own time: they are moments of the process.
const beat = time.Millisecond

// metronome lets answers leave at beats. One thread sleeps for all that wait, by the
// kernel's clock: timers of the runtime count whole milliseconds from when they are
// set, which is when the work was done.
type metronome struct {
	began   time.Time
	mu      sync.Mutex
	waiting map[int64]chan struct{} // by beats since it began
	running bool
}

func newMetronome() *metronome {
	return &metronome{began: time.Now(), waiting: map[int64]chan struct{}{}}
}

// until waits for the first beat at or after a moment.
func (m *metronome) until(ctx context.Context, at time.Time) {
	m.mu.Lock()
	n := int64((at.Sub(m.began) + beat - 1) / beat)
	due, ok := m.waiting[n]
	if !ok {
		due = make(chan struct{})
		m.waiting[n] = due
	}
	if !m.running {
		m.running = true
		go m.run()
	}
	m.mu.Unlock()
	select {
	case <-due:
	case <-ctx.Done():
	}
}

// run beats while somebody waits.
func (m *metronome) run() {
	for m.strike(int64(time.Since(m.began) / beat)) {
		rest := beat - time.Since(m.began)%beat
		nap := unix.NsecToTimespec(int64(rest))
		_ = unix.Nanosleep(&nap, nil) // woken early, it goes round once more
	}
}

// strike lets those leave whose beat has come, and reports whether others wait.
func (m *metronome) strike(now int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for n, due := range m.waiting {
		if n <= now {
			close(due)
			delete(m.waiting, n)
		}
	}
	m.running = len(m.waiting) > 0
	return m.running
}

// paced is an answer that waits if it refuses, or shows less than was asked for. It
// leaves when a whole number of paces has passed since the request had come: what takes
// longer than one is told to a pace at least.
type paced struct {
	http.ResponseWriter
	wait func(status int)
	sent bool
}

// pacing begins a request.
func (s *server) pacing(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request) {
	if s.Pace == 0 {
		return w, r
	}
	began := time.Now()
	r.Body = &heldBody{r.Body, &began}
	ctx, less := chart.Heeding(r.Context())
	return &paced{ResponseWriter: w, wait: func(status int) {
		if status < http.StatusBadRequest && !less() {
			return
		}
		paces := 1 + time.Since(began)/s.Pace
		s.beats.until(ctx, began.Add(paces*s.Pace))
	}}, r.WithContext(ctx)
}

// heldBody notes when the last of a body came. Only then does a request begin: its
// sender could else hold back the rest until what is left of a pace is just what one
// of two refusals takes.
type heldBody struct {
	io.ReadCloser
	last *time.Time
}

func (b *heldBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	*b.last = time.Now()
	return n, err
}

func (p *paced) WriteHeader(status int) {
	if !p.sent {
		p.sent = true
		p.wait(status)
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *paced) Write(b []byte) (int, error) {
	if !p.sent {
		p.WriteHeader(http.StatusOK)
	}
	return p.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (p *paced) Unwrap() http.ResponseWriter { return p.ResponseWriter }
