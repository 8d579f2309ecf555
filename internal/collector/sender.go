package collector

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/wardkeep/wardkeep/internal/audit"
	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/clock"
)

// Source is what the sender needs of the audit log, which is its spool: what was not
// sent yet lies there, however long the collector is away.
type Source interface {
	Size() uint64
	Feed(ctx context.Context, from uint64, limit int, visit func(*audit.Leaf) error) error
	Cursor(ctx context.Context, name string) (uint64, error)
	KeepCursor(ctx context.Context, name string, next uint64) error
	Published() (signed []byte, c verify.Checkpoint)
}

// Config is what a Sender works with.
type Config struct {
	Address string      // host and port
	TLS     *tls.Config // whose certificate is believed, and our own if it wants one
	Log     Source
	Lines   *Lines
	Clock   clock.Clock
	Slog    *slog.Logger

	// Settle is after how long on a connection that is still well what was sent counts
	// as arrived; 0: 30 s. What was sent later is sent again on the next one.
	Settle time.Duration
	Retry  time.Duration // pause after a first failure, doubled to a minute; 0: 1 s
}

// cursor is the name of the collector's place in the audit log.
const cursor = "log_out"

const (
	pollEvery    = 200 * time.Millisecond
	longestRetry = time.Minute
)

// Sender sends what is logged. All methods are safe for concurrent use.
type Sender struct {
	cfg    Config
	origin origin
	told   uint64 // lost lines that were told of; Run's alone

	mu    sync.Mutex
	state State
}

// State is how far the collector has what was logged.
type State struct {
	Address   string    `json:"address"`
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since"`             // of the connection, or of its loss
	Problem   string    `json:"problem,omitempty"` // why there is no connection
	Entries   uint64    `json:"entries"`           // in the audit log
	Sent      uint64    `json:"sent"`              // of them
	Arrived   uint64    `json:"arrived"`           // of them, for all that can be told
	Waiting   int       `json:"lines_waiting"`
	Lost      uint64    `json:"lines_lost"` // since the start
}

// Behind is how many entries were not sent yet.
func (s State) Behind() uint64 { return s.Entries - min(s.Sent, s.Entries) }

// New returns a sender that sends nothing before Run.
func New(c Config) *Sender {
	c.Settle, c.Retry = cmp.Or(c.Settle, 30*time.Second), cmp.Or(c.Retry, time.Second)
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	return &Sender{
		cfg: c, origin: origin{host: host, process: strconv.Itoa(os.Getpid())},
		state: State{Address: c.Address, Since: c.Clock.Now()},
	}
}

// State returns how far it is.
func (s *Sender) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.state
	now.Entries = s.cfg.Log.Size()
	now.Waiting, now.Lost = s.cfg.Lines.state()
	return now
}

func (s *Sender) set(change func(*State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.state)
}

// Run sends until ctx ends, and then what still waits, if the collector takes it at
// once. It returns no error: what it cannot do now it does later.
func (s *Sender) Run(ctx context.Context) {
	pause := s.cfg.Retry
	for ctx.Err() == nil {
		began := time.Now()
		err := s.connect(ctx)
		if err == nil {
			return
		}
		if time.Since(began) > s.cfg.Settle {
			pause = s.cfg.Retry // it was well for a while
		}
		if s.lost(err) {
			s.cfg.Slog.WarnContext(ctx, "the collector takes no logs; audit entries wait in the store, lines in memory", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestRetry)
	}
}

// lost notes why there is no connection, and reports whether that is news.
func (s *Sender) lost(err error) (news bool) {
	s.set(func(st *State) {
		news = st.Connected || st.Problem == ""
		if news {
			st.Since = s.cfg.Clock.Now()
		}
		st.Connected, st.Problem = false, err.Error()
	})
	return news
}

var errGone = errors.New("the collector closed the connection")

// connect sends over one connection, until it or ctx ends; nil if ctx did.
func (s *Sender) connect(ctx context.Context) error {
	next, err := s.cfg.Log.Cursor(ctx, cursor)
	if err != nil {
		return err
	}
	conn, err := dial(ctx, s.cfg.Address, s.cfg.TLS)
	if err != nil {
		return err
	}
	defer conn.tls.Close()
	s.set(func(st *State) {
		st.Connected, st.Problem, st.Since, st.Sent, st.Arrived = true, "", s.cfg.Clock.Now(), next, next
	})
	s.cfg.Slog.InfoContext(ctx, "the collector takes logs", "from", next)
	t := &transfer{Sender: s, conn: conn, next: next, kept: next}
	return t.run(ctx)
}
