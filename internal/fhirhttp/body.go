package fhirhttp

import (
	"context"
	"io"
)

// freeBody is how much of a body is read without asking for a place: more than
// nearly all requests have.
const freeBody = 1 << 20

// ladenBody takes a place once more than free bytes are read, and keeps it until
// the request is answered: what was read stays in memory as long. It counts what
// comes, since a sender need not say before how much that is. A sender who is slow
// keeps his place for as long as the server lets a request take to arrive.
type ladenBody struct {
	io.ReadCloser
	ctx    context.Context
	free   int
	places places
	leave  func() // nil: no place is taken
}

// Read implements io.Reader.
func (b *ladenBody) Read(p []byte) (int, error) {
	if b.leave != nil {
		return b.ReadCloser.Read(p)
	}
	if b.free == 0 {
		leave, err := b.places.take(b.ctx)
		if err != nil {
			return 0, err
		}
		b.leave = leave
		return b.ReadCloser.Read(p)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.free)])
	b.free -= n
	return n, err
}

func (b *ladenBody) release() {
	if b.leave != nil {
		b.leave()
	}
}
