package file

import (
	"crypto/aes"
	"crypto/cipher"
)

// Streams returns the key stream from off on for a file whose first counter
// block is given, as the package computes it and as a walk from the start does.
func Streams(counter [16]byte, off int64) (got, want cipher.Stream) {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	s := &stream{block: block, counter: counter}
	want = cipher.NewCTR(block, counter[:])
	skip := make([]byte, off)
	want.XORKeyStream(skip, skip)
	return s.at(off), want
}
