package box

import (
	"crypto/cipher"
	"encoding/binary"
)

// ChunkOverhead is how much longer a sealed chunk is than what it holds.
const ChunkOverhead = NonceSize + TagSize

const streamLabel = "wardkeep/stream/1/"

// Stream seals a long thing chunk by chunk. Each chunk says, under
// authentication, of which stream it is, its index, and whether it is the last
// one, so that chunks cannot be swapped, left out, added, or cut off. At most
// 2^32 chunks go into a stream, the bound for random nonces under one key
// (SP 800-38D §8.3). It is safe for concurrent use.
//
// There is no commitment here: the caller keeps the key in a box, which
// commits to it.
type Stream struct {
	aead cipher.AEAD
	name []byte
}

// MaxChunks bounds a stream.
const MaxChunks = 1 << 32

// NewStream returns the stream called name under a key that was drawn for it
// and for nothing else.
func NewStream(key *Key, name []byte) *Stream {
	derived := expand(key, streamLabel, KeySize)
	defer clear(derived)
	return &Stream{aead: newGCM(derived), name: append([]byte(nil), name...)}
}

// Seal appends the sealed chunk to dst.
func (s *Stream) Seal(dst []byte, index uint64, last bool, plaintext []byte) []byte {
	if index >= MaxChunks {
		panic("box: a stream is over its bound")
	}
	return s.aead.Seal(dst, nil, plaintext, s.aad(index, last))
}

// Open appends what the chunk holds to dst, or returns ErrOpen.
func (s *Stream) Open(dst []byte, index uint64, last bool, sealed []byte) ([]byte, error) {
	if len(sealed) < ChunkOverhead {
		return dst, ErrOpen
	}
	return open(s.aead, dst, s.aad(index, last), sealed)
}

func (s *Stream) aad(index uint64, last bool) []byte {
	aad := make([]byte, 0, len(s.name)+9)
	aad = append(aad, s.name...)
	aad = binary.BigEndian.AppendUint64(aad, index)
	if last {
		return append(aad, 1)
	}
	return append(aad, 0)
}
