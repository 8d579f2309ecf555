// Package posting evaluates store.Expr over posting lists, for engines that
// keep ordered keys.
//
// A position names one committed version and is used as an ordinal. A posting
// list is the set of positions that bear one token, one edge or one class. It
// is kept in containers, one for each chunk of 65,536 positions, so that lists
// of very different lengths meet chunk by chunk and a search that wants twenty
// rows touches the chunks that hold them and no others.
//
// Lists only grow. A position that was superseded, or that is a tombstone, is
// dead: it stays in its lists until a sweeper takes it out, and a separate set
// of dead positions hides it from every result meanwhile. That is why an
// update need not know which tokens the version before it bore.
//
// The engine hands in a Source, one consistent snapshot; nothing here holds
// state between queries or knows how bytes are stored.
package posting

import (
	"context"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
)

// ChunkSize is the number of positions one container covers.
const ChunkSize = 1 << chunkBits

const chunkBits = 16

// MaxPosition is the highest position whose chunk still has a name.
const MaxPosition = record.Position(1<<(32+chunkBits) - 1)

// Chunk numbers a run of ChunkSize positions: chunk c holds the positions from
// c*ChunkSize on.
type Chunk uint32

// Locate returns the chunk of p and its place within.
func Locate(p record.Position) (Chunk, uint16) {
	return Chunk(p >> chunkBits), uint16(p)
}

// Position is the inverse of Locate.
func (c Chunk) Position(low uint16) record.Position {
	return record.Position(c)<<chunkBits | record.Position(low)
}

// Kind tells the three sorts of posting lists apart.
type Kind byte

const (
	ByToken Kind = iota // versions that bear Token
	ByClass             // versions of the class Token, dead ones for ever included
	ByEdge              // versions with an edge Token to Key
)

// List names one posting list.
type List struct {
	Kind  Kind
	Token record.Token
	Key   record.Key // ByEdge only
}

// Cursor walks the containers of one list in one direction.
type Cursor interface {
	// Seek goes to the first container at or past c in the cursor's direction
	// and returns its chunk and its bytes, which stay valid until the next
	// call; false if there is none. Calls never go backwards.
	Seek(c Chunk) (Chunk, []byte, bool, error)
	Close() error
}

// Source is what a query reads: one snapshot of an engine.
type Source interface {
	// Cursor opens a list. Down walks from the highest chunk. It may return
	// nil for a list that is known to have no containers.
	Cursor(l List, down bool) (Cursor, error)

	// Dead fills into with the dead positions of a chunk, and with those up to
	// Last that an engine skipped and no version has.
	Dead(c Chunk, into *Set) error

	// Heads calls add with the current position of each of the keys that
	// names a record, in any order.
	Heads(ctx context.Context, keys []record.Key, add func(record.Position)) error

	// Keys returns the record keys of the positions, which ascend.
	Keys(ctx context.Context, ps []record.Position) ([]record.Key, error)

	// Referrers calls add with every container, from a chunk on, of every list
	// ByEdge of rel and one of keys, in any order. It may reorder keys.
	Referrers(ctx context.Context, rel record.Token, keys []record.Key, from Chunk, add func(Chunk, []byte) error) error

	// Referred calls add with every container of every list ByEdge of rel,
	// those of one key one after another.
	Referred(ctx context.Context, rel record.Token, add func(record.Key, Chunk, []byte) error) error

	// First returns the lowest position committed at or after t, Last()+1
	// if there is none.
	First(t time.Time) (record.Position, error)

	// Last returns the highest position of the snapshot, 0 if it is empty.
	Last() record.Position
}
