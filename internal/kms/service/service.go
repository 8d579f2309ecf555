// Package service makes a keyring of a key service that wraps and unwraps. What signs
// checkpoints is a key of our own, wrapped by the service in a file: not every service
// signs by Ed25519, and the key must stay the same when the service is another one.
package service

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// Wrapper is what a service does of a kms.Keyring.
type Wrapper interface {
	ID() string
	Wrap(ctx context.Context, about string, key []byte) ([]byte, error)
	Unwrap(ctx context.Context, about string, wrapped []byte) ([]byte, error)
}

// Keyring is a kms.Keyring on a service.
type Keyring struct {
	Wrapper
	sign ed25519.PrivateKey
}

var _ kms.Keyring = (*Keyring)(nil)

// ErrMalformed holds no path: the caller knows it.
var ErrMalformed = errors.New("the file is not one of a signing key that this release knows")

// The file is one line: magic, ID of what wrapped the seed, the wrapped seed. The
// context is part of the stored format.
const (
	magic    = "wardkeep-signing-key-v1"
	about    = "wardkeep/signing/1"
	maxBytes = 16 << 10
)

// Open unwraps the signing key.
func Open(ctx context.Context, w Wrapper, path string) (*Keyring, error) {
	seed, err := load(ctx, w, path)
	if err != nil {
		return nil, fmt.Errorf("service.Open: %w", err)
	}
	return withSeed(w, seed), nil
}

// OpenOrCreate makes the signing key, if there is none. Two processes that start at
// once end with the same one.
func OpenOrCreate(ctx context.Context, w Wrapper, path string) (*Keyring, error) {
	k, err := Open(ctx, w, path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	seed := make([]byte, ed25519.SeedSize)
	defer clear(seed)
	rand.Read(seed)
	text, err := format(ctx, w, seed)
	if err == nil {
		err = wholefile.Create(path, text)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("service.OpenOrCreate: %w", err)
	}
	return Open(ctx, w, path)
}

// Sign returns an Ed25519 signature of the message.
func (k *Keyring) Sign(ctx context.Context, message []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("service.Sign: %w", err)
	}
	return ed25519.Sign(k.sign, message), nil
}

// Public returns the key that verifies Sign.
func (k *Keyring) Public() ed25519.PublicKey {
	return append(ed25519.PublicKey(nil), k.sign.Public().(ed25519.PublicKey)...)
}

// withSeed overwrites the seed once it has its key.
func withSeed(w Wrapper, seed []byte) *Keyring {
	defer clear(seed)
	return &Keyring{Wrapper: w, sign: ed25519.NewKeyFromSeed(seed)}
}

func format(ctx context.Context, w Wrapper, seed []byte) ([]byte, error) {
	wrapped, err := w.Wrap(ctx, about, seed)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s %s %s\n", magic, w.ID(), base64.StdEncoding.EncodeToString(wrapped)), nil
}

func load(ctx context.Context, w Wrapper, path string) ([]byte, error) {
	text, err := wholefile.ReadSecret(path, maxBytes)
	if errors.Is(err, wholefile.ErrKind) {
		err = ErrMalformed
	}
	if err != nil {
		return nil, fmt.Errorf("the signing key: %w", err)
	}
	fields := strings.Fields(string(text))
	if len(fields) != 3 || fields[0] != magic {
		return nil, ErrMalformed
	}
	wrapped, err := base64.StdEncoding.Strict().DecodeString(fields[2])
	if err != nil {
		return nil, ErrMalformed
	}
	seed, err := w.Unwrap(ctx, about, wrapped)
	if err == nil && len(seed) != ed25519.SeedSize {
		return nil, ErrMalformed
	}
	return seed, err
}
