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

// contextFor begins additional data. Each field is of fixed size or preceded
// by its length, so that no two contexts are written alike.
func (s *Sealer) contextFor(use byte, room int) []byte {
	aad := make([]byte, 0, len(s.prefix)+1+room)
	aad = append(aad, s.prefix...)
	return append(aad, use)
}

// context is the additional data of one part of one version.
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
