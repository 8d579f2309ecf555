package blob

import (
	"context"
	"encoding/binary"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

const (
	headFormat  = 1
	headPurpose = "blob"
	headSize    = 1 + box.KeySize + 8 + 32 // without the content type
)

// head is what opening an object takes.
type head struct {
	key         box.Key
	size        int64
	digest      [32]byte
	contentType string
}

func (h *head) wipe() { clear(h.key[:]) }

func (h *head) text() []byte {
	b := make([]byte, 0, headSize+len(h.contentType))
	b = append(b, headFormat)
	b = append(b, h.key[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.size))
	b = append(b, h.digest[:]...)
	return append(b, h.contentType...)
}

// parseHead reads bytes that have been authenticated; it still checks them,
// because a later format may come from a later version of this program.
func parseHead(b []byte) (*head, error) {
	if len(b) < headSize || b[0] != headFormat {
		return nil, seal.ErrForged
	}
	h := &head{contentType: string(b[headSize:])}
	copy(h.key[:], b[1:])
	h.size = int64(binary.BigEndian.Uint64(b[1+box.KeySize:]))
	copy(h.digest[:], b[1+box.KeySize+8:])
	if h.size < 0 || h.size > maxSize {
		return nil, seal.ErrForged
	}
	return h, nil
}

// Keys returns the key under which the heads of objects of no patient are sealed,
// as cells with their guards, or nothing if it is in the store. They MUST be
// committed before the first such object is created: it could not be opened
// again.
func (s *Store) Keys(ctx context.Context) ([]record.Cell, []record.Guard, error) {
	sealed, err := s.sealer.SealFor(ctx, headPurpose, nil, nil, nil)
	return sealed.Cells, sealed.Guards, failed("blob.Keys", err)
}

func (s *Store) sealHead(ctx context.Context, id ID, h *head, subjects []record.Key) (Stored, error) {
	text := h.text()
	defer clear(text)
	sealed, err := s.sealer.SealFor(ctx, headPurpose, subjects, id[:], text)
	if err != nil {
		return Stored{}, err
	}
	return Stored{
		ID: id, Size: h.size, Digest: h.digest,
		Head: sealed.Body, Cells: sealed.Cells, Guards: sealed.Guards,
	}, nil
}

func (s *Store) openHead(ctx context.Context, id ID, sealed []byte) (*head, error) {
	text, err := s.sealer.OpenFor(ctx, headPurpose, id[:], sealed)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	return parseHead(text)
}

const (
	sealedChunk = ChunkSize + box.ChunkOverhead
	maxSize     = int64(box.MaxChunks) * ChunkSize
)

// chunks is how many chunks a content of size bytes has; even an empty one has
// its last chunk.
func chunks(size int64) uint64 {
	return max(1, uint64((size+ChunkSize-1)/ChunkSize))
}

// sealedSize is the length of the object in its bucket.
func sealedSize(size int64) int64 {
	return size + int64(chunks(size))*box.ChunkOverhead
}
