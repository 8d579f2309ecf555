// Package service makes a keyring of a key service that wraps and unwraps. What signs
// checkpoints is a key of our own, wrapped by the service in a file: not every service
// signs by Ed25519, and the key must stay the same when the service is another one.
package service

import (
	"bytes"
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
	*kms.Signer
	path string // of the signing key
}

var _ kms.Resigning = (*Keyring)(nil)

// ErrMalformed holds no path: the caller knows it.
var ErrMalformed = errors.New("the file is not one of a signing key that this release knows")

// The file is one line: magic, ID of what wrapped the seed, the wrapped seed; while the
// key is being replaced, that of the next one follows it before both are wrapped. The
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
	defer clear(seed)
	var next []byte
	if len(seed) > ed25519.SeedSize {
		next = seed[ed25519.SeedSize:]
	}
	return &Keyring{w, kms.NewSigner(seed[:ed25519.SeedSize], next), path}, nil
}

// OpenOrCreate makes the signing key, if there is none. Two processes that start at
// once end with the same one.
func OpenOrCreate(ctx context.Context, w Wrapper, path string) (*Keyring, error) {
	k, err := Open(ctx, w, path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	seed := make([]byte, ed25519.SeedSize)
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

// BeginSigning draws the key that is to sign next, unless there is one.
func (k *Keyring) BeginSigning() error { return k.Draw(k.keep) }

// FinishSigning destroys the key that signed before.
func (k *Keyring) FinishSigning() error { return k.Advance(k.keep) }

func (k *Keyring) keep(now, next []byte) error {
	text, err := format(context.Background(), k.Wrapper, append(bytes.Clone(now), next...))
	if err == nil {
		err = wholefile.Exchange(k.path, text, 0o600, maxBytes)
	}
	if errors.Is(err, fs.ErrNotExist) { // on the way from a file to a service
		err = wholefile.Replace(k.path, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("service.keep: %w", err)
	}
	return nil
}

// format overwrites the seed once it is wrapped.
func format(ctx context.Context, w Wrapper, seed []byte) ([]byte, error) {
	defer clear(seed)
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
	if err == nil && len(seed) != ed25519.SeedSize && len(seed) != 2*ed25519.SeedSize {
		return nil, ErrMalformed
	}
	return seed, err
}
