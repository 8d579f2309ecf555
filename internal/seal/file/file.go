// Package file is a vfs.FS that encrypts every file of the embedded store.
//
// It gives confidentiality and nothing else: a changed byte decrypts to a
// changed byte. That is enough beneath Pebble, whose checksums find accidents,
// and beneath records, which carry their own authentication. What it hides is
// what the records' encryption leaves open: keys, tokens, sizes, and the log.
//
// Each file has its own key stream, drawn from a fresh random salt when it is
// created. One key stream must never hide two texts, so a file is written once,
// from start to end, by whoever created it; recycling a file creates a new one.
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
	"encoding/binary"
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
	// ErrFormat says that a file was not written by this package, or by a
	// later version of it.
	ErrFormat = errors.New("not an encrypted file of a known version")
	// ErrOverwrite refuses to hide two texts with one key stream.
	ErrOverwrite = errors.New("an encrypted file is written once, from start to end")
)

// The header: magic, version, salt, check, zeros.
const (
	headerSize = 64
	version    = 1
	saltAt     = 8
	saltSize   = 32
	checkAt    = saltAt + saltSize
	checkSize  = 16
	reservedAt = checkAt + checkSize
)

const (
	magic = "wkfile\x00"
	info  = "wardkeep seal/file v1"
)

// stream is the key stream of one file.
type stream struct {
	block   cipher.Block
	counter [aes.BlockSize]byte
	check   [checkSize]byte
}

// derive returns the key stream of a file with the given salt: HKDF-SHA-256
// yields an AES-256 key, the first counter block, and the key check.
func derive(key [KeySize]byte, salt []byte) (*stream, error) {
	out, err := hkdf.Key(sha256.New, key[:], salt, info, 32+aes.BlockSize+checkSize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(out[:32])
	if err != nil {
		return nil, err
	}
	s := &stream{block: block}
	copy(s.counter[:], out[32:])
	copy(s.check[:], out[32+aes.BlockSize:])
	return s, nil
}

// at returns the key stream from a place in the text on.
func (s *stream) at(off int64) cipher.Stream {
	counter := s.counter
	lo := binary.BigEndian.Uint64(counter[8:])
	sum := lo + uint64(off)/aes.BlockSize
	binary.BigEndian.PutUint64(counter[8:], sum)
	if sum < lo {
		binary.BigEndian.PutUint64(counter[:], binary.BigEndian.Uint64(counter[:])+1)
	}
	c := cipher.NewCTR(s.block, counter[:])
	if skip := off % aes.BlockSize; skip > 0 {
		var lost [aes.BlockSize]byte
		c.XORKeyStream(lost[:skip], lost[:skip])
	}
	return c
}

// newHeader draws a salt and returns the header of a new file.
func newHeader(key [KeySize]byte) ([]byte, *stream, error) {
	h := make([]byte, headerSize)
	copy(h, magic)
	h[len(magic)] = version
	if _, err := io.ReadFull(rand.Reader, h[saltAt:checkAt]); err != nil {
		return nil, nil, err
	}
	s, err := derive(key, h[saltAt:checkAt])
	if err != nil {
		return nil, nil, err
	}
	copy(h[checkAt:], s.check[:])
	return h, s, nil
}

// readHeader returns the key stream of a stored file, nil if the file has no
// header yet. The header is written before all else and synced with the first
// sync, so a file that lost it in a crash holds nothing that was promised.
func readHeader(key [KeySize]byte, r io.ReaderAt) (*stream, error) {
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
	s, err := derive(key, h[saltAt:checkAt])
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(s.check[:], h[checkAt:reservedAt]) != 1 {
		return nil, ErrKey
	}
	return s, nil
}

func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("file.%s: %w", op, err)
}
