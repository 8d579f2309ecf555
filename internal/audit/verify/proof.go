package verify

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Proof shows, to anybody with the public key, that an entry is in the log.
type Proof struct {
	Format     string           `json:"format"`
	Index      uint64           `json:"index"`
	Entry      []byte           `json:"entry"`      // base64
	Inclusion  tlog.RecordProof `json:"inclusion"`  // RFC 6962, section 2.1.1
	Checkpoint string           `json:"checkpoint"` // signed note

	// HandOvers lead from the keys there were to the one that signed.
	HandOvers string `json:"handOvers,omitempty"`
}

// ProofFormat names the format of a Proof.
const ProofFormat = "wardkeep-audit-proof/1"

// Bounds of a proof that is read: a path in a tree of 2⁶³ leaves.
const (
	maxPath  = 63
	maxProof = 1 << 18
)

var (
	errProof    = errors.New("malformed proof")
	errNotProof = errors.New("the entry is not in the tree of the checkpoint")
)

// Prove makes a proof from a tree's tiles, none of which it believes.
func Prove(entry []byte, index uint64, c Checkpoint, signed []byte, tile func(level int, n uint64) ([]byte, error)) (*Proof, error) {
	hashes := Hashes(c.Size, c.Root, tile)
	path, err := tlog.ProveRecord(int64(c.Size), int64(index), hashes)
	if err != nil {
		return nil, fmt.Errorf("verify.Prove: %w", err)
	}
	if tlog.CheckRecord(path, int64(c.Size), c.Root, int64(index), LeafHash(entry)) != nil {
		return nil, fmt.Errorf("verify.Prove: %w", errNotProof)
	}
	return &Proof{Format: ProofFormat, Index: index, Entry: entry, Inclusion: path, Checkpoint: string(signed)}, nil
}

// ParseProof reads a proof's JSON.
func ParseProof(src []byte) (*Proof, error) {
	var p Proof
	if len(src) > maxProof || json.Unmarshal(src, &p) != nil || p.Format != ProofFormat || len(p.Inclusion) > maxPath {
		return nil, errProof
	}
	return &p, nil
}

// Check verifies the proof and returns what it proves.
func (p *Proof) Check(key ed25519.PublicKey) (*Entry, Checkpoint, error) {
	signers, err := Believe(key, []byte(p.HandOvers))
	if err != nil {
		return nil, Checkpoint{}, fmt.Errorf("verify.Check: %w", err)
	}
	c, err := signers.OpenCheckpoint([]byte(p.Checkpoint))
	if err != nil {
		return nil, Checkpoint{}, fmt.Errorf("verify.Check: %w", err)
	}
	e, err := ParseEntry(p.Entry)
	if err != nil {
		return nil, c, fmt.Errorf("verify.Check: %w", err)
	}
	if p.Index >= c.Size || tlog.CheckRecord(p.Inclusion, int64(c.Size), c.Root, int64(p.Index), LeafHash(p.Entry)) != nil {
		return nil, c, fmt.Errorf("verify.Check: %w", errNotProof)
	}
	return e, c, nil
}
