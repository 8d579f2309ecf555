// Package blob keeps what is too long for a record: images, scans, exports.
//
// An object is a stream of sealed chunks under a key of its own, in a bucket
// that is no more trusted than the store. Its key, size, digest and type are in
// its head: a few hundred bytes sealed under the keys of its patients and bound
// to the object's id. The caller keeps the head in the record that names the
// object; whoever has the bucket alone has noise. Moving an object to other
// patients, rotating their keys, and shredding them touch the head only.
//
// Reading and writing take the memory of two chunks, whatever the size. The
// stored bytes are described in docs/formats/blob.md.
package blob

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
)

// ChunkSize is how much content one chunk holds; the last may hold less.
const ChunkSize = 64 << 10

// ErrSealed: the content is complete and takes no more.
var ErrSealed = errors.New("the object is complete")

// ID names one object for ever. It is random and says nothing.
type ID [16]byte

// String returns the name of the object in its bucket.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Bucket is where objects lie. Names are 32 lower-case hex digits. All methods
// are safe for concurrent use. Errors for an object that does not exist wrap
// fs.ErrNotExist.
type Bucket interface {
	// Create begins an object; nobody sees it before Commit.
	Create(ctx context.Context, name string) (Upload, error)
	// Size is the length of an object in bytes.
	Size(ctx context.Context, name string) (int64, error)
	// Open returns length bytes of an object from offset on.
	Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)
	// Delete removes an object. One that does not exist is removed already.
	Delete(ctx context.Context, name string) error
}

// Upload is an object on its way.
type Upload interface {
	io.Writer
	// Commit makes the object visible, whole and durable, or returns an error
	// and it never was.
	Commit(ctx context.Context) error
	// Abort leaves nothing behind. It does nothing after Commit.
	Abort() error
}

// Sealer is what this package needs of seal.Sealer.
type Sealer interface {
	SealFor(ctx context.Context, purpose string, subjects []record.Key, aad, plaintext []byte) (seal.Sealed, error)
	OpenFor(ctx context.Context, purpose string, aad, sealed []byte) ([]byte, error)
}

// Config is what a Store is made of.
type Config struct {
	Bucket Bucket
	Sealer Sealer
	Rand   io.Reader // of ids and keys; crypto/rand.Reader if nil
}

// Store creates and opens objects. It is safe for concurrent use.
type Store struct {
	bucket Bucket
	sealer Sealer
	random io.Reader
}

// New returns a store of sealed objects.
func New(c Config) (*Store, error) {
	if c.Bucket == nil || c.Sealer == nil {
		return nil, fault.Wrap(fault.Internal, "blob.New", errors.New("a bucket and a sealer are needed"))
	}
	s := &Store{bucket: c.Bucket, sealer: c.Sealer, random: c.Rand}
	if s.random == nil {
		s.random = rand.Reader
	}
	return s, nil
}

// Stored is a complete object.
type Stored struct {
	ID     ID
	Size   int64
	Digest [32]byte // SHA-256 of the content
	// Head opens the object. It MUST be kept in the record that names the
	// object, and committed together with Cells and Guards, which create the
	// keys of patients seen for the first time. If a guard fails, Commit is
	// called again.
	Head   []byte
	Cells  []record.Cell
	Guards []record.Guard
}

// Delete removes an object's content for good.
func (s *Store) Delete(ctx context.Context, id ID) error {
	return failed("blob.Delete", s.bucket.Delete(ctx, id.String()))
}

// Rewrap returns the head of an object for other patients, or under newer keys
// of the same ones. The content is not touched, so whoever has kept the old
// head and a key to it can still read.
func (s *Store) Rewrap(ctx context.Context, id ID, old []byte, subjects []record.Key) (Stored, error) {
	const op = "blob.Rewrap"
	h, err := s.openHead(ctx, id, old)
	if err != nil {
		return Stored{}, failed(op, err)
	}
	defer h.wipe()
	out, err := s.sealHead(ctx, id, h, subjects)
	return out, failed(op, err)
}

// failed gives a cause that has no kind yet the kind it stands for, without
// the names that the operating system puts into errors.
func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	var known *fault.Error
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &known):
		return fmt.Errorf("%s: %w", op, err)
	case errors.Is(err, seal.ErrForged), errors.Is(err, ErrSealed):
		return fault.Wrap(fault.Internal, op, err)
	case errors.Is(err, fs.ErrNotExist):
		return fault.Wrap(fault.Gone, op, fs.ErrNotExist)
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return fault.Wrap(fault.Unavailable, op, err)
}
