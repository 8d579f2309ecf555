// Package record is the vocabulary that the trust core and the engines share:
// what is kept, by what name, and under which conditions. Nothing here can hold
// plaintext by design: bodies and cards are sealed, words are keyed tokens.
package record

import (
	"encoding/hex"
	"time"
)

// Key names one record for ever. It is 128 random bits, allotted at the first
// mention of the record's id, and says nothing about it.
type Key [16]byte

// IsZero reports whether k names nothing.
func (k Key) IsZero() bool { return k == Key{} }

// String returns k in hex, for logs and proofs.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Token is a keyed digest of one value of one element of one type of one tenant
// (see docs/formats/index.md). Equal values of that element have equal tokens;
// nothing else can be told without the key.
type Token uint64

// Position is the place of a version in the order of commits of a store. The
// first version has position 1; positions are dense enough to be used as
// posting-list ordinals and are never used twice.
type Position uint64

// Edge says that a record points to another one through relation Rel, a keyed
// token of type and element. The target need not exist yet.
type Edge struct {
	Rel Token
	To  Key
}

// Put is one new version of one durable record. Every version is kept.
type Put struct {
	Key     Key
	Version uint64 // 1 for the first; MUST be one more than the current one
	Class   Token  // keyed token of tenant and type
	Deleted bool   // a tombstone: it bears no tokens and no edges
	Body    []byte // sealed
	Card    []byte // sealed; empty on tombstones
	Tokens  []Token
	Edges   []Edge
}

// Row is one version as an engine hands it out.
type Row struct {
	Key      Key
	Version  uint64
	Class    Token
	Position Position
	Deleted  bool
	Current  bool      // no later version exists in the snapshot read
	Time     time.Time // of its commit; never earlier than that of a lower position
	Card     []byte    // if asked for
	Body     []byte    // if asked for
}

// Space is a namespace of cells.
type Space byte

const (
	SpaceName    Space = 'n' // digest of tenant, type and id → Key
	SpaceKey     Space = 'k' // wrapped keys
	SpaceTree    Space = 't' // audit tree: tiles, checkpoints, size and root
	SpaceShard   Space = 's' // audit shards, one cell each
	SpaceContent Space = 'x' // sealed content parts of audit entries
	SpaceShort   Space = 'e' // ephemeral records: sessions, throttles, codes, leases
	SpaceJob     Space = 'j' // progress of long work: imports, reindexing
	SpaceMeta    Space = 'm' // format version and the like
)

// Cell is a small named value that is overwritten in place and has no history.
// A nil Value deletes it. A cell past Expires is as good as deleted; the zero
// time never comes.
type Cell struct {
	Space   Space
	Name    []byte
	Value   []byte
	Expires time.Time
}

// Guard is a condition that must hold at the instant of the commit, against
// every other commit, or nothing of the batch happens. Exactly one of the three
// forms is filled.
type Guard struct {
	// The record's current version is Version; 0: the record has none.
	// A tombstone counts as its version.
	Record  *Key
	Version uint64

	// No current, undeleted version committed after After bears Token.
	// The caller has looked at those up to After itself: with narrow tokens
	// a collision is not a match, and only the caller can tell.
	Token *Token
	After Position

	// The cell holds exactly Value; nil: there is no such cell.
	Cell *Cell
}

// Batch is what one commit makes visible at once, or not at all.
type Batch struct {
	Puts []Put
	// Amends are current versions, not deleted, sealed anew and found by more
	// than before: Version is the current one and Class the record's, or
	// nothing of the batch happens. Body and Card replace those there are, at
	// the same position and with the time of the version's commit; Tokens and
	// Edges join those it bears, which MUST be among them. A record is amended
	// once in a batch, and not put as well.
	Amends []Put
	Cells  []Cell
	Guards []Guard

	// Time is the commit time the caller sealed into the bodies. An engine
	// refuses a batch whose Time lies more than MaxSkew behind the last commit
	// (store.ErrStale), so that a position can be found from a time.
	Time time.Time

	// Shard and Link append to the audit log. Link is called at most once,
	// after every guard held, in the order in which commits become visible,
	// and while no other commit of this process is between Link and visible;
	// what it returns is appended to Shard in the same atomic write. If the
	// write fails after Link was called, the engine MUST refuse every later
	// commit: the chain would have a hole.
	Shard uint64
	Link  func() (LogRun, error)
}

// LogRun is a run of consecutive audit entries.
type LogRun struct {
	First   uint64 // counter of the first entry
	Entries [][]byte
}

// MaxSkew bounds how far a version's sealed time may lie behind its commit.
const MaxSkew = time.Minute
