// Package box is the one way in which Wardkeep encrypts.
//
// A box is sealed under a key that may live for years. No such key is ever
// given to AES-GCM: every box draws 24 random bytes of salt, derives a key of
// its own and a commitment to it by HKDF-SHA-256, and the derived AES-256-GCM
// key encrypts that one message, or those of a Run. The commitment is
// compared, in constant time, before anything is decrypted, so that no bytes
// open under two keys; without it AES-GCM would allow that.
//
// A Content is the same construction for a key that is born for one purpose
// and shared out by wrapping it in boxes: it has no salt because the key is
// itself fresh. A Stream is a sequence of chunks under such a key.
//
// Only algorithms approved by FIPS 140-3 are used, and only by the interfaces
// that Go's validated module counts as approved: HKDF and HMAC with SHA-256,
// AES-256-GCM with the module's own random nonce. That is why a nonce is kept
// although a key used once would need none; it also is what a Run rests on.
//
// The package is pure: no I/O, no state but a Run's count, no knowledge of records. Every byte is
// described in docs/formats/seal.md.
package box

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
)

// Sizes of the parts of a box, in order, and of the whole.
const (
	KeySize        = 32
	SaltSize       = 24
	CommitmentSize = 32
	NonceSize      = 12
	TagSize        = 16

	// Overhead is how much longer a box is than what it holds.
	Overhead = 1 + SaltSize + CommitmentSize + NonceSize + TagSize
)

// Version is the first byte of every box made today.
const Version = 1

// label begins the HKDF info of every box, so that no other derivation from
// the same key can meet it.
const label = "wardkeep/box/1/"

// ErrOpen says that bytes are not what the key, the info and the additional
// data say they are. It never says which of them was wrong.
var ErrOpen = errors.New("sealed bytes do not authenticate")

// Key is 32 random bytes.
type Key = [KeySize]byte

// Seal appends a box with the plaintext to dst and returns the longer slice.
// info names the use the key is put to and aad where the box belongs; both are
// authenticated and must be given again to open it. The plaintext MUST NOT
// overlap the free capacity of dst.
func Seal(dst []byte, key *Key, info string, aad, plaintext []byte) []byte {
	dst = grow(dst, Overhead+len(plaintext))
	dst = append(dst, Version)
	at := len(dst)
	dst = dst[:at+SaltSize]
	salt := dst[at:]
	rand.Read(salt) // never fails: the process ends instead
	okm := derive(key, salt, info)
	dst = append(dst, okm[:CommitmentSize]...)
	dst = newGCM(okm[CommitmentSize:]).Seal(dst, nil, plaintext, aad)
	clear(okm)
	return dst
}

// Open appends what the box holds to dst, or returns ErrOpen and dst unchanged.
// The free capacity of dst MUST NOT overlap the box.
func Open(dst []byte, key *Key, info string, aad, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != Version {
		return dst, ErrOpen
	}
	salt, rest := sealed[1:1+SaltSize], sealed[1+SaltSize:]
	commitment, rest := rest[:CommitmentSize], rest[CommitmentSize:]
	okm := derive(key, salt, info)
	defer clear(okm)
	if subtle.ConstantTimeCompare(okm[:CommitmentSize], commitment) != 1 {
		return dst, ErrOpen
	}
	return open(newGCM(okm[CommitmentSize:]), dst, aad, rest)
}

// derive returns the commitment and the key of one box.
func derive(key *Key, salt []byte, info string) []byte {
	okm, err := hkdf.Key(sha256.New, key[:], salt, label+info, CommitmentSize+KeySize)
	if err != nil {
		panic("box: HKDF refused fixed parameters: " + err.Error())
	}
	return okm
}

// newGCM returns an AEAD that puts a random nonce of its own before what it
// seals. Its errors depend on the length of the key alone, which is fixed.
func newGCM(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("box: AES refused a key of fixed length: " + err.Error())
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("box: GCM refused AES: " + err.Error())
	}
	return aead
}

// open hides the cause and keeps dst as it was on failure.
func open(aead cipher.AEAD, dst, aad, sealed []byte) ([]byte, error) {
	out, err := aead.Open(dst, nil, sealed, aad)
	if err != nil {
		return dst, ErrOpen
	}
	return out, nil
}

// grow returns dst with room for n more bytes.
func grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	out := make([]byte, len(dst), len(dst)+n)
	copy(out, dst)
	return out
}
