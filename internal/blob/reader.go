package blob

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// Reader reads the content of one object. No byte is handed out before the
// chunk it is in has been authenticated. Read and Seek are for one user;
// ReadAt is safe for concurrent use.
type Reader struct {
	ctx    context.Context
	bucket Bucket
	name   string
	head   *head
	stream *box.Stream

	pos   int64
	body  io.ReadCloser // positioned at chunk next; nil if there is none
	next  uint64
	chunk chunk
}

// chunk is one opened chunk and the memory for it.
type chunk struct {
	index  uint64
	valid  bool
	plain  []byte
	sealed []byte
}

var (
	_ io.ReadSeekCloser = (*Reader)(nil)
	_ io.ReaderAt       = (*Reader)(nil)
)

// Open opens an object with its head. It fails if the head is not that of the
// object, or the object does not have the size the head says: cut off, or
// something was added. ctx governs all reads.
func (s *Store) Open(ctx context.Context, id ID, sealedHead []byte) (*Reader, error) {
	const op = "blob.Open"
	h, err := s.openHead(ctx, id, sealedHead)
	if err != nil {
		return nil, failed(op, err)
	}
	defer h.wipe()
	size, err := s.bucket.Size(ctx, id.String())
	if err != nil {
		return nil, failed(op, err)
	}
	if size != sealedSize(h.size) {
		return nil, failed(op, seal.ErrForged)
	}
	return &Reader{
		ctx: ctx, bucket: s.bucket, name: id.String(), head: h,
		stream: box.NewStream(&h.key, id[:]),
	}, nil
}

// Size is the length of the content.
func (r *Reader) Size() int64 { return r.head.size }

// ContentType is what Create was told.
func (r *Reader) ContentType() string { return r.head.contentType }

// Digest is the SHA-256 of the content, authenticated with the head.
func (r *Reader) Digest() [32]byte { return r.head.digest }

// Read reads on from the last place.
func (r *Reader) Read(p []byte) (int, error) {
	if r.pos >= r.head.size {
		// An empty content has a last chunk too, and it must be there.
		if r.head.size == 0 && !r.chunk.valid {
			if err := r.load(0); err != nil {
				return 0, failed("blob.Read", err)
			}
		}
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	index := uint64(r.pos / ChunkSize)
	if !r.chunk.valid || r.chunk.index != index {
		if err := r.load(index); err != nil {
			return 0, failed("blob.Read", err)
		}
	}
	n := copy(p, r.chunk.plain[r.pos%ChunkSize:])
	r.pos += int64(n)
	return n, nil
}

// Seek sets the place of the next Read.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.head.size
	case io.SeekStart:
	default:
		return 0, fault.Wrap(fault.Internal, "blob.Seek", errors.New("no such whence"))
	}
	if offset < 0 {
		return 0, fault.Wrap(fault.Internal, "blob.Seek", errors.New("a place before the start"))
	}
	r.pos = offset
	return offset, nil
}

// ReadAt reads a range.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	const op = "blob.ReadAt"
	if off < 0 {
		return 0, fault.Wrap(fault.Internal, op, errors.New("a place before the start"))
	}
	if off >= r.head.size {
		return 0, io.EOF
	}
	want := min(int64(len(p)), r.head.size-off)
	if want == 0 {
		return 0, nil
	}
	first, last := uint64(off/ChunkSize), uint64((off+want-1)/ChunkSize)
	body, err := r.open(first, last)
	if err != nil {
		return 0, failed(op, err)
	}
	defer body.Close()
	var c chunk
	read := 0
	for index := first; index <= last; index++ {
		if err := r.fill(&c, body, index); err != nil {
			return read, failed(op, err)
		}
		from := max(0, off-int64(index)*ChunkSize)
		read += copy(p[read:want], c.plain[from:])
	}
	if read < len(p) {
		return read, io.EOF
	}
	return read, nil
}

// Close gives the bucket's stream back.
func (r *Reader) Close() error {
	clear(r.chunk.plain)
	r.chunk.valid = false
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	return failed("blob.Close", err)
}

// load opens a chunk for Read, from the running stream if it comes next there.
func (r *Reader) load(index uint64) error {
	r.chunk.valid = false
	if r.body != nil && r.next != index {
		r.body.Close()
		r.body = nil
	}
	if r.body == nil {
		body, err := r.open(index, chunks(r.head.size)-1)
		if err != nil {
			return err
		}
		r.body, r.next = body, index
	}
	if err := r.fill(&r.chunk, r.body, index); err != nil {
		r.body.Close()
		r.body = nil
		return err
	}
	r.next++
	return nil
}

// open returns the sealed bytes of the chunks from first to last.
func (r *Reader) open(first, last uint64) (io.ReadCloser, error) {
	offset := int64(first) * sealedChunk
	end := min(int64(last+1)*sealedChunk, sealedSize(r.head.size))
	return r.bucket.Open(r.ctx, r.name, offset, end-offset)
}

// fill reads one sealed chunk and opens it.
func (r *Reader) fill(c *chunk, body io.Reader, index uint64) error {
	if err := r.ctx.Err(); err != nil {
		return fmt.Errorf("chunk: %w", err)
	}
	if c.sealed == nil {
		size := min(r.head.size, ChunkSize)
		c.sealed = make([]byte, size+box.ChunkOverhead)
		c.plain = make([]byte, 0, size)
	}
	last := index == chunks(r.head.size)-1
	n := sealedChunk
	if last {
		n = int(sealedSize(r.head.size) - int64(index)*sealedChunk)
	}
	_, err := io.ReadFull(body, c.sealed[:n])
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return seal.ErrForged
	} else if err != nil {
		return err
	}
	if c.plain, err = r.stream.Open(c.plain[:0], index, last, c.sealed[:n]); err != nil {
		return seal.ErrForged
	}
	c.index, c.valid = index, true
	return nil
}
