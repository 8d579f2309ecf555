package verify

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Names of the cells in record.SpaceTree (docs/formats/audit.md).

// TreesName is the cell that lists the trees' ids, the current one last.
const TreesName = "trees"

// TreeID names one tree. A restored store starts another one.
type TreeID [8]byte

func (id TreeID) String() string { return hex.EncodeToString(id[:]) }

const originPrefix = "wardkeep.local/audit/"

// Origin is the tree's name in its checkpoints.
func (id TreeID) Origin(tenant string) string {
	return originPrefix + tenant + "/" + id.String()
}

// StateName is the cell of the tree's size and root.
func (id TreeID) StateName() []byte { return []byte(id.String() + "/state") }

// CheckpointName is the cell of the tree's newest signed checkpoint.
func (id TreeID) CheckpointName() []byte { return []byte(id.String() + "/checkpoint") }

// TileName is the cell of a tile; the path is that of C2SP tlog-tiles, without
// a suffix for unfinished tiles, which are overwritten as they grow.
func (id TreeID) TileName(level int, n uint64) []byte {
	return fmt.Appendf(nil, "%s/tile/%d/%s", id, level, indexPath(n))
}

// MapName is the cell that says which entries the leaves 256·n to 256·n+255 are.
func (id TreeID) MapName(n uint64) []byte {
	return fmt.Appendf(nil, "%s/map/%s", id, indexPath(n))
}

// indexPath writes n in groups of three digits, all but the last with an x.
func indexPath(n uint64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	return path
}

// MarkName is the cell that says how far a shard has been taken into the tree.
func MarkName(shard uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte("at/"), shard)
}

// ShardName is the cell, in record.SpaceShard, that registers a shard.
func ShardName(shard uint64) []byte { return binary.BigEndian.AppendUint64(nil, shard) }

var errLayout = errors.New("malformed audit cell")

const (
	layoutFormat = 1
	treesFormat  = 2 // 1 had another index of entries
)

// AppendTrees appends the cell of the trees' ids.
func AppendTrees(buf []byte, ids []TreeID) []byte {
	buf = append(buf, treesFormat)
	for _, id := range ids {
		buf = append(buf, id[:]...)
	}
	return buf
}

var errOtherFormat = errors.New("the audit log is in a format of another version of wardkeep, which alone can read it")

// ParseTrees reads it. There is at least one tree.
func ParseTrees(src []byte) ([]TreeID, error) {
	if len(src) < 9 || len(src)%8 != 1 {
		return nil, errLayout
	}
	if src[0] != treesFormat {
		return nil, errOtherFormat
	}
	var ids []TreeID
	for src = src[1:]; len(src) > 0; src = src[8:] {
		ids = append(ids, TreeID(src))
	}
	return ids, nil
}

// State is how large a tree is.
type State struct {
	Size uint64
	Root tlog.Hash
}

// Append appends the cell's bytes.
func (s State) Append(buf []byte) []byte {
	buf = binary.BigEndian.AppendUint64(append(buf, layoutFormat), s.Size)
	return append(buf, s.Root[:]...)
}

// ParseState reads the cell of a tree's size and root.
func ParseState(src []byte) (State, error) {
	if len(src) != 41 || src[0] != layoutFormat || src[1] >= 1<<7 {
		return State{}, errLayout
	}
	return State{Size: binary.BigEndian.Uint64(src[1:]), Root: tlog.Hash(src[9:])}, nil
}

// Mark is how far a shard has been taken into the tree.
type Mark struct {
	Counter uint64    // of the last entry taken
	Link    [32]byte  // what the next entry must carry as Prev
	Time    time.Time // of the last entry taken
}

// Append appends the cell's bytes.
func (m Mark) Append(buf []byte) []byte {
	buf = binary.BigEndian.AppendUint64(append(buf, layoutFormat), m.Counter)
	buf = append(buf, m.Link[:]...)
	return binary.BigEndian.AppendUint64(buf, uint64(m.Time.UnixMicro()))
}

// ParseMark reads the cell of a shard's mark.
func ParseMark(src []byte) (Mark, error) {
	if len(src) != 49 || src[0] != layoutFormat || binary.BigEndian.Uint64(src[41:]) > maxMicros {
		return Mark{}, errLayout
	}
	return Mark{
		Counter: binary.BigEndian.Uint64(src[1:]),
		Link:    [32]byte(src[9:41]),
		Time:    time.UnixMicro(int64(binary.BigEndian.Uint64(src[41:]))).UTC(),
	}, nil
}

// Shard is what a process registered before it wrote its first entry.
type Shard struct {
	Opened    time.Time
	SealedKey []byte // the chain's MAC key, sealed for ShardAAD
}

// Append appends the cell's bytes.
func (s Shard) Append(buf []byte) []byte {
	buf = binary.BigEndian.AppendUint64(append(buf, layoutFormat), uint64(s.Opened.UnixMicro()))
	return append(buf, s.SealedKey...)
}

// ParseShard reads a shard's cell.
func ParseShard(src []byte) (Shard, error) {
	if len(src) < 10 || src[0] != layoutFormat || binary.BigEndian.Uint64(src[1:]) > maxMicros {
		return Shard{}, errLayout
	}
	return Shard{
		Opened:    time.UnixMicro(int64(binary.BigEndian.Uint64(src[1:]))).UTC(),
		SealedKey: append([]byte(nil), src[9:]...),
	}, nil
}

// Leaf says which entry a leaf is.
type Leaf struct{ Shard, Counter uint64 }

const leafSize = 16

// AppendLeaf appends a leaf to the cell of 256 leaves.
func AppendLeaf(buf []byte, l Leaf) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(buf, l.Shard), l.Counter)
}

// ParseLeaves reads a cell of up to 256 leaves.
func ParseLeaves(src []byte) ([]Leaf, error) {
	if len(src)%leafSize != 0 || len(src) > tileWidth*leafSize {
		return nil, errLayout
	}
	leaves := make([]Leaf, len(src)/leafSize)
	for i := range leaves {
		leaves[i] = Leaf{binary.BigEndian.Uint64(src[16*i:]), binary.BigEndian.Uint64(src[16*i+8:])}
	}
	return leaves, nil
}
