// Package local keeps the root key in a file. It is for trying things out, for
// tests and for development: whoever can read the file can read every record,
// and a copy of the disk is a copy of the hospital. Production uses a key
// service or an HSM.
package local

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// maxKey is the longest key that may be wrapped, by the contract of kms.
const maxKey = 64

// wrapInfo and the labels below separate the uses of the one root key. They
// are part of the stored format.
const (
	wrapInfo  = "kms/local/wrap"
	signLabel = "wardkeep/kms/local/sign/1"
	idLabel   = "wardkeep/kms/local/id/1"
)

// Grade is what start-up messages and the compliance scanner call this keyring.
const Grade = "DEVELOPMENT ONLY: the root key lies in a file"

// errLength is our own defect, not an answer of the service.
var errLength = errors.New("a key to wrap is 1 to 64 bytes long")

// Keyring is a kms.Keyring on a root key in memory.
type Keyring struct {
	root box.Key
	sign ed25519.PrivateKey
	id   string
}

var _ kms.Keyring = (*Keyring)(nil)

// New returns the keyring of a root key. Tests use it; everybody else opens a
// file.
func New(root [32]byte) *Keyring {
	seed := derive(root, signLabel, ed25519.SeedSize)
	defer clear(seed)
	return &Keyring{
		root: root,
		sign: ed25519.NewKeyFromSeed(seed),
		id:   "local-development/" + hex.EncodeToString(derive(root, idLabel, 8)),
	}
}

// ID names the root key; it is derived from it and tells nothing about it.
func (k *Keyring) ID() string { return k.id }

// Wrap encrypts a key for the given context.
func (k *Keyring) Wrap(ctx context.Context, about string, key []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("local.Wrap: %w", err)
	}
	if len(key) == 0 || len(key) > maxKey {
		return nil, fmt.Errorf("local.Wrap: %w", errLength)
	}
	return box.Seal(nil, &k.root, wrapInfo, []byte(about), key), nil
}

// Unwrap returns the key, or kms.ErrRefused.
func (k *Keyring) Unwrap(ctx context.Context, about string, wrapped []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("local.Unwrap: %w", err)
	}
	key, err := box.Open(nil, &k.root, wrapInfo, []byte(about), wrapped)
	if err != nil || len(key) == 0 || len(key) > maxKey {
		return nil, fmt.Errorf("local.Unwrap: %w", kms.ErrRefused)
	}
	return key, nil
}

// Sign returns an Ed25519 signature of the message.
func (k *Keyring) Sign(ctx context.Context, message []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("local.Sign: %w", err)
	}
	return ed25519.Sign(k.sign, message), nil
}

// Public returns the key that verifies Sign.
func (k *Keyring) Public() ed25519.PublicKey {
	return append(ed25519.PublicKey(nil), k.sign.Public().(ed25519.PublicKey)...)
}

// derive takes a key from the root, which is uniformly random.
func derive(root [32]byte, label string, n int) []byte {
	out, err := hkdf.Expand(sha256.New, root[:], label, n)
	if err != nil {
		panic("local: HKDF refused fixed parameters: " + err.Error())
	}
	return out
}
