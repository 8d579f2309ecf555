package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"maps"
	"sync"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// indexLabel begins the derivation of every key under the index key. The epoch
// of the tokens is the version of that key.
const indexLabel = "wardkeep/index/1/"

// maxFields bounds the keys that are kept ready. There are a few thousand
// fields, all from the search tables; a field beyond the bound is derived anew
// each time.
const maxFields = 1 << 14

// macKey computes HMAC-SHA-256 under one key without allocating.
type macKey struct{ pool sync.Pool }

// macState is a keyed hash with room for its input and output, so that
// neither escapes from the caller.
type macState struct {
	hash hash.Hash
	in   []byte
	out  [sha256.Size]byte
}

func newMAC(key []byte) *macKey {
	m := &macKey{}
	own := append([]byte(nil), key...)
	m.pool.New = func() any { return &macState{hash: hmac.New(sha256.New, own)} }
	m.pool.Put(m.pool.New())
	return m
}

// maxKept is the longest input buffer that goes back to the pool.
const maxKept = 4 << 10

// finish returns the state to the pool; st.out stays valid until then.
func (m *macKey) begin() *macState {
	st := m.pool.Get().(*macState)
	st.in = st.in[:0]
	return st
}

func (st *macState) sum() {
	st.hash.Reset()
	st.hash.Write(st.in)
	st.hash.Sum(st.out[:0])
}

func (m *macKey) end(st *macState) {
	if cap(st.in) <= maxKept {
		m.pool.Put(st)
	}
}

// sum64 is the first 8 bytes of the code of a value.
func sum64[T string | []byte](m *macKey, value T) uint64 {
	st := m.begin()
	st.in = append(st.in, value...)
	st.sum()
	v := binary.BigEndian.Uint64(st.out[:8])
	m.end(st)
	return v
}

// sumPair is the first 16 bytes of the code of two words.
func sumPair(m *macKey, a, b string) []byte {
	st := m.begin()
	st.in = appendSized(st.in, a)
	st.in = append(st.in, b...)
	st.sum()
	out := append(make([]byte, 0, 16), st.out[:16]...)
	m.end(st)
	return out
}

// Token is the keyed digest of a value of an element of this tenant. Equal
// values have equal tokens; with a narrow TokenBits others may too.
func (s *Sealer) Token(field string, value []byte) record.Token {
	return record.Token(sum64(s.field(field), value) & s.tokenMask)
}

// Class is the token of a type. It always has 64 bits.
func (s *Sealer) Class(typ string) record.Token {
	s.mustBeOpen()
	return record.Token(sum64(s.classes, typ))
}

// Rel is the token of a relation between records.
func (s *Sealer) Rel(field string) record.Token {
	s.mustBeOpen()
	return record.Token(sum64(s.rels, field) & s.tokenMask)
}

// Exact reports whether tokens have their full width.
func (s *Sealer) Exact() bool { return s.tokenMask == ^uint64(0) }

// NameDigest is the 16-byte name of the cell that leads from a type and id to
// the record's key.
func (s *Sealer) NameDigest(typ, id string) []byte {
	s.mustBeOpen()
	return sumPair(s.names, typ, id)
}

// ShortDigest is the 16-byte name of the cell of an ephemeral record.
func (s *Sealer) ShortDigest(kind, id string) []byte {
	s.mustBeOpen()
	return sumPair(s.shorts, kind, id)
}

// mustBeOpen panics rather than computing a token that finds nothing.
func (s *Sealer) mustBeOpen() {
	if s.fields.Load() == nil {
		panic("seal: " + ErrClosed.Error())
	}
}

func (s *Sealer) field(name string) *macKey {
	fields := s.fields.Load()
	if fields == nil {
		panic("seal: " + ErrClosed.Error())
	}
	if m, ok := (*fields)[name]; ok {
		return m
	}
	return s.addField(name)
}

// addField copies the map: fields are met once and read for ever.
func (s *Sealer) addField(name string) *macKey {
	s.fieldsMu.Lock()
	defer s.fieldsMu.Unlock()
	fields := s.fields.Load()
	if fields == nil {
		panic("seal: " + ErrClosed.Error())
	}
	if m, ok := (*fields)[name]; ok {
		return m
	}
	m, err := s.deriveMAC("token/" + name)
	if err != nil {
		panic("seal: " + err.Error())
	}
	if len(*fields) < maxFields {
		next := make(map[string]*macKey, len(*fields)+1)
		maps.Copy(next, *fields)
		next[name] = m
		s.fields.Store(&next)
	}
	return m
}

func (s *Sealer) initTokens(bits int) error {
	s.tokenMask = ^uint64(0)
	if bits > 0 && bits < 64 {
		s.tokenMask = 1<<bits - 1
	}
	for label, to := range map[string]**macKey{
		"name": &s.names, "short": &s.shorts, "class": &s.classes, "relation": &s.rels,
	} {
		m, err := s.deriveMAC(label)
		if err != nil {
			return err
		}
		*to = m
	}
	s.fields.Store(&map[string]*macKey{})
	return nil
}

func (s *Sealer) deriveMAC(label string) (*macKey, error) {
	t, err := s.tenantKeys.current(forIndex)
	if err != nil {
		return nil, err
	}
	defer clear(t.key[:])
	key, err := hkdf.Expand(sha256.New, t.key[:], indexLabel+label, box.KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return newMAC(key), nil
}
