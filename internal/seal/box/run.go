package box

import (
	"crypto/cipher"
	"crypto/rand"
	"sync/atomic"
)

// MaxRun is how many boxes one derivation may seal. That two of so many random
// nonces of 96 bits are the same has a probability below 2^-57; SP 800-38D allows
// 2^32 of them.
const MaxRun = 1 << 20

// A Run seals boxes under one salt: what is sealed thousands of times a second is
// spared all derivations but one. Its boxes are opened like all others. A Run is
// safe for concurrent use.
type Run struct {
	head [1 + SaltSize + CommitmentSize]byte
	aead cipher.AEAD
	left atomic.Int64
}

// NewRun draws a salt.
func NewRun(key *Key, info string) *Run {
	r := &Run{}
	r.head[0] = Version
	salt := r.head[1 : 1+SaltSize]
	rand.Read(salt) // never fails: the process ends instead
	okm := derive(key, salt, info)
	copy(r.head[1+SaltSize:], okm[:CommitmentSize])
	r.aead = newGCM(okm[CommitmentSize:])
	clear(okm)
	r.left.Store(MaxRun)
	return r
}

// Seal appends a box as the function Seal does. Once the run is over it returns
// dst and false.
func (r *Run) Seal(dst, aad, plaintext []byte) ([]byte, bool) {
	if r.left.Add(-1) < 0 {
		return dst, false
	}
	dst = append(grow(dst, Overhead+len(plaintext)), r.head[:]...)
	return r.aead.Seal(dst, nil, plaintext, aad), true
}
