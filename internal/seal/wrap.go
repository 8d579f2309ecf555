package seal

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// maxSubjects bounds the head of a card; the largest group has far fewer.
const maxSubjects = 1 << 12

const wrapInfo = "wrap"

var errSubjects = errors.New("a subject without a key, or too many subjects")

// ownersOf returns the distinct subjects in order, or fallback if there are
// none.
func ownersOf(subjects []record.Key, fallback owner) ([]owner, error) {
	if len(subjects) == 0 {
		return []owner{fallback}, nil
	}
	owners := make([]owner, len(subjects))
	for i, k := range subjects {
		if k.IsZero() {
			return nil, errSubjects
		}
		owners[i] = patient(k)
	}
	if len(owners) > 1 {
		slices.SortFunc(owners, func(a, b owner) int { return slices.Compare(a.key[:], b.key[:]) })
		owners = slices.Compact(owners)
	}
	if len(owners) > maxSubjects {
		return nil, errSubjects
	}
	return owners, nil
}

// wrap is a content key in a box for one owner.
type wrap struct {
	owner   owner
	version uint32
	sealed  []byte
}

// appendHead writes the content key, wrapped for each holder. mem.thing says
// what the content is.
func (s *Sealer) appendHead(dst []byte, holders []held, mem *scratch, key *box.Key) []byte {
	dst = append(dst, formatVersion)
	if holders[0].kind == patientKind {
		dst = binary.AppendUvarint(dst, uint64(len(holders)))
	} else {
		dst = append(dst, 0)
	}
	for i := range holders {
		h := &holders[i]
		if h.kind == patientKind {
			dst = append(dst, h.owner.key[:]...)
		}
		dst = binary.AppendUvarint(dst, uint64(h.version))
		mem.aad = s.wrapAAD(mem.aad[:0], h.owner, h.version, mem.thing)
		dst = box.Seal(dst, &h.ownerKey.key, wrapInfo, mem.aad, key[:])
	}
	return dst
}

// headSize is room enough for appendHead and the commitment after it.
func headSize(holders int) int {
	return 1 + binary.MaxVarintLen16 + holders*(16+binary.MaxVarintLen32+wrappedKey) + box.CommitmentSize
}

// parseHead returns the wraps and how many bytes they took.
func parseHead(sealed []byte, fallback owner) ([]wrap, int, error) {
	r := reader{b: sealed}
	r.format()
	n := r.uvarint()
	if r.bad || n > maxSubjects {
		return nil, 0, r.refused()
	}
	if n == 0 {
		w := wrap{owner: fallback, version: r.version(), sealed: r.take(wrappedKey)}
		if r.bad {
			return nil, 0, ErrForged
		}
		return []wrap{w}, len(sealed) - len(r.b), nil
	}
	if n*wrappedKey > uint64(len(r.b)) {
		return nil, 0, ErrForged
	}
	wraps := make([]wrap, n)
	for i := range wraps {
		id := r.take(16)
		wraps[i] = wrap{version: r.version(), sealed: r.take(wrappedKey)}
		if r.bad {
			return nil, 0, ErrForged
		}
		wraps[i].owner = patient(record.Key(id))
		if i > 0 && slices.Compare(wraps[i-1].owner.key[:], id) >= 0 {
			return nil, 0, ErrForged
		}
	}
	return wraps, len(sealed) - len(r.b), nil
}

// unwrap returns the content key by the first wrap that opens: those whose key
// is at hand first, then the others after one read of the store. It says whose
// wrap it was.
func (s *Sealer) unwrap(ctx context.Context, wraps []wrap, mem *scratch) (box.Key, owner, error) {
	now := s.clock.Now()
	failure := ErrNoKey
	var cold []int
	for i := range wraps {
		key, ok := s.cache.at(wraps[i].owner, wraps[i].version, now)
		if !ok {
			cold = append(cold, i)
			continue
		}
		if content, ok := s.tryWrap(&wraps[i], &key, mem); ok {
			return content, wraps[i].owner, nil
		}
		failure = ErrForged
	}
	if cold == nil {
		return box.Key{}, owner{}, failure
	}
	owners := make([]owner, len(cold))
	for i, at := range cold {
		owners[i] = wraps[at].owner
	}
	found, err := s.loadAny(ctx, owners)
	if err != nil {
		return box.Key{}, owner{}, err
	}
	for i, at := range cold {
		for j := range found[i] {
			if found[i][j].version != wraps[at].version {
				continue
			}
			if content, ok := s.tryWrap(&wraps[at], &found[i][j].key, mem); ok {
				return content, wraps[at].owner, nil
			}
			failure = ErrForged
		}
	}
	return box.Key{}, owner{}, failure
}

// loadAny is load for opening: a damaged cell is as good as none as long as
// another one opens, and keys not committed yet count.
func (s *Sealer) loadAny(ctx context.Context, owners []owner) ([][]ownerKey, error) {
	found, err := s.load(ctx, owners)
	if err != nil && (errors.Is(err, errCells) || errors.Is(err, ErrClosed) || len(owners) == 1) {
		return nil, err
	}
	if err != nil {
		found = make([][]ownerKey, len(owners))
		for i := range owners {
			one, err := s.load(ctx, owners[i:i+1])
			if errors.Is(err, errCells) {
				return nil, err
			} else if err == nil {
				found[i] = one[0]
			}
		}
	}
	for i, o := range owners {
		if found[i] == nil {
			if h, ok := s.pending.get(o); ok {
				found[i] = []ownerKey{h.ownerKey}
			}
		}
	}
	return found, nil
}

func (s *Sealer) tryWrap(w *wrap, key *box.Key, mem *scratch) (content box.Key, ok bool) {
	mem.aad = s.wrapAAD(mem.aad[:0], w.owner, w.version, mem.thing)
	_, err := box.Open(content[:0], key, wrapInfo, mem.aad, w.sealed)
	clear(key[:])
	return content, err == nil
}

func (s *Sealer) wrapAAD(dst []byte, o owner, version uint32, thing []byte) []byte {
	aad := s.context(dst, useWrap)
	aad = append(aad, o.kind)
	aad = append(aad, o.key[:]...)
	aad = appendSized(aad, o.name)
	aad = binary.BigEndian.AppendUint32(aad, version)
	return append(aad, thing...)
}
