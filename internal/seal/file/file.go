// Package file is a vfs.FS that seals every file of the embedded store.
//
// What it hides is what the records' encryption leaves open: keys, tokens, sizes,
// and the log. What it authenticates is every byte that the store reads, and its
// place: a posting list that somebody altered on the disk is an error, not fewer
// hits. What it cannot see is a whole file, or the end of one, taken back to an
// earlier state: that is the business of the inventory and of the audit log.
//
// Each file has its own key, drawn from a fresh random salt when it is created. A
// nonce must never seal two texts, so a file is written once, from start to end, by
// whoever created it; recycling a file creates a new one.
//
// docs/formats/file.md describes every byte.
package file

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
)

// KeySize is the size of the key that New takes.
const KeySize = 32

// Errors that callers tell apart.
var (
	// ErrKey says that a file was written under another key.
	ErrKey = errors.New("the file was written under another key")
	// ErrFormat says that a file was not written by this package, or by another
	// version of it.
	ErrFormat = errors.New("not a sealed file of a known version")
	// ErrForged says that a file is not as it was written.
	ErrForged = errors.New("a sealed file is damaged, or was altered by somebody without the key")
	// ErrOverwrite refuses to seal two texts with one nonce.
	ErrOverwrite = errors.New("a sealed file is written once, from start to end")
)

// The header: magic, version, salt, check, zeros.
const (
	headerSize = 64
	version    = 2
	saltAt     = 8
	saltSize   = 32
	checkAt    = saltAt + saltSize
	checkSize  = 16
	reservedAt = checkAt + checkSize
)

const (
	magic = "wkfile\x00"
	info  = "wardkeep seal/file v2"
)

// derive returns the cipher of a file with the given salt and its key check:
// HKDF-SHA-256 yields both.
func derive(key [KeySize]byte, salt []byte) (cipher.AEAD, []byte, error) {
	out, err := hkdf.Key(sha256.New, key[:], salt, info, 32+checkSize)
	if err != nil {
		return nil, nil, err
	}
	aead, err := newGCM(out[:32])
	return aead, out[32:], err
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// newHeader draws a salt and returns the header of a new file.
func newHeader(key [KeySize]byte) ([]byte, cipher.AEAD, error) {
	var salt [saltSize]byte
	if _, err := io.ReadFull(rand.Reader, salt[:]); err != nil {
		return nil, nil, err
	}
	return headerOf(key, salt)
}

func headerOf(key [KeySize]byte, salt [saltSize]byte) ([]byte, cipher.AEAD, error) {
	aead, check, err := derive(key, salt[:])
	if err != nil {
		return nil, nil, err
	}
	h := make([]byte, headerSize)
	copy(h, magic)
	h[len(magic)] = version
	copy(h[saltAt:], salt[:])
	copy(h[checkAt:], check)
	return h, aead, nil
}

// readHeader returns the cipher of a stored file, nil if the file has no header
// yet. The header is written before all else and synced with the first sync, so a
// file that lost it in a crash holds nothing that was promised.
func readHeader(key [KeySize]byte, r io.ReaderAt) (cipher.AEAD, error) {
	h := make([]byte, headerSize)
	n, err := r.ReadAt(h, 0)
	if n < headerSize {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	if [headerSize]byte(h) == [headerSize]byte{} {
		return nil, nil
	}
	if string(h[:len(magic)]) != magic || h[len(magic)] != version || [8]byte(h[reservedAt:]) != [8]byte{} {
		return nil, ErrFormat
	}
	aead, check, err := derive(key, h[saltAt:checkAt])
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(check, h[checkAt:reservedAt]) != 1 {
		return nil, ErrKey
	}
	return aead, nil
}

func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("file.%s: %w", op, err)
}
