package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/kms"
	"github.com/wardkeep/wardkeep/internal/wholefile"
)

// Root is a keyring below which everything can be wrapped anew (rekey.Root): by the
// service's key of today, or by another service's than did so before.
type Root struct {
	*Keyring // wraps by the newest; unwraps by the one before, too
	newest   Wrapper
	fate     string
	end      func() error // of a root before that lies here; nil: there is none
}

const (
	destroyed = "the root before is destroyed"
	elsewhere = "the root before is its service's to destroy"
)

// NewRoot is the root of a service that stays the same.
func NewRoot(k *Keyring) *Root {
	return &Root{Keyring: k, newest: k.Wrapper, fate: elsewhere}
}

// Local is a root in a file, from which one can move.
type Local interface {
	Wrapper
	Seeds() (now, next []byte)
	Destroy() error
}

// MoveFromLocal begins with the root of a file and ends with a service's, and without
// the file. What signs stays.
func MoveFromLocal(to Wrapper, from Local, path string) *Root {
	k := &Keyring{both{to, from}, kms.NewSigner(from.Seeds()), path}
	return &Root{Keyring: k, newest: to, fate: destroyed, end: from.Destroy}
}

// Move begins with one service's root and ends with another's. The one before is not
// destroyed: that is its service's to do.
func Move(ctx context.Context, to, from Wrapper, path string) (*Root, error) {
	k, err := Open(ctx, both{to, from}, path)
	if err != nil {
		return nil, err
	}
	return &Root{Keyring: k, newest: to, fate: elsewhere}, nil
}

// Rotating reports whether an old root is kept here.
func (r *Root) Rotating() bool { return r.end != nil }

// Begin has the signing key wrapped by the newest.
func (r *Root) Begin() error {
	now, next := r.Seeds()
	defer clear(now)
	defer clear(next)
	text, err := format(context.Background(), r.newest, append(bytes.Clone(now), next...))
	if err == nil {
		err = wholefile.Replace(r.path, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("service.Begin: %w", err)
	}
	return nil
}

// Newest is a keyring of the newest root alone.
func (r *Root) Newest() kms.Keyring { return &Keyring{r.newest, r.Signer, r.path} }

var errSigning = errors.New("the signing key does not open by the new root")

// Finish destroys the root before, if it lies here.
func (r *Root) Finish() error {
	alone, err := Open(context.Background(), r.newest, r.path)
	if err == nil && !bytes.Equal(alone.Public(), r.Public()) {
		err = errSigning
	}
	if err == nil && r.end != nil {
		err = r.end()
	}
	if err != nil {
		return fmt.Errorf("service.Finish: %w", err)
	}
	r.end = nil
	return nil
}

// Fate says what becomes of the root before.
func (r *Root) Fate() string { return r.fate }

// both wraps by the newest and unwraps by either.
type both struct{ newest, before Wrapper }

func (b both) ID() string { return b.newest.ID() }

func (b both) Wrap(ctx context.Context, about string, key []byte) ([]byte, error) {
	return b.newest.Wrap(ctx, about, key)
}

// Unwrap asks the one before after any failure: some services say of a key that is not
// theirs that one may not use it.
func (b both) Unwrap(ctx context.Context, about string, wrapped []byte) ([]byte, error) {
	key, err := b.newest.Unwrap(ctx, about, wrapped)
	if err == nil {
		return key, nil
	}
	key, errBefore := b.before.Unwrap(ctx, about, wrapped)
	if errBefore != nil && !errors.Is(err, kms.ErrRefused) {
		return nil, err
	}
	return key, errBefore
}
