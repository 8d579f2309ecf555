package verify

import (
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
)

// Signers are the keys that are believed because one is known: those that it was
// handed over to, and those that it was handed over by, each for its time.
type Signers struct {
	keys  []ed25519.PublicKey // oldest first
	chain []HandOver          // the one at i is from key i to key i+1
	trees []string            // origins, oldest first, if known
}

// Believe follows the hand-overs from a key that is known, in both directions. They
// may come from whom nobody trusts. Those that do not lead to the key do not count.
func Believe(key ed25519.PublicKey, notes ...[]byte) (*Signers, error) {
	from, to := map[string][]HandOver{}, map[string][]HandOver{}
	known := map[string]bool{}
	for _, src := range notes {
		all, err := ParseHandOvers(src)
		if err != nil {
			return nil, err
		}
		for _, h := range all {
			if !known[h.Text()] {
				from[string(h.Old)], to[string(h.New)] = append(from[string(h.Old)], h), append(to[string(h.New)], h)
			}
			known[h.Text()] = true
		}
	}
	s := &Signers{keys: []ed25519.PublicKey{key}}
	for hs := to[string(key)]; len(hs) > 0; hs = to[string(s.keys[0])] {
		if len(hs) > 1 || s.Knows(hs[0].Old) {
			return nil, ErrBranch
		}
		s.keys, s.chain = slices.Insert(s.keys, 0, hs[0].Old), slices.Insert(s.chain, 0, hs[0])
	}
	for hs := from[string(key)]; len(hs) > 0; hs = from[string(s.Newest())] {
		if len(hs) > 1 || s.Knows(hs[0].New) {
			return nil, ErrBranch
		}
		s.keys, s.chain = append(s.keys, hs[0].New), append(s.chain, hs[0])
	}
	for _, h := range s.chain {
		if len(from[string(h.Old)]) > 1 || len(to[string(h.New)]) > 1 {
			return nil, ErrBranch
		}
	}
	return s, nil
}

// Knows reports whether a key is among them.
func (s *Signers) Knows(key ed25519.PublicKey) bool {
	return slices.ContainsFunc(s.keys, func(k ed25519.PublicKey) bool { return k.Equal(key) })
}

// Newest is the key that signs now.
func (s *Signers) Newest() ed25519.PublicKey { return s.keys[len(s.keys)-1] }

// HandOvers are those that lead from the oldest to the newest.
func (s *Signers) HandOvers() []HandOver { return s.chain }

// Notes are the hand-overs as they were signed, for Believe.
func (s *Signers) Notes() []byte {
	var notes []string
	for _, h := range s.chain {
		notes = append(notes, h.signed)
	}
	return []byte(strings.Join(notes, "\n"))
}

// InOrder returns them with the origins of the trees there are, oldest first: a
// replaced key is believed of trees before the one that it was replaced in.
func (s *Signers) InOrder(trees []string) *Signers {
	return &Signers{keys: s.keys, chain: s.chain, trees: trees}
}

// OpenCheckpoint verifies a checkpoint that one of the keys has signed in its time.
func (s *Signers) OpenCheckpoint(signed []byte) (Checkpoint, error) {
	for i := len(s.keys) - 1; i >= 0; i-- {
		c, err := OpenCheckpoint(signed, s.keys[i])
		if errors.Is(err, ErrSignature) {
			continue
		}
		if err == nil && i < len(s.chain) && !s.before(c, s.chain[i].At) {
			return Checkpoint{}, ErrRetired
		}
		return c, err
	}
	return Checkpoint{}, ErrSignature
}

// before reports whether c may have been signed before at was.
func (s *Signers) before(c, at Checkpoint) bool {
	if c.Origin == at.Origin {
		return c.Size < at.Size || c == at
	}
	tree := slices.Index(s.trees, c.Origin)
	return tree >= 0 && tree < slices.Index(s.trees, at.Origin)
}
