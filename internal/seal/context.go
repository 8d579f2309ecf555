package seal

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/wardkeep/wardkeep/internal/record"
)

// formatVersion is the first byte of everything this package stores and of all
// additional data. A reader refuses others.
const formatVersion = 1

// Uses of additional data. They follow the tenant, so that bytes made for one
// use never open for another.
const (
	useCard    = 'c'
	useBody    = 'b'
	useWrap    = 'w'
	useSubject = 'k'
	useValue   = 'v'
	useFor     = 'f'
)

// Ref says which version bytes belong to. All of it is bound into them.
type Ref struct {
	Type    string
	Key     record.Key
	Version uint64
	Deleted bool
}

func contextPrefix(tenant string) []byte {
	return appendSized([]byte{formatVersion}, tenant)
}

// context begins additional data. Each field is of fixed size or preceded by
// its length, so that no two contexts are written alike.
func (s *Sealer) context(dst []byte, use byte) []byte {
	dst = append(dst, s.prefix...)
	return append(dst, use)
}

// appendTo adds the fields that name one version.
func (r Ref) appendTo(aad []byte) []byte {
	aad = appendSized(aad, r.Type)
	aad = append(aad, r.Key[:]...)
	aad = binary.BigEndian.AppendUint64(aad, r.Version)
	if r.Deleted {
		return append(aad, 1)
	}
	return append(aad, 0)
}

func appendSized[T string | []byte](b []byte, v T) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

// tenantTag keeps the cells of tenants that share a store apart. It hides
// nothing.
func tenantTag(tenant string) []byte {
	sum := sha256.Sum256(append([]byte("wardkeep/tenant/1/"), tenant...))
	return sum[:8]
}

// scratch is memory for additional data, which is needed for an instant.
type scratch struct {
	thing []byte // what is sealed
	aad   []byte // of one box or part
}

const maxKeptScratch = 64 << 10

func (s *Sealer) borrow() *scratch {
	if mem, ok := s.scratches.Get().(*scratch); ok {
		return mem
	}
	return new(scratch)
}

func (s *Sealer) giveBack(mem *scratch) {
	if cap(mem.thing)+cap(mem.aad) <= maxKeptScratch {
		s.scratches.Put(mem)
	}
}
