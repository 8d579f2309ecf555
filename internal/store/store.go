// Package store is the contract of the untrusted storage engines.
//
// An engine keeps opaque bytes, finds them by equality of tokens, and commits
// batches atomically. It never sees a key of ours or a word of a record. What
// an engine answers is not believed: package vault authenticates every body and
// card it opens, and package audit/verify finds what was dropped or put back.
//
// Every engine passes package storetest. A ninth method needs an ADR.
package store

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
)

// Errors that callers tell apart. Engines wrap them with the operation's name
// and MUST NOT put keys, tokens or values into the text.
var (
	ErrGuard   = errors.New("a guard does not hold")
	ErrStale   = errors.New("the batch is older than the store's clock allows")
	ErrCorrupt = errors.New("stored bytes are damaged")
	ErrClosed  = errors.New("the store is closed")
	ErrFailed  = errors.New("the store failed and takes no more writes")
	ErrInvalid = errors.New("the batch or expression breaks the contract")
)

// Want says which sealed parts a row should carry.
type Want uint8

const (
	WantCard Want = 1 << iota
	WantBody
)

// Ref names a version: the current one if Version is 0. Whoever knows where a
// version is may say so, and spares the store looking it up: Key and Version MUST
// be given then, and Row.Current is not filled.
type Ref struct {
	Key     record.Key
	Version uint64
	At      record.Position // 0: not known
}

// Visit receives one row. The row's bytes are valid only until it returns.
// Returning ErrStop ends the walk without error; any other error is passed on.
type Visit func(record.Row) error

// ErrStop ends a walk early.
var ErrStop = errors.New("stop")

// Find asks for current, undeleted records.
type Find struct {
	Expr  Expr
	Want  Want
	After record.Position // start beyond this position, in the order walked; 0: from the start
	// Newest walks from the highest position down.
	Newest bool
	Limit  int // rows visited at most; 0: all
	// CountOnly visits nothing and fills Found.Count with the size of the
	// whole set, whatever After and Limit say.
	CountOnly bool
}

// Found is what a Find leaves besides the rows it visited.
type Found struct {
	At    record.Position // the snapshot: every commit up to here was seen, none after
	Count int             // rows visited, or the size of the set with CountOnly
}

// Span asks for versions, tombstones included, in commit order: of one record
// (Key), of a class (Class), or of all (neither).
type Span struct {
	Key    *record.Key
	Class  *record.Token
	After  record.Position // exclusive; in the order walked
	Until  record.Position // inclusive, in the order walked; 0: to the end
	Since  time.Time       // only versions committed at or after it; zero: all
	Newest bool
	Limit  int
	Want   Want
}

// Receipt answers for one commit.
type Receipt interface {
	// Last is the position of the batch's last put, 0 if it had none. A
	// batch's puts have consecutive positions in the order given.
	Last() record.Position
	// Wait returns once the commit is durable: on the device, and on as many
	// replicas as the engine was configured to wait for. Nothing that depends
	// on the commit may leave the process before. It ignores the caller's
	// context on purpose: hanging up does not undo a commit.
	Wait() error
}

// Entry is one stored audit entry. Entries of one answer may share memory: who
// keeps one for long keeps a copy.
type Entry struct {
	Counter uint64
	Bytes   []byte
}

// Store is an engine. All methods are safe for concurrent use. A read sees
// every commit whose Commit returned before the read began.
type Store interface {
	// Get returns one row for each ref, in order; a row with Version 0 stands
	// for one that does not exist.
	Get(ctx context.Context, refs []Ref, want Want) ([]record.Row, error)

	// Cells returns the values of the named cells, nil for those that do not
	// exist or have expired.
	Cells(ctx context.Context, space record.Space, names [][]byte) ([][]byte, error)

	// Scan visits the cells of a space whose names have the prefix and lie
	// beyond after, in order of their names. name and value are valid only
	// until visit returns.
	Scan(ctx context.Context, space record.Space, prefix, after []byte, visit func(name, value []byte) error) error

	// Find evaluates an expression on one snapshot.
	Find(ctx context.Context, f Find, visit Visit) (Found, error)

	// History walks versions on one snapshot; it is also the feed for
	// reindexing, export and backup.
	History(ctx context.Context, s Span, visit Visit) error

	// Commit makes a batch visible, or returns ErrGuard, ErrStale, ErrFailed
	// or the context's error, and nothing happened. Guards are serialisable.
	Commit(ctx context.Context, b record.Batch) (Receipt, error)

	// Log returns up to limit entries of a shard from a counter on. A counter
	// missing in between ends the run.
	Log(ctx context.Context, shard, from uint64, limit int) ([]Entry, error)

	io.Closer
}

// Checkpointer is an engine that can lay a consistent copy of its files beside
// itself while it runs. dir MUST NOT exist.
type Checkpointer interface {
	Checkpoint(dir string) error
}
