package blob

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// Writer takes the content of one object. Close MUST be called in any case; an
// object that was not committed leaves nothing behind. It is not safe for
// concurrent use.
type Writer struct {
	store    *Store
	id       ID
	subjects []record.Key
	head     head
	stream   *box.Stream
	upload   Upload
	digest   hash.Hash
	chunk    []byte // content that is not sealed yet, at most one chunk
	sealed   []byte // room for one sealed chunk
	index    uint64
	complete bool
	err      error // the first failure; it stays
}

// Create begins an object for the patients whose compartment it is in; without
// any it is sealed for no patient in particular.
func (s *Store) Create(ctx context.Context, subjects []record.Key, contentType string) (*Writer, error) {
	const op = "blob.Create"
	w := &Writer{
		store:    s,
		subjects: append([]record.Key(nil), subjects...),
		head:     head{contentType: contentType},
		digest:   sha256.New(),
		chunk:    make([]byte, 0, ChunkSize),
		sealed:   make([]byte, 0, sealedChunk),
	}
	for _, random := range [][]byte{w.id[:], w.head.key[:]} {
		if _, err := io.ReadFull(s.random, random); err != nil {
			return nil, fault.Wrap(fault.Unavailable, op, err)
		}
	}
	w.stream = box.NewStream(&w.head.key, w.id[:])
	var err error
	if w.upload, err = s.bucket.Create(ctx, w.id.String()); err != nil {
		return nil, failed(op, err)
	}
	return w, nil
}

// ID names the object.
func (w *Writer) ID() ID { return w.id }

// Write seals and stores whole chunks and keeps the rest.
func (w *Writer) Write(p []byte) (int, error) {
	const op = "blob.Write"
	if w.err == nil && w.complete {
		return 0, failed(op, ErrSealed)
	}
	written := 0
	for len(p) > 0 && w.err == nil {
		// A full chunk waits until more comes: it could be the last.
		if len(w.chunk) == ChunkSize {
			if w.err = w.flush(false); w.err != nil {
				break
			}
		}
		n := min(len(p), ChunkSize-len(w.chunk))
		w.chunk = append(w.chunk, p[:n]...)
		p, written = p[n:], written+n
	}
	return written, failed(op, w.err)
}

// Commit ends the content, makes it durable, and returns the object with its
// head. It may be called again, to seal the head anew after a guard failed.
func (w *Writer) Commit(ctx context.Context) (Stored, error) {
	const op = "blob.Commit"
	if w.err == nil && !w.complete {
		w.err = w.finish(ctx)
	}
	if w.err != nil {
		return Stored{}, failed(op, w.err)
	}
	out, err := w.store.sealHead(ctx, w.id, &w.head, w.subjects)
	return out, failed(op, err)
}

// Close overwrites the object's key, and drops the object if it was not
// committed.
func (w *Writer) Close() error {
	w.head.wipe()
	clear(w.chunk)
	if w.err == nil {
		w.err = ErrSealed
	}
	return failed("blob.Close", w.upload.Abort())
}

func (w *Writer) finish(ctx context.Context) error {
	if err := w.flush(true); err != nil {
		return err
	}
	if err := w.upload.Commit(ctx); err != nil {
		return err
	}
	w.digest.Sum(w.head.digest[:0])
	w.complete = true
	return nil
}

func (w *Writer) flush(last bool) error {
	w.digest.Write(w.chunk)
	w.sealed = w.stream.Seal(w.sealed[:0], w.index, last, w.chunk)
	if _, err := w.upload.Write(w.sealed); err != nil {
		return err
	}
	w.head.size += int64(len(w.chunk))
	w.index++
	w.chunk = w.chunk[:0]
	return nil
}
