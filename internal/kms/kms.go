// Package kms is the contract of whatever keeps the root key: a cloud's key
// service, an HSM, or, to try things out, a file (package kms/local).
package kms

import (
	"context"
	"crypto/ed25519"
	"errors"
)

// ErrRefused means that the service answered, and that the wrapped key is not
// its own, was made for another context, or has been destroyed.
var ErrRefused = errors.New("the key service refuses this key")

// Keyring wraps the few keys at the top of the hierarchy and signs checkpoints.
// The root key never leaves it. All methods are safe for concurrent use.
type Keyring interface {
	// ID names the root key and the service; it is written beside everything
	// wrapped, and holds no secret.
	ID() string

	// Wrap encrypts a key of at most 64 bytes. about is authenticated and must
	// be given again to unwrap: a key made for one purpose or tenant MUST NOT
	// unwrap as another's.
	Wrap(ctx context.Context, about string, key []byte) ([]byte, error)

	// Unwrap returns the key, or ErrRefused.
	Unwrap(ctx context.Context, about string, wrapped []byte) ([]byte, error)

	// Sign returns an Ed25519 signature (RFC 8032) of the message.
	Sign(ctx context.Context, message []byte) ([]byte, error)

	// Public returns the key that verifies Sign.
	Public() ed25519.PublicKey
}
