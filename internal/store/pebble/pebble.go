// Package pebble is the embedded storage engine: one folder, one process, no
// server. It keeps records, posting lists, cells and the audit log in one
// log-structured merge tree (github.com/cockroachdb/pebble).
//
// A commit is one batch of that tree: it is visible at once or not at all, and
// durable as soon as the write-ahead log is on the device. One lock orders
// commits; within it guards are checked, the audit link is taken and positions
// are allotted. Waiting for the device happens outside, so that many commits
// share one sync.
//
// Posting lists are written blindly, as merge operands that say "these
// positions too"; the tree unites them when it reads or compacts. The union
// commutes and may be repeated, so no order of events can lose a posting.
//
// Every stored byte is described in docs/formats/store-pebble.md.
package pebble

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lsm "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/wardkeep/wardkeep/internal/clock"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// ErrInUse says that another process, or another Store of this one, holds the
// folder.
var ErrInUse = errors.New("the folder is in use by another process")

// ErrFormat says that the folder was written in a format this program does not
// read.
var ErrFormat = errors.New("the folder has a format this program does not read")

// Config says where a store lies and how it behaves. Only Dir is required.
type Config struct {
	Dir    string
	FS     vfs.FS       // nil: the operating system's
	Clock  clock.Clock  // nil: the system's; decides when cells expire
	Logger *slog.Logger // nil: silence. No key, token or value is ever logged.

	// ReadOnly opens the folder to look at it: nothing in it is changed, and
	// every commit is refused with ErrFailed.
	ReadOnly bool

	MemTableSize int64 // bytes; 0: 32 MB
	CacheSize    int64 // bytes of decoded blocks kept; 0: 128 MB
}

// Store is an open folder. It implements store.Store and store.Checkpointer.
type Store struct {
	db       *lsm.DB
	dir      string
	fs       vfs.FS
	clock    clock.Clock
	gate     gate
	readOnly bool

	failed atomic.Bool // no more writes; see fail
	wedged atomic.Bool // the tree's own locks may be held for ever

	// commit orders commits. What follows is guarded by it.
	commit sync.Mutex
	last   record.Position // highest position given away
	time   time.Time       // of the commit of last
	next   map[uint64]uint64

	sweep sync.Mutex // one sweeper at a time

	// tidying guards how much had been written to the log when Tidy last wrote the
	// memtable out.
	tidying sync.Mutex
	tidied  uint64
	open    context.Context // until Close begins: what takes long ends with it
	ends    context.CancelFunc

	// shown is the last position that reads see. It is right while applied is
	// even and did not change around its reading; see snapshot.
	shown   atomic.Uint64
	applied atomic.Uint64

	absent absent
	often  often
}

var (
	_ store.Store        = (*Store)(nil)
	_ store.Checkpointer = (*Store)(nil)
)

// Open opens the folder, creating it if need be, and recovers what a crash left.
func Open(cfg Config) (*Store, error) {
	s := &Store{clock: cfg.Clock, readOnly: cfg.ReadOnly, next: make(map[uint64]uint64)}
	if s.clock == nil {
		s.clock = clock.System{}
	}
	s.gate.init()
	s.open, s.ends = context.WithCancel(context.Background())
	o := options(cfg)
	o.FS = watch{FS: o.FS, failed: &s.failed}
	db, err := lsm.Open(cfg.Dir, o)
	if err != nil {
		return nil, fmt.Errorf("pebble.Open: %w", openError(err))
	}
	s.db, s.dir, s.fs = db, cfg.Dir, o.FS
	err = errors.Join(s.checkFormat(), s.recover())
	if s.failed.Load() {
		err = errors.Join(err, store.ErrFailed) // the log could not be begun
	}
	if err != nil {
		return nil, fmt.Errorf("pebble.Open: %w", errors.Join(damage(err), db.Close()))
	}
	return s, nil
}

// OpenMemory returns a store that lives in memory and dies with the process,
// for tests and trials.
func OpenMemory(c clock.Clock) (*Store, error) {
	return Open(Config{Dir: "store", FS: vfs.NewMem(), Clock: c, MemTableSize: 4 << 20, CacheSize: 8 << 20})
}

