package verify

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is what a tree was at one time (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   tlog.Hash
}

// Problems with a checkpoint, which callers tell apart.
var (
	ErrCheckpoint = errors.New("not a checkpoint")
	ErrSignature  = errors.New("the checkpoint is not signed by this key")
)

// Text returns the note text that is signed.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] == "" || lines[3] != "" {
		return Checkpoint{}, ErrCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, ErrCheckpoint
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil || root.String() != lines[2] {
		return Checkpoint{}, ErrCheckpoint
	}
	return Checkpoint{Origin: lines[0], Size: uint64(size), Root: root}, nil
}

// Follows returns an error if c contradicts an older checkpoint on its face:
// that one tree contains the other can only be shown with the tree's hashes.
func (c Checkpoint) Follows(old Checkpoint) error {
	switch {
	case c.Origin != old.Origin:
		return errors.New("the checkpoints are of different trees")
	case c.Size < old.Size:
		return fmt.Errorf("rollback: the checkpoint is older than the other one: size %s < %s", number(c.Size), number(old.Size))
	case c.Size == old.Size && c.Root != old.Root:
		return fmt.Errorf("fork: two checkpoints of size %s have different roots", number(c.Size))
	}
	return nil
}

// OpenCheckpoint verifies a signed checkpoint. The key's name is the origin.
func OpenCheckpoint(signed []byte, key ed25519.PublicKey) (Checkpoint, error) {
	origin, _, _ := bytes.Cut(signed, []byte("\n"))
	verifier, err := NewVerifier(string(origin), key)
	if err != nil {
		return Checkpoint{}, ErrCheckpoint
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		var unverified *note.UnverifiedNoteError
		var invalid *note.InvalidSignatureError
		if errors.As(err, &unverified) || errors.As(err, &invalid) {
			return Checkpoint{}, ErrSignature
		}
		return Checkpoint{}, ErrCheckpoint
	}
	return parseCheckpoint(n.Text)
}

// NewVerifier returns the note verifier of a key under an origin.
func NewVerifier(origin string, key ed25519.PublicKey) (note.Verifier, error) {
	text, err := note.NewEd25519VerifierKey(origin, key)
	if err != nil {
		return nil, fmt.Errorf("verify.NewVerifier: %w", err)
	}
	v, err := note.NewVerifier(text)
	if err != nil {
		return nil, fmt.Errorf("verify.NewVerifier: %w", err)
	}
	return v, nil
}

var errKey = errors.New("not an Ed25519 public key: give PEM, 32 bytes in base64 or hex, or a note verifier key")

// ParsePublicKey reads an Ed25519 public key as PEM, as 32 bytes in base64 or
// hex, or as a note verifier key (name+hash+key), whose name does not count.
func ParsePublicKey(text string) (ed25519.PublicKey, error) {
	text = strings.TrimSpace(text)
	if block, _ := pem.Decode([]byte(text)); block != nil {
		any, err := x509.ParsePKIXPublicKey(block.Bytes)
		if key, ok := any.(ed25519.PublicKey); err == nil && ok {
			return key, nil
		}
		return nil, errKey
	}
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == ed25519.PublicKeySize {
		return raw, nil
	}
	if parts := strings.SplitN(text, "+", 3); len(parts) == 3 && len(parts[1]) == 8 {
		raw, err := base64.StdEncoding.DecodeString(parts[2])
		if err == nil && len(raw) == 1+ed25519.PublicKeySize && raw[0] == 1 {
			return raw[1:], nil
		}
	}
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil && len(raw) == ed25519.PublicKeySize {
		return raw, nil
	}
	return nil, errKey
}
