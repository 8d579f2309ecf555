package kms

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"sync"
)

// Resigning is a keyring whose key that signs can be replaced. It keeps both until the
// log has handed over from one to the next (audit.Log.HandOver).
type Resigning interface {
	Keyring
	// BeginSigning draws a next key and keeps it, unless there is one.
	BeginSigning() error
	// Next is the key that is to sign, nil if there is none.
	Next() ed25519.PublicKey
	// SignNext signs by it.
	SignNext(ctx context.Context, message []byte) ([]byte, error)
	// FinishSigning has the next key sign from now on and destroys the one before. The
	// caller MUST have seen that the hand-over is durable.
	FinishSigning() error
}

// Signer is the half of a keyring that signs, for those who keep its seeds themselves.
type Signer struct {
	mu        sync.RWMutex
	now, next ed25519.PrivateKey
}

// KeepSeeds writes the seed of the key that signs, and that of the next one or nil, to
// where they are kept, in the place of those before.
type KeepSeeds func(now, next []byte) error

// NewSigner overwrites the seeds once it has their keys. next may be nil.
func NewSigner(now, next []byte) *Signer {
	s := &Signer{now: ed25519.NewKeyFromSeed(now)}
	if next != nil {
		s.next = ed25519.NewKeyFromSeed(next)
	}
	clear(now)
	clear(next)
	return s
}

// Sign returns an Ed25519 signature of the message.
func (s *Signer) Sign(ctx context.Context, message []byte) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return sign(ctx, s.now, message)
}

// SignNext signs by the next key.
func (s *Signer) SignNext(ctx context.Context, message []byte) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return sign(ctx, s.next, message)
}

func sign(ctx context.Context, key ed25519.PrivateKey, message []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("kms.Sign: %w", err)
	}
	if key == nil {
		return nil, fmt.Errorf("kms.Sign: %w", ErrRefused)
	}
	return ed25519.Sign(key, message), nil
}

// Public returns the key that verifies Sign.
func (s *Signer) Public() ed25519.PublicKey {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return public(s.now)
}

// Next returns the key that verifies SignNext, nil if there is none.
func (s *Signer) Next() ed25519.PublicKey {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return public(s.next)
}

func public(key ed25519.PrivateKey) ed25519.PublicKey {
	if key == nil {
		return nil
	}
	return append(ed25519.PublicKey(nil), key.Public().(ed25519.PublicKey)...)
}

// Seeds are what NewSigner makes the same signer of. The caller overwrites them.
func (s *Signer) Seeds() (now, next []byte) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.next != nil {
		next = s.next.Seed()
	}
	return s.now.Seed(), next
}

// Draw draws a next key, unless there is one.
func (s *Signer) Draw(keep KeepSeeds) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		return nil
	}
	now, next := s.now.Seed(), make([]byte, ed25519.SeedSize)
	defer clear(now)
	defer clear(next)
	rand.Read(next)
	if err := keep(now, next); err != nil {
		return err
	}
	s.next = ed25519.NewKeyFromSeed(next)
	return nil
}

// Advance has the next key sign and forgets the one before.
func (s *Signer) Advance(keep KeepSeeds) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		return nil
	}
	next := s.next.Seed()
	defer clear(next)
	if err := keep(next, nil); err != nil {
		return err
	}
	clear(s.now)
	s.now, s.next = s.next, nil
	return nil
}
