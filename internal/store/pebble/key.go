package pebble

import (
	"encoding/binary"
	"time"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store/posting"
)

// formatVersion counts the layouts of docs/formats/store-pebble.md.
const formatVersion = 1

// The first byte of a key says what it names. Within a commit, entries are
// written in this order: a sorted batch costs the tree less.
const (
	tagRow    = 'a' // position → what a version is, and its card
	tagBody   = 'b' // position → body
	tagClass  = 'c' // class, chunk → versions of the class
	tagDead   = 'd' // chunk → dead versions
	tagEdge   = 'e' // relation, target key, chunk → versions that point there
	tagHead   = 'h' // record key → current version
	tagLog    = 'l' // shard, counter → audit entry
	tagOlder  = 'o' // record key, version → position of a version not current
	tagExpiry = 'q' // time, space, name → a cell that expires then
	tagToken  = 't' // token, chunk → versions that bear it
	tagCell   = 'x' // space, name → cell
	tagStore  = 'z' // about the folder itself
)

func formatKey() []byte { return []byte{tagStore, 'f'} }
func sweepKey() []byte  { return []byte{tagStore, 's'} }

func positionKey(dst []byte, tag byte, p record.Position) []byte {
	return binary.BigEndian.AppendUint64(append(dst, tag), uint64(p))
}

func listPrefix(dst []byte, l posting.List) []byte {
	switch l.Kind {
	case posting.ByClass:
		return binary.BigEndian.AppendUint64(append(dst, tagClass), uint64(l.Token))
	case posting.ByEdge:
		dst = binary.BigEndian.AppendUint64(append(dst, tagEdge), uint64(l.Token))
		return append(dst, l.Key[:]...)
	}
	return binary.BigEndian.AppendUint64(append(dst, tagToken), uint64(l.Token))
}

func appendChunk(dst []byte, c posting.Chunk) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(c))
}

const chunkBytes = 4

// chunkOf reads the chunk at the end of the key of a container.
func chunkOf(key []byte) posting.Chunk {
	return posting.Chunk(binary.BigEndian.Uint32(key[len(key)-chunkBytes:]))
}

func deadKey(dst []byte, c posting.Chunk) []byte { return appendChunk(append(dst, tagDead), c) }

func headKey(dst []byte, k record.Key) []byte { return append(append(dst, tagHead), k[:]...) }

func olderKey(dst []byte, k record.Key, version uint64) []byte {
	return binary.BigEndian.AppendUint64(append(append(dst, tagOlder), k[:]...), version)
}

func logKey(dst []byte, shard, counter uint64) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, tagLog), shard)
	return binary.BigEndian.AppendUint64(dst, counter)
}

func cellKey(dst []byte, space record.Space, name []byte) []byte {
	return append(append(dst, tagCell, byte(space)), name...)
}

func expiryKey(dst []byte, at int64, space record.Space, name []byte) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, tagExpiry), uint64(at))
	return append(append(dst, byte(space)), name...)
}

// after returns the first key beyond every key with the prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil // a prefix of 0xff alone has no end; no tag is 0xff
}

// cellValue prepends the time of expiry in nanoseconds since 1970, 0 for never.
func cellValue(dst []byte, c record.Cell) []byte {
	return append(binary.BigEndian.AppendUint64(dst, uint64(expiryOf(c))), c.Value...)
}

func expiryOf(c record.Cell) int64 {
	if c.Expires.IsZero() {
		return 0
	}
	return max(c.Expires.UnixNano(), 1)
}

// openCell splits a stored cell; ok is false if it has expired by now.
func openCell(v []byte, now time.Time) (value []byte, ok bool, err error) {
	if len(v) < 8 {
		return nil, false, damaged("cell")
	}
	at := int64(binary.BigEndian.Uint64(v))
	return v[8:], at == 0 || now.UnixNano() < at, nil
}

// counterOf reads the counter at the end of the key of an audit entry.
func counterOf(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }
