package verify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// The bytes of an entry (docs/formats/audit.md):
//
//	  0   1  format version, 1
//	  1   1  flags
//	  2   8  shard
//	 10   8  counter, from 1
//	 18   8  microseconds since 1970 UTC, when the entry was linked
//	 26  32  previous: SHA-256 of the previous entry's head, ChainStart for the first
//	 58  32  SHA-256 of the sealed content part, zeros if there is none
//	 90  32  SHA-256 of the sealed accountability part
//	122  32  HMAC-SHA-256 of bytes 0 to 121 under the shard's key
//	154   4  length of the accountability part
//	158      the accountability part
//
// The first 154 bytes are the head. It covers the rest by digest, so that
// linking an entry costs the same whatever its size.
const (
	entryFormat = 1
	macOffset   = 122
	headSize    = 154
	prefixSize  = 158

	// MaxEntry bounds an entry, so that C2SP entry bundles, which count bytes
	// in 16 bits, can carry it.
	MaxEntry = 1<<16 - 1
)

// Flags of an entry.
const (
	// FlagStatement marks an accountability part that is JSON in the clear: a
	// declaration about the log itself, made for readers without keys.
	FlagStatement = 1 << iota

	flagsKnown = FlagStatement
)

// Entry is one leaf of the audit tree, and one link of its shard's chain.
type Entry struct {
	Flags   byte
	Shard   uint64
	Counter uint64
	Time    time.Time
	Prev    [32]byte
	Content [32]byte // digest of the sealed content part; zero: none
	Account []byte   // sealed accountability part, a statement if so flagged
	MAC     [32]byte
}

var errEntry = errors.New("malformed audit entry")

// AccountDigest returns the digest of the accountability part by which the head
// covers it.
func AccountDigest(account []byte) [32]byte { return sha256.Sum256(account) }

// Append seals the chain: it appends the entry's bytes to buf, with a MAC made
// by mac, an HMAC-SHA-256 under the shard's key, and returns the digest that
// the next entry's Prev must be. accountDigest MUST be AccountDigest(e.Account);
// it is passed because Append runs under the engine's commit lock.
func (e *Entry) Append(buf []byte, accountDigest [32]byte, mac hash.Hash) (entry []byte, link [32]byte) {
	at := len(buf)
	buf = append(buf, entryFormat, e.Flags)
	buf = binary.BigEndian.AppendUint64(buf, e.Shard)
	buf = binary.BigEndian.AppendUint64(buf, e.Counter)
	buf = binary.BigEndian.AppendUint64(buf, uint64(e.Time.UnixMicro()))
	buf = append(buf, e.Prev[:]...)
	buf = append(buf, e.Content[:]...)
	buf = append(buf, accountDigest[:]...)
	mac.Reset()
	mac.Write(buf[at:])
	buf = mac.Sum(buf)
	link = sha256.Sum256(buf[at:])
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(e.Account)))
	return append(buf, e.Account...), link
}

// ParseEntry reads an entry and checks everything that needs no key and no
// neighbour. The result shares memory with src.
func ParseEntry(src []byte) (*Entry, error) {
	if len(src) < prefixSize || len(src) > MaxEntry || src[0] != entryFormat || src[1]&^flagsKnown != 0 {
		return nil, errEntry
	}
	e := &Entry{
		Flags:   src[1],
		Shard:   binary.BigEndian.Uint64(src[2:]),
		Counter: binary.BigEndian.Uint64(src[10:]),
		Prev:    [32]byte(src[26:58]),
		Content: [32]byte(src[58:90]),
		MAC:     [32]byte(src[macOffset:headSize]),
		Account: src[prefixSize:],
	}
	micros := binary.BigEndian.Uint64(src[18:])
	if e.Counter == 0 || micros > maxMicros || uint64(len(e.Account)) != uint64(binary.BigEndian.Uint32(src[headSize:])) {
		return nil, errEntry
	}
	if AccountDigest(e.Account) != [32]byte(src[90:macOffset]) {
		return nil, errEntry
	}
	e.Time = time.UnixMicro(int64(micros)).UTC()
	return e, nil
}

// maxMicros is the end of the year 9999.
const maxMicros = 253402300799999999

// Link returns what the next entry of the chain must carry as Prev. entry MUST
// have passed ParseEntry.
func Link(entry []byte) [32]byte { return sha256.Sum256(entry[:headSize]) }

// CheckMAC reports whether the entry was made by a holder of the shard's key.
// entry MUST have passed ParseEntry.
func CheckMAC(entry, key []byte) bool {
	mac := hmac.New(sha256.New, key)
	mac.Write(entry[:macOffset])
	return hmac.Equal(mac.Sum(nil), entry[macOffset:headSize])
}

// LeafHash returns the entry's leaf hash in the tree (RFC 6962, section 2.1).
func LeafHash(entry []byte) tlog.Hash { return tlog.RecordHash(entry) }

// ChainStart is the Prev of a shard's first entry. It binds the chain to its
// tenant and shard.
func ChainStart(tenant string, shard uint64) [32]byte {
	return sha256.Sum256(bind("wardkeep audit chain 1", tenant, shard))
}

// AccountAAD is what an accountability part is sealed for: its tenant, its
// shard and the content part beside it. Its place in the chain is bound by the
// head's MAC, because the place is not known yet when the part is sealed.
func AccountAAD(tenant string, shard uint64, content [32]byte) []byte {
	return append(bind("wardkeep audit account 1", tenant, shard), content[:]...)
}

// ShardAAD is what a shard's chain key is sealed for.
func ShardAAD(tenant string, shard uint64, opened time.Time) []byte {
	return binary.BigEndian.AppendUint64(bind("wardkeep audit shard 1", tenant, shard), uint64(opened.UnixMicro()))
}

func bind(what, tenant string, shard uint64) []byte {
	buf := make([]byte, 0, len(what)+len(tenant)+2+8+32)
	buf = append(append(buf, what...), 0)
	buf = append(append(buf, tenant...), 0)
	return binary.BigEndian.AppendUint64(buf, shard)
}
