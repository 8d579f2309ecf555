package record

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// Digests name what a version holds without telling anything about it. An audit
// entry carries both, so that a verifier can tell a row from every other one.
type Digests struct {
	Content [32]byte // class, tombstone flag, sealed body and sealed card
	Index   [32]byte // tokens and edges, as sets
}

// Digest returns the digests of a version about to be committed.
func Digest(p *Put) Digests {
	return Digests{
		Content: ContentDigest(p.Class, p.Deleted, p.Body, p.Card),
		Index:   IndexDigest(p.Tokens, p.Edges),
	}
}

// ContentDigest covers what a Row gives back. Key and version are left out on
// purpose: an audit entry names them beside the digest, and a verifier can thus
// say that a row holds the content of another one.
func ContentDigest(class Token, deleted bool, body, card []byte) [32]byte {
	var head [len(contentDomain) + 25]byte
	n := copy(head[:], contentDomain)
	binary.BigEndian.PutUint64(head[n:], uint64(class))
	if deleted {
		head[n+8] = 1
	}
	binary.BigEndian.PutUint64(head[n+9:], uint64(len(body)))
	binary.BigEndian.PutUint64(head[n+17:], uint64(len(card)))
	h := sha256.New()
	h.Write(head[:])
	h.Write(body)
	h.Write(card)
	return [32]byte(h.Sum(nil))
}

// IndexDigest covers what an engine does not give back. Order and repetition do
// not count, because an index forgets both.
func IndexDigest(tokens []Token, edges []Edge) [32]byte {
	tokens = slices.Clone(tokens)
	slices.Sort(tokens)
	tokens = slices.Compact(tokens)
	edges = slices.Clone(edges)
	slices.SortFunc(edges, func(a, b Edge) int {
		if c := cmp.Compare(a.Rel, b.Rel); c != 0 {
			return c
		}
		return slices.Compare(a.To[:], b.To[:])
	})
	edges = slices.Compact(edges)

	buf := make([]byte, 0, len(indexDomain)+16+8*len(tokens)+24*len(edges))
	buf = append(buf, indexDomain...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(len(tokens)))
	buf = binary.BigEndian.AppendUint64(buf, uint64(len(edges)))
	for _, t := range tokens {
		buf = binary.BigEndian.AppendUint64(buf, uint64(t))
	}
	for _, e := range edges {
		buf = binary.BigEndian.AppendUint64(buf, uint64(e.Rel))
		buf = append(buf, e.To[:]...)
	}
	return sha256.Sum256(buf)
}

const (
	contentDomain = "wardkeep row content 1\x00"
	indexDomain   = "wardkeep row index 1\x00"
)
