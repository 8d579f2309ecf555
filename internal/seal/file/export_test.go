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

// Stored returns the bytes of a file with the salt given, for frozen examples.
func Stored(key, salt, text []byte) []byte {
	h, _, err := newHeader([KeySize]byte(key))
	if err != nil {
		panic(err)
	}
	copy(h[saltAt:], salt)
	s, err := derive([KeySize]byte(key), salt)
	if err != nil {
		panic(err)
	}
	copy(h[checkAt:], s.check[:])
	body := make([]byte, len(text))
	s.at(0).XORKeyStream(body, text)
	return append(h, body...)
}
