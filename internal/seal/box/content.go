package box

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"io"
)

// Part names one of the messages sealed under a Content.
type Part int

// A Content has two parts: what is always read, and what is read if needed.
const (
	Card Part = iota
	Body
	parts
)

// PartOverhead is how much longer a sealed part is than what it holds. The
// commitment is kept once for all parts, beside the first of them.
const PartOverhead = NonceSize + TagSize

const contentLabel = "wardkeep/content/1/"

// Content seals the parts of one thing under a key that was made for it and
// for nothing else. The key is wrapped, in a box, for everyone who may open
// the thing. It is not safe for concurrent use.
type Content struct {
	okm   []byte // commitment, then one key for each part
	aeads [parts]cipher.AEAD
}

// NewContent draws a key from random and returns it with its Content. The key
// MUST be used for nothing but wrapping it.
func NewContent(random io.Reader, info string) (*Content, Key, error) {
	var key Key
	if _, err := io.ReadFull(random, key[:]); err != nil {
		return nil, key, err
	}
	return &Content{okm: expand(&key, info)}, key, nil
}

// LoadContent returns the Content of an unwrapped key, or ErrOpen if the
// commitment is not to that key and info.
func LoadContent(key *Key, info string, commitment []byte) (*Content, error) {
	c := &Content{okm: expand(key, info)}
	if subtle.ConstantTimeCompare(c.Commitment(), commitment) != 1 {
		c.Wipe()
		return nil, ErrOpen
	}
	return c, nil
}

// Commitment returns the 32 bytes that bind all parts to one key. The caller
// keeps them beside the wrapped keys.
func (c *Content) Commitment() []byte { return c.okm[:CommitmentSize:CommitmentSize] }

// Seal appends the sealed part to dst. A part is sealed once; the plaintext
// MUST NOT overlap the free capacity of dst.
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

// Wipe overwrites the derived keys. The key schedules inside the AEADs are out
// of reach and live until the garbage collector takes them.
func (c *Content) Wipe() {
	clear(c.okm)
	c.okm = nil // a later use panics rather than sealing under zeros
	c.aeads = [parts]cipher.AEAD{}
}

func (c *Content) aead(part Part) cipher.AEAD {
	if c.aeads[part] == nil {
		at := CommitmentSize + KeySize*int(part)
		c.aeads[part] = newGCM(c.okm[at : at+KeySize])
	}
	return c.aeads[part]
}

// expand skips HKDF's extract step, as RFC 5869 §3.3 allows for a key that is
// uniformly random already.
func expand(key *Key, info string) []byte {
	okm, err := hkdf.Expand(sha256.New, key[:], contentLabel+info, CommitmentSize+int(parts)*KeySize)
	if err != nil {
		panic("box: HKDF refused fixed parameters: " + err.Error())
	}
	return okm
}
