// Package kmstest is the conformance suite of keyrings, and a fake of the protocol of
// the AWS key service to run it on.
package kmstest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/wardkeep/wardkeep/internal/kms"
)

// Open opens a keyring. Opened again with the same name it is the same one.
type Open func(t *testing.T, name string) kms.Keyring

// Run holds keyrings to the contract of kms.
func Run(t *testing.T, open Open) {
	t.Run("wraps", func(t *testing.T) { wraps(t, open) })
	t.Run("refuses", func(t *testing.T) { refuses(t, open) })
	t.Run("sizes", func(t *testing.T) { sizes(t, open(t, "one")) })
	t.Run("at once", func(t *testing.T) { atOnce(t, open(t, "one")) })
	t.Run("signs", func(t *testing.T) { signs(t, open) })
	t.Run("cancelled", func(t *testing.T) { cancelled(t, open(t, "one")) })
}

func wraps(t *testing.T, open Open) {
	k := open(t, "one")
	key := bytes.Repeat([]byte{7}, 32)
	first, second := mustWrap(t, k, "north/data/1", key), mustWrap(t, k, "north/data/1", key)
	if bytes.Equal(first, second) {
		t.Error("wrapped twice it is the same: one sees that two keys are equal")
	}
	again := open(t, "one")
	if again.ID() != k.ID() || k.ID() == "" {
		t.Errorf("opened again its name is %q, was %q", again.ID(), k.ID())
	}
	for name, wrapped := range map[string][]byte{"first": first, "second": second} {
		if bytes.Contains(wrapped, key) {
			t.Errorf("%s: the key lies bare in it", name)
		}
		if got, err := again.Unwrap(t.Context(), "north/data/1", wrapped); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%s: opened again it does not unwrap: %v", name, err)
		}
	}
}

func refuses(t *testing.T, open Open) {
	k, other := open(t, "one"), open(t, "another")
	if k.ID() == other.ID() {
		t.Error("another root has the same name")
	}
	wrapped := mustWrap(t, k, "north/data/1", []byte("a key"))
	for about, w := range map[string][]byte{
		"north/data/2": wrapped, "south/data/1": wrapped, "north/data/1 ": wrapped, "": wrapped,
		"north/data/1": nil, "wardkeep/signing/1": wrapped,
	} {
		refused(t, fmt.Sprintf("about %q", about), k, about, w)
	}
	refused(t, "another root", other, "north/data/1", wrapped)
	refused(t, "cut", k, "north/data/1", wrapped[:len(wrapped)-1])
	refused(t, "longer", k, "north/data/1", append(bytes.Clone(wrapped), 0))
	refused(t, "much longer", k, "north/data/1", make([]byte, 1<<20))
	for i := range wrapped {
		altered := bytes.Clone(wrapped)
		altered[i] ^= 1
		refused(t, fmt.Sprintf("byte %d altered", i), k, "north/data/1", altered)
	}
	if _, err := k.Unwrap(t.Context(), "north/data/1", wrapped); err != nil {
		t.Error("what was not altered is refused, too:", err)
	}
}

func refused(t *testing.T, name string, k kms.Keyring, about string, wrapped []byte) {
	t.Helper()
	if _, err := k.Unwrap(t.Context(), about, wrapped); !errors.Is(err, kms.ErrRefused) {
		t.Errorf("%s: %v", name, err)
	}
}

func sizes(t *testing.T, k kms.Keyring) {
	for _, n := range []int{1, 16, 32, 63, 64} {
		key := bytes.Repeat([]byte{byte(n)}, n)
		if got, err := k.Unwrap(t.Context(), "x", mustWrap(t, k, "x", key)); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for _, n := range []int{0, 65, 5000} {
		if _, err := k.Wrap(t.Context(), "x", make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes is taken", n)
		}
	}
}

func atOnce(t *testing.T, k kms.Keyring) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			about, key := fmt.Sprint("tenant", i), []byte{byte(i), 1}
			wrapped, err := k.Wrap(t.Context(), about, key)
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := k.Unwrap(t.Context(), about, wrapped); err != nil || !bytes.Equal(got, key) {
				t.Error(i, err)
			}
			if sig, err := k.Sign(t.Context(), key); err != nil || !ed25519.Verify(k.Public(), key, sig) {
				t.Error(i, err)
			}
		})
	}
	wg.Wait()
}

func signs(t *testing.T, open Open) {
	k, again, other := open(t, "one"), open(t, "one"), open(t, "another")
	message := []byte("checkpoint")
	sig, err := k.Sign(t.Context(), message)
	if err != nil || !ed25519.Verify(k.Public(), message, sig) || !ed25519.Verify(again.Public(), message, sig) {
		t.Error("does not verify", err)
	}
	if ed25519.Verify(k.Public(), []byte("checkpoint!"), sig) || ed25519.Verify(other.Public(), message, sig) {
		t.Error("verifies what was not signed")
	}
	clear(k.Public())
	if !bytes.Equal(k.Public(), again.Public()) {
		t.Error("a caller has changed the public key")
	}
}

func cancelled(t *testing.T, k kms.Keyring) {
	wrapped := mustWrap(t, k, "x", []byte{1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err1 := k.Wrap(ctx, "x", []byte{1})
	_, err2 := k.Unwrap(ctx, "x", wrapped)
	_, err3 := k.Sign(ctx, nil)
	for i, err := range []error{err1, err2, err3} {
		if !errors.Is(err, context.Canceled) {
			t.Error(i, err)
		}
	}
}

func mustWrap(t *testing.T, k kms.Keyring, about string, key []byte) []byte {
	t.Helper()
	wrapped, err := k.Wrap(t.Context(), about, key)
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}
