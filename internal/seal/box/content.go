package box

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"io"
)

// Part names one of the messages sealed under a Content.
type Part byte

// A Content has two parts: what is always read, and what is read if needed.
const (
	Card Part = 'c'
	Body Part = 'b'
)

// PartOverhead is how much longer a sealed part is than what it holds. The
// commitment is kept once for both parts.
const PartOverhead = NonceSize + TagSize

const (
	cardLabel = "wardkeep/content/1/card/"
	bodyLabel = "wardkeep/content/1/body/"
)

// Keys are the derived keys of both parts of one Content, the card's first. They
// open what was sealed under it, and nothing else.
type Keys [2 * KeySize]byte

// Content seals the parts of one thing under a key that was made for it and
// for nothing else. The key is wrapped, in a box, for everyone who may open
// the thing. The commitment is to that key, and so to both parts, whose keys
// follow from it. A Content is safe for concurrent use until Wipe.
type Content struct {
	keys       Keys
	commitment [CommitmentSize]byte
	wiped      bool
}

// NewContent draws a key from random and returns it with its Content. The key
// MUST be used for nothing but wrapping it.
func NewContent(random io.Reader, info string) (*Content, Key, error) {
	var key Key
	if _, err := io.ReadFull(random, key[:]); err != nil {
		return nil, Key{}, err
	}
	return derived(&key, info), key, nil
}

// LoadContent returns the Content of an unwrapped key, or ErrOpen if the
// commitment is not to that key and info.
func LoadContent(key *Key, info string, commitment []byte) (*Content, error) {
	c := derived(key, info)
	if subtle.ConstantTimeCompare(c.commitment[:], commitment) != 1 {
		c.Wipe()
		return nil, ErrOpen
	}
	return c, nil
}

// KeptContent returns the Content of keys that LoadContent has derived before,
// for the same commitment.
func KeptContent(keys *Keys, commitment *[CommitmentSize]byte) *Content {
	return &Content{keys: *keys, commitment: *commitment}
}

// Keys returns the keys of both parts, to be kept for KeptContent.
func (c *Content) Keys() Keys { return c.keys }

// Commitment returns the 32 bytes that bind both parts to one key. The caller
// keeps them beside the wrapped keys.
func (c *Content) Commitment() []byte { return c.commitment[:] }

// Seal appends the sealed part to dst. The plaintext MUST NOT overlap the free
// capacity of dst.
func (c *Content) Seal(dst []byte, part Part, aad, plaintext []byte) []byte {
	return c.aead(part).Seal(grow(dst, PartOverhead+len(plaintext)), nil, plaintext, aad)
}

// Open appends what the part holds to dst, or returns ErrOpen.
func (c *Content) Open(dst []byte, part Part, aad, sealed []byte) ([]byte, error) {
	if len(sealed) < PartOverhead {
		return dst, ErrOpen
	}
	return open(c.aead(part), grow(dst, len(sealed)-PartOverhead), aad, sealed)
}

// Wipe overwrites the keys; a later use panics rather than sealing under zeros.
// The key schedules inside AEADs are out of reach and live until the garbage
// collector takes them.
func (c *Content) Wipe() {
	clear(c.keys[:])
	c.wiped = true
}

func (c *Content) aead(part Part) cipher.AEAD {
	switch {
	case c.wiped:
		panic("box: use of a wiped Content")
	case part == Card:
		return newGCM(c.keys[:KeySize])
	case part == Body:
		return newGCM(c.keys[KeySize:])
	}
	panic("box: no such part")
}

func derived(key *Key, info string) *Content {
	c := &Content{}
	okm := expand(key, cardLabel+info, CommitmentSize+KeySize)
	copy(c.commitment[:], okm)
	copy(c.keys[:], okm[CommitmentSize:])
	clear(okm)
	okm = expand(key, bodyLabel+info, KeySize)
	copy(c.keys[KeySize:], okm)
	clear(okm)
	return c
}

// expand skips HKDF's extract step, as RFC 5869 §3.3 allows for a key that is
// uniformly random already.
func expand(key *Key, info string, n int) []byte {
	okm, err := hkdf.Expand(sha256.New, key[:], info, n)
	if err != nil {
		panic("box: HKDF refused fixed parameters: " + err.Error())
	}
	return okm
}