// recover derives what commits need to know from the last row.
func (s *Store) recover() error {
	v := view{r: s.db}
	if err := v.findLast(); err != nil {
		return err
	}
	s.last = v.last
	s.shown.Store(uint64(v.last))
	if v.last == 0 {
		return nil
	}
	t, err := v.timeOf(v.last)
	s.time = t
	return err
}

// checkFormat marks a new folder with the format and refuses an unknown one.
// A new folder's first log was begun before the tree knew its own format, and
// lacks the marks by which damage is told from a crash: the flush begins
// another one.
func (s *Store) checkFormat() error {
	v, closer, err := s.db.Get(formatKey())
	if errors.Is(err, lsm.ErrNotFound) {
		if s.readOnly {
			return ErrFormat
		}
		return errors.Join(s.db.Set(formatKey(), []byte{formatVersion}, lsm.Sync), s.db.Flush())
	}
	if err != nil {
		return err
	}
	defer closer.Close()
	if len(v) != 1 || v[0] != formatVersion {
		return ErrFormat
	}
	return nil
}

// Close waits for running reads and commits, moves everything out of the
// write-ahead log and releases the folder. Receipts may be waited for after it.
// A store that failed leaves its log as it is: what was promised is in there.
func (s *Store) Close() error {
	s.ends()
	if !s.gate.shut() {
		return nil
	}
	s.commit.Lock()
	defer s.commit.Unlock()
	if s.wedged.Load() {
		// The tree would wait for its own lock. The folder stays held until
		// the process ends, which is what has to happen now.
		return fmt.Errorf("pebble.Close: %w", store.ErrFailed)
	}
	var flush error
	if !s.frozen() {
		flush = s.db.Flush()
	}
	err := errors.Join(flush, s.db.Close())
	if err == nil && !s.frozen() {
		err = s.dropLogs()
	}
	if err != nil {
		return fmt.Errorf("pebble.Close: %w", damage(err))
	}
	return nil
}

// dropLogs removes the write-ahead logs that the tree keeps for reuse. All but
// the newest were flushed; seal/file never reuses one, so that no key stream is
// used twice, and a closed store should be no larger than its data.
func (s *Store) dropLogs() error {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return err
	}
	logs := slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, ".log") })
	slices.SortFunc(logs, func(a, b string) int { // by number
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
	for _, name := range logs[:max(0, len(logs)-1)] {
		if err := s.fs.Remove(s.fs.PathJoin(s.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// fail poisons the store: the audit chain may have a hole on disk.
func (s *Store) fail() { s.failed.Store(true) }

// frozen reports whether no more writes are taken.
func (s *Store) frozen() bool { return s.readOnly || s.failed.Load() }

// begin admits a call that reads, unless the store is closed.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !s.gate.enter() {
		return store.ErrClosed
	}
	return nil
}

// snapshot admits a call that reads and gives it its view.
func (s *Store) snapshot(ctx context.Context) (*view, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	before, last, age, amends := s.applied.Load(), s.shown.Load(), s.absent.age.Load(), s.often.amends.Load()
	snap := s.db.NewSnapshot()
	v := &view{r: snap, absent: &s.absent, age: age, often: &s.often, amends: amends, done: func() error {
		err := snap.Close()
		s.gate.leave()
		return err
	}}
	if age%2 != 0 || s.absent.age.Load() != age {
		v.age = noAge
	}
	if amends%2 != 0 {
		v.often = nil
	}
	if before%2 == 0 && s.applied.Load() == before {
		// No commit became visible meanwhile: what was last is still last.
		v.last = record.Position(last)
		return v, nil
	}
	if err := v.findLast(); err != nil {
		return nil, errors.Join(err, v.done())
	}
	return v, nil
}

// gate lets calls in until it is shut, and shutting waits for those inside. A
// call may enter again from within a visit: unlike with a sync.RWMutex, a
// waiting shut does not block it but turns it away.
type gate struct {
	mu     sync.Mutex
	empty  sync.Cond
	inside int
	closed bool
}

func (g *gate) init() { g.empty.L = &g.mu }

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 {
		g.empty.Broadcast()
	}
}

// shut reports whether this call was the one that shut the gate.
func (g *gate) shut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := !g.closed
	g.closed = true
	for g.inside > 0 {
		g.empty.Wait()
	}
	return first
}
