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
	"sync"

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

// Keyring is a kms.Keyring on root keys in memory: one, or while the root is being
// replaced the new one and the old one.
type Keyring struct {
	*kms.Signer
	path string // of the file it came from

	mu    sync.RWMutex
	roots []root // newest first
}

type root struct {
	key box.Key
	id  string
}

var _ kms.Resigning = (*Keyring)(nil)

// New returns the keyring of a root key. Tests use it; everybody else opens a
// file.
func New(key [32]byte) *Keyring { return newKeyring(content{roots: []box.Key{key}}) }

func newKeyring(c content) *Keyring {
	seed := c.seed
	if seed == nil {
		seed = derive(c.roots[len(c.roots)-1], signLabel, ed25519.SeedSize)
	}
	k := &Keyring{Signer: kms.NewSigner(seed, c.next)}
	for _, key := range c.roots {
		k.roots = append(k.roots, newRoot(key))
	}
	return k
}

func newRoot(key box.Key) root {
	return root{key: key, id: "local-development/" + hex.EncodeToString(derive(key, idLabel, 8))}
}

// ID names the root key; it is derived from it and tells nothing about it.
func (k *Keyring) ID() string { return k.all()[0].id }

func (k *Keyring) all() []root {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.roots
}

// Wrap encrypts a key for the given context.
func (k *Keyring) Wrap(ctx context.Context, about string, key []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("local.Wrap: %w", err)
	}
	if len(key) == 0 || len(key) > maxKey {
		return nil, fmt.Errorf("local.Wrap: %w", errLength)
	}
	return box.Seal(nil, &k.all()[0].key, wrapInfo, []byte(about), key), nil
}

// Unwrap returns the key, or kms.ErrRefused.
func (k *Keyring) Unwrap(ctx context.Context, about string, wrapped []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("local.Unwrap: %w", err)
	}
	for _, r := range k.all() {
		key, err := box.Open(nil, &r.key, wrapInfo, []byte(about), wrapped)
		if err == nil && len(key) > 0 && len(key) <= maxKey {
			return key, nil
		}
	}
	return nil, fmt.Errorf("local.Unwrap: %w", kms.ErrRefused)
}

// derive takes a key from the root, which is uniformly random.
func derive(root box.Key, label string, n int) []byte {
	out, err := hkdf.Expand(sha256.New, root[:], label, n)
	if err != nil {
		panic("local: HKDF refused fixed parameters: " + err.Error())
	}
	return out
}
